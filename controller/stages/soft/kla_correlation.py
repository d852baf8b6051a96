"""kLa from agitation and gas flow, by the vessel's own calibration."""

from __future__ import annotations

import numpy as np

from controller.stages.soft.model import Model, Now, Setup


class KlaCorrelation(Model):
    """``reference (N/N0)^a (q/q0)^b + surface`` in 1/h, with q the gas per volume of culture and time, or the gas flow
    itself where no volume is given.

    Source of the form: van 't Riet, Ind. Eng. Chem. Process Des. Dev. 18 (1979) 357-364, with the power input of one
    geometry expressed by the agitation. The numbers are the vessel's: found by gassing out. What turns or flows
    backwards does neither; without a volume above zero there is no answer.
    """

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        given = setup.parameters
        self._reference, self._surface = given["reference"], given["surface"]
        self._agitation, self._gas = (
            given["at_agitation"],
            given["at_vvm" if "volume" in setup.inputs else "at_gas_flow"],
        )
        self._agitation_exponent, self._gas_exponent = given["agitation_exponent"], given["gas_exponent"]
        self._part, self._ratio = np.zeros((2, setup.n))
        self._empty = np.zeros(setup.n, np.bool_)

    def step(self, now: Now, dt: float) -> None:
        """The coefficient now."""
        # A power that overwrites its base is another one in the last bit where there is one column only.
        value, out, part, ratio = now.value, now.out, self._part, self._ratio
        np.divide(value["gas_flow"], self._gas, out=ratio)
        if "volume" in value:
            np.divide(ratio, value["volume"], out=ratio)
        np.maximum(ratio, 0.0, out=ratio)
        np.power(ratio, self._gas_exponent, out=part)
        np.divide(value["agitation"], self._agitation, out=ratio)
        np.maximum(ratio, 0.0, out=ratio)
        np.power(ratio, self._agitation_exponent, out=out)
        np.multiply(out, part, out=out)
        np.multiply(out, self._reference, out=out)
        np.add(out, self._surface, out=out)
        if "volume" in value:
            np.less_equal(value["volume"], 0.0, out=self._empty)
            np.copyto(out, np.nan, where=self._empty)
