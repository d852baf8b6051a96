"""How fast a value changes."""

from __future__ import annotations

from controller.stages.soft.arithmetic import Real, Truth, some
from controller.stages.soft.model import Model, Now, Setup
from controller.stages.soft.trend import ENOUGH_BINS, Trend


class Rate(Model[Real]):
    """The slope of a straight line through the last ``window`` (s), per s; Uncertain while less than half of the window
    has been seen, no answer at first. Bad values are left out; after a long gap the line begins anew.

    Source: ordinary least squares.
    """

    def __init__(self, setup: Setup[Real]) -> None:
        super().__init__(setup)
        self._trend: Trend[Real] = Trend(self.memory, setup.none, setup.parameters["window"])

    def step(self, now: Now[Real], dt: float) -> Real:
        """The slope now."""
        return self.follow(now.value["of"], now.usable, now, dt)

    def follow(self, value: Real, usable: Truth, now: Now[Real], dt: float) -> Real:
        """The slope of the line through ``value`` where ``usable``."""
        trend = self._trend
        trend.step(value, usable, dt)
        few = trend.points < ENOUGH_BINS
        if some(few):
            now.doubt(few)
        return trend.slope

    def rebase(self, chosen: Truth) -> None:
        """What counts from the start of the batch jumps here: the line begins anew."""
        self._trend.forget(chosen)

    def resume(self, chosen: Truth, outage_s: float) -> None:
        """Nothing was seen for a while."""
        self._trend.resume(chosen, outage_s)
