"""Calculated tags of the gas: what flows in, what it is made of, and what the culture takes from it and gives to it."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from controller.config.calculated_base import CalculatedBase, Flow, FlowOrNone, In, LitreTag, Share, UptakeTag, written
from controller.config.quantity import Name, StrictModel, quantity, refuse
from controller.units import Quantity

LeastFlow = Annotated[Quantity, quantity("L/h", above=0)]
MolarVolume = Annotated[Quantity, quantity("L/mol", above=0)]
NORMAL = "22.414 L/mol"
"""An ideal gas at 0 Cel and 1 atm, for which most mass-flow controllers are calibrated."""


class GasTotal(CalculatedBase):
    """All gas that flows in: the sum of several flows, of which none counts as less than zero."""

    gives: ClassVar[str] = "L/h"

    from_: Literal["gas_total"] = Field(alias="from")
    inputs: Annotated[list[Name], Field(min_length=1), In("L/h", "flow")]


class GasInputs(StrictModel):
    """The flows of the gases that are mixed; what a vessel does not have is left out."""

    air: FlowOrNone = None
    oxygen: FlowOrNone = None
    nitrogen: FlowOrNone = None
    carbon_dioxide: FlowOrNone = None


class _GasShare(CalculatedBase):
    """A share of the dry gas that flows in. Below ``least_flow`` in all there is no gas to speak of."""

    gives: ClassVar[str] = "1"

    inputs: GasInputs
    least_flow: LeastFlow

    @model_validator(mode="after")
    def _any_gas(self) -> Self:
        if not self.inputs.model_dump(exclude_none=True):
            raise refuse("no gas is named", "write at least one of air, oxygen, nitrogen, carbon_dioxide")
        return self


class OxygenInGas(_GasShare):
    """The mole fraction of oxygen in the gas that flows in."""

    from_: Literal["oxygen_in_gas"] = Field(alias="from")


class CarbonDioxideInGas(_GasShare):
    """The mole fraction of carbon dioxide in the gas that flows in."""

    from_: Literal["carbon_dioxide_in_gas"] = Field(alias="from")


class BalanceInputs(StrictModel):
    """The dry gas that flows in, its composition, that of the dried exhaust, and the culture's volume."""

    flow: Flow
    oxygen_in: Share
    oxygen_out: Share
    carbon_dioxide_in: Share
    carbon_dioxide_out: Share
    volume: LitreTag


class _GasBalance(CalculatedBase):
    """A balance around the vessel in which nitrogen is inert. ``molar_volume`` is that of the gas at the conditions to
    which the flow refers; the result is Uncertain where in and out differ by less than ``analyser_accuracy``.
    """

    gives: ClassVar[str] = "mmol/L/h"

    inputs: BalanceInputs
    least_flow: LeastFlow
    molar_volume: MolarVolume = written(NORMAL)
    analyser_accuracy: Annotated[Quantity, quantity("1", least=0)] = written("0 1")


class OurGasBalance(_GasBalance):
    """Oxygen uptake rate from the gas balance."""

    from_: Literal["our_gas_balance"] = Field(alias="from")


class CerGasBalance(_GasBalance):
    """Carbon dioxide evolution rate from the gas balance."""

    from_: Literal["cer_gas_balance"] = Field(alias="from")


class RqInputs(StrictModel):
    """Carbon dioxide evolution and oxygen uptake."""

    cer: UptakeTag
    our: UptakeTag


class Rq(CalculatedBase):
    """Respiratory quotient; below ``least_our`` the culture breathes too little to tell."""

    gives: ClassVar[str] = "1"

    from_: Literal["rq"] = Field(alias="from")
    inputs: RqInputs
    least_our: Annotated[Quantity, quantity("mmol/L/h", above=0)]
