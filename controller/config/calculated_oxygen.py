"""Calculated tag of the uptake that follows from dissolved oxygen, and what else is reckoned from how that moves."""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from controller.config.calculated_base import (
    CalculatedBase,
    FlowOrNone,
    In,
    LitreTagOrNone,
    Share,
    written,
)
from controller.config.calculated_gas import NORMAL, MolarVolume
from controller.config.quantity import Duration, Name, Period, StrictModel, quantity, refuse
from controller.units import Quantity

OxygenTag = Annotated[Name, In("%")]
"""A tag that is dissolved oxygen in % of saturation with air."""


class OxygenInputs(StrictModel):
    """Dissolved oxygen, the oxygen in the gas (of the exhaust where the gas is well mixed and analysed, otherwise of
    what flows in), and the pressure above the culture, as gauge.
    """

    dissolved_oxygen: OxygenTag
    oxygen_in_gas: Share
    pressure: Annotated[Name | None, In("atm")] = None


class OxygenDynamics(CalculatedBase):
    """What reckons with how dissolved oxygen moves. Noise is averaged over ``window``; ``probe_lag`` and ``gas_lag``
    are the time constants of the probe and of the way of the gas.
    """

    window: Period
    probe_lag: Duration = written("0 s")
    gas_lag: Duration = written("0 s")


class OurDynamicInputs(OxygenInputs):
    """Also the transfer coefficient; the temperature, without which ``air_saturation`` is; and flow and volume, with
    which the gas is reckoned to leave poorer in oxygen than it came.
    """

    kla: Annotated[Name, In("/h")]
    temperature: Annotated[Name | None, In("Cel")] = None
    gas_flow: FlowOrNone = None
    volume: LitreTagOrNone = None


class OurDynamic(OxygenDynamics):
    """Oxygen uptake rate: what is transferred, less what stays dissolved."""

    gives: ClassVar[str] = "mmol/L/h"

    from_: Literal["our_dynamic"] = Field(alias="from")
    inputs: OurDynamicInputs
    air_saturation: Annotated[Quantity | None, quantity("mmol/L", above=0)] = None
    molar_volume: MolarVolume = written(NORMAL)

    @model_validator(mode="after")
    def _saturation_is_known(self) -> Self:
        if (self.inputs.temperature is None) == (self.air_saturation is None):
            raise refuse("either the input temperature or air_saturation says what 100 % is", "write one of them")
        if (self.inputs.gas_flow is None) != (self.inputs.volume is None):
            raise refuse("gas_flow and volume go together", "write both of them or none")
        return self
