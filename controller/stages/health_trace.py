"""The last errors and outputs of every loop, at a pace that fits the loop, for what needs a series."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from controller.frame import F8
from controller.model.loops import Loop
from controller.model.tuning import Tuning
from controller.stages.health_sums import Flags, Row

Rows = NDArray[np.intp]
PER_INTEGRAL_TIME = 16.0
"""At least so many samples per integral time, and less than twice as many."""

WITHOUT_INTEGRAL_S = 512.0
"""What stands for the integral time of a loop that has none."""

SETTLED_TIMES = 3.0
"""Integral times after a new setpoint from which an error says something about how well a setpoint is held."""

LONGEST_STRIDE = 10
"""The power of two beyond which no loop's samples are further apart, in scans."""

NEEDED = np.array([[Row.ERROR], [Row.CONTROLLED], [Row.ELAPSED]], np.intp)
"""The rows of the sums that a sample is made of."""


class Series(NamedTuple):
    """Samples of one loop, oldest first, shape ``(samples,)``: time (process s), mean error, output."""

    time: F8
    error: F8
    output: F8

    @property
    def interval_s(self) -> float:
        """Seconds from one sample to the next; NaN for less than two."""
        return float(self.time[-1] - self.time[0]) / (len(self.time) - 1) if len(self.time) > 1 else math.nan


class Trace:
    """A ring of ``length`` samples per loop. Loops take a sample in every scan, every second, every fourth … by their
    integral time, those that are ``judged``. One thread writes; others may read.
    """

    def __init__(self, loops: Sequence[Loop], judged: Flags, period_s: float, length: int = 1024) -> None:
        n = len(loops)
        self._judged, self._period_s = judged, period_s
        self._tunings = [loop.tuning for loop in loops]
        self._pace()
        self._ring = np.full((3, n, length), np.nan)
        self._count = np.zeros(n, np.int64)
        self._before = np.zeros((len(NEEDED), n))
        self._scan = 0

    def due(self) -> Rows:
        """The loops that take a sample in this scan; call it once per scan."""
        self._scan += 1
        trailing_zeros = (self._scan & -self._scan).bit_length() - 1
        return self._due[min(trailing_zeros, LONGEST_STRIDE)]

    def follow(self, tunings: Sequence[Tuning | None]) -> None:
        """Take samples at the pace of these tunings; where that is another pace, a new series begins."""
        if tunings == self._tunings:
            return
        before, self._tunings = self._stride, list(tunings)
        self._pace()
        rows = np.flatnonzero(self._stride != before)
        self._ring[:, rows, self._count[rows] % self._ring.shape[2]] = np.nan
        self._count[rows] += 1

    def _pace(self) -> None:
        """How often each loop takes a sample, and when it counts as settled."""
        times = [integral_time(tuning) for tuning in self._tunings]
        strides = [_stride(time / PER_INTEGRAL_TIME / self._period_s) for time in times]
        self._stride = np.array(strides, np.int64)
        self._settled_s = np.array([SETTLED_TIMES * time for time in times], np.float64)
        self._due = [np.flatnonzero(self._judged & (self._stride <= power)) for power in range(LONGEST_STRIDE + 1)]

    def forget(self, rows: Rows) -> None:
        """The sums of ``rows`` begin at zero again."""
        self._before[:, rows] = 0.0

    def take(self, rows: Rows, sums: F8, since: F8, output: F8, now_s: float) -> tuple[F8, F8]:
        """Take a sample of ``rows``: the mean error since the last one, by the ``sums``. Gives the errors, NaN where a
        loop did not control for most of that time or has not settled yet, and the seconds that they stand for.
        """
        now = sums[NEEDED, rows]
        error, seconds, elapsed = now - self._before[:, rows]
        self._before[:, rows] = now
        held = (seconds > 0.5 * elapsed) & (since[rows] > self._settled_s[rows])
        mean = np.full(len(rows), np.nan)
        np.divide(error, seconds, out=mean, where=held)
        place = self._count[rows] % self._ring.shape[2]
        self._ring[0, rows, place], self._ring[1, rows, place], self._ring[2, rows, place] = now_s, mean, output[rows]
        self._count[rows] += 1
        return mean, seconds

    def read(self, row: int) -> Series:
        """The newest unbroken series of a loop. Safe on any thread: what may be overwritten meanwhile is left out."""
        length = self._ring.shape[2]
        end = int(self._count[row])
        copy = self._ring[:, row, :].copy()
        start = max(0, int(self._count[row]) - length + 1)
        part = copy[:, np.arange(start, max(start, end)) % length]
        broken = np.flatnonzero(~np.isfinite(part).all(axis=0))
        return Series(*part[:, broken[-1] + 1 if len(broken) else 0 :])


def integral_time(tuning: Tuning | None) -> float:
    """How slow a loop with this tuning is, in s: its integral time, or :data:`WITHOUT_INTEGRAL_S`."""
    time = tuning.integral_time if tuning is not None else math.inf
    return time if math.isfinite(time) else WITHOUT_INTEGRAL_S


def _stride(scans: float) -> int:
    return min(max(math.frexp(scans)[1] - 1, 0), LONGEST_STRIDE)
