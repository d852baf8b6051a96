"""P5: the anti-windup scenario, all rows at once: plant 1/s, |u| <= 0.1, setpoint 1, 1 ms."""

import math
from functools import cache

import numpy as np
import pytest

from controller.model.tuning import Tuning
from controller.stages.pid import PidBank

# integral time, tracking time (None: the integral is stopped while the output is at its limit): overshoot in %, IAE
ROWS = {
    (1.0, math.inf): (90.0, 22.17),
    (1.0, None): (3.0, 5.081),
    (1.0, 1.0): (5.5, 5.140),
    (5.0, math.inf): (60.0, 10.00),
    (5.0, 5.0): (6.6, 5.432),
    (5.0, 1.0): (0.0, 5.691),
}
DT, SECONDS = 1e-3, 60.0


@cache
def figures():
    n, stopped = len(ROWS), np.array([tracking is None for _, tracking in ROWS])
    tunings = [Tuning(1.0, ti, tracking_time=tt or math.inf, low=-0.1, high=0.1) for ti, tt in ROWS]
    bank, live, setpoint = PidBank(tunings), np.ones(n, bool), np.ones(n)
    y, up = np.zeros((round(SECONDS / DT) + 1, n)), np.zeros(n, bool)
    bank.step(y[0], y[0], live, 0.0)
    for scan in range(len(y) - 1):
        u = bank.step(y[scan], setpoint, live, DT, up)
        np.greater(bank.wanted, 0.1, out=up, where=stopped)
        bank.achieved[:] = u
        y[scan + 1] = y[scan] + u * DT
    return dict(
        zip(ROWS, zip(100.0 * (y.max(axis=0) - 1.0), np.abs(1.0 - y).sum(axis=0) * DT, strict=True), strict=True)
    )


@pytest.mark.parametrize(("key", "row"), ROWS.items())
def test_p5_each_way_to_stop_the_integral(key, row):
    overshoot, iae = figures()[key]
    assert overshoot == pytest.approx(row[0], rel=0.02, abs=0.06)
    assert iae == pytest.approx(row[1], rel=0.02)


def test_p5_tracking_with_the_integral_time_is_the_default():
    bank = PidBank([Tuning(1.0, 5.0, tracking_time=tt, low=-0.1, high=0.1) for tt in (0.0, 5.0)])
    y, live = np.zeros(2), np.ones(2, bool)
    for _ in range(100):
        bank.achieved[:] = bank.step(y, np.ones(2), live, 0.1)
        assert bank.wanted[0] == bank.wanted[1]
