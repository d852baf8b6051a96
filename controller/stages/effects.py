"""Effects: whether the output of a loop moves its PV at all, and the right way, judged while it is at its limit.

At its limit a controller has said all that it can say: if the PV then does not come nearer to the setpoint, the
actuator does not obey, is empty or works the other way, the probe stands still, or the process is stronger.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from controller.model.effects import LoopEffect
from controller.stages.flags import any_of
from controller.stages.loops import Loops


class Effects:
    """``lacking`` says of each effect whether it has not been seen for its time; shape ``(effects,)``.

    A time begins when a loop comes to its limit, with another limit, with another setpoint, and whenever the PV has
    come nearer by enough. It is process time in which the loop decided; ``longest_dt`` s between two scans count as
    not seen.
    """

    def __init__(self, effects: Sequence[LoopEffect], loops: Loops, longest_dt: float) -> None:
        self._loops, self._longest_dt = loops, longest_dt
        self._rows = np.array([effect.row for effect in effects], np.intp)
        self._pv = np.array([loops.table.rows[effect.row].pv for effect in effects], np.intp)
        numbers = np.array([effect[1:] for effect in effects], np.float64).reshape(-1, 6)
        self._within, self._least, self._scale, self._offset, self._lowest, self._highest = numbers.T
        self._since, self._error, self._setpoint, self._limit = np.zeros((4, len(effects)))
        self.lacking: NDArray[np.bool_] = np.zeros(len(effects), np.bool_)

    def step(self, dt: float) -> None:
        """Judge one scan after control, ``dt`` s after the last."""
        if not len(self._rows):
            return
        limit = self._loops.limits.shown[self._rows] * self._loops.live[self._rows]
        limit = np.minimum(np.maximum(limit, self._lowest), self._highest)
        if not any_of(limit != 0.0):
            self._limit, self.lacking = limit, np.zeros(len(limit), np.bool_)
            return
        setpoint = self._loops.sp[self._rows]
        error = np.abs(setpoint - (self._loops.signals.value[self._pv] * self._scale + self._offset))
        anew = (limit == 0.0) | (limit != self._limit) | (setpoint != self._setpoint)
        nearer = error <= np.maximum(self._error - self._least, self._least)
        begins = anew | nearer | ~np.isfinite(error)
        seen = dt if 0.0 <= dt <= self._longest_dt else 0.0
        self._since = np.where(begins, 0.0, self._since + seen)
        self._error = np.where(begins, error, self._error)
        self._setpoint, self._limit = setpoint, limit
        self.lacking = self._since >= self._within
