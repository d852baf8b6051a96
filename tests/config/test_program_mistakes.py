"""Every kind of mistake in the programs and the bottle of a loop: the right place, what is wrong, what to do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from controller.config.load import load_class
from controller.config.problems import Problems
from controller.config.program_words import PROGRAMS
from controller.stages.programs.kinds import KINDS

Break = Callable[[str, str, str], str]
CLASS = "classes/stirred-tank-2l.yaml"
FIRST = "      constant: {}\n"
BOTTLE = "bottle: {volume: 2 L, warn_at: 100 mL}"

MISTAKES = [
    (FIRST, "      «constnat: {}\n", "there is no program 'constnat'", "did you mean constant"),
    (FIRST, "      constant: «7\n", "a mapping is expected", ""),
    (FIRST, "      constant: {rate: «0 .. 400 mL/h}\n", "400 mL/h is outside what it can be, 0 .. 300 mL/h", ""),
    (FIRST, "      constant: {rate: «0 .. 4 Cel}\n", "rate: Cel does not fit", ""),
    (FIRST, "      constant: {rate: «0 .. 4}\n", "a unit is missing", ""),
    (
        FIRST,
        "      constant: {rate: «5}\n",
        "a range or the name of a tag is expected, this is a number",
        "0.02 .. 0.3",
    ),
    (FIRST, "      constant: {rate: «feed_total}\n", "rate: a range is expected, not a tag", ""),
    (FIRST, "      constant: {«raet: 0 .. 4 mL/h}\n", "'raet' is not known here", "did you mean rate?"),
    (FIRST, "      constant: {volume: «0 .. 2 L}\n", "volume: a tag is expected, not a range", ""),
    (FIRST, "      constant: {volume: «volum}\n", "no measurement or calculated tag 'volum'", "did you mean volume?"),
    (FIRST, "      constant: {volume: «do}\n", "volume: do is in %, which does not convert to L", "another tag"),
    (FIRST, "      constant: {volume: «ari.op}\n", "there is no loop 'ari'", "did you mean air?"),
    (FIRST, "      constant: {volume: «air.pv}\n", "is not a tag, or a loop's .sp or .op", ""),
    (FIRST, "      constant: {at_end: «0 .. 1 h}\n", "at_end has no range", "it is stop or hold"),
    ("      table: {}\n", "      table: {points: «0 .. 9 mL/h}\n", "points has no range", "a table"),
    ("growth_rate: 0.01 .. 0.30 1/h", "growth_rate: «0.01 .. 3 1/h", "3 1/h is outside what it can be, 0 .. 2 h-1", ""),
    (FIRST, FIRST + "      «by_glucose: {}\n", "reads the glucose, and there is no tag 'glucose'", "{glucose: my_tag}"),
    (FIRST, FIRST + "      by_glucose: {glucose: «ph}\n", "ph is in [pH], which does not convert to mmol/L or g/L", ""),
    ("      do_stat: {dose:", "      do_stat: {pv: «ph, dose:", "pv: ph is in [pH], which does not convert to %", ""),
    ("default: 0 mL/h, low: 0 mL/h, high: 300 mL/h, c", "default: 2 mL/h, low: «1 mL/h, high: 300 mL/h, c",
     "must go down to 0", "0 mL/h"),
    ("    pv: agitation_rate\n", "    pv: agitation_rate\n    programs: [table, «do_stat]\n", "leads a flow", "table"),
    ("    pv: agitation_rate\n", "    pv: agitation_rate\n    programs: [«tabel]\n", "no program 'tabel'", "table?"),
    (
        "    pv: agitation_rate\n",
        "    pv: agitation_rate\n    programs: «[7]\n",
        "the name of a program is expected",
        "",
    ),
    ("    pv: agitation_rate\n", "    pv: agitation_rate\n    «bottle: {volume: 1 L}\n", "a bottle gives a flow", ""),
    (BOTTLE, "bottle: {volume: «2 kg}", "volume: kg does not fit", ""),
    (BOTTLE, "bottle: {volume: «0 L}", "volume: 0 L is too small", "more than 0 mL"),
    (BOTTLE, "bottle: {volume: 2 L, warn_at: «3 L}", "warn_at: 3 L is not between nothing and the volume, 2 L", ""),
    (BOTTLE, "bottle: {volume: 2 L, warn_at: «-5 mL}", "warn_at: -5 mL is not between nothing and the volume, 2 L", ""),
    (BOTTLE, "bottle: {volume: 2 L, weight: «wieght, density: 1 g/mL}", "calculated tag 'wieght'", "weight?"),
    (BOTTLE, "bottle: {volume: 2 L, weight: «ph, density: 1 g/mL}", "ph is in [pH], which is no mass", "balance"),
    (BOTTLE, "bottle: «{volume: 2 L, weight: weight}", "needs the density of what is in it", "density: 1.0 g/mL"),
    (BOTTLE, "bottle: «{volume: 2 L, tare: 100 g}", "a tare needs the balance", "add weight:"),
    (BOTTLE, "bottle: {volume: 2 L, on_empty: «ignore}", "'ignore' is not known here", "stop"),
    (BOTTLE, "bottle: {«volum: 2 L}", "'volum' is not known here", "did you mean volume?"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "message", "hint"), MISTAKES)
def test_a_mistake_in_programs(configs: Path, spoil: Break, old: str, new: str, message: str, hint: str) -> None:
    place = spoil("class", old, new)
    with pytest.raises(Problems) as caught:
        load_class(configs / CLASS)
    first = str(caught.value.problems[0])
    assert message in first
    assert hint in first
    assert first.startswith(place)
    assert len(caught.value.problems) == 1


def test_a_list_of_names_and_an_empty_mapping_mean_the_same(configs: Path, spoil: Break) -> None:
    spoil("class", "      constant: {}\n      table: {}\n", "      constant:\n      table: {}\n")
    loop = load_class(configs / CLASS).config.loops["feed"]
    assert loop.type == "direct"
    assert loop.programs["constant"] == loop.programs["table"] == {}
    spoil("class", "    pv: agitation_rate\n", "    pv: agitation_rate\n    programs: [constant, table]\n")
    loop = load_class(configs / CLASS).config.loops["agitation"]
    assert loop.type == "direct"
    assert loop.programs == {"constant": {}, "table": {}}


def test_every_program_has_its_words_and_its_kind() -> None:
    assert list(PROGRAMS) == list(KINDS)
