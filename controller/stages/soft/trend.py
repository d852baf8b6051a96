"""How fast a continuous value changes: a straight line through a window that moves on."""

from __future__ import annotations

from typing import Generic

import numpy as np

from controller.frame import F8
from controller.stages.soft.arithmetic import Columns, Real, Truth, back, filled, row, some, where
from controller.stages.soft.memory import Memory

BINS = 48
"""Parts of a window, each of which is one point of the line: the mean of what was seen in it."""
LEAST_BINS = 6
"""Points that a line needs."""
ENOUGH_BINS = BINS // 2
"""Points that a line needs to be trusted."""
LONGEST_GAP_BINS = 6.0
"""After so many parts without a value what was before is forgotten."""
SUMS = ("elapsed", "sum", "sum_time", "count")
"""What is gathered of the part that is not complete."""


class Trend(Generic[Real]):
    """Least-squares slopes, per s, over ``window`` (s).

    ``points`` is the number of points that a line is laid through; a part of the window that is not complete does not
    count yet. All that it remembers is in the ``memory``; every column has a clock of its own.
    """

    _none: Real
    _length: Real

    def __init__(self, memory: Memory, none: Real, window: Real) -> None:
        self._memory, self._none, self._window, self._length = memory, none, row(window), window / BINS
        memory["clock"] = filled(none, 0.0)
        memory["time"], memory["value"] = np.full((2, BINS, len(self._window)), np.nan)
        memory["slope"] = filled(none, np.nan)
        for name in ("points", *SUMS):
            memory[name] = filled(none, 0.0)

    @property
    def slope(self) -> Real:
        """The slopes now, NaN where there are too few points."""
        slope: Real = self._memory["slope"]
        return slope

    @property
    def points(self) -> Real:
        """How many points there are."""
        points: Real = self._memory["points"]
        return points

    def step(self, value: Real, usable: Truth, dt: float) -> None:
        """See ``value`` where ``usable``, ``dt`` s after the last time."""
        memory = self._memory
        clock, elapsed = memory["clock"] + dt, memory["elapsed"] + dt
        memory["clock"], memory["elapsed"] = clock, elapsed
        memory["sum"] = where(usable, memory["sum"] + value, memory["sum"])
        memory["sum_time"] = where(usable, memory["sum_time"] + clock, memory["sum_time"])
        memory["count"] = memory["count"] + usable
        full = elapsed >= self._length
        if some(full):
            self._close(np.flatnonzero(full))

    def forget(self, chosen: Truth) -> None:
        """Begin anew."""
        memory, columns = self._memory, np.flatnonzero(chosen)
        memory["time"][:, columns] = memory["value"][:, columns] = np.nan
        memory["slope"] = where(chosen, np.nan, memory["slope"])
        for name in ("points", *SUMS):
            memory[name] = where(chosen, 0.0, memory[name])

    def resume(self, chosen: Truth, outage_s: float) -> None:
        """So much time has passed unseen."""
        if outage_s > 0.0:
            for name in ("clock", "elapsed"):
                self._memory[name] = where(chosen, self._memory[name] + outage_s, self._memory[name])
            self._fit(np.flatnonzero(chosen))

    def _close(self, columns: Columns) -> None:
        """Parts are complete: they become points, and the lines are laid anew."""
        memory = self._memory
        _, total, total_time, count = sums = [row(memory[name]) for name in SUMS]
        seen = columns[count[columns] > 0.0]
        if len(seen):
            time, value = memory["time"][:, seen], memory["value"][:, seen]
            newest = total_time[seen] / count[seen]
            stale = newest - time[-1] > LONGEST_GAP_BINS * row(self._length)[seen]
            value[:, stale] = time[:, stale] = np.nan
            memory["time"][:, seen] = np.concatenate((time[1:], [newest]))
            memory["value"][:, seen] = np.concatenate((value[1:], [total[seen] / count[seen]]))
        for name, values in zip(SUMS, sums, strict=True):
            values[columns] = 0.0
            memory[name] = back(self._none, values)
        self._fit(columns)

    def _fit(self, columns: Columns) -> None:
        memory = self._memory
        time, value = memory["time"][:, columns], memory["value"][:, columns]
        inside = time > row(memory["clock"])[columns] - self._window[columns]
        points = inside.sum(axis=0)
        divisor = np.maximum(points, 1)
        time, value = np.where(inside, time, 0.0), np.where(inside, value, 0.0)
        time = np.where(inside, time - down(time) / divisor, 0.0)
        value = np.where(inside, value - down(value) / divisor, 0.0)
        spread = np.where(points >= LEAST_BINS, down(time * time), np.nan)
        for name, found in (("slope", down(time * value) / spread), ("points", points)):
            values = row(memory[name])
            values[columns] = found
            memory[name] = back(self._none, values)


def down(table: F8) -> F8:
    """The sums of the columns of a ``(rows, n)`` array. Each of them is made in the same order of additions whatever
    ``n`` is, which ``sum(axis=0)`` does not do for a single column.
    """
    return np.asarray(np.add.reduce(np.ascontiguousarray(table.T), axis=1))
