"""kLa from an oxygen uptake that is known without it."""

from __future__ import annotations

import numpy as np

from controller.stages.soft.dissolved import DissolvedOxygen
from controller.stages.soft.model import SETTLING, Columns, Model, Now, Setup


class KlaFromOur(Model):
    """``kLa = (OUR + dO/dt) / (O* - O)`` in 1/h, all of it filtered alike. Where the driving force is below
    ``least_force`` (%) the last value is held, and is Uncertain.

    Source: Garcia-Ochoa, Gomez, Biotechnol. Adv. 27 (2009) 153-176, the oxygen balance technique.
    """

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        self._oxygen = DissolvedOxygen(setup, 2)
        self._percent = 100.0 / setup.parameters["air_saturation"]
        self._least = setup.parameters["least_force"]
        self._kla = np.full(setup.n, np.nan)
        self.memory = {**self._oxygen.memory, "kla": self._kla}

    def step(self, now: Now, dt: float) -> None:
        """The coefficient as the probe shows it: behind by its lag, and by the window."""
        oxygen = self._oxygen
        terms = oxygen.begin(now)
        np.multiply(now.value["our"], self._percent, out=terms[0])
        terms[1] = oxygen.force
        uptake, force = oxygen.finish(dt)
        strong = force >= self._least
        np.divide(uptake + oxygen.slope, force, out=self._kla, where=strong & now.usable)
        np.copyto(now.out, self._kla)
        now.doubt(~strong)
        if not oxygen.calm:
            now.doubt(oxygen.settling, SETTLING)

    def resume(self, columns: Columns, outage_s: float) -> None:
        """Begin anew after a long time."""
        self._oxygen.resume(columns, outage_s)
