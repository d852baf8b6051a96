"""Calculated tags of the gas that flows in: how much it is, and what it is made of."""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from controller.config.calculated_base import CalculatedBase, FlowOrNone, In
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
