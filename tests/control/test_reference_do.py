"""The dissolved-oxygen loop on the reference vessel: oracle rows of the oxygen fraction at a constant flow."""

import numpy as np
import pytest

from controller.model.tuning import Tuning
from tests.reference.closed_loop import Bank, follow
from tests.reference.oxygen import Oxygen

SP, BEFORE, AFTER = 50.0, 0.5, 0.9
LOAD_ROWS = [
    # kLa, K per %, Ti, peak %, IAE % s
    (12.0, 0.00773, 310.0, 3.69, 1366.0),
    (6.0, 0.00773, 310.0, 5.85, 2735.0),
    (24.0, 0.00773, 310.0, 2.40, 683.0),
    (6.0, 0.01521, 336.0, 4.13, 1505.0),
    (24.0, 0.00399, 160.0, 2.97, 683.0),
]


def demand_step(plant, bank, seconds=6000):
    """From rest at the setpoint: 0.4 mM/h more are taken up. The deviation of every scan."""

    def at(second):
        if second == 10:
            plant.uptake = AFTER

    return np.abs(follow(plant, bank, SP, seconds, at) - SP)


def on_fraction(plant, gain, ti):
    """The oracle's controller: oxygen fraction 0 .. 1, tracking 30 s."""
    return Bank([Tuning(gain, ti, tracking_time=30.0, high=1.0)], plant.balance())


@pytest.mark.parametrize(("kla", "gain", "ti", "peak", "iae"), LOAD_ROWS)
def test_oracle_rows_of_a_demand_step(kla, gain, ti, peak, iae):
    plant = Oxygen(kla, BEFORE)
    off = demand_step(plant, on_fraction(plant, gain, ti))
    print(f"kLa {kla} K {gain} Ti {ti}: peak {off.max():.2f} %, IAE {off.sum():.0f} % s")
    assert off.max() == pytest.approx(peak, abs=0.0101)
    assert off.sum() == pytest.approx(iae, rel=0.0015)


def test_oracle_row_of_a_setpoint_step():
    plant = Oxygen(12.0, BEFORE)
    trace = follow(plant, on_fraction(plant, 0.00773, 310.0), lambda second: SP if second < 10 else 60.0, 6000)
    print(f"50 -> 60 %: overshoot {trace.max() - 60.0:.2f} %")
    assert trace.max() - 60.0 == pytest.approx(1.05, abs=0.01)
