"""What flows in: the sum of the gases, and the share of one of them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from controller.stages.soft.constants import AIR_CARBON_DIOXIDE, AIR_OXYGEN
from controller.stages.soft.model import Model, Now, Setup

OXYGEN: Mapping[str, float] = {"air": AIR_OXYGEN, "oxygen": 1.0}
"""Mole fraction of oxygen in the gases that have any."""
CARBON_DIOXIDE: Mapping[str, float] = {"air": AIR_CARBON_DIOXIDE, "carbon_dioxide": 1.0}
"""Mole fraction of carbon dioxide in the gases that have any."""


class GasTotal(Model):
    """The sum of all flows. A mass-flow controller that reads less than nothing reads nothing."""

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        self._flows = np.zeros((setup.n, len(setup.inputs)))

    def step(self, now: Now, dt: float) -> None:
        """All gas now, in L/h."""
        np.maximum(now.every, 0.0, out=self._flows)
        np.add.reduce(self._flows, axis=1, out=now.out)


class GasShare(Model):
    """The mole fraction of a gas in what flows in; without gas (below ``least_flow``) there is no answer."""

    def __init__(self, setup: Setup, contents: Mapping[str, float]) -> None:
        super().__init__(setup)
        self._contents = np.array([contents.get(name, 0.0) for name in setup.inputs])
        self._least = setup.parameters["least_flow"]
        self._flows = np.zeros((setup.n, len(setup.inputs)))
        self._total, self._no_gas = np.zeros(setup.n), np.zeros(setup.n, np.bool_)

    def step(self, now: Now, dt: float) -> None:
        """The share now."""
        flows, total = self._flows, self._total
        np.maximum(now.every, 0.0, out=flows)
        np.add.reduce(flows, axis=1, out=total)
        np.multiply(flows, self._contents, out=flows)
        np.add.reduce(flows, axis=1, out=now.out)
        np.divide(now.out, total, out=now.out)
        np.less(total, self._least, out=self._no_gas)
        np.copyto(now.out, np.nan, where=self._no_gas)


def oxygen_in_gas(setup: Setup) -> GasShare:
    """The share of oxygen."""
    return GasShare(setup, OXYGEN)


def carbon_dioxide_in_gas(setup: Setup) -> GasShare:
    """The share of carbon dioxide."""
    return GasShare(setup, CARBON_DIOXIDE)
