"""How fast a value changes."""

from __future__ import annotations

import numpy as np

from controller.frame import F8
from controller.stages.soft.model import Columns, Flags, Model, Now, Setup
from controller.stages.soft.trend import ENOUGH_BINS, Trend


class Rate(Model):
    """The slope of a straight line through the last ``window`` (s), per s; Uncertain while less than half of the window
    has been seen, no answer at first. Bad values are left out; after a long gap the line begins anew.

    Source: ordinary least squares.
    """

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        self._trend = Trend(setup.parameters["window"])
        self._few = np.zeros(setup.n, np.bool_)
        self.memory = self._trend.memory

    def step(self, now: Now, dt: float) -> None:
        """The slope now."""
        self.follow(now.value["of"], now.usable, now, dt)

    def follow(self, value: F8, usable: Flags, now: Now, dt: float) -> None:
        """Lay the line through ``value`` where ``usable``; its slope is the result."""
        trend = self._trend
        trend.step(value, usable, dt)
        np.copyto(now.out, trend.slope)
        np.less(trend.points, ENOUGH_BINS, out=self._few)
        if np.count_nonzero(self._few):
            now.doubt(self._few)

    def rebase(self, columns: Columns) -> None:
        """What counts from the start of the batch jumps here: the line begins anew."""
        self._trend.forget(columns)

    def resume(self, columns: Columns, outage_s: float) -> None:
        """Nothing was seen for a while."""
        self._trend.resume(columns, outage_s)
