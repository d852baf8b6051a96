"""Setpoints: what was asked for, by whom, and how the loops get there: limits, ramps and filters."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from controller.frame import F8
from controller.model.loops import Loop
from controller.stages.flags import any_of

LEAST_DT = 1e-9
Rows = NDArray[np.intp]


class Setpoints:
    """Arrays of shape ``(loops,)``: ``target`` is what operator or recipe asked for, ``request`` what a master and
    ``remote`` what a program asks for (NaN: nothing), ``working`` what the loop works to now.
    """

    def __init__(self, loops: Sequence[Loop]) -> None:
        n = len(loops)
        self.target = np.array([loop.sp_default for loop in loops], np.float64)
        self.working = self.target.copy()
        self.request, self.remote = np.zeros(n), np.full(n, np.nan)
        self._ramped = self.target.copy()
        self._low = np.array([loop.sp_low for loop in loops], np.float64)
        self._high = np.array([loop.sp_high for loop in loops], np.float64)
        self._declared_rate = np.array([loop.sp_rate for loop in loops], np.float64)
        self._rate = np.full(n, np.inf)
        self._filter = np.array([loop.sp_filter for loop in loops], np.float64)
        self._filtered = bool(self._filter.any())
        self._time = np.zeros(n)
        # An actuator that follows a master never goes below its own setpoint: the least that somebody chose.
        self._floored = np.array([loop.type == "direct" for loop in loops], np.bool_)

    def live(self, live: NDArray[np.bool_], held: NDArray[np.bool_]) -> None:
        """Which loops act: their setpoints are ramped and filtered. A ramp or filter of those that are ``held`` stands
        still until they act again; setpoints of others jump.
        """
        self._rate = np.where(live, self._declared_rate, np.where(held & np.isfinite(self._declared_rate), 0.0, np.inf))
        self._time = np.where(live, self._filter, np.where(held & (self._filter > 0.0), np.inf, 0.0))

    def start(self, row: int, value: float) -> None:
        """The loop works to ``value`` now, and goes on from there."""
        self.working[row] = self._ramped[row] = value

    def ask(self, row: int, value: float) -> None:
        """A new setpoint, within the limits of the loop."""
        self.target[row] = min(max(value, float(self._low[row])), float(self._high[row]))

    def move(self, every: Rows, cascaded: Rows, remote: Rows, dt: float) -> None:
        """Move the setpoints of the loops ``every`` of a level; some follow a master, some a program."""
        goal = self._goals(cascaded, remote)[every] if len(cascaded) or len(remote) else self.target[every]
        ramped = self._ramped[every]
        if goal.tobytes() != ramped.tobytes():
            step = self._rate[every] * max(dt, LEAST_DT)
            self._ramped[every] = ramped = np.minimum(np.maximum(goal, ramped - step), ramped + step)
            if not self._filtered:
                self.working[every] = ramped
        if not self._filtered:
            return
        time = self._time[every]
        share = -np.expm1(np.divide(-max(dt, 0.0), time, out=np.full(len(every), -np.inf), where=time > 0.0))
        self.working[every] += share * (ramped - self.working[every])

    def _goals(self, cascaded: Rows, remote: Rows) -> F8:
        """Where the setpoints should be. A master or a program that says nothing leaves them where they are."""
        goals, asked = self.target.copy(), self.request[cascaded]
        silent, floored = np.isnan(asked), self._floored[cascaded]
        request = np.where(silent, self._ramped[cascaded], asked) if any_of(silent) else asked
        if any_of(floored):
            request = np.where(floored, np.maximum(request, goals[cascaded]), request)
        goals[cascaded] = self._limited(request, cascaded)
        if len(remote):
            wanted = self.remote[remote]
            goals[remote] = self._limited(np.where(np.isnan(wanted), self._ramped[remote], wanted), remote)
        return goals

    def _limited(self, value: F8, rows: Rows) -> F8:
        """``value`` within the limits of the loops ``rows``."""
        return np.minimum(np.maximum(value, self._low[rows]), self._high[rows])
