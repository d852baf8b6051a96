"""Cell density: from a probe's signal, between counts, and all cells together."""

from __future__ import annotations

import numpy as np

from controller.stages.soft.arithmetic import (
    Columns,
    Real,
    Truth,
    back,
    exp,
    filled,
    maximum,
    minimum,
    over,
    row,
    some,
    where,
)
from controller.stages.soft.counts import Counts
from controller.stages.soft.model import Model, Now, Setup

SECONDS_PER_HOUR = 3600.0


class DensityFromCapacitance(Model[Real]):
    """``slope * (signal - background)``, not below zero. Good where the cells are alive and of one size: capacitance
    grows with the volume inside intact membranes.

    Source: Carvell, Dowd, Cytotechnology 50 (2006) 35-48.
    """

    def __init__(self, setup: Setup[Real]) -> None:
        super().__init__(setup)
        self._slope: Real = setup.parameters["slope"]
        self._background: Real = setup.parameters["background"]

    def step(self, now: Now[Real], dt: float) -> Real:
        """The density now."""
        return maximum((now.value["signal"] - self._background) * self._slope, 0.0)


class CellsTotal(Model[Real]):
    """Density times volume, in 10*9; without a volume there is no answer."""

    def step(self, now: Now[Real], dt: float) -> Real:
        """All cells now."""
        volume = now.value["volume"]
        return where(volume <= 0.0, np.nan, now.value["density"] * volume)


class DensityFromCounts(Model[Real]):
    """``X = X0 exp(mu t)`` from the last count on, with the growth rate between the last two, within plus and minus
    ``fastest_growth`` (1/h), for ``good_for`` (s). After that, and with one count only, the density is held and is
    Uncertain. With a volume the cells grow, and are spread over the volume of now; there is no answer while there is
    none.

    Source: exponential growth between samples; Bastin, Dochain 1990, ch. 1.
    """

    ages = True

    def __init__(self, setup: Setup[Real]) -> None:
        super().__init__(setup)
        self._good_for: Real = setup.parameters["good_for"]
        self._fastest = row(setup.parameters["fastest_growth"]) / SECONDS_PER_HOUR
        self._one: Real = filled(setup.none, 1.0)
        self._counts: Counts[Real] = Counts(self.memory, setup.none, self._good_for)
        self.memory["growth"], self.memory["known"] = filled(setup.none, 0.0), filled(setup.none, 0.0)

    def step(self, now: Now[Real], dt: float) -> Real:
        """The density now."""
        counts, value, memory = self._counts, now.value, self.memory
        volume = value.get("volume", self._one)
        columns = counts.step(value["density"], volume, now.age["density"], now.usable, dt)
        if len(columns):
            self._learn(columns)
        newest, level = counts.newest
        since = counts.clock - newest
        doubtful = (since > self._good_for) | (memory["known"] == 0.0)
        if some(doubtful):
            now.doubt(doubtful)
        cells: Real = exp(minimum(since, self._good_for) * memory["growth"] + level)
        return where(volume <= 0.0, np.nan, over(cells, volume))

    def _learn(self, columns: Columns) -> None:
        """The growth between the last two counts; none where there is only one."""
        slope = self._counts.slope(self._counts.time[-2])[columns]
        known, fastest = np.isfinite(slope), self._fastest[columns]
        growth = np.where(known, np.clip(slope, -fastest, fastest), 0.0)
        for name, found in (("growth", growth), ("known", known)):
            values = row(self.memory[name])
            values[columns] = found
            self.memory[name] = back(self.none, values)

    def rebase(self, chosen: Truth) -> None:
        """Other cells."""
        self._counts.forget(chosen)
        for name in ("growth", "known"):
            self.memory[name] = where(chosen, 0.0, self.memory[name])

    def resume(self, chosen: Truth, outage_s: float) -> None:
        """So much time has passed, in which the cells grew."""
        self._counts.resume(chosen, outage_s)
