"""What an experiment saw, scan by scan, in bounded memory."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from controller.frame import F8

CAPACITY = 16384
"""Samples kept; beyond that every second one is dropped, and from then on only every second one is taken."""


class Record:
    """What an experiment saw: ``time`` in seconds since its start, ``pv``, and ``op``, the output from that time on;
    each of shape ``(samples,)``. It holds :data:`CAPACITY` samples at most.
    """

    def __init__(self) -> None:
        self._rows = np.zeros((CAPACITY, 3))
        self._count, self._stride, self._calls = 0, 1, 0

    def add(self, time: float, pv: float, op: float) -> None:
        """One scan more."""
        if self._calls % self._stride == 0:
            if self._count == CAPACITY:
                self._halve()
            self._rows[self._count] = time, pv, op
            self._count += 1
        self._calls += 1

    def _halve(self) -> None:
        """Into another array: who looks at this one goes on seeing what was there."""
        rows = np.zeros((CAPACITY, 3))
        self._count, self._stride = CAPACITY // 2, 2 * self._stride
        rows[: self._count] = self._rows[::2]
        self._rows = rows

    def correct(self, op: float) -> None:
        """The last sample's output was another one in fact."""
        if self._count and (self._calls - 1) % self._stride == 0:
            self._rows[self._count - 1, 2] = op

    def __len__(self) -> int:
        return self._count

    @property
    def time(self) -> F8:
        """Seconds since the start."""
        return self._rows[: self._count, 0]

    @property
    def pv(self) -> F8:
        """The measurements."""
        return self._rows[: self._count, 1]

    @property
    def op(self) -> F8:
        """The outputs, each held until the next sample."""
        return self._rows[: self._count, 2]


class Trend(NamedTuple):
    """A straight line through values: their ``mean``, by how much it ``moved`` from end to end, and the standard
    deviation of what is left, ``noise``.
    """

    mean: float
    moved: float
    noise: float


def trend(time: F8, values: F8) -> Trend:
    """The line through ``values`` at ``time``, both of shape ``(samples,)``."""
    middle = time - time.mean()
    spread = float(middle @ middle)
    slope = float(middle @ values) / spread if spread > 0.0 else 0.0
    mean = float(values.mean())
    left = values - mean - slope * middle
    noise = float(np.sqrt(left @ left / max(len(values) - 2, 1)))
    return Trend(mean, slope * float(time[-1] - time[0]), noise)
