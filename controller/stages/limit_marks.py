"""Which loops are shown as being at a limit: noise at the limit does not make it flicker."""

from __future__ import annotations

import numpy as np

from controller.frame import F8
from controller.stages.flags import any_number, any_of

REST_S = 60.0
"""Seconds for which a controller must not have wanted more than its limit until it is no longer shown at it."""


class LimitMarks:
    """``shown`` is +1 or -1 for each loop that is, or lately was, at its upper or lower limit, else 0."""

    def __init__(self, loops: int) -> None:
        self.shown: F8 = np.zeros(loops)
        self._away = np.zeros(loops)

    def step(self, limited: F8, dt: float) -> bool:
        """Take the limits of a scan (+1, -1, 0), ``dt`` seconds after the last; gives whether ``shown`` changed."""
        if not (any_number(limited) or any_number(self.shown)):
            return False
        there = (limited == self.shown) | (self.shown == 0.0)
        self._away = np.where(there, 0.0, self._away + dt)
        shown = np.where((self.shown == 0.0) | (self._away >= REST_S), limited, self.shown)
        changed = any_of(shown != self.shown)
        self.shown = shown
        return changed
