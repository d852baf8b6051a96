"""How fast the plant is, alone: one vessel in floats, many side by side in arrays."""

import time

import numpy as np
import pytest

from simulators.biology import tc_m
from simulators.biology.donors import patients, together
from simulators.biology.suspension import Suspension
from simulators.draws import Alone, Together
from simulators.tank import CELL_CULTURE
from simulators.vessel import Vessel

ROUNDS = 15


def seconds(vessel, like, dt):
    """Wall seconds per simulated second, the least and the median of some rounds."""
    vessel.culture.set("vcd", like(1.1))
    vessel.culture.set("culture_age_h", like(40.0))
    vessel.settle()
    asked = {"heater": 26.7, "agitation_sp": 60.0, "air_sp": 50.0, "co2_sp": 6.0, "feed_rpm": 0.5}
    vessel.actuators.update({name: like(value) for name, value in asked.items()})
    taken = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        for _ in range(round(300 / dt)):
            vessel.step(dt)
        taken.append((time.perf_counter() - begun) / 300)
    return min(taken), float(np.median(taken))


@pytest.mark.soak
def test_one_vessel_steps_ten_thousand_times_as_fast_as_time():
    vessel = Vessel(CELL_CULTURE, Suspension(tc_m.TCell(tc_m.DONOR)), Alone("1"), 1.0, 37.0)
    least, median = seconds(vessel, float, 1.0)
    print(f"one vessel, steps of 1 s: {1e6 * least:.1f} us at best, {1e6 * median:.1f} us in the middle")
    assert least < 1e-4


@pytest.mark.soak
@pytest.mark.parametrize(("count", "dt", "times"), [(256, 5.0, 3000), (500, 5.0, 5000)])
def test_hundreds_of_vessels_step_thousands_of_times_as_fast_as_time(count, dt, times):
    donors = together(patient.donor for patient in patients(1, count))
    seeds = [f"1:{number}" for number in range(count)]
    culture = Suspension(tc_m.TCell(donors))
    vessel = Vessel(CELL_CULTURE, culture, Together(seeds), np.full(count, 1.0), np.full(count, 37.0))
    least, median = seconds(vessel, lambda value: np.full(count, value), dt)
    print(f"{count} vessels, steps of {dt:g} s: {1e6 * least:.0f} us per second at best ({1 / least:.0f} times as fast "
          f"as time), {1e6 * median:.0f} us in the middle")  # fmt: skip
    assert 1.0 / least > times
