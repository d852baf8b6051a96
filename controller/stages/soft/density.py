"""Cell density: from a probe's signal, between counts, and all cells together."""

from __future__ import annotations

import numpy as np

from controller.stages.soft.counts import Counts
from controller.stages.soft.model import Columns, Model, Now, Setup

SECONDS_PER_HOUR = 3600.0


class DensityFromCapacitance(Model):
    """``slope * (signal - background)``, not below zero. Good where the cells are alive and of one size: capacitance
    grows with the volume inside intact membranes.

    Source: Carvell, Dowd, Cytotechnology 50 (2006) 35-48.
    """

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        self._slope, self._background = setup.parameters["slope"], setup.parameters["background"]

    def step(self, now: Now, dt: float) -> None:
        """The density now."""
        np.subtract(now.value["signal"], self._background, out=now.out)
        np.multiply(now.out, self._slope, out=now.out)
        np.maximum(now.out, 0.0, out=now.out)


class CellsTotal(Model):
    """Density times volume, in 10*9; without a volume there is no answer."""

    def step(self, now: Now, dt: float) -> None:
        """All cells now."""
        volume = now.value["volume"]
        np.multiply(now.value["density"], volume, out=now.out)
        np.copyto(now.out, np.nan, where=volume <= 0.0)


class DensityFromCounts(Model):
    """``X = X0 exp(mu t)`` from the last count on, with the growth rate between the last two, within plus and minus
    ``fastest_growth`` (1/h), for ``good_for`` (s). After that, and with one count only, the density is held and is
    Uncertain. With a volume the cells grow, and are spread over the volume of now; there is no answer while there is
    none.

    Source: exponential growth between samples; Bastin, Dochain 1990, ch. 1.
    """

    ages = True

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        self._good_for = setup.parameters["good_for"]
        self._fastest = setup.parameters["fastest_growth"] / SECONDS_PER_HOUR
        self._counts = Counts(self._good_for)
        self._growth, self._known = np.zeros(setup.n), np.zeros(setup.n)
        self._doubtful = np.zeros(setup.n, np.bool_)
        self.memory = {**self._counts.memory, "growth": self._growth, "known": self._known}

    def step(self, now: Now, dt: float) -> None:
        """The density now."""
        counts, value, out = self._counts, now.value, now.out
        volume = value.get("volume", 1.0)
        columns = counts.step(value["density"], volume, now.age["density"], now.usable, dt)
        if len(columns):
            self._learn(columns)
        np.subtract(counts.clock, counts.time[-1], out=out)
        np.greater(out, self._good_for, out=self._doubtful)
        np.logical_or(self._doubtful, self._known == 0.0, out=self._doubtful)
        np.minimum(out, self._good_for, out=out)
        np.multiply(out, self._growth, out=out)
        np.add(out, counts.level[-1], out=out)
        np.exp(out, out=out)
        np.divide(out, volume, out=out)
        np.copyto(out, np.nan, where=np.less_equal(volume, 0.0))
        if np.count_nonzero(self._doubtful):
            now.doubt(self._doubtful)

    def _learn(self, columns: Columns) -> None:
        """The growth between the last two counts; none where there is only one."""
        growth = self._counts.slope(self._counts.time[-2])[columns]
        known = np.isfinite(growth)
        fastest = self._fastest[columns]
        self._known[columns] = known
        self._growth[columns] = np.where(known, np.clip(growth, -fastest, fastest), 0.0)

    def rebase(self, columns: Columns) -> None:
        """Other cells."""
        self._counts.forget(columns)
        self._growth[columns] = self._known[columns] = 0.0

    def resume(self, columns: Columns, outage_s: float) -> None:
        """So much time has passed, in which the cells grew."""
        self._counts.clock[columns] += outage_s
