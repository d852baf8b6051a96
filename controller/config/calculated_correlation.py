"""Calculated tag of the transfer coefficient kLa, by the vessel's calibration."""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from controller.config.calculated_base import CalculatedBase, In, written
from controller.config.quantity import Name, StrictModel, quantity, refuse
from controller.units import Quantity

Exponent = Annotated[float, Field(ge=0, le=5)]
PerHour = Annotated[Quantity, quantity("/h", least=0)]


class CorrelationInputs(StrictModel):
    """What moves the gas and what it is spread over."""

    agitation: Annotated[Name, In("/min")]
    gas_flow: Annotated[Name, In("mL/min")]
    volume: Annotated[Name | None, In("mL")] = None


class KlaCorrelation(CalculatedBase):
    """kLa by the vessel's calibration: ``reference`` at ``at_agitation`` and ``at_vvm`` (volumes of gas per volume of
    culture and time, with the input ``volume``) or ``at_gas_flow`` (without), each to the power of its exponent, and
    ``surface`` always.
    """

    gives: ClassVar[str] = "/h"

    from_: Literal["kla_correlation"] = Field(alias="from")
    inputs: CorrelationInputs
    reference: Annotated[Quantity, quantity("/h", above=0)]
    at_agitation: Annotated[Quantity, quantity("/min", above=0)]
    at_vvm: Annotated[Quantity | None, quantity("/min", above=0)] = None
    at_gas_flow: Annotated[Quantity | None, quantity("mL/min", above=0)] = None
    agitation_exponent: Exponent
    gas_exponent: Exponent
    surface: PerHour = written("0 /h")

    @model_validator(mode="after")
    def _one_reference(self) -> Self:
        spread = self.inputs.volume is not None
        if (self.at_vvm is not None, self.at_gas_flow is not None) != (spread, not spread):
            hint = "with the input volume write at_vvm, without it at_gas_flow"
            raise refuse("the gas of the reference does not fit the inputs", hint)
        return self
