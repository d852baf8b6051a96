"""Calculated tags of the transfer coefficient kLa, found from dissolved oxygen."""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from controller.config.calculated_base import In, UptakeTag, written
from controller.config.calculated_oxygen import OxygenDynamics, OxygenInputs
from controller.config.quantity import Name, Period, quantity, refuse
from controller.units import Quantity

LEAST_WINDOWS = 10
"""Averaging windows that a memory must hold, or it never holds enough independent moves."""
Percent = Annotated[Quantity, quantity("%", least=0)]
Saturation = Annotated[Quantity, quantity("mmol/L", above=0)]


class KlaFromOurInputs(OxygenInputs):
    """Also the uptake, by a balance that does not need kLa."""

    our: UptakeTag


class KlaFromOur(OxygenDynamics):
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


class KlaDynamic(OxygenDynamics):
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
