"""Outputs whose actuator knows whole steps only: neighbouring steps in turn, whose mean is what was asked for.

First-order error diffusion over time: what a step gave too much or too little until the next scan, by the measured time
between them, is carried over and decides which of the two steps comes next. Nothing of it is stored: over a restart the
most that is lost is one step for one scan, 0.0002 mL of a pump with steps of 0.6 mL/h.
"""

from __future__ import annotations

import math

import numpy as np

from controller.frame import F8
from controller.model.loops import OutputTable
from controller.stages.flags import Flags, any_of

WHOLE = 1e-6
"""Share of a step by which a value may differ from a whole one: a rounding."""


def is_broken(steps: float) -> bool:
    """Whether so many steps are no whole number, also but for a rounding."""
    return abs(math.remainder(steps, 1.0)) > WHOLE


class Steps:
    """The outputs of a site that move in steps, arrays of shape ``(stepped,)``; ``rows`` are their places in the table.

    ``owed`` is the integral of what was asked for less what was written, in output units times seconds. It stays within
    one step for the longest time between two scans, since only the two steps beside what is asked are written. Longer
    than ``longest_dt`` seconds is an interruption: every account begins anew.
    """

    def __init__(self, table: OutputTable, longest_dt: float = 60.0) -> None:
        stepped = np.array([output.step for output in table.rows], np.float64)
        self.rows = np.flatnonzero(stepped > 0.0)
        self.size = stepped[self.rows]
        self._low, self._high = table.low[self.rows], table.high[self.rows]
        self._longest_dt = longest_dt
        self.owed, self._missing = np.zeros((2, len(self.rows)))
        self._seen = b""
        self._divide(self.owed, self.owed > 0.0)

    def __len__(self) -> int:
        return len(self.rows)

    def step(self, wanted: F8, free: Flags, dt: float) -> F8:
        """What is to be written in this scan for what is ``wanted`` of all outputs, ``dt`` seconds after the last: as
        it is where it is a whole step, or the output not ``free``; then nothing is owed afterwards either.
        """
        if not 0.0 <= dt <= self._longest_dt:
            self.owed[:] = self._missing[:] = 0.0
        asked, free = wanted[self.rows], free[self.rows]
        self.owed += self._missing * dt
        seen = asked.tobytes() + free.tobytes()
        if seen != self._seen:
            self._seen = seen
            self._divide(asked, free)
        self.owed[self._barred] = 0.0
        if not self._breaks:
            return wanted
        due = np.rint(self._steps + self.owed / (self.size * max(dt, 1e-3)))
        nearest = np.minimum(np.maximum(due, self._below), self._above) * self.size
        nearest = np.minimum(np.maximum(nearest, self._low), self._high)
        given = np.where(self._broken, nearest, asked)
        # What is asked for may be no number; an account of it would never be one again.
        self._missing = np.where(self._broken, asked - given, 0.0)
        written = wanted.copy()
        written[self.rows] = given
        return written

    def _divide(self, asked: F8, free: Flags) -> None:
        """How many steps what is ``asked`` amounts to, and whether that is a whole number of them."""
        self._steps = steps = asked / self.size
        self._broken = free & (np.abs(steps - np.rint(steps)) > WHOLE)
        self._below, self._above = np.floor(steps), np.ceil(steps)
        self._barred, self._breaks = np.flatnonzero(~free), any_of(self._broken)
        self._missing = np.zeros(len(self.rows))
