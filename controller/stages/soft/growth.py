"""Specific growth rate from cell density."""

from __future__ import annotations

import numpy as np

from controller.stages.soft.counts import Counts
from controller.stages.soft.model import Columns, Model, Now, Setup
from controller.stages.soft.rate import Rate

SECONDS_PER_HOUR = 3600.0


def growth_from_density(setup: Setup) -> Model:
    """The model for counted or for continuous density."""
    return GrowthFromCounts(setup) if "sampled" in setup.options else GrowthFromSignal(setup)


class GrowthFromSignal(Rate):
    """mu = d ln(X V) / dt in 1/h by least squares over the ``window``; without a volume, d ln X / dt.

    Source: Bastin, Dochain, On-line Estimation and Adaptive Control of Bioreactors, 1990, ch. 1.
    """

    def step(self, now: Now, dt: float) -> None:
        """The growth rate now. Nothing grows from less than nothing: what has no logarithm is left out."""
        cells = now.value["density"]
        if "volume" in now.value:
            cells = cells * now.value["volume"]
        self.follow(np.log(cells), now.usable & (cells > 0.0), now, dt)
        np.multiply(now.out, SECONDS_PER_HOUR, out=now.out)


class GrowthFromCounts(Model):
    """mu in 1/h from the line through the logarithms of the counts of the last ``window`` (s), held until the next
    count; Uncertain when the last one is older than the window.

    Source: as :class:`GrowthFromSignal`; for two counts it is ln(X2/X1)/(t2-t1).
    """

    ages = True

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        self._window = setup.parameters["window"]
        self._counts = Counts(self._window)
        self._growth = np.full(setup.n, np.nan)
        self._old = np.zeros(setup.n, np.bool_)
        self.memory = {**self._counts.memory, "growth": self._growth}

    def step(self, now: Now, dt: float) -> None:
        """The growth rate as of the last count."""
        counts, value = self._counts, now.value
        columns = counts.step(value["density"], value.get("volume", 1.0), now.age["density"], now.usable, dt)
        if len(columns):
            slope = counts.slope(counts.time[-1] - self._window)
            self._growth[columns] = SECONDS_PER_HOUR * slope[columns]
        np.copyto(now.out, self._growth)
        np.less(counts.time[-1], counts.clock - self._window, out=self._old)
        if np.count_nonzero(self._old):
            now.doubt(self._old)

    def rebase(self, columns: Columns) -> None:
        """Other cells: the counts of the last batch say nothing about them."""
        self._counts.forget(columns)
        self._growth[columns] = np.nan

    def resume(self, columns: Columns, outage_s: float) -> None:
        """So much time has passed."""
        self._counts.clock[columns] += outage_s
