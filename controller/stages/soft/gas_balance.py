"""Oxygen uptake and carbon dioxide evolution from what flows in and what flows out."""

from __future__ import annotations

from controller.stages.soft.arithmetic import Real, over, where
from controller.stages.soft.model import Model, Now, Setup

MMOL = 1000.0


class GasBalance(Model[Real]):
    """The balance around the vessel. Nitrogen is neither made nor used, so that the flow out follows from its share:
    ``F_out = F_in (1 - yO2_in - yCO2_in) / (1 - yO2_out - yCO2_out)``. All shares are of dry gas. Steady state: what
    gathers in the liquid and in the head space is not in it.

    Source: Heinzle, Biotechnol. Bioeng. 29 (1987) 1107-1120; Doran, Bioprocess Engineering Principles, 2nd ed. 2013,
    ch. 4.

    ``taken`` is which gas is balanced, ``sign`` +1 for uptake and -1 for evolution. Without gas (below ``least_flow``)
    or with a volume or a rest of the gas that is not positive there is no answer; where in and out differ by less than
    ``analyser_accuracy`` the answer is Uncertain.
    """

    def __init__(self, setup: Setup[Real], gas: str, sign: float) -> None:
        super().__init__(setup)
        self._in, self._out, self._sign = f"{gas}_in", f"{gas}_out", sign
        self._moles: Real = MMOL / setup.parameters["molar_volume"]
        self._least: Real = setup.parameters["least_flow"]
        self._accuracy: Real = setup.parameters["analyser_accuracy"]

    def step(self, now: Now[Real], dt: float) -> Real:
        """The rate now, in mmol/L/h."""
        value = now.value
        flow, volume, before, after = value["flow"], value["volume"], value[self._in], value[self._out]
        rest = 1.0 - value["oxygen_out"] - value["carbon_dioxide_out"]
        shrinks = over(1.0 - value["oxygen_in"] - value["carbon_dioxide_in"], rest)
        taken = self._sign * (before - after * shrinks)
        now.doubt(abs(before - after) < self._accuracy)
        nothing = (flow < self._least) | (volume <= 0.0) | (rest <= 0.0)
        return where(nothing, float("nan"), over(self._moles * flow, volume) * taken)


def our_gas_balance(setup: Setup[Real]) -> GasBalance[Real]:
    """Oxygen uptake rate."""
    return GasBalance(setup, "oxygen", 1.0)


def cer_gas_balance(setup: Setup[Real]) -> GasBalance[Real]:
    """Carbon dioxide evolution rate."""
    return GasBalance(setup, "carbon_dioxide", -1.0)
