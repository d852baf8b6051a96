"""Sums over time from which the figures of a loop's health are made: a few numpy calls per scan for all loops.

All of them add up: the sums of the operations of a batch are the batch's.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from controller.frame import BAD, F8
from controller.model.health import LoopHealth
from controller.stages.flags import all_of
from controller.stages.loop_state import Mode
from controller.stages.loops import Loops

Flags = NDArray[np.bool_]
Rows = NDArray[np.intp]


class Row(IntEnum):
    """The rows of the sums. Integrals are over the controlled time, in the loop's unit and seconds; the error is the
    setpoint that the loop works to minus its PV.
    """

    ERROR = 0  # of the error
    TRAVEL = 1  # how far the output moved, up and down added, in its unit
    ABSOLUTE = 2  # of the error's size
    SQUARED = 3  # of its square
    TIMED = 4  # of its size times the time since the setpoint changed
    OUTSIDE = 5  # seconds outside the band
    CONTROLLED = 6  # seconds in automatic, with a usable PV and outputs that can be reached
    HIGH = 7  # seconds at the upper limit of the output
    LOW = 8  # seconds at the lower
    ELAPSED = 9  # seconds in all
    AUTOMATIC = 10  # seconds in automatic, with or without a usable PV
    UNSEEN = 11  # seconds in which nothing was looked at
    HALVES = 12  # half swings of the error that could be compared
    ALIKE = 13  # those of them that are like the one before on the same side
    ALIKE_S = 14  # seconds that these lasted


MEASURED = Row.AUTOMATIC + 1
"""The rows that are made in every scan."""


def add(sums: F8, more: F8) -> F8:
    """``sums`` plus ``more``, without what is not finite: a number that was no number must not stay for ever."""
    total = np.add(sums, more)
    finite = np.isfinite(total)
    if not all_of(finite):
        np.copyto(total, sums, where=~finite)
    return total


class Meter:
    """What one scan adds to the sums. Arrays have shape ``(loops,)`` or ``(rows of sums, loops)``.

    ``since`` is the time since a loop's setpoint changed, or it began to control. ``judged`` are the loops that have
    anything to judge.
    """

    def __init__(self, loops: Loops, judged_by: Sequence[LoopHealth]) -> None:
        rows, n = loops.table.rows, len(loops.table)
        self.judged = np.array([health.judged for health in judged_by], np.bool_)
        self.since = np.zeros(n)
        self._pv_row = np.array([max(loop.pv, 0) for loop in rows], np.intp)
        self._band = np.array([health.band for health in judged_by], np.float64)
        self._scale = np.array([health.scale for health in judged_by], np.float64)
        self._offset = np.array([health.offset for health in judged_by], np.float64)
        # The error is negative above the setpoint.
        sides = [{"both": 0.0, "above": -1.0, "below": 1.0}[health.side] for health in judged_by]
        self._one_sided: Rows = np.flatnonzero(sides)
        self._side = np.array(sides, np.float64)[self._one_sided]
        self._converts = bool((self._scale != 1.0).any() or self._offset.any())
        self._output, self._asked = np.full((2, n), np.nan)
        self._qualities, self._usable_below = b"", np.zeros(n, np.uint8)
        self._automatic, self._runs, self._unusable = np.zeros((3, n), np.bool_)
        table = np.zeros((MEASURED + 1, n))
        # The output's step and the error lie side by side, and so do their sizes: one call makes both.
        self._step, self._moves, self._sizes, self._measured = table[0], table[:2], table[2:4], table[1:]
        self._error, self._travel, self._size, self._squared, self._timed, self._outside = table[1:7]
        self._measured[Row.ELAPSED] = 1.0
        self._more = np.zeros((len(Row), n))
        self._made, self._made_travel = self._more[:MEASURED], self._more[Row.TRAVEL]
        self._modes, self._suspended = self.judged & False, self.judged & False
        self._seen, self._touches = (-1, -1), -1

    def measure(self, loops: Loops, dt: float) -> F8:
        """What this scan adds, after ``dt`` seconds since the last; the array is overwritten by the next call."""
        if (loops.changes, loops.turns) != self._seen:
            self._fold(loops)
        quality, pv = loops.signals.quality[self._pv_row], loops.signals.value[self._pv_row]
        if (qualities := quality.tobytes()) != self._qualities:
            self._qualities, self._unusable = qualities, quality >= self._usable_below
            self._measured[Row.CONTROLLED] = ~self._unusable
        if self._converts:
            pv = pv * self._scale + self._offset
        self._error[...], self._step[...] = loops.sp - pv, loops.op - self._output
        self._output[...] = loops.op
        np.copyto(self._moves, 0.0, where=self._unusable)
        np.abs(self._moves, out=self._sizes)
        self.since += dt
        self._squared[...] = self._error * self._error
        self._timed[...] = self._size * self.since
        outside = self._size > self._band
        if len(self._one_sided):
            outside[self._one_sided] &= self._error[self._one_sided] * self._side > 0.0
        self._outside[...] = outside
        np.multiply(self._measured, dt, out=self._made)
        self._made_travel[...] = self._travel
        return self._more

    def skip(self, loops: Loops, dt: float) -> F8:
        """The same for a time in which nothing was looked at."""
        self.since += dt
        np.copyto(self._output, loops.op)
        more = np.zeros_like(self._more)
        more[[Row.ELAPSED, Row.UNSEEN]] = dt
        return more

    def resume(self, loops: Loops, since: F8) -> None:
        """Go on after a restart, with loops that are as they were."""
        self.since[:] = since
        self._automatic, self._asked = self._in_automatic(loops), loops.sp_target.copy()

    def _in_automatic(self, loops: Loops) -> Flags:
        return np.array([state.mode >= Mode.AUTO for state in loops.states], np.bool_) & self.judged

    def _fold(self, loops: Loops) -> None:
        """Turn modes, limits and setpoints into what every scan uses, when something about the loops changed."""
        self._seen = loops.changes, loops.turns
        if loops.touches != self._touches:
            self._touches, self._modes = loops.touches, self._in_automatic(loops)
            self._suspended = np.array([bool(state.suspended) for state in loops.states], np.bool_)
        automatic = self._modes
        runs = automatic & ~self._suspended
        np.copyto(self._output, loops.op, where=runs & ~self._runs)
        self.since[(automatic & ~self._automatic) | (loops.sp_target != self._asked)] = 0.0
        self._automatic, self._runs, self._asked = automatic, runs, loops.sp_target.copy()
        self._usable_below, self._qualities = np.where(runs, BAD, 0).astype(np.uint8), b""
        self._measured[Row.AUTOMATIC] = automatic
        self._measured[Row.HIGH] = runs & (loops.limited > 0.0)
        self._measured[Row.LOW] = runs & (loops.limited < 0.0)
