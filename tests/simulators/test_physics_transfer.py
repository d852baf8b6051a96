"""Gas and liquid against the correlations' and the step's targets, in floats and in arrays."""

from dataclasses import replace

import numpy as np
import pytest

from simulators.gas_path import Gas, GasPath
from simulators.physics import gas, transfer
from simulators.physics.delay import DeadTime
from simulators.physics.lag import toward
from simulators.physics.transfer import Impellers
from simulators.tank import CELL_CULTURE
from tests.simulators.bits import same

FINE = 0.005
RUSHTON = Impellers(2.0, 5.0, 0.05)
PITCHED = Impellers(1.0, 1.5, 0.06)


@pytest.mark.parametrize(
    ("impellers", "rpm", "volume", "tank", "flow", "ungassed", "left", "coalescing", "other"),
    [
        (RUSHTON, 1000.0, 1.0, 0.100, 1000.0, 14.468, 7.775, 155.2, 1112.0),
        (PITCHED, 150.0, 2.0, 0.130, 100.0, 0.0182, 0.0182, 2.54, 5.61),
    ],
)
def test_power_and_transfer_coefficient(impellers, rpm, volume, tank, flow, ungassed, left, coalescing, other):
    power = transfer.ungassed_power(rpm, impellers)
    gassed = transfer.gassed_power(power, rpm, impellers, flow)
    density, speed = gassed / (0.001 * volume), transfer.gas_speed(flow, tank)
    found = (power, gassed, transfer.coalescing(density, speed), transfer.non_coalescing(density, speed))
    print(f"P0 {found[0]:.5g} W, Pg {found[1]:.5g} W, vs {speed:.4g} m/s, kLa {found[2]:.5g} / {found[3]:.5g} 1/h")
    assert found == pytest.approx((ungassed, left, coalescing, other), rel=FINE)
    beyond = transfer.beyond(density, volume)
    assert beyond == {"power_density": density < 500.0, "volume_l": volume < 2.0}


def test_the_gas_velocity_and_a_stirrer_without_gas():
    assert transfer.gas_speed(1000.0, 0.1) == pytest.approx(0.00212, rel=FINE)
    power = transfer.ungassed_power(1000.0, RUSHTON)
    assert transfer.gassed_power(power, 1000.0, RUSHTON, 0.0) == power
    assert transfer.gassed_power(0.0, 0.0, RUSHTON, 1000.0) == 0.0


def test_a_state_beyond_the_correlations_is_marked_for_each_vessel():
    beyond = transfer.beyond(np.array([9.1, 500.0, 1e4, 1.1e4]), np.array([2.0, 1.9, 2600.0, 2601.0]))
    assert beyond["power_density"].tolist() == [True, False, False, True]
    assert beyond["volume_l"].tolist() == [False, True, False, True]


def test_a_calibrated_vessel():
    def kla(agitation, gas):
        return transfer.kla(transfer.stirred(agitation, 150.0), gas, 1.0, 10.0, 0.5)

    assert kla(150.0, 100.0) == pytest.approx(10.5)
    assert kla(300.0, 400.0) == pytest.approx(10 * 2**1.2 * 2 + 0.5)
    assert kla(0.0, 100.0) == 0.5


def test_antifoam_and_viscosity_slow_the_transfer():
    assert transfer.under_antifoam(10.0, 0.0) == 10.0
    assert 5.0 <= transfer.under_antifoam(10.0, 1.0) <= 7.0
    after_an_hour = toward(1.0, 0.0, 3600.0, transfer.ANTIFOAM_S)
    assert after_an_hour == pytest.approx(0.3679, rel=FINE)
    assert transfer.thickened(10.0, 1.0) == 10.0
    assert transfer.thickened(10.0, 4.0) == pytest.approx(10.0 * 4**-0.38)


@pytest.mark.parametrize(("t", "mm"), [(25.0, 0.2638), (30.0, 0.2375), (37.0, 0.2049)])
def test_oxygen_in_water_under_air_and_under_oxygen(t, mm):
    assert gas.air_saturation(t) == pytest.approx(mm, rel=FINE)
    pure = gas.oxygen_solubility(t) * (1.0 - gas.vapour_pressure(t))
    assert 100.0 * pure / gas.air_saturation(t) == pytest.approx(477.0, rel=FINE)


@pytest.mark.parametrize(("dt", "tolerance"), [(0.1, FINE), (1.0, 0.03), (5.0, 0.03)])
@pytest.mark.parametrize("like", [float, lambda value: np.full(3, value)], ids=["floats", "arrays"])
def test_dissolved_oxygen_and_probe_after_a_step_from_nitrogen_to_air(dt, tolerance, like):
    """The probe meets what was there before the step, so a long step shows it late; less than 3 % after 2 minutes."""
    dot, probe = like(0.0), like(0.0)
    rows = {60: (15.35, 8.89), 120: (28.35, 22.00), 300: (56.54, 52.59), 600: (81.11, 79.40), 1200: (96.43, 96.11)}
    for step in range(1, round(1200 / dt) + 1):
        before = dot
        dot = gas.oxygen_step(dot, like(100.0), like(10.0), like(0.0), like(1.0), dt / 3600)
        probe = toward(probe, 0.5 * (before + dot), dt, 30.0)
        if (row := rows.get(round(step * dt, 6))) is not None:
            assert np.max(dot) == pytest.approx(row[0], rel=FINE)
            assert np.max(probe) == pytest.approx(row[1], rel=tolerance)


