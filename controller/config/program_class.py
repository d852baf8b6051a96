"""The model of what a direct loop of a vessel class has besides its setpoint: programs that lead it, and a bottle."""

from typing import Annotated, Any, Literal, Self, TypeAlias

from pydantic import BeforeValidator, model_validator
from pydantic.json_schema import JsonSchemaValue

from controller.config.quantity import (
    AnyQuantity,
    Name,
    Parsed,
    StrictModel,
    describe,
    matching,
    quantity,
    quantity_range,
    refuse,
    text_of,
)
from controller.units import Quantity, Range

_SIGNAL = matching(r"[a-z][a-z0-9_]{0,63}(\.(sp|op))?", "a tag, or a loop's .sp or .op", "viable_density")


def _setting(value: object) -> Range | str:
    text = text_of(value, "a range or the name of a tag", "0.02 .. 0.3 1/h")
    parser = quantity_range() if ".." in text else _SIGNAL
    result: Range | str = parser.parse(text)
    return result


def _setting_schema() -> JsonSchemaValue:
    return {"type": "string", "description": "The range of a parameter, 0.02 .. 0.3 1/h, or the tag to read."}


def _settings(value: Any) -> Any:
    return {} if value is None else value


def _by_name(value: Any) -> Any:
    """A list of names is a mapping without settings."""
    if not isinstance(value, list):
        return value
    for entry in value:
        if not isinstance(entry, str):
            raise refuse(
                f"the name of a program is expected, this is {describe(entry)}", "as in [constant, exponential]"
            )
    return {name: {} for name in value}


Setting = Annotated[Range | str, Parsed(_setting, _setting_schema)]
"""In a program: the range that a parameter may take, or the tag that a value is read from."""

_Settings: TypeAlias = Annotated[
    dict[Name, Setting], BeforeValidator(_settings, json_schema_input_type=dict[Name, Setting] | None)
]

ProgramNames = Annotated[
    dict[Name, _Settings], BeforeValidator(_by_name, json_schema_input_type=list[Name] | dict[Name, _Settings])
]
"""The programs that may lead a loop: a list of names, or a mapping from each to its settings."""

Density = Annotated[Quantity, quantity("g/mL", above=0)]
"""Mass per volume of a liquid."""
Mass = Annotated[Quantity, quantity("g", above=0)]
"""A mass."""


class Bottle(StrictModel):
    """The bottle that a loop delivers from. ``weight`` is the tag of the balance it stands on, which needs the liquid's
    ``density``; ``tare`` is the empty bottle on that balance; a jump of more than ``bump`` is no delivery (by default
    10 g, or 1 % of a full bottle where that is more). ``on_empty``: nothing more is pumped (``stop``), or an alarm only
    tells it (``keep``).
    """

    volume: AnyQuantity
    warn_at: AnyQuantity | None = None
    weight: Name | None = None
    density: Density | None = None
    tare: Annotated[Quantity, quantity("g", least=0)] | None = None
    bump: Mass | None = None
    on_empty: Literal["stop", "keep"] = "stop"

    @model_validator(mode="after")
    def _balance(self) -> Self:
        if self.weight is not None and self.density is None:
            raise refuse("a bottle on a balance needs the density of what is in it", "add density: 1.0 g/mL")
        if self.weight is None and self.tare is not None:
            raise refuse("a tare needs the balance that it is on", "add weight: and the tag of the balance")
        return self
