"""kLa from agitation and gas flow, by the vessel's own calibration."""

from __future__ import annotations

from controller.stages.soft.arithmetic import Real, maximum, over, power, row, where
from controller.stages.soft.model import Model, Now, Setup


class KlaCorrelation(Model[Real]):
    """``reference (N/N0)^a (q/q0)^b + surface`` in 1/h, with q the gas per volume of culture and time, or the gas flow
    itself where no volume is given.

    Source of the form: van 't Riet, Ind. Eng. Chem. Process Des. Dev. 18 (1979) 357-364, with the power input of one
    geometry expressed by the agitation. The numbers are the vessel's: found by gassing out. What turns or flows
    backwards does neither; without a volume above zero there is no answer.
    """

    def __init__(self, setup: Setup[Real]) -> None:
        super().__init__(setup)
        given, per = setup.parameters, "at_vvm" if "volume" in setup.inputs else "at_gas_flow"
        self._reference: Real = given["reference"]
        self._surface: Real = given["surface"]
        self._agitation: Real = given["at_agitation"]
        self._gas: Real = given[per]
        self._agitation_exponent = row(given["agitation_exponent"])
        self._gas_exponent = row(given["gas_exponent"])

    def step(self, now: Now[Real], dt: float) -> Real:
        """The coefficient now."""
        value = now.value
        gas = over(value["gas_flow"], self._gas)
        if "volume" in value:
            gas = over(gas, value["volume"])
        gassed = power(maximum(gas, 0.0), self._gas_exponent)
        turned = maximum(over(value["agitation"], self._agitation), 0.0)
        found = power(turned, self._agitation_exponent) * gassed * self._reference + self._surface
        return where(value["volume"] <= 0.0, float("nan"), found) if "volume" in value else found
