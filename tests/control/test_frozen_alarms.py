"""F01: what the operator is told of a value that stands still."""

import pytest

from controller.config.load import load_site
from controller.model.build import build
from tests.control.conftest import ROOT

CLASS = (ROOT / "configs/classes/stirred-tank-2l.yaml").read_text()
SITE = (ROOT / "configs/sites/bench.yaml").read_text()
ENDS = {"ph": ('\n    unit: "[pH]"', "\n    "), "pressure": ("high: 1000 mbar}", ", ")}
"""Where the measurement goes on, and what comes before another key of it."""


def alarms(tmp_path, quality, name, after="10 min", scan_period="1 s"):
    """By name the alarms of a vessel in whose class the measurement ``name`` may not stand still."""
    end, before = ENDS[name]
    assert CLASS.count(end) == 1
    frozen = f"{before}frozen: {{after: {after}, quality: {quality}}}"
    for folder, content in {
        "classes/stirred-tank-2l.yaml": CLASS.replace(end, f"{end}{frozen}"),
        "sites/bench.yaml": SITE.replace("scan_period: 1 s\n", f"scan_period: {scan_period}\n"),
    }.items():
        path = tmp_path / folder
        path.parent.mkdir()
        path.write_text(content)
    site = build(load_site(tmp_path / "sites/bench.yaml"))
    return {alarm.name: alarm for alarm in site.alarms if alarm.vessel == "BR-101"}


def test_it_names_the_loop_and_what_that_does(tmp_path):
    alarm = alarms(tmp_path, "uncertain", "ph")["ph_frozen"]
    assert alarm.consequence == (
        "The value was the same to the last digit for 10 min or longer. The loop pH goes on with it and may drive its "
        "output to a limit, although it may be of long ago."
    )
    assert "Operate the loop pH by hand" in alarm.action


@pytest.mark.parametrize(("quality", "told"), [("uncertain", "It is still used"), ("bad", "It is not used any more")])
def test_it_speaks_of_no_loop_where_there_is_none(tmp_path, quality, told):
    alarm = alarms(tmp_path, quality, "pressure")["pressure_frozen"]
    assert told in alarm.consequence
    assert "loop" not in f"{alarm.consequence} {alarm.action}"


def test_a_bad_value_that_a_loop_needs_has_one_alarm_which_says_that_it_may_hang(tmp_path):
    found = alarms(tmp_path, "bad", "ph")
    assert "ph_frozen" not in found
    assert "hangs and repeats its last value" in found["ph_bad"].cause
    assert found["ph_bad"].consequence == "The loop pH put its outputs to their safe values."
    assert "hangs" not in found["temperature_bad"].cause, "nobody looks whether it does"


def test_it_says_the_time_that_is_waited_for(tmp_path):
    """Thirty scans of 15 s are longer than five minutes."""
    alarm = alarms(tmp_path, "uncertain", "ph", after="5 min", scan_period="15 s")["ph_frozen"]
    assert "for 7.5 min or longer" in alarm.consequence
