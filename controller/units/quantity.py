"""Quantities, a number with its unit, and conversions between units.

Conversions are made once, when a file or a request is read; the scan works on bare numbers in the tag's unit.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from controller.units.unit import Unit, UnitError, parse_unit

_DIGITS = r"[+-]?\d{1,30}(?:\.\d{1,30})?(?:[eE][+-]?\d{1,3})?"
_QUANTITY = re.compile(rf"({_DIGITS})(?: +(\S+))?")
_GLUED = re.compile(rf"({_DIGITS})([A-Za-z%\[{{°]\S*)")
_ALONE = re.compile(r"[^/.()]+")  # needs no parentheses in a quotient
_COMMA = re.compile(r"([+-]?\d+),(\d+)(?: +(\S+))?")


@dataclass(frozen=True, slots=True)
class Quantity:
    """A finite number in a unit, which is a UCUM code that was understood."""

    value: float
    unit: str

    def __post_init__(self) -> None:
        parse_unit(self.unit)
        if not math.isfinite(self.value):
            raise UnitError(f"{self.value} is not a number that can be used")

    def __str__(self) -> str:
        return f"{self.value:.15g} {self.unit}"

    def to(self, unit: str) -> float:
        """The value in another unit; temperatures as points of the scale. Raises :class:`UnitError`."""
        return convert(self.value, self.unit, unit)

    def difference(self, unit: str) -> float:
        """The value in another unit, as a difference: 5 Cel is 5 K. Raises :class:`UnitError`."""
        return convert_difference(self.value, self.unit, unit)


@dataclass(frozen=True, slots=True)
class Range:
    """From ``low`` to ``high``, both included; same dimension, ``low <= high``."""

    low: Quantity
    high: Quantity

    def __post_init__(self) -> None:
        if self.high.to(self.low.unit) < self.low.value:
            raise UnitError(f"the range is empty: {self.low} is above {self.high}")

    def __str__(self) -> str:
        return f"{self.low} .. {self.high}"

    def to(self, unit: str) -> tuple[float, float]:
        """Low and high in another unit. Raises :class:`UnitError`."""
        return self.low.to(unit), self.high.to(unit)


def convert(value: float, source: str, target: str) -> float:
    """``value`` in ``target``; a lone Cel or [degF] is a point of its scale. Raises :class:`UnitError`."""
    return _convert(value, source, target, points=True)


def convert_difference(value: float, source: str, target: str) -> float:
    """A difference in ``target``: 1 Cel is 1 K, 1 Cel is 1.8 [degF]. Raises :class:`UnitError`."""
    return _convert(value, source, target, points=False)


@lru_cache(maxsize=4096)  # vessels of one class say the same
def _convert(value: float, source: str, target: str, *, points: bool) -> float:
    old, new = parse_unit(source), parse_unit(target)
    if not old.compatible(new):
        raise mismatch(old, new)
    if not math.isfinite(value):
        raise UnitError(f"{value} is not a number that can be used")
    if source == target:
        return float(value)
    # The shortest decimal that stands for the float is what was written: exact arithmetic on it gives 37, not 36.99….
    exact = Fraction(repr(float(value)))
    before, after = (old.offset, new.offset) if points else (0, 0)
    try:
        return float((exact + before) * old.factor / new.factor - after)
    except OverflowError as error:
        raise UnitError(f"{value} {source} is too large a number in {target}") from error


def per(unit: str, other: str = "s") -> str:
    """The code of a unit divided by another: ``per("Cel")`` is a rate, ``per("%", "Cel")`` a gain."""
    return "/".join(part if _ALONE.fullmatch(part) else f"({part})" for part in (unit, other))


def mismatch(found: Unit, expected: Unit) -> UnitError:
    """The complaint that ``found`` measures something else than ``expected``."""
    return UnitError(
        f"{found.text} does not fit: {expected.kind} is expected here, not {found.kind}",
        f"use a unit that converts to {expected.text}",
    )


def parse_quantity(text: str, like: str = "") -> Quantity:
    """``"37.0 Cel"`` → the quantity. ``like`` is a unit that is expected here: another dimension is refused, and
    messages show it. Raises :class:`UnitError`.
    """
    match = _QUANTITY.fullmatch(text.strip())
    if match is None:
        raise _not_a_quantity(text, like)
    number, unit = match.groups()
    if unit is None:
        raise missing_unit(number, like)
    quantity = Quantity(float(number), unit)
    if like:
        expected = parse_unit(like)
        if not parse_unit(unit).compatible(expected):
            raise mismatch(parse_unit(unit), expected)
    return quantity


def parse_range(text: str, like: str = "") -> Range:
    """``"30 .. 39 Cel"`` or ``"10 min .. 48 h"`` → the range; a unit after the second number serves both.
    Raises :class:`UnitError`.
    """
    low_text, dots, high_text = text.partition("..")
    if not dots:
        raise UnitError(f"{text!r} is not a range", f"write lowest .. highest unit, as in 30 .. 39 {like or 'Cel'}")
    high = parse_quantity(high_text, like)
    low_text = low_text.strip()
    if re.fullmatch(_DIGITS, low_text):
        low_text = f"{low_text} {high.unit}"
    return Range(parse_quantity(low_text, like), high)


def missing_unit(number: str, like: str = "") -> UnitError:
    """The complaint about a bare number where a quantity is expected."""
    example = f"write {number} {like}" if like else "write the unit after the number, as in 37.0 Cel or 46 %/Cel"
    return UnitError("a unit is missing", example)


def _not_a_quantity(text: str, like: str) -> UnitError:
    stripped = text.strip()
    if match := _GLUED.fullmatch(stripped):
        return UnitError(f"{text!r} is not a quantity", f"put a space before the unit: {match[1]} {match[2]}")
    if match := _COMMA.fullmatch(stripped):
        unit = match[3] or like or "Cel"
        return UnitError(f"{text!r} is not a quantity", f"use a decimal point: {match[1]}.{match[2]} {unit}")
    shown = stripped if len(stripped) <= 40 else stripped[:37] + "…"
    return UnitError(f"{shown!r} is not a quantity", f"write a number, a space and a unit, as in 37.0 {like or 'Cel'}")
