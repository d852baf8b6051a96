"""The bath of simulated circulators: alone, and as the jacket of a vessel."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulators.bath import LAG_S, RATE, ROOM, Bath
from simulators.faults import Faults
from simulators.instrument import Context, Json


class Site:
    """A vessel's signals and a clock that is set by hand."""

    def __init__(self, **spec: Json) -> None:
        self.now = 0.0
        self.signals = {"jacket_temperature": 30.0, "heater": 0.0}
        self.bath = Bath(
            Context("bath", spec, {"R1": self}, Path(), 1, Faults(1), lambda _address: None, lambda: self.now), 25.0
        )

    def read(self, signal: str) -> float:
        return self.signals[signal]

    def write(self, signal: str, value: float) -> None:
        self.signals[signal] = value

    def after(self, seconds: float) -> float:
        self.now += seconds
        self.bath.step()
        return self.bath.temperature


def test_alone_it_warms_at_full_power_and_then_with_a_lag() -> None:
    site = Site(temperature=20.0)
    site.bath.setpoint, site.bath.on = 37.0, True
    assert site.bath.power == 100.0
    assert site.after(100.0) == pytest.approx(20.0 + 100.0 * RATE)
    knee_s = (17.0 - RATE * LAG_S) / RATE - 100.0
    assert site.after(knee_s) == pytest.approx(37.0 - RATE * LAG_S)
    assert site.after(LAG_S) == pytest.approx(37.0 - RATE * LAG_S / 2.71828, abs=1e-4)
    assert site.bath.power == pytest.approx(100.0 / 2.71828, abs=1e-2)


def test_alone_it_cools_too_and_falls_to_the_room_when_it_is_off() -> None:
    site = Site(temperature=60.0)
    site.bath.setpoint, site.bath.on = 10.0, True
    assert site.after(1.0) == pytest.approx(60.0 - RATE)
    assert site.bath.power == -100.0
    site.bath.on = False
    assert site.bath.power == 0.0
    assert site.after(1e6) == pytest.approx(ROOM)


def test_on_a_vessel_it_measures_the_jacket_and_drives_the_heater() -> None:
    site = Site(vessel="R1", signals={"bath": "jacket_temperature", "power": "heater"})
    site.bath.setpoint, site.bath.on = 31.0, True
    assert site.after(1.0) == 30.0
    assert site.signals["heater"] == pytest.approx(100.0 / (RATE * LAG_S))
    site.bath.on = False
    site.after(1.0)
    assert site.signals["heater"] == 0.0
