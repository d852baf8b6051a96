"""F32: an actuator without effect, or one that works the other way, is an alarm after the configured time."""

import pytest

from controller.config.load import load_class, load_site
from controller.config.problems import Problems
from controller.model.build import build
from drivers.contract import Reason
from tests.control.conftest import ROOT, Rig

CLASS = (ROOT / "configs/classes/stirred-tank-2l.yaml").read_text()
SITE = (ROOT / "configs/sites/bench.yaml").read_text()
SHIPPED = "    effect: {within: 20 min, least: 0.3 Cel, at: high}\n"
EFFECT = "    effect: {within: 10 min, least: 0.2 K}\n"
ALARM = "Temperature: the output has no effect: active"
RETURNED = "Temperature: the output has no effect: returned"


@pytest.fixture
def rig(tmp_path):
    return heating(tmp_path, EFFECT)


def heating(tmp_path, effect):
    """A bench whose heater has just come to its limit."""
    assert SHIPPED in CLASS
    (tmp_path / "classes").mkdir()
    (tmp_path / "classes/stirred-tank-2l.yaml").write_text(CLASS.replace(SHIPPED, effect))
    (tmp_path / "sites").mkdir()
    (tmp_path / "sites/bench.yaml").write_text(SITE)
    made = Rig(build(load_site(tmp_path / "sites/bench.yaml")), period=10.0)
    made.set(temperature=30.0)
    made.run(3)
    made.mode("temperature", "auto")
    made.setpoint("temperature", 37.0)
    for _ in range(50):
        if made.op("temperature") == 100.0:
            return made
        made.step()
    raise AssertionError("the heater is never on")


def warm(rig, kelvin_per_scan, scans):
    """Let so many scans pass; gives the texts of what was told."""
    texts = []
    for _ in range(scans):
        rig.values[rig.row("temperature")] += kelvin_per_scan
        texts += [event.text for event in rig.step().events]
    return texts


def test_a_heater_that_heats_is_no_alarm(rig):
    assert ALARM not in warm(rig, 0.01, 300)


def test_f32_a_heater_without_effect_is_an_alarm_after_its_time_and_not_before(rig):
    assert ALARM not in warm(rig, 0.0, 55)
    assert ALARM in warm(rig, 0.0, 10)


def test_f18_a_heater_that_cools_is_an_alarm(rig):
    assert ALARM in warm(rig, -0.01, 65)


def test_a_setpoint_that_was_changed_gets_its_own_time(rig):
    warm(rig, 0.0, 50)
    rig.setpoint("temperature", 38.0)
    assert ALARM not in warm(rig, 0.0, 50)
    assert ALARM in warm(rig, 0.0, 20)


def test_the_alarm_returns_when_the_effect_is_seen_or_the_loop_is_taken_over(rig):
    warm(rig, 0.0, 65)
    assert RETURNED in warm(rig, 0.05, 6)
    assert ALARM in warm(rig, 0.0, 70)
    rig.events.clear()
    rig.mode("temperature", "manual")
    assert RETURNED in rig.texts()


def test_a_heater_that_is_off_and_heats_on_is_an_alarm(rig):
    rig.set(temperature=37.5)
    rig.run(60)
    assert ALARM in warm(rig, 0.01, 90)


@pytest.mark.parametrize(("at", "hot", "cold"), [("high", False, True), ("low", True, False), ("both", True, True)])
def test_an_effect_is_asked_for_only_at_the_limit_that_is_named(tmp_path, at, hot, cold):
    rig = heating(tmp_path, f"    effect: {{within: 10 min, least: 0.2 K, at: {at}}}\n")
    assert (ALARM in warm(rig, 0.0, 90)) is cold
    rig.set(temperature=37.5)
    rig.run(60)
    assert (ALARM in warm(rig, 0.0, 90)) is hot


def test_the_shipped_class_tells_of_a_heater_without_power_but_not_of_slow_cooling(tmp_path):
    rig = heating(tmp_path, SHIPPED)
    assert ALARM not in warm(rig, 0.02, 150), "it warms by 0.3 Cel in 20 min at least"
    assert ALARM in warm(rig, 0.0, 130)
    rig.set(temperature=36.0)
    rig.setpoint("temperature", 20.0)
    assert ALARM not in warm(rig, 0.0, 300)


def test_scans_that_were_missed_do_not_count(rig):
    warm(rig, 0.0, 30)
    rig.step(dt=3600.0)
    assert ALARM not in warm(rig, 0.0, 5)


def test_a_bad_value_is_not_judged(rig):
    warm(rig, 0.0, 50)
    rig.bad[rig.row("temperature")] = Reason.DEVICE
    assert ALARM not in warm(rig, 0.0, 70)


@pytest.mark.parametrize(
    ("effect", "complaint"),
    [
        ("{within: 10 min, least: 0 K}", "least: 0 K is too small (more than 0)"),
        ("{within: 10 min, least: 1 mL}", "least: mL does not fit"),
        ("{within: 0 min, least: 1 K}", "0 min is too small"),
        ("{least: 1 K}", "within"),
        ("{within: 1 min, least: 1 K, at: top}", "at: "),
    ],
)
def test_a_mistake_is_told_with_its_place(effect, complaint, tmp_path):
    path = tmp_path / "class.yaml"
    path.write_text(CLASS.replace(SHIPPED, f"    effect: {effect}\n"))
    with pytest.raises(Problems) as caught:
        load_class(path)
    assert complaint in str(caught.value)
