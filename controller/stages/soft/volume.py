"""Volume from weight."""

from __future__ import annotations

import numpy as np

from controller.stages.soft.model import Model, Now, Setup


class VolumeFromWeight(Model):
    """Volume in mL: net weight in g over the density in g/mL."""

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        self._per_gram = 1.0 / setup.parameters["density"]

    def step(self, now: Now, dt: float) -> None:
        """The volume now."""
        np.multiply(now.value["weight"], self._per_gram, out=now.out)
