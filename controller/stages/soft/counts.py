"""Values of single samples: telling a new one from an old one, and the line through the last ones."""

from __future__ import annotations

from typing import Generic

import numpy as np

from controller.frame import F8
from controller.stages.soft.arithmetic import Columns, Real, Truth, back, filled, row, some, where
from controller.stages.soft.memory import Memory
from controller.stages.soft.trend import down

KEPT = 8
"""Samples that are remembered."""
NEAR = 1.0 / 12.0
"""Samples that follow each other within this part of the window are one, their mean: over so short a time the error of
a count is larger than the growth.
"""

NOBODY: Columns = np.empty(0, np.intp)


class Counts(Generic[Real]):
    """The last samples of some tags: ``time`` (s) on the column's own ``clock``, and ``level``, the natural logarithm
    of what was found, ``(KEPT, n)``, the newest last. All that it remembers is in the ``memory``.
    """

    _none: Real
    newest: tuple[Real, Real]
    """Time and level of the last samples."""

    def __init__(self, memory: Memory, none: Real, window: Real) -> None:
        self._memory, self._none, self._near = memory, none, NEAR * row(window)
        n = len(self._near)
        memory["clock"], memory["last"] = filled(none, 0.0), filled(none, np.nan)
        memory["time"], memory["level"] = self.time, self.level = np.full((2, KEPT, n), np.nan)
        memory["weight"] = np.zeros(n)
        self._look()

    @property
    def clock(self) -> Real:
        """Seconds that have passed."""
        clock: Real = self._memory["clock"]
        return clock

    def step(self, density: Real, volume: Real | float, age: Real, usable: Truth, dt: float) -> Columns:
        """See what the counter shows, ``age`` s after it was sampled; gives the columns with a new sample. The same
        number again is the same sample, and an empty sample is none.
        """
        memory = self._memory
        memory["clock"] = clock = memory["clock"] + dt
        new = usable & (density != memory["last"])
        if not some(new):
            return NOBODY
        memory["last"] = where(new, density, memory["last"])
        level = np.log(row(density * volume))
        columns = np.flatnonzero(row(new) & np.isfinite(level))
        self._take(columns, row(clock - age)[columns], level[columns])
        self._look()
        return columns

    def forget(self, chosen: Truth) -> None:
        """Begin anew; what the counter still shows is no new sample."""
        columns = np.flatnonzero(chosen)
        self.time[:, columns] = self.level[:, columns] = np.nan
        self._memory["weight"][columns] = 0.0
        self._look()

    def resume(self, chosen: Truth, outage_s: float) -> None:
        """What was restored was seen so long ago."""
        self._memory["clock"] = where(chosen, self.clock + outage_s, self.clock)
        self._look()

    def _look(self) -> None:
        self.newest = back(self._none, self.time[-1]), back(self._none, self.level[-1])

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
        weight = self._memory["weight"]
        near = time - self.time[-1, columns] < self._near[columns]
        fresh, merged = columns[~near], columns[near]
        self.time[:-1, fresh], self.level[:-1, fresh] = self.time[1:, fresh], self.level[1:, fresh]
        self.time[-1, fresh], self.level[-1, fresh] = time[~near], level[~near]
        weight[fresh] = 1.0
        weight[merged] += 1.0
        share = 1.0 / weight[merged]
        self.time[-1, merged] += share * (time[near] - self.time[-1, merged])
        self.level[-1, merged] += share * (level[near] - self.level[-1, merged])
