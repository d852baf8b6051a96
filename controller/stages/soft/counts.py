"""Values of single samples: telling a new one from an old one, and the line through the last ones."""

from __future__ import annotations

import numpy as np

from controller.frame import F8
from controller.stages.soft.model import Columns, Flags
from controller.stages.soft.trend import down

KEPT = 8
"""Samples that are remembered."""
NEAR = 1.0 / 12.0
"""Samples that follow each other within this part of the window are one, their mean: over so short a time the error of
a count is larger than the growth.
"""


class Counts:
    """The last samples of ``n`` tags, ``(KEPT, n)``, the newest last: ``time`` (s) on the column's own ``clock``, and
    ``level``, the natural logarithm of what was found. ``memory`` is all that it remembers.
    """

    def __init__(self, window: F8) -> None:
        n = len(window)
        self._near = NEAR * window
        self.clock, self._last = np.zeros(n), np.full(n, np.nan)
        self.time, self.level = np.full((2, KEPT, n), np.nan)
        self._weight = np.zeros(n)
        self.memory = {
            "clock": self.clock, "last": self._last, "time": self.time, "level": self.level, "weight": self._weight,
        }  # fmt: skip

    def step(self, density: F8, volume: F8 | float, age: F8, usable: Flags, dt: float) -> Columns:
        """See what the counter shows, ``age`` s after it was sampled; gives the columns with a new sample. The same
        number again is the same sample, and an empty sample is none.
        """
        np.add(self.clock, dt, out=self.clock)
        new = usable & (density != self._last)
        if not np.count_nonzero(new):
            return np.empty(0, np.intp)
        self._last[new] = density[new]
        level = np.log(density * volume)
        columns = np.flatnonzero(new & np.isfinite(level))
        self._take(columns, (self.clock - age)[columns], level[columns])
        return columns

    def forget(self, columns: Columns) -> None:
        """Begin anew; what the counter still shows is no new sample."""
        self.time[:, columns] = self.level[:, columns] = np.nan
        self._weight[columns] = 0.0

    def slope(self, since: F8) -> F8:
        """The slope, per s, of the line through the samples that are not older than ``since``; NaN without two."""
        inside = self.time >= since
        number = inside.sum(axis=0)
        time, level = np.where(inside, self.time, 0.0), np.where(inside, self.level, 0.0)
        divisor = np.maximum(number, 1)
        time = np.where(inside, time - down(time) / divisor, 0.0)
        level = np.where(inside, level - down(level) / divisor, 0.0)
        spread = np.where(number >= 2, down(time * time), np.nan)
        return np.asarray(down(time * level) / spread)

    def _take(self, columns: Columns, time: F8, level: F8) -> None:
        near = time - self.time[-1, columns] < self._near[columns]
        fresh, merged = columns[~near], columns[near]
        self.time[:-1, fresh], self.level[:-1, fresh] = self.time[1:, fresh], self.level[1:, fresh]
        self.time[-1, fresh], self.level[-1, fresh] = time[~near], level[~near]
        self._weight[fresh] = 1.0
        self._weight[merged] += 1.0
        share = 1.0 / self._weight[merged]
        self.time[-1, merged] += share * (time[near] - self.time[-1, merged])
        self.level[-1, merged] += share * (level[near] - self.level[-1, merged])
