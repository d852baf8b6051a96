"""Alarms: limits, deadband, delays, operations, bad values."""

import numpy as np
import pytest

from controller.frame import Frame
from controller.model.guards import Alarm
from controller.stages.alarms import KEEP_RETURNED_S, Alarms


def alarm(name="high", **options):
    given = {"side": "above", "limit": 37.8, "deadband": 0.2, "on_delay": 60.0, "off_delay": 0.0, "priority": 1}
    return Alarm("V", name, f"Temperature {name}", 0, **{**given, "unit": "Cel", **options})


class Watch:
    def __init__(self, *alarms):
        self.alarms, self.now, self.events = Alarms(alarms), 0.0, []

    def see(self, value, scans=1, operation=None, quality=0):
        frame = Frame(np.array([value]), np.array([quality], np.uint8), np.zeros(1, np.uint8), np.zeros(1))
        for _ in range(scans):
            self.now += 1.0
            events = self.alarms.step(frame, {"V": operation} if operation else {}, self.now)
            self.events += [event.value for event in events]

    @property
    def states(self):
        return [entry["state"] for entry in self.alarms.view()]


def test_it_comes_after_its_delay_and_goes_below_its_deadband():
    watch = Watch(alarm())
    watch.see(38.0, 60)
    assert watch.states == []
    watch.see(38.0)
    assert watch.states == ["active"]
    watch.see(37.7, 100)
    assert watch.states == ["active"]
    watch.see(37.55)
    assert watch.states == ["returned"]
    assert watch.events == ["active", "returned"]


def test_a_short_excursion_is_no_alarm():
    watch = Watch(alarm())
    for _ in range(20):
        watch.see(38.0, 50)
        watch.see(37.0, 1)
    assert watch.events == []


def test_a_returned_alarm_stays_in_the_list_for_ten_minutes():
    watch = Watch(alarm(on_delay=0.0))
    watch.see(38.0)
    watch.see(37.0, int(KEEP_RETURNED_S))
    assert watch.states == ["returned"]
    watch.see(37.0, 5)
    assert watch.states == []


def test_below_and_off_delay():
    watch = Watch(alarm(side="below", limit=35.0, on_delay=0.0, off_delay=10.0))
    watch.see(34.0)
    watch.see(36.0, 9)
    watch.see(34.9)
    watch.see(36.0, 10)
    assert watch.states == ["active"]
    watch.see(36.0, 2)
    assert watch.events == ["active", "returned"]


def test_it_counts_during_its_operations_only():
    watch = Watch(alarm(on_delay=0.0, during=frozenset({"expand"})))
    watch.see(40.0, 5)
    watch.see(40.0, 5, "fill")
    assert watch.events == []
    watch.see(40.0, 5, "expand")
    assert watch.events == ["active"]
    watch.see(40.0, 5, "harvest")
    assert watch.events == ["active", "returned"]


def test_a_bad_value_keeps_the_alarm_as_it_is():
    watch = Watch(alarm(on_delay=0.0))
    watch.see(38.0)
    watch.see(np.nan, 50, quality=2)
    assert watch.states == ["active"]


def test_a_bad_value_is_an_alarm_of_its_own():
    watch = Watch(alarm("bad", side="bad", limit=np.nan, deadband=0.0, on_delay=10.0))
    watch.see(np.nan, 9, quality=2)
    watch.see(37.0)
    watch.see(np.nan, 11, quality=2)
    assert watch.states == ["active"]
    watch.see(37.0)
    assert watch.states == ["returned"]


def test_the_most_urgent_is_first_and_the_operators_part_is_there():
    watch = Watch(
        alarm("low_priority", priority=3, on_delay=0.0),
        alarm("urgent", priority=1, on_delay=0.0, consequence="a", cause="b", action="c", respond_within="10 min",
              tag_name="warmth"),
    )  # fmt: skip
    watch.see(38.0)
    entries = watch.alarms.view()
    assert [entry["id"] for entry in entries] == ["V.urgent", "V.low_priority"]
    assert entries[0] == {
        "id": "V.urgent", "vessel": "V", "tag": "warmth",
        "title": "Temperature urgent", "priority": 1, "state": "active", "since": 1.0,
        "value": 38.0, "unit": "Cel", "consequence": "a", "cause": "b", "action": "c", "respond_within": "10 min",
    }  # fmt: skip


def test_noise_around_a_limit_is_no_storm():
    """F04: at most one alarm in 10 s, here one in an hour."""
    rng = np.random.default_rng(4)
    watch = Watch(alarm(on_delay=0.0))
    for value in 37.8 + rng.normal(0.0, 0.04, 3600):
        watch.see(value)
    assert watch.events == ["active"]


@pytest.mark.parametrize("shift", [0.0, -1000.0])
def test_active_alarms_survive_a_restart(shift):
    watch = Watch(alarm(on_delay=0.0))
    watch.see(38.0, 10)
    again = Watch(alarm(on_delay=0.0))
    again.alarms.restore(watch.alarms.state(), shift)
    assert again.alarms.view()[0]["since"] == 1.0 + shift
    again.see(38.0, 5)
    assert again.events == []
