"""The gap around a setpoint in which a controller rests, with a transition band and hysteresis, for some controllers of
a bank.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from controller.frame import F8
from controller.model.tuning import Gap
from controller.stages.flags import any_of

LEAST = 1e-12
"""A transition narrower than this is an edge."""


class Gaps:
    """The gaps of the controllers ``rows`` of a bank; arrays of shape ``(rows,)``, in PV units.

    ``acting`` are those whose error has left the gap and has not come back by the hysteresis yet.
    """

    def __init__(self, rows: Sequence[int], gaps: Sequence[Gap]) -> None:
        self.rows = np.array(rows, np.intp)
        self._width = np.array([gap.width for gap in gaps], np.float64)
        self._negative = -self._width
        self._inner = self._width - np.array([gap.hysteresis for gap in gaps], np.float64)
        self._transition = np.array([gap.transition for gap in gaps], np.float64)
        self._lost = 1.0 - np.array([gap.gain for gap in gaps], np.float64)
        self._plain = all(gap.plain for gap in gaps)
        self.acting: NDArray[np.bool_] = np.zeros(len(rows), np.bool_)
        self._edge = self._width
        self._curve = np.divide(0.5, self._transition, out=np.zeros(len(rows)), where=self._transition > LEAST)

    def take_off(self, error: F8) -> tuple[F8, F8 | None]:
        """What to take off the errors ``(rows,)``, and by how much that jumped because a controller began or ceased to
        act (``None`` where none did).
        """
        if self._plain:
            off = np.maximum(error, self._negative)
            return np.minimum(off, self._width, out=off), None
        size = np.abs(error)
        acting = size > self._edge
        if acting.tobytes() == self.acting.tobytes():
            if any_of(acting):
                return self._off(error, size, self._edge), None
            return np.copysign(self._lost * size, error), None
        changed, self.acting = acting != self.acting, acting
        self._edge = np.where(acting, self._inner, self._width)
        off = self._off(error, size, self._edge)
        return off, np.where(changed, off - self._off(error, size, np.where(acting, self._width, self._inner)), 0.0)

    def _off(self, error: F8, size: F8, edge: F8) -> F8:
        """Error minus shaped error: the shaped one has slope ``gain`` up to the edge, then a slope that rises to 1."""
        beyond = np.maximum(size - edge, 0.0)
        within = np.minimum(beyond, self._transition)
        lost = self._lost * (size - beyond + within - self._curve * within * within)
        return np.asarray(np.copysign(lost, error))
