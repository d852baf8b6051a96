"""The equations of gas and mass against reference values."""

import math

import pytest

from simulators.physics import gas, transfer
from simulators.physics.lag import approach, slew
from simulators.physics.mass import mixed


@pytest.mark.parametrize(("temperature", "saturation"), [(25, 0.2638), (30, 0.2375), (37, 0.2049)])
def test_air_saturated_water(temperature, saturation):
    assert gas.air_saturation(temperature) == pytest.approx(saturation, rel=0.005)


@pytest.mark.parametrize("dt", [0.2, 1.0, 2.0, 10.0])
def test_oxygen_after_a_step_from_nitrogen_to_air(dt):
    dot, probe = 0.0, 0.0
    seen = {}
    for step in range(1, round(1200 / dt) + 1):
        dot = gas.oxygen_step(dot, 100.0, 10.0, 0.0, 1.0, dt / 3600)
        probe += (dot - probe) * approach(dt, 30.0)
        seen[round(step * dt, 6)] = (dot, probe)
    for t, value in {60: 15.35, 120: 28.35, 300: 56.54, 600: 81.11, 1200: 96.43}.items():
        assert seen[t][0] == pytest.approx(value, abs=0.006)
    if dt == 0.2:
        for t, value in {60: 8.89, 120: 22.00, 300: 52.59, 600: 79.40, 1200: 96.11}.items():
            assert seen[t][1] == pytest.approx(value, rel=0.005)


def test_oxygen_settles_where_transfer_meets_demand_whatever_the_step():
    for hours in (1e-3, 1e-2, 1.0):
        oxygen = 0.2
        for _ in range(3000):
            oxygen = gas.oxygen_step(oxygen, 0.2, 10.0, 1.0, 0.004, hours)
        assert 10.0 * (0.2 - oxygen) == pytest.approx(oxygen / (oxygen + 0.004))


def test_oxygen_never_goes_below_zero_when_demand_exceeds_supply():
    oxygen = 0.2
    for _ in range(1000):
        oxygen = gas.oxygen_step(oxygen, 0.2, 10.0, 500.0, 1e-7, 2 / 3600)
        assert 0.0 <= oxygen <= 0.2
    assert oxygen == pytest.approx(1e-7 * 2.0 / 498.0, rel=0.01)


def test_transfer_grows_with_stirring_and_gas():
    assert transfer.kla(transfer.stirred(150, 150.0), 100, 1.0, 10.0, 0.5) == pytest.approx(10.5)
    assert transfer.kla(transfer.stirred(0, 150.0), 100, 1.0, 10.0, 0.5) == 0.5
    assert transfer.kla(transfer.stirred(300, 150.0), 400, 1.0, 10.0, 0.0) == pytest.approx(10 * 2**1.2 * 2)


def test_carbon_dioxide_leaves_no_faster_than_the_gas_can_carry():
    solubility = gas.co2_solubility(37.0)
    assert gas.co2_rate(1000.0, 50.0, 1.0, solubility) == pytest.approx(3000.0 / (25.4 * solubility))
    assert gas.co2_rate(2.0, 500.0, 1.0, solubility) == pytest.approx(1.8)


def test_oxygen_poor_exhaust_slows_the_transfer():
    solubility = gas.oxygen_solubility(37.0)
    assert gas.oxygen_rate(3.0, 0.0, 1.0, solubility) == 3.0
    rate = gas.oxygen_rate(200.0, 500.0, 1.0, solubility)
    given = rate * (solubility * 0.2095)
    outlet = 0.2095 - given * 25.4e-3 / 30.0
    assert 200.0 * solubility * outlet == pytest.approx(given)


def test_total_carbon_relaxes_exactly_and_without_transfer_only_collects():
    expected = 10.0 * math.exp(-0.1 * 2.0 * 0.5)
    assert gas.carbon_step(10.0, 0.1, 0.0, 2.0, 0.0, 0.5) == pytest.approx(expected)
    assert gas.carbon_step(10.0, 0.1, 0.0, 0.0, 4.0, 0.5) == pytest.approx(12.0)


def test_mixing():
    assert mixed(1.0, 1.0, 3.0, 1.0) == 2.0


def test_slew_stops_at_its_limit_and_at_the_target():
    assert slew(0.0, 10.0, 3.0) == 3.0
    assert slew(0.0, -10.0, 3.0) == -3.0
    assert slew(0.0, 1.0, 3.0) == 1.0
