"""Programs of a perfusion: the medium that goes in, and the bleed that takes cells out."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from controller.frame import F8
from controller.stages.programs.kind import Kind, Missing, Now, Start

HOURS_PER_DAY = 24.0
ML_PER_L = 1000.0


class Perfusion(Kind):
    """``vvd`` vessel volumes a day, or ``per_cell`` (pL a day) for each viable cell; never less than ``least``."""

    def reads(self, parameters: Mapping[str, float]) -> tuple[str, ...]:
        """The volume, and the density where it goes by cells."""
        return ("volume",) if math.isnan(parameters["per_cell"]) else ("volume", "density")

    def begin(self, start: Start) -> dict[str, float]:
        """One of the two ways is chosen."""
        given = [name for name in ("vvd", "per_cell") if math.isfinite(start.parameters[name])]
        if len(given) != 1:
            raise Missing("either vvd or per_cell is needed" + (", not both" if given else ""))
        return {}

    def rate(self, now: Now) -> F8:
        """The rate for the volume, or for the cells, of now. 1 pL for each of 10*9 cells is 1 mL."""
        p, s = now.parameters, now.signals
        by_cells = p["per_cell"] * s["density"] / ML_PER_L
        daily = np.where(np.isnan(p["vvd"]), by_cells, p["vvd"]) * s["volume"]
        return np.asarray(np.maximum(daily / HOURS_PER_DAY * now.per_litre, np.nan_to_num(p["least"])))


class Bleed(Kind):
    """A ``fraction`` of the perfusion's rate, or what takes off the growth: F = mu V, and with a ``target`` density
    F = V (mu + (X / X* - 1) / tau). Source: the cell balance of a perfusion with complete retention.
    """

    def reads(self, parameters: Mapping[str, float]) -> tuple[str, ...]:
        """The perfusion's rate, or the volume and whatever says how the culture grows."""
        if math.isfinite(parameters["fraction"]):
            return ("perfusion",)
        growth = ("growth",) if math.isnan(parameters["growth_rate"]) else ()
        return ("volume", *growth, *(("density",) if math.isfinite(parameters["target"]) else ()))

    def begin(self, start: Start) -> dict[str, float]:
        """One of the two ways is chosen, and what it reads is there."""
        p, s = start.parameters, start.signals
        share = math.isfinite(p["fraction"])
        growth = math.isfinite(p["growth_rate"]) or math.isfinite(s["growth"])
        if not share and not growth:
            raise Missing("either fraction or growth_rate is needed")
        if share and math.isfinite(p["growth_rate"]):
            raise Missing("either fraction or growth_rate is needed, not both")
        if not share and math.isnan(s["volume"]):
            raise Missing("the volume is not known")
        return {}

    def rate(self, now: Now) -> F8:
        """The rate at the perfusion, or the growth and density, of now."""
        p, s = now.parameters, now.signals
        share = p["fraction"] / 100.0 * s["perfusion"]
        growth = np.where(np.isnan(p["growth_rate"]), s["growth"], p["growth_rate"])
        excess = np.where(np.isnan(p["target"]), 0.0, (s["density"] / p["target"] - 1.0) / p["correction"])
        taken = np.maximum(growth + excess, 0.0) * s["volume"]
        return np.asarray(np.where(np.isnan(p["fraction"]), taken, share) * now.per_litre)
