"""The pages of feeds and perfusion against the programs: every parameter, its unit and its default, and no other."""

import pytest

from controller.config.program_class import Bottle
from controller.config.program_words import PROGRAMS
from controller.model.feed_alarms import FLAGS
from tests.docs.conftest import ROOT, code, inline, table

FEED = ROOT / "docs/reference/loops/feed.md"
PERFUSION = ROOT / "docs/reference/loops/perfusion.md"
SHARED = "What all programs share"
HEADINGS = {"do_stat": "do_stat and ph_stat", "ph_stat": "do_stat and ph_stat"}


def rows(page, heading):
    return {code(row[0])[0]: row for row in table(page, "Parameter", heading)}


@pytest.mark.parametrize("name", PROGRAMS)
def test_every_parameter_is_described_with_its_unit_and_default(name):
    page = PERFUSION if name in {"perfusion", "bleed"} else FEED
    own, shared = rows(page, HEADINGS.get(name, name)), rows(FEED, SHARED)
    words = {word.name: word for word in PROGRAMS[name].parameters}
    assert own.keys() | shared.keys() >= words.keys()
    assert own.keys() <= words.keys()
    for word in words.values():
        row = own.get(word.name) or shared[word.name]
        if word.default is not None:
            assert f"{word.default:g}" in code(row[2]), word.name
        elif word.choices:
            assert set(code(row[3]) + code(row[2])) >= set(word.choices), word.name
        else:
            assert row[2] in ({""} if word.needed and not word.points else {"", "none", "the setpoint's highest"})
        if "<" not in word.unit and not word.choices:
            assert word.unit in code(row[1]), word.name


@pytest.mark.parametrize("name", PROGRAMS)
def test_every_signal_is_named(name):
    text = inline(PERFUSION if name in {"perfusion", "bleed"} else FEED)
    for signal in PROGRAMS[name].signals:
        assert {signal.name, signal.default} & set(text), signal.name


def test_every_key_of_a_bottle_is_described():
    described = {code(row[0])[0]: row[1] for row in table(FEED, "Key of `bottle`")}
    assert described.keys() == set(Bottle.model_fields)
    required = {name for name, default in described.items() if default == ""}
    assert required == {name for name, field in Bottle.model_fields.items() if field.is_required()}


def test_every_complaint_is_an_alarm_of_the_page():
    told = FEED.read_text()
    for word in {"low": "no more than this is left", "empty": "It is empty when", "adrift": "ratio cannot be"}.items():
        assert word[0] in FLAGS
        assert word[1] in told
