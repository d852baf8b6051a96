"""Programs that feed what counted cells need: at a rate per cell, or by the glucose that they are expected to use."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from controller.frame import F8
from controller.stages.programs.kind import NO_LIMIT, Kind, Missing, Now, Start

UNSEEN = math.nan
LEAST_DIFFERENCE = 0.05
"""Share of the feed's glucose by which it counts as above the culture's at least: nothing is divided by zero."""
LEAST_H = 0.5
"""Hours between two glucose samples, below which their difference says nothing about the uptake."""
TRUST = 0.7
"""Share of a difference between expected and measured uptake that is believed at once: single samples are noisy."""


def _differs(one: F8, other: F8) -> NDArray[np.bool_]:
    """Where two values are known to differ, or only the first is known."""
    return np.asarray(np.isfinite(one) & ~(one == other))


class _Counted(Kind):
    """What programs by count share: ``cells`` (10*9), taken when a count arrives, and expected to grow until the next.

    The volume of that moment counts: cells that were counted are not made more by what is fed.
    """

    memory: ClassVar[tuple[str, ...]] = ("cells", "density", "counted", "since")
    watches: ClassVar[bool] = True

    def reads(self, parameters: Mapping[str, float]) -> tuple[str, ...]:
        """The count, and the volume that it was taken of."""
        del parameters
        return ("density", "volume", "sample")

    def begin(self, start: Start) -> dict[str, float]:
        """Nothing is known before the first count is taken, in the first scan."""
        del start
        return dict.fromkeys(self.memory, UNSEEN)

    def away(self, memory: dict[str, float], hours: float) -> None:
        """Cells grow also while nobody watches."""
        memory["since"] += hours

    def cells(self, now: Now) -> F8:
        """The cells that are expected now, 10*9; NaN before the first count."""
        m, s, p = now.memory, now.signals, now.parameters
        new = _differs(s["density"], m["density"]) | (_differs(s["sample"], m["counted"]) & np.isfinite(s["density"]))
        new &= np.isfinite(s["volume"]) & (s["volume"] > 0.0) & (s["density"] >= 0.0)
        m["since"] += now.dt_h
        if new.any():
            np.copyto(m["cells"], s["density"] * s["volume"], where=new)
            np.copyto(m["since"], 0.0, where=new)
            np.copyto(m["density"], s["density"], where=new)
            np.copyto(m["counted"], s["sample"], where=new)
        hours = np.minimum(m["since"], p["longest_count"])
        return np.asarray(m["cells"] * np.exp(np.minimum(p["growth_rate"] * hours, NO_LIMIT)))


class ByCount(_Counted):
    """F = rate per cell x cells."""

    def rate(self, now: Now) -> F8:
        """The rate for the cells that are expected now."""
        return self.cells(now) * now.parameters["rate_per_cells"]


class ByGlucose(_Counted):
    """Feeds the glucose that counted cells are expected to use, and brings the culture to ``target`` within
    ``correction`` hours: F = (q X V + (G* - G) V / tau) / (Gf - G), with G calculated from the last sample on.

    Each new glucose sample replaces G; what it differs by corrects the uptake q, within ``uptake_factor`` of the given
    one. Source: the substrate balance of a fed-batch; the correction of q is the gradient step of a least-squares fit.
    """

    memory: ClassVar[tuple[str, ...]] = (*_Counted.memory, "glucose", "measured", "uptake", "used", "age", "volume")

    def reads(self, parameters: Mapping[str, float]) -> tuple[str, ...]:
        """The glucose, too."""
        return ("glucose", *super().reads(parameters))

    def begin(self, start: Start) -> dict[str, float]:
        """The uptake as it is given."""
        if start.parameters["feed_glucose"] <= start.parameters["target"]:
            raise Missing("feed_glucose must be above the target: this feed cannot reach it")
        return {**super().begin(start), "uptake": start.parameters["uptake"], "used": 0.0, "age": 0.0}

    def rate(self, now: Now) -> F8:
        """The rate that holds the glucose."""
        m, p = now.memory, now.parameters
        cells = self.cells(now)
        volume = self._volume(now)
        self._expect(now, cells, volume)
        self._correct(now, volume)
        above = np.maximum(p["feed_glucose"] - m["glucose"], LEAST_DIFFERENCE * p["feed_glucose"])
        wanted = m["uptake"] * cells + (p["target"] - m["glucose"]) * volume / p["correction"]
        return np.asarray(wanted / above * now.per_litre)

    @staticmethod
    def _volume(now: Now) -> F8:
        """The last volume that is known: it changes by little while it is not."""
        volume, m = now.signals["volume"], now.memory
        np.copyto(m["volume"], volume, where=np.isfinite(volume) & (volume > 0.0))
        return m["volume"]

    @staticmethod
    def _expect(now: Now, cells: F8, volume: F8) -> None:
        """What the glucose is by now, if the cells use what is expected."""
        m = now.memory
        used = cells * now.dt_h
        fed = (now.parameters["feed_glucose"] - m["glucose"]) * now.delivered * now.litres
        expected = m["glucose"] + (fed - m["uptake"] * used) / volume
        np.copyto(m["glucose"], np.maximum(expected, 0.0), where=np.isfinite(expected))
        np.copyto(m["used"], m["used"] + used, where=np.isfinite(used))
        m["age"] += now.dt_h

    @staticmethod
    def _correct(now: Now, volume: F8) -> None:
        """Take a new sample; the cells used more than expected where it is lower."""
        m, s, p = now.memory, now.signals, now.parameters
        new = _differs(s["glucose"], m["measured"]) & (s["glucose"] >= 0.0)
        if not new.any():
            return
        learnt = np.zeros(len(new))
        possible = new & (m["used"] > 0.0) & (m["age"] >= LEAST_H) & np.isfinite(m["glucose"]) & np.isfinite(volume)
        np.divide((m["glucose"] - s["glucose"]) * volume, m["used"], out=learnt, where=possible)
        uptake = m["uptake"] + TRUST * learnt
        lowest, highest = p["uptake"] / p["uptake_factor"], p["uptake"] * p["uptake_factor"]
        np.copyto(m["uptake"], np.minimum(np.maximum(uptake, lowest), highest), where=new)
        np.copyto(m["glucose"], s["glucose"], where=new)
        np.copyto(m["measured"], s["glucose"], where=new)
        for name in ("used", "age"):
            np.copyto(m[name], 0.0, where=new)
