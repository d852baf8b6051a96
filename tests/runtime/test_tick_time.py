"""What time a scan is told to have passed since the last one."""

import math
from types import SimpleNamespace

import numpy as np
import pytest

from controller.runtime import JITTER, NS, Runtime


class Nothing:
    """Wires, door and record of a plant without instruments."""

    def collect(self, now_ns):
        return None

    def __getattr__(self, name):
        return lambda *args: ()


class Told:
    def __init__(self):
        self.dt = []

    def step(self, frame, commands, outcomes, now_s, dt):
        self.dt.append(dt)
        return SimpleNamespace(writes={}, outcomes=[], proposals=[])


def told(times, period=1.0):
    """The ``dt`` of scans at ``times`` in seconds."""
    clock = SimpleNamespace(now_ns=lambda: now_ns, utc=lambda: 0.0, speed=1.0)
    nothing, scan = Nothing(), Told()
    runtime = Runtime(scan, nothing, nothing, nothing, clock, period)
    for time in times:
        now_ns = round(time * NS)
        runtime.tick(now_ns)
    return scan.dt


def test_jitter_is_no_other_time():
    rng = np.random.default_rng(1)
    assert set(told(np.arange(1000) + rng.uniform(0.0, 0.04, 1000))) == {1.0}


@pytest.mark.parametrize("spread", [0.02, 0.5, 3.0])
def test_what_all_scans_are_told_is_the_time_that_passed(spread):
    rng = np.random.default_rng(2)
    times = 5.0 + np.cumsum(np.maximum(rng.normal(1.0, spread, 2000), 0.01))
    found = told(times)
    behind = times - times[0] + 1.0 - np.cumsum(found)
    assert np.abs(behind).max() <= JITTER + 1e-6
    assert found[0] == 1.0


def test_a_late_scan_is_told_how_late_it_is():
    assert told([0.0, 1.0, 2.5, 3.0, 4.0]) == [1.0, 1.0, 1.5, 0.5, 1.0]


def test_a_clock_that_runs_slow_is_followed():
    found = told([n * 1.01 for n in range(400)])
    assert math.fsum(found) == pytest.approx(1.0 + 399 * 1.01, abs=JITTER)
