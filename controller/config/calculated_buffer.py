"""Calculated tag of what buffers the pH."""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from controller.config.calculated_base import CalculatedBase, FlowOrNone, In, LitreTagOrNone, written
from controller.config.quantity import Name, StrictModel, quantity, refuse
from controller.units import Quantity

Concentration = Annotated[Quantity, quantity("mmol/L", least=0)]


class BufferInputs(StrictModel):
    """The pH; the partial pressure of CO2 in the culture where it is known; and what says how fast CO2 is stripped."""

    ph: Annotated[Name, In("[pH]")]
    co2_pressure: Annotated[Name | None, In("mm[Hg]")] = None
    kla: Annotated[Name | None, In("/h")] = None
    gas_flow: FlowOrNone = None
    volume: LitreTagOrNone = None


class BufferCapacity(CalculatedBase):
    """How much strong base moves the pH by one. ``carbon_dioxide`` is ``open`` where gas keeps its partial pressure,
    ``closed`` where it stays in the culture, ``stripped`` where the gas takes it out at a rate that follows from
    ``kla``, ``gas_flow`` and ``volume``; then the answer is that of a change which lasts for ``over``. Without a
    measured pressure the culture is taken to hold the medium's ``bicarbonate``.
    """

    gives: ClassVar[str] = "mmol/L/[pH]"

    from_: Literal["buffer_capacity"] = Field(alias="from")
    inputs: BufferInputs
    carbon_dioxide: Literal["open", "closed", "stripped"]
    bicarbonate: Annotated[Quantity | None, quantity("mmol/L", least=0)] = None
    phosphate: Concentration = written("0 mmol/L")
    hepes: Concentration = written("0 mmol/L")
    over: Annotated[Quantity | None, quantity("s", above=0)] = None

    @model_validator(mode="after")
    def _carbon_is_known(self) -> Self:
        if (self.inputs.co2_pressure is None) == (self.bicarbonate is None):
            raise refuse(
                "either the input co2_pressure or bicarbonate says how much carbon there is", "write one of them"
            )
        stripping = (self.inputs.kla, self.inputs.gas_flow, self.inputs.volume, self.over)
        if self.carbon_dioxide == "stripped" and None in stripping:
            raise refuse("stripped needs the inputs kla, gas_flow and volume, and over", "add what is missing")
        if self.carbon_dioxide != "stripped" and any(one is not None for one in stripping):
            raise refuse("kla, gas_flow, volume and over belong to carbon_dioxide: stripped", "remove them")
        return self
