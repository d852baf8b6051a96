"""The balance of charges against its targets, in floats and in arrays, closed and open to a gas."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.physics import gas, ph
from simulators.tank import CELL_CULTURE, INCUBATOR_CO2_MMHG
from tests.simulators.bits import same

PLAIN = ph.Buffers(1.0, 0.0)
STRONG = 26.464
MOLAR = 1e-3
"""mol/L in a mmol/L."""
LEAST_RESIDUAL = 1e-9
"""mol/L."""


def open_ph(lactate, mmhg=40.0, buffers=PLAIN, strong=STRONG):
    """The pH in equilibrium with a partial pressure of CO2, by bisection."""
    co2 = gas.CO2_MM_PER_MMHG * mmhg
    low, high = 4.0, 9.0
    for _ in range(60):
        middle = 0.5 * (low + high)
        charge = ph.weak_charge(middle, co2 / ph.carbonate_shares(middle)[0], buffers).total
        low, high = (middle, high) if charge < strong - lactate else (low, middle)
    return low


@pytest.mark.parametrize(
    ("lactate", "held", "closed"),
    [
        (0, 7.4000, 7.4000),
        (2, 7.3638, 6.9837),
        (5, 7.3030, 6.6407),
        (10, 7.1781, 6.2586),
        (15, 7.0030, 5.9254),
        (20, 6.7105, 5.5242),
    ],
)
def test_lactate_lowers_ph_open_and_closed(lactate, held, closed):
    assert open_ph(lactate) == pytest.approx(held, abs=1e-4)
    assert ph.balanced(gas.CO2_MM_PER_MMHG * 40.0, STRONG - lactate, PLAIN) == pytest.approx(held, abs=1e-4)
    assert ph.solve_ph(7.2, STRONG - lactate, 25.811, PLAIN, 12) == pytest.approx(closed, abs=1e-4)


@pytest.mark.parametrize(
    ("buffers", "expected"),
    [
        (ph.Buffers(5.6, 0.0), {0: 7.4, 5: 7.3067, 10: 7.1898, 20: 6.8100}),
        (ph.Buffers(1.0, 25.0), {0: 7.4, 5: 7.3256, 10: 7.2399, 20: 7.0180}),
    ],
)
def test_lactate_in_buffered_medium(buffers, expected):
    strong = ph.strong_for(7.4, gas.CO2_MM_PER_MMHG * 40 / ph.carbonate_shares(7.4)[0], buffers)
    for lactate, value in expected.items():
        assert open_ph(lactate, buffers=buffers, strong=strong) == pytest.approx(value, abs=1e-4)


@pytest.mark.parametrize(("mmhg", "value"), [(20, 7.6967), (40, 7.4), (60, 7.2261), (80, 7.1027), (120, 6.9287)])
def test_carbon_dioxide_lowers_ph(mmhg, value):
    assert open_ph(0, mmhg) == pytest.approx(value, abs=1e-4)


@pytest.mark.parametrize(("base", "value"), [(0, 7.1781), (2, 7.2324), (5, 7.3030)])
def test_base_raises_ph(base, value):
    assert open_ph(10 - base) == pytest.approx(value, abs=1e-4)


def test_buffer_capacity_open_and_closed():
    opened = 0.02 / (open_ph(-0.01) - open_ph(0.01))
    closed = ph.weak_charge(7.4, 25.811, PLAIN).slope
    print(f"buffer capacity at 7.40: open {opened:.2f}, closed {closed:.3f} mM/pH")
    assert opened == pytest.approx(57.5, rel=0.005)
    assert ph.open_slope(7.4, 25.811, PLAIN) == pytest.approx(57.5, rel=0.005)
    assert closed == pytest.approx(3.27, rel=0.005)


@pytest.mark.parametrize("target", [6.2, 7.0, 7.4, 8.2])
def test_newton_finds_the_balance_from_afar_and_follows_small_moves(target):
    strong = ph.strong_for(target, 25.0, PLAIN)
    cold = ph.solve_ph(7.2, strong, 25.0, PLAIN, 12)
    assert cold == pytest.approx(target, abs=1e-12)
    assert abs(ph.weak_charge(cold, 25.0, PLAIN).total - strong) < 1e-9
    assert ph.solve_ph(target + 0.05, strong, 25.0, PLAIN) == pytest.approx(target, abs=2e-5)


def test_media_are_what_they_are_called():
    fresh, feed, buffers = CELL_CULTURE.fresh, CELL_CULTURE.feed, CELL_CULTURE.buffers
    assert open_ph(0, INCUBATOR_CO2_MMHG, buffers, feed.strong) == pytest.approx(7.30, abs=1e-4)
    assert fresh.carbon * ph.carbonate_shares(7.44)[1] == pytest.approx(24.0, rel=0.02)


def test_carbon_for_a_ph():
    carbon = ph.carbon_for(7.2, 35.0, PLAIN)
    assert ph.solve_ph(7.0, 35.0, carbon, PLAIN, 12) == pytest.approx(7.2)
    assert ph.carbon_for(7.2, 0.0, PLAIN) < 0


def residual(value, strong, carbon, buffers):
    return MOLAR * np.max(np.abs(ph.weak_charge(value, carbon, buffers).total - strong))


@pytest.mark.parametrize("target", np.linspace(6.2, 8.2, 21))
def test_six_iterations_from_7_2_are_enough(target):
    strong = ph.strong_for(target, 25.811, PLAIN)
    assert ph.solve_ph(7.2, strong, 25.811, PLAIN, 6) == pytest.approx(target, abs=1e-13)


@pytest.mark.parametrize(("move", "iterations", "error"), [(0.01, 1, 9e-5), (0.05, 1, 2.3e-3), (0.05, 2, 5e-6)])
def test_a_warm_start_is_as_near_as_it_should(move, iterations, error):
    worst = 0.0
    for target in np.linspace(6.6, 7.8, 25):
        strong = ph.strong_for(float(target), 25.811, PLAIN)
        for start in (target - move, target + move):
            worst = max(worst, abs(ph.solve_ph(float(start), strong, 25.811, PLAIN, iterations) - target))
    print(f"{iterations} iterations after a move of {move}: {worst:.2g}")
    assert worst <= error * 1.05


MM = st.floats(0.0, 100.0)


@given(MM, MM, MM, st.floats(5.5, 8.5), st.floats(-0.01, 0.01))
def test_charges_balance_within_a_nanomol_per_litre_after_a_warm_start(carbon, phosphate, hepes, target, move):
    """In mM the limit is 1e-6; what the plant moves within a second is far less than 0.01."""
    buffers = ph.Buffers(phosphate, hepes, 5.0)
    strong = ph.strong_for(target, carbon, buffers)
    found = ph.follow_ph(target + move, ph.protons(target + move), strong, carbon, buffers)
    assert residual(found, strong, carbon, buffers) < LEAST_RESIDUAL


@given(st.floats(1.0, 100.0), MM, MM, st.floats(6.2, 8.2))
def test_charges_balance_after_a_cold_start_in_arrays_too(carbon, phosphate, hepes, target):
    buffers = ph.Buffers(phosphate, hepes)
    carbons = np.full(3, carbon)
    strong = ph.strong_for(np.array([target, 7.0, 7.4]), carbons, buffers)
    found = ph.solve_ph(np.full(3, 7.2), strong, carbons, buffers, 12)
    assert residual(found, strong, carbons, buffers) < LEAST_RESIDUAL
    assert found == pytest.approx([target, 7.0, 7.4], abs=1e-9)


def test_ammonia_solution_is_a_weak_base():
    """At pH 8.9 half of it has taken up a proton; at 7 nearly all."""
    plain, titrated = ph.Buffers(75.0, 0.0), ph.Buffers(75.0, 0.0, 20.0)
    for value, charged in ((8.9, 0.5), (7.0, 0.98757)):
        charge = ph.weak_charge(value, 0.0, titrated).total - ph.weak_charge(value, 0.0, plain).total
        assert 20.0 - charge == pytest.approx(20.0 * charged, rel=1e-4)


def everything(start, strong, carbon, phosphate, hepes, ammonia):
    buffers = ph.Buffers(phosphate, hepes, ammonia)
    found = ph.solve_ph(start, strong, carbon, buffers)
    return (
        found,
        *ph.weak_charge(found, carbon, buffers),
        *ph.carbonate_shares(found),
        ph.balanced(carbon, strong, buffers),
    )


def test_floats_and_arrays_give_the_same_bits():
    assert same(everything, (5, 9), (-5, 60), (0, 60), (0, 80), (0, 30), (0, 20))
