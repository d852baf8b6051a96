"""Programs that follow the time alone: a constant rate, a table, and growth at a set rate."""

from __future__ import annotations

import math
from bisect import bisect_right
from typing import ClassVar

import numpy as np

from controller.frame import F8
from controller.stages.programs.kind import NO_LIMIT, Kind, Missing, Now, Start


class Constant(Kind):
    """One rate."""

    def rate(self, now: Now) -> F8:
        """That rate."""
        return now.parameters["rate"]


class Table(Kind):
    """Rates at given hours, joined by steps or straight lines; before the first point its rate, after the last the
    last's.
    """

    def rate(self, now: Now) -> F8:
        """The table at each program's hour."""
        stepped = now.parameters["between"] > 0.0
        rows = zip(now.runs, now.hours.tolist(), stepped.tolist(), strict=True)
        return np.array([at(run.points, hour, stepped=steps) for run, hour, steps in rows], np.float64)


def at(points: tuple[tuple[float, float], ...], hour: float, *, stepped: bool) -> float:
    """The rate of a table at an hour."""
    place = bisect_right(points, hour, key=lambda point: point[0])
    if place in {0, len(points)} or stepped:
        return points[max(place - 1, 0)][1]
    (before, low), (after, high) = points[place - 1], points[place]
    return low + (high - low) * (hour - before) / (after - before)


class Exponential(Kind):
    """F = F0 exp(mu t): the culture grows at ``growth_rate`` on what it is fed.

    F0 is given as ``start``, or comes from the substrate balance at the start:
    F0 = (mu / Yxs + m) X0 V0 / Si. Source: the substrate balance at a constant growth rate, as in Anane et al.,
    Biochem. Eng. J. 125 (2017) 23; maintenance as in Pirt, Proc. R. Soc. B 163 (1965) 224.
    """

    memory: ClassVar[tuple[str, ...]] = ("start",)

    def begin(self, start: Start) -> dict[str, float]:
        """The first rate."""
        given = start.parameters["start"]
        return {"start": given if math.isfinite(given) else self._balanced(start)}

    @staticmethod
    def _balanced(start: Start) -> float:
        p = start.parameters
        for name in ("yield", "substrate"):
            if math.isnan(p[name]):
                raise Missing(f"either start, or yield and substrate for the balance: {name} is missing")
        biomass = p["biomass"]
        if math.isnan(biomass):
            biomass = start.signals["biomass"] * start.signals["volume"]
        if not math.isfinite(biomass) or biomass <= 0.0:
            raise Missing(
                "the biomass at the start is not known: give biomass, or see to the tags of it and the volume"
            )
        demand = p["growth_rate"] / p["yield"] + p["maintenance"]
        return demand * biomass / p["substrate"] * start.per_litre

    def rate(self, now: Now) -> F8:
        """The profile at each program's hour."""
        exponent = np.minimum(now.parameters["growth_rate"] * now.hours, NO_LIMIT)
        return np.asarray(now.memory["start"] * np.exp(exponent))