@pytest.mark.parametrize("dt", [0.2, 1.0, 2.0, 5.0])
def test_dead_time_is_the_same_for_every_step_length(dt):
    pipe = DeadTime(3.0, (0.0,))
    came = [pipe.step((1.0,), dt)[0] for _ in range(round(20 / dt))]
    assert sum(came) * dt == pytest.approx(17.0)
    assert came[-1] == pytest.approx(1.0)
    late = [value for number, value in enumerate(came) if (number + 1) * dt <= 3.0]
    assert not any(late)


def test_gas_composition_reaches_the_vessel_late_and_lagging():
    path = GasPath(CELL_CULTURE, 1.0)
    seen = []
    for _ in range(100):
        path.mix(0.0, 100.0, 0.0, 0.0, 1.0)
        seen.append((path.inlet.o2 - gas.AIR_O2) / (1.0 - gas.AIR_O2))
    assert seen[2] == 0.0
    assert seen[22] == pytest.approx(1.0 - np.exp(-1.0))


def after(path, taken, seconds, dt=5.0):
    """The exhaust over 1 L of liquid in a vessel of 2 L that takes so much oxygen, mM/h."""
    for _ in range(round(seconds / dt)):
        path.leave(Gas(taken, 0.0), 1.0, dt)
    return path.exhaust.o2


def flowing(flow, inlet=gas.AIR_O2):
    path = GasPath(replace(CELL_CULTURE, brim_l=2.0), 1.0)
    path.flow, path.inlet = flow, Gas(inlet, 0.0)
    return path


def test_the_exhaust_lacks_what_the_liquid_took():
    assert gas.AIR_O2 - after(flowing(50.0), 2.0, 18_000) == pytest.approx(2.0 * 25.4e-3 / 3.0)
    washed = after(flowing(100.0, inlet=0.0), 0.0, 600)
    assert washed == pytest.approx(gas.AIR_O2 * np.exp(-1.0)), "time constant: 1 L over 100 mL/min"
    assert after(flowing(0.0), 2.0, 3600) == pytest.approx(gas.AIR_O2 - 2.0 * 25.4e-3)
    assert after(flowing(0.0), 50.0, 3600) == 0.0, "no more than there is"


def test_back_pressure_raises_what_gas_gives_and_lowers_what_it_carries():
    h = gas.oxygen_solubility(37.0)
    assert gas.carried(100.0, 1.0, h, 2.0) == pytest.approx(0.5 * gas.carried(100.0, 1.0, h))
    cap = 60.0 * 50.0 / (25.4 * gas.co2_solubility(37.0) * 2.0)
    assert gas.co2_rate(1000.0, 50.0, 2.0, gas.co2_solubility(37.0)) == pytest.approx(cap)
    held = gas.co2_rate(1000.0, 50.0, 2.0, gas.co2_solubility(37.0)) * (1.2 - 0.0)
    assert held * 2.0 <= 50.0 * 0.06 / 25.4e-3 * (1.2 / gas.co2_solubility(37.0)) * (1 + 1e-9)


def wholly(rpm, flow, volume, tank):
    power = transfer.ungassed_power(rpm, RUSHTON)
    left = transfer.gassed_power(power, rpm, RUSHTON, flow)
    density, speed = left / (0.001 * volume), transfer.gas_speed(flow, tank)
    return power, left, speed, transfer.coalescing(density, speed), transfer.non_coalescing(density, speed)


def test_floats_and_arrays_give_the_same_bits():
    assert same(wholly, (0, 1200), (0, 500), (0.2, 3), (0.05, 0.2))
    assert same(transfer.stirred, (0, 1200), fixed=(150.0,))
    assert same(transfer.kla, (0, 12), (0, 500), (0.2, 3), (2, 15), (0, 1))
    assert same(transfer.thickened, (1, 1000), (0.5, 20))
    assert same(transfer.under_antifoam, (1, 1000), (0, 1))
    assert same(gas.headspace_step, (0, 1), (0, 1), (-0.1, 0.1), (0, 1), (0.3, 1))
    assert same(gas.oxygen_rate, (0, 1000), (0, 500), (0.2, 3), (0.9, 1.4))
    assert same(gas.co2_rate, (0, 1000), (0, 500), (0.2, 3), (20, 40))
    assert same(lambda t: (gas.air_saturation(t), gas.co2_solubility(t)), (5, 50))
