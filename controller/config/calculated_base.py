"""What every calculated tag has, and how a method tells the units it works in."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, NamedTuple

from pydantic import Field
from pydantic.fields import FieldInfo

from controller.config.problems import Path
from controller.config.quantity import Name, Parsed, StrictModel, Text, UnitCode
from controller.config.tag_class import Band, Decimals
from controller.units import Quantity


class In(NamedTuple):
    """An annotation of an input or a parameter: the unit in which the method works with it. ``{unit}`` stands for the
    unit of the calculated tag, ``{signal}`` for that of the input ``signal``; the text without them is a UCUM code.

    ``name`` is the method's word for the entries of a list of inputs; ``sampled`` inputs must be values of single
    samples.
    """

    unit: str
    name: str = ""
    sampled: bool = False


def written(text: str) -> Any:
    """The default of a parameter, as it would be written in a file."""
    return Field(default=text, validate_default=True)


class Wanted(NamedTuple):
    """One input as it is written: its path below the calculated tag, the method's word for it, the tag, and what the
    method wants of it.
    """

    path: Path
    name: str
    tag: str
    spec: In


class Parameter(NamedTuple):
    """One parameter as it is written; ``unit`` may hold the placeholders of :class:`In`, "" for a plain number."""

    name: str
    value: Quantity | float
    unit: str


Flow = Annotated[Name, In("L/h")]
"""A tag that is a flow of gas."""
Share = Annotated[Name, In("1")]
"""A tag that is a mole fraction of dry gas."""
LitreTag = Annotated[Name, In("L")]
"""A tag that is a volume."""
FlowOrNone = Annotated[Name | None, In("L/h")]
"""As :data:`Flow`, and may be left out."""
LitreTagOrNone = Annotated[Name | None, In("L")]
"""As :data:`LitreTag`, and may be left out."""
UptakeTag = Annotated[Name, In("mmol/L/h")]
"""A tag that is a rate per volume of culture."""


class CalculatedBase(StrictModel):
    """What all calculated tags have. A value outside ``credible`` is Bad; by default every number is believed.

    ``version`` counts the changes of what a method gives: whoever changes its numbers raises it. ``gives`` is the unit
    of its result, in which :class:`In`'s placeholders may stand.
    """

    version: ClassVar[int] = 1
    gives: ClassVar[str]

    title: Text
    from_: str = Field(alias="from")
    inputs: Any
    unit: UnitCode
    decimals: Decimals
    credible: Band | None = None


def wanted(entry: CalculatedBase) -> Iterator[Wanted]:
    """The inputs of a calculated tag that are given, in the order of its method."""
    inputs: StrictModel | list[str] = entry.inputs
    if isinstance(inputs, list):
        spec = _spec(type(entry).model_fields["inputs"])
        yield from (Wanted(("inputs", place), spec.name, tag, spec) for place, tag in enumerate(inputs))
        return
    for name, field in type(inputs).model_fields.items():
        tag = getattr(inputs, name)
        if tag is not None:
            yield Wanted(("inputs", name), name, tag, _spec(field))


def parameters(entry: CalculatedBase) -> Iterator[Parameter]:
    """The numbers of a calculated tag that are given or have a default, apart from those that every tag has."""
    for name, field in type(entry).model_fields.items():
        value = getattr(entry, name)
        if isinstance(value, Quantity):
            yield Parameter(name, value, _spec(field).unit)
        elif isinstance(value, float) or (isinstance(value, int) and name != "decimals"):
            yield Parameter(name, float(value), "")


def options(entry: CalculatedBase) -> dict[str, str]:
    """The words that choose between forms of a method."""
    own = [name for name in type(entry).model_fields if name not in CalculatedBase.model_fields]
    return {name: value for name in own if isinstance(value := getattr(entry, name), str)}


def filled(unit: str, units: Mapping[str, str]) -> str:
    """A unit with its placeholders replaced by ``units``. Raises ``KeyError`` where one of them is not known."""
    return unit.format_map({name: f"({text})" for name, text in units.items()})


def _spec(field: FieldInfo) -> In:
    own = next((one for one in field.metadata if isinstance(one, In)), None)
    return own or next(In(one.like) for one in field.metadata if isinstance(one, Parsed))
