"""kLa from an oxygen uptake that is known without it."""

from __future__ import annotations

from controller.stages.soft.arithmetic import Real, Truth, filled, negated, over, where
from controller.stages.soft.dissolved import DissolvedOxygen
from controller.stages.soft.model import SETTLING, Model, Now, Setup


class KlaFromOur(Model[Real]):
    """``kLa = (OUR + dO/dt) / (O* - O)`` in 1/h, all of it filtered alike. Where the driving force is below
    ``least_force`` (%) the last value is held, and is Uncertain.

    Source: Garcia-Ochoa, Gomez, Biotechnol. Adv. 27 (2009) 153-176, the oxygen balance technique.
    """

    def __init__(self, setup: Setup[Real]) -> None:
        super().__init__(setup)
        self._oxygen: DissolvedOxygen[Real] = DissolvedOxygen(setup, self.memory, 2)
        self._percent: Real = 100.0 / setup.parameters["air_saturation"]
        self._least: Real = setup.parameters["least_force"]
        self.memory["kla"] = filled(setup.none, float("nan"))

    def step(self, now: Now[Real], dt: float) -> Real:
        """The coefficient as the probe shows it: behind by its lag, and by the window."""
        oxygen = self._oxygen
        oxygen.begin(now)
        uptake, force = oxygen.finish([now.value["our"] * self._percent, oxygen.force], dt)
        strong = force >= self._least
        found: Real = where(strong & now.usable, over(uptake + oxygen.slope, force), self.memory["kla"])
        self.memory["kla"] = found
        now.doubt(negated(strong))
        if not oxygen.calm:
            now.doubt(oxygen.settling, SETTLING)
        return found

    def resume(self, chosen: Truth, outage_s: float) -> None:
        """Begin anew after a long time."""
        self._oxygen.resume(chosen, outage_s)
