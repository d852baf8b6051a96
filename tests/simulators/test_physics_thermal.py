"""Heat of the reference vessel against its targets, in floats and in arrays."""

import numpy as np
import pytest

from simulators.physics import thermal
from tests.simulators.bits import same

CAPACITY = 2.0 * thermal.WATER_J_PER_KG
STIRRING = 2.0
FULL = 150.0
TABLE = {300: 24.60, 600: 28.03, 1200: 34.30, 1800: 39.76, 3600: 52.30}


def warmed(dt, seconds, like=float):
    culture = jacket = like(22.0)
    for step in range(1, round(seconds / dt) + 1):
        culture, jacket = thermal.heat_step(
            culture, jacket, like(CAPACITY), like(FULL), like(STIRRING), thermal.REFERENCE, dt
        )
        yield round(step * dt, 6), culture


def test_time_constants_gain_and_power_to_hold():
    slow, fast = thermal.time_constants(CAPACITY, thermal.REFERENCE)
    power, jacket = thermal.holding(37.0, STIRRING, thermal.REFERENCE)
    gain = thermal.gain(thermal.REFERENCE)
    print(f"{slow:.1f} and {fast:.2f} s, {gain:.4f} Cel/W, {power:.2f} W, jacket {jacket:.2f} Cel")
    assert (slow, fast) == pytest.approx((4369.0, 92.3), rel=0.005)
    assert gain == pytest.approx(0.3608, rel=0.005)
    assert (power, jacket) == pytest.approx((39.46, 37.64), rel=0.0005)
    assert 22.0 + gain * (FULL + STIRRING) + STIRRING * 0.02 == pytest.approx(76.9, abs=0.1)


@pytest.mark.parametrize("dt", [0.2, 1.0, 5.0])
@pytest.mark.parametrize("like", [float, lambda value: np.full(2, value)], ids=["floats", "arrays"])
def test_the_heater_full_on_warms_as_the_table_says(dt, like):
    found = {t: float(np.max(culture)) for t, culture in warmed(dt, 3600, like) if t in TABLE}
    print(f"steps of {dt} s: {found}")
    assert found == pytest.approx(TABLE, abs=0.01)


@pytest.mark.parametrize("dt", [0.2, 1.0, 5.0])
def test_a_heater_stuck_on_crosses_forty_when_it_should(dt):
    crossed = next(t for t, culture in warmed(dt, 3600) if culture >= 40.0) / 60.0
    print(f"steps of {dt} s: 40 Cel after {crossed:.2f} min")
    assert crossed == pytest.approx(30.5, abs=1.0)


def test_it_settles_where_the_gain_says():
    *_, (_, end) = warmed(5.0, 50_000)
    assert end == pytest.approx(76.9, abs=0.05)


def test_without_power_it_cools_into_the_room():
    culture = jacket = 37.0
    for _ in range(720):
        culture, jacket = thermal.heat_step(culture, jacket, CAPACITY, 0.0, 0.0, thermal.REFERENCE, 5.0)
    assert culture == pytest.approx(22.0 + 15.0 * np.exp(-3600 / 4369), rel=0.005)
    chilled, _ = thermal.heat_step(culture, jacket - 30.0, CAPACITY, -50.0, 0.0, thermal.REFERENCE, 5.0)
    assert chilled < culture


def test_respiration_heats():
    assert thermal.metabolic_heat(100.0, 1.0) == pytest.approx(12.8, rel=0.005)
    assert thermal.metabolic_heat(1.0, 1.0) == pytest.approx(0.1278, rel=0.005)


def step(culture, jacket, capacity, heater, inside):
    return thermal.heat_step(culture, jacket, capacity, heater, inside, thermal.REFERENCE, 2.0)


def others(culture, inside, capacity, uptake):
    held = thermal.holding(culture, inside, thermal.REFERENCE)
    return held, thermal.time_constants(capacity, thermal.REFERENCE), thermal.metabolic_heat(uptake, capacity)


def test_floats_and_arrays_give_the_same_bits():
    assert same(step, (5, 80), (5, 90), (400, 12_000), (-50, 150), (-5, 50))
    assert same(others, (5, 80), (-5, 50), (400, 12_000), (0, 400))
