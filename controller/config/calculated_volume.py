"""Calculated tag of the culture's volume."""

from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field

from controller.config.calculated_base import CalculatedBase, In
from controller.config.quantity import Name, quantity, refuse
from controller.units import Quantity


def _one_weight(inputs: list[str]) -> list[str]:
    if len(inputs) != 1:
        raise refuse("volume_from_weight takes one input, the weight", "as in inputs: [weight]")
    return inputs


class VolumeFromWeight(CalculatedBase):
    """The culture's volume: its net weight over its ``density``."""

    gives: ClassVar[str] = "mL"

    from_: Literal["volume_from_weight"] = Field(alias="from")
    inputs: Annotated[list[Name], AfterValidator(_one_weight), In("g", "weight")]
    density: Annotated[Quantity, quantity("g/mL", above=0)]
