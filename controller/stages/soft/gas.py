"""What flows in: the sum of the gases, and the share of one of them."""

from __future__ import annotations

from collections.abc import Mapping

from controller.stages.soft.arithmetic import Real, added, maximum, over, where
from controller.stages.soft.constants import AIR_CARBON_DIOXIDE, AIR_OXYGEN
from controller.stages.soft.model import Model, Now, Setup

OXYGEN: Mapping[str, float] = {"air": AIR_OXYGEN, "oxygen": 1.0}
"""Mole fraction of oxygen in the gases that have any."""
CARBON_DIOXIDE: Mapping[str, float] = {"air": AIR_CARBON_DIOXIDE, "carbon_dioxide": 1.0}
"""Mole fraction of carbon dioxide in the gases that have any."""


class GasTotal(Model[Real]):
    """The sum of all flows. A mass-flow controller that reads less than nothing reads nothing."""

    def step(self, now: Now[Real], dt: float) -> Real:
        """All gas now, in L/h."""
        return added([maximum(flow, 0.0) for flow in now.value.values()])


class GasShare(Model[Real]):
    """The mole fraction of a gas in what flows in; without gas (below ``least_flow``) there is no answer."""

    def __init__(self, setup: Setup[Real], contents: Mapping[str, float]) -> None:
        super().__init__(setup)
        self._contents = [contents.get(name, 0.0) for name in setup.inputs]
        self._least: Real = setup.parameters["least_flow"]

    def step(self, now: Now[Real], dt: float) -> Real:
        """The share now."""
        flows = [maximum(flow, 0.0) for flow in now.value.values()]
        total = added(flows)
        part = added([flow * content for flow, content in zip(flows, self._contents, strict=True)])
        return where(total < self._least, float("nan"), over(part, total))


def oxygen_in_gas(setup: Setup[Real]) -> GasShare[Real]:
    """The share of oxygen."""
    return GasShare(setup, OXYGEN)


def carbon_dioxide_in_gas(setup: Setup[Real]) -> GasShare[Real]:
    """The share of carbon dioxide."""
    return GasShare(setup, CARBON_DIOXIDE)
