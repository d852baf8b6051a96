"""Volume from weight."""

from __future__ import annotations

from controller.stages.soft.arithmetic import Real
from controller.stages.soft.model import Model, Now, Setup


class VolumeFromWeight(Model[Real]):
    """Volume in mL: net weight in g over the density in g/mL."""

    def __init__(self, setup: Setup[Real]) -> None:
        super().__init__(setup)
        self._per_gram: Real = 1.0 / setup.parameters["density"]

    def step(self, now: Now[Real], dt: float) -> Real:
        """The volume now."""
        return now.value["weight"] * self._per_gram
