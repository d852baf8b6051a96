"""How fast a continuous value changes: a straight line through a window that moves on."""

from __future__ import annotations

import numpy as np

from controller.frame import F8
from controller.stages.soft.model import Columns, Flags

BINS = 48
"""Parts of a window, each of which is one point of the line: the mean of what was seen in it."""
LEAST_BINS = 6
"""Points that a line needs."""
ENOUGH_BINS = BINS // 2
"""Points that a line needs to be trusted."""
LONGEST_GAP_BINS = 6.0
"""After so many parts without a value what was before is forgotten."""


class Trend:
    """Least-squares slopes, per s, of ``n`` values over ``window`` (s, shape ``(n,)``).

    ``slope`` and ``points``, the number of points it is laid through, have shape ``(n,)``; a part of the window that is
    not complete does not count yet. ``memory`` is all that it remembers; every column has a clock of its own.
    """

    def __init__(self, window: F8) -> None:
        n = len(window)
        self._window, self._length = window, window / BINS
        self._time, self._value = np.full((2, BINS, n), np.nan)
        self.slope, self.points, self._clock = np.full(n, np.nan), np.zeros(n), np.zeros(n)
        self._elapsed, self._sum, self._sum_time, self._count = np.zeros((4, n))
        self._full = np.zeros(n, np.bool_)
        self.memory = {
            "clock": self._clock, "time": self._time, "value": self._value, "slope": self.slope, "points": self.points,
            "elapsed": self._elapsed, "sum": self._sum, "sum_time": self._sum_time, "count": self._count,
        }  # fmt: skip

    def step(self, value: F8, usable: Flags, dt: float) -> None:
        """See ``value`` where ``usable``, ``dt`` s after the last time."""
        np.add(self._clock, dt, out=self._clock)
        np.add(self._elapsed, dt, out=self._elapsed)
        np.add(self._sum, value, out=self._sum, where=usable)
        np.add(self._sum_time, self._clock, out=self._sum_time, where=usable)
        np.add(self._count, usable, out=self._count)
        np.greater_equal(self._elapsed, self._length, out=self._full)
        if np.count_nonzero(self._full):
            self._close(np.flatnonzero(self._full))

    def forget(self, columns: Columns) -> None:
        """Begin anew."""
        self._time[:, columns] = self._value[:, columns] = self.slope[columns] = np.nan
        self.points[columns] = 0.0
        self._empty(columns)

    def resume(self, columns: Columns, outage_s: float) -> None:
        """So much time has passed unseen."""
        if outage_s > 0.0:
            self._clock[columns] += outage_s
            self._elapsed[columns] += outage_s
            self._fit(columns)

    def _close(self, columns: Columns) -> None:
        """Parts are complete: they become points, and the lines are laid anew."""
        seen = columns[self._count[columns] > 0.0]
        if len(seen):
            time, value = self._time[:, seen], self._value[:, seen]
            newest = self._sum_time[seen] / self._count[seen]
            stale = newest - time[-1] > LONGEST_GAP_BINS * self._length[seen]
            value[:, stale] = time[:, stale] = np.nan
            self._time[:, seen] = np.concatenate((time[1:], [newest]))
            self._value[:, seen] = np.concatenate((value[1:], [self._sum[seen] / self._count[seen]]))
        self._empty(columns)
        self._fit(columns)

    def _empty(self, columns: Columns) -> None:
        for sums in (self._elapsed, self._sum, self._sum_time, self._count):
            sums[columns] = 0.0

    def _fit(self, columns: Columns) -> None:
        time, value = self._time[:, columns], self._value[:, columns]
        inside = time > self._clock[columns] - self._window[columns]
        points = inside.sum(axis=0)
        divisor = np.maximum(points, 1)
        time, value = np.where(inside, time, 0.0), np.where(inside, value, 0.0)
        time = np.where(inside, time - down(time) / divisor, 0.0)
        value = np.where(inside, value - down(value) / divisor, 0.0)
        spread = np.where(points >= LEAST_BINS, down(time * time), np.nan)
        self.slope[columns], self.points[columns] = down(time * value) / spread, points


def down(table: F8) -> F8:
    """The sums of the columns of a ``(rows, n)`` array. Each of them is made in the same order of additions whatever
    ``n`` is, which ``sum(axis=0)`` does not do for a single column.
    """
    return np.asarray(np.add.reduce(np.ascontiguousarray(table.T), axis=1))
