"""Field types of the configuration models: quantities, ranges, unit codes, names, dates.

Each of them takes exactly what a YAML file holds, coerces nothing, and says in plain words what to write instead.
"""

import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Annotated, Any, ClassVar, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from controller.commands import Json
from controller.units import Quantity, Range, UnitError, missing_unit, parse_quantity, parse_range, parse_unit

_NUMBER = r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?"


class StrictModel(BaseModel):
    """Base of all configuration models: no coercion, no unknown keys, no NaN, unchangeable."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False, defer_build=True)

    placeholders: ClassVar[Mapping[str, Any]] = {}
    """What stands in for a missing key at the top of a file, so that the rest of the file is still cross-checked: JSON,
    which is not said here because every model would evaluate that recursive type anew.
    """


def empty_list() -> list[Any]:
    """A ``default_factory``: pydantic looks up its signature, which takes long for ``list`` itself."""
    return []


def empty_dict() -> dict[Any, Any]:
    """As :func:`empty_list`, instead of ``dict``."""
    return {}


def refuse(message: str, hint: str = "") -> PydanticCustomError:
    """The error a validator raises; :mod:`controller.config.bind` prints message and hint as they are."""
    return PydanticCustomError("config", "{message}", {"message": message, "hint": hint})


def describe(value: object) -> str:
    """What kind of thing a file holds, for messages: "a number", "text", "a list"."""
    if isinstance(value, bool):
        return "true" if value else "false"
    kinds = ((int | float, "a number"), (str, "text"), (list, "a list"), (dict, "a mapping"))
    return next((kind for types, kind in kinds if isinstance(value, types)), "empty")


class Parsed(NamedTuple):
    """An annotation for ``Annotated``: the field's value is what ``parse`` makes of the file's value, which raises
    :class:`UnitError` or a :func:`refuse` error; ``schema`` is the JSON Schema of the file's value, ``like`` the unit
    that a quantity must convert to, "" for any.
    """

    parse: Callable[[Any], Any]
    schema: Callable[[], JsonSchemaValue]
    like: str = ""

    def __get_pydantic_core_schema__(self, source: object, handler: object) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            self._validate, serialization=core_schema.plain_serializer_function_ser_schema(str, when_used="json")
        )

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return self.schema()

    def _validate(self, value: object) -> object:
        try:
            return self.parse(value)
        except UnitError as error:
            raise refuse(error.message, error.hint) from error


def text_of(value: object, what: str, example: str) -> str:
    """The value if it is text. Raises the :func:`refuse` error otherwise."""
    if not isinstance(value, str):
        raise refuse(f"{what} is expected, this is {describe(value)}", f"as in {example}")
    return value


def quantity(like: str = "", *, least: float | None = None, above: float | None = None) -> Parsed:
    """A quantity in a unit that converts to ``like`` (any unit when empty), not below ``least`` or above ``above``
    (exclusive), both in ``like``.
    """

    def _parse(value: object) -> Quantity:
        if isinstance(value, int | float) and not isinstance(value, bool):
            raise missing_unit(str(value), like)
        result = parse_quantity(text_of(value, "a number with its unit", f"37.0 {like or 'Cel'}"), like)
        if least is not None and result.to(like) < least:
            raise refuse(f"{result} is too small", f"at least {least:g} {like}")
        if above is not None and result.to(like) <= above:
            raise refuse(f"{result} is too small", f"more than {above:g} {like}")
        return result

    def _schema() -> JsonSchemaValue:
        example = f"1 {like or 'Cel'}"
        return {
            "type": "string",
            "pattern": rf"^{_NUMBER} +\S+$",
            "description": f"Number and UCUM unit, as in {example}.",
        }

    return Parsed(_parse, _schema, like)


def quantity_range(like: str = "") -> Parsed:
    """A range of quantities, ``30 .. 39 Cel``, in a unit that converts to ``like`` (any unit when empty)."""
    example = f"30 .. 39 {like or 'Cel'}"

    def _parse(value: object) -> Range:
        return parse_range(text_of(value, "a range", example), like)

    def _schema() -> JsonSchemaValue:
        pattern = rf"^{_NUMBER}( +\S+)? *\.\. *{_NUMBER} +\S+$"
        return {
            "type": "string",
            "pattern": pattern,
            "description": f"Lowest .. highest and UCUM unit, as in {example}.",
        }

    return Parsed(_parse, _schema)


def matching(pattern: str, what: str, example: str) -> Parsed:
    """Text that matches ``pattern`` as a whole; ``what`` names it in messages."""
    compiled = re.compile(pattern)

    def _parse(value: object) -> str:
        text = text_of(value, what, example)
        if not compiled.fullmatch(text):
            raise refuse(f"{text[:60]!r} is not {what}", f"as in {example}")
        return text

    def _schema() -> JsonSchemaValue:
        return {
            "type": "string",
            "pattern": f"^{pattern}$",
            "description": f"{what[0].upper()}{what[1:]}, as in {example}.",
        }

    return Parsed(_parse, _schema)


def _unit_code(value: object) -> str:
    return parse_unit(text_of(value, "a unit", "mL/h")).text


def _date(value: object) -> date:
    text = text_of(value, "a date", "2026-11-02")
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise refuse(f"{text[:40]!r} is not a date", "write year-month-day, as in 2026-11-02") from error


def _quantity_or_none(value: object) -> Quantity | Literal["none"]:
    return "none" if value == "none" else quantity().parse(value)


def _options(value: object) -> dict[str, Json]:
    if not isinstance(value, dict):
        raise refuse(f"a mapping is expected, this is {describe(value)}")
    return value


AnyQuantity = Annotated[Quantity, quantity()]
"""A quantity in any unit; the cross-checks compare it with its tag's."""
QuantityOrNone = Annotated[
    Quantity | Literal["none"], Parsed(_quantity_or_none, lambda: {"type": "string", "description": "0 mL/h, or none."})
]
"""A quantity in any unit, or the word ``none``."""
Duration = Annotated[Quantity, quantity("s", least=0)]
"""A time: s, min, h, d."""
Period = Annotated[Quantity, quantity("s", above=0)]
"""A time longer than zero."""
Volume = Annotated[Quantity, quantity("L", least=0)]
"""A volume."""
AnyRange = Annotated[Range, quantity_range()]
"""A range in any unit."""
UnitCode = Annotated[str, Parsed(_unit_code, lambda: {"type": "string", "description": "UCUM unit, as in mL/h."})]
"""A UCUM unit code."""
Name = Annotated[str, matching(r"[a-z][a-z0-9_]{0,63}", "a name of lower-case letters, digits and _", "base_flow")]
"""A tag, loop, role, interlock or alarm: lower case, digits, underscores, so that conditions can use it."""
Signal = Annotated[
    str, matching(r"[a-z][a-z0-9_]{0,63}(\.(sp|op))?", "a tag, or a loop's setpoint or output", "kla, or do.op")
]
"""A tag's name, ``<loop>.sp`` or ``<loop>.op``."""
Identifier = Annotated[str, matching(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", "a name of letters, digits, - and _", "BR-101")]
"""A site, vessel, connection or class: letters, digits, hyphens, underscores."""
Version = Annotated[str, matching(r"\d{1,6}\.\d{1,6}\.\d{1,6}(-[0-9A-Za-z.-]+)?", "a version", "1.0.0")]
"""A semantic version."""
Text = Annotated[str, matching(r"(?s:\s*\S.{0,999})", "text", "Net weight")]
"""Text for people, not empty."""
Date = Annotated[date, Parsed(_date, lambda: {"type": "string", "format": "date"})]
"""An ISO date."""
Options = Annotated[dict[str, Json], Parsed(_options, lambda: {"type": "object"})]
"""Words for a driver or a simulator; this program only hands them on."""
