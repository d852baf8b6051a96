"""Specific growth rate from cell density."""

from __future__ import annotations

from controller.stages.soft.arithmetic import Real, Truth, back, filled, log, row, some, where
from controller.stages.soft.counts import Counts
from controller.stages.soft.model import Model, Now, Setup
from controller.stages.soft.rate import Rate

SECONDS_PER_HOUR = 3600.0


def growth_from_density(setup: Setup[Real]) -> Model[Real]:
    """The model for counted or for continuous density."""
    return GrowthFromCounts(setup) if "sampled" in setup.options else GrowthFromSignal(setup)


class GrowthFromSignal(Rate[Real]):
    """mu = d ln(X V) / dt in 1/h by least squares over the ``window``; without a volume, d ln X / dt.

    Source: Bastin, Dochain, On-line Estimation and Adaptive Control of Bioreactors, 1990, ch. 1.
    """

    def step(self, now: Now[Real], dt: float) -> Real:
        """The growth rate now. Nothing grows from less than nothing: what has no logarithm is left out."""
        cells = now.value["density"]
        if "volume" in now.value:
            cells = cells * now.value["volume"]
        return self.follow(log(cells), now.usable & (cells > 0.0), now, dt) * SECONDS_PER_HOUR


class GrowthFromCounts(Model[Real]):
    """mu in 1/h from the line through the logarithms of the counts of the last ``window`` (s), held until the next
    count; Uncertain when the last one is older than the window.

    Source: as :class:`GrowthFromSignal`; for two counts it is ln(X2/X1)/(t2-t1).
    """

    ages = True

    def __init__(self, setup: Setup[Real]) -> None:
        super().__init__(setup)
        self._window: Real = setup.parameters["window"]
        self._counts: Counts[Real] = Counts(self.memory, setup.none, self._window)
        self.memory["growth"] = filled(setup.none, float("nan"))

    def step(self, now: Now[Real], dt: float) -> Real:
        """The growth rate as of the last count."""
        counts, value = self._counts, now.value
        columns = counts.step(value["density"], value.get("volume", 1.0), now.age["density"], now.usable, dt)
        if len(columns):
            slope = counts.slope(counts.time[-1] - row(self._window))
            found = row(self.memory["growth"])
            found[columns] = SECONDS_PER_HOUR * slope[columns]
            self.memory["growth"] = back(self.none, found)
        newest, _ = counts.newest
        old = newest < counts.clock - self._window
        if some(old):
            now.doubt(old)
        growth: Real = self.memory["growth"]
        return growth

    def rebase(self, chosen: Truth) -> None:
        """Other cells: the counts of the last batch say nothing about them."""
        self._counts.forget(chosen)
        self.memory["growth"] = where(chosen, float("nan"), self.memory["growth"])

    def resume(self, chosen: Truth, outage_s: float) -> None:
        """So much time has passed."""
        self._counts.resume(chosen, outage_s)
