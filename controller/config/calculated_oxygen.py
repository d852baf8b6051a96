"""Calculated tags of the oxygen transfer: the coefficient kLa, and the uptake that follows from dissolved oxygen."""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from controller.config.calculated_base import (
    CalculatedBase,
    FlowOrNone,
    In,
    LitreTagOrNone,
    Share,
    UptakeTag,
    written,
)
from controller.config.calculated_gas import NORMAL, MolarVolume
from controller.config.quantity import Duration, Name, Period, StrictModel, quantity, refuse
from controller.units import Quantity

LEAST_WINDOWS = 10
"""Averaging windows that a memory must hold, or it never holds enough independent moves."""
Exponent = Annotated[float, Field(ge=0, le=5)]
PerHour = Annotated[Quantity, quantity("/h", least=0)]
Percent = Annotated[Quantity, quantity("%", least=0)]
OxygenTag = Annotated[Name, In("%")]
"""A tag that is dissolved oxygen in % of saturation with air."""
Saturation = Annotated[Quantity, quantity("mmol/L", above=0)]


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


class OxygenInputs(StrictModel):
    """Dissolved oxygen, the oxygen in the gas (of the exhaust where the gas is well mixed and analysed, otherwise of
    what flows in), and the pressure above the culture, as gauge.
    """

    dissolved_oxygen: OxygenTag
    oxygen_in_gas: Share
    pressure: Annotated[Name | None, In("atm")] = None


class _OxygenDynamics(CalculatedBase):
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


class OurDynamic(_OxygenDynamics):
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


class KlaFromOurInputs(OxygenInputs):
    """Also the uptake, by a balance that does not need kLa."""

    our: UptakeTag


class KlaFromOur(_OxygenDynamics):
    """kLa: an uptake that is known, over the driving force that it needs. Below ``least_force`` the value is held, and
    is Uncertain.
    """

    gives: ClassVar[str] = "/h"

    from_: Literal["kla_from_our"] = Field(alias="from")
    inputs: KlaFromOurInputs
    air_saturation: Saturation
    least_force: Percent


class KlaDynamicInputs(OxygenInputs):
    """Also a correlation that says how kLa changes with agitation and gas; without it kLa is taken as constant."""

    kla: Annotated[Name | None, In("/h")] = None


class KlaDynamic(_OxygenDynamics):
    """kLa, found from how dissolved oxygen answers to changes of the gas. What is older than ``memory`` is forgotten.
    The value is good within ``accuracy``; while nothing moves enough for that, it is held, and is Uncertain.
    """

    gives: ClassVar[str] = "/h"

    from_: Literal["kla_dynamic"] = Field(alias="from")
    inputs: KlaDynamicInputs
    memory: Period
    accuracy: Annotated[Quantity, quantity("%", above=0)] = written("15 %")

    @model_validator(mode="after")
    def _long_memory(self) -> Self:
        if self.memory.to("s") < LEAST_WINDOWS * self.window.to("s"):
            message = f"a memory of {self.memory} holds too few moves of {self.window}"
            raise refuse(message, f"make memory at least {LEAST_WINDOWS} times window")
        return self
