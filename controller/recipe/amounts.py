"""Numbers with a unit inside a condition: what may be added to what, and in which unit the result is.

Temperatures have two readings: a *point* of the scale (the culture is at 37 Cel) and a *difference* (0.3 Cel warmer).
Tags are points, results of subtractions differences; a number in the text, or a formula parameter, is *open* until
what it is combined with decides. Everything else is *plain*.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from enum import Enum
from fractions import Fraction
from typing import NamedTuple, TypeAlias

from controller.units import Unit, parse_unit

Reads: TypeAlias = Callable[[str], tuple[float, int]]
"""Gives value and quality (0 Good, 1 Uncertain, 2 Bad) of a name at this moment."""

Getter: TypeAlias = Callable[[Reads], float]
"""A number at this moment; NaN when it is unknown."""

ONE = parse_unit("1")
TEMPERATURE = parse_unit("K").dimension


class Sense(Enum):
    """How a number is to be read when its unit has a zero of its own."""

    PLAIN = "plain"
    POINT = "a temperature"
    DIFFERENCE = "a temperature difference"
    OPEN = "open"


class Clash(ValueError):
    """Two amounts that cannot be combined."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class Amount(NamedTuple):
    """A number in ``unit``: ``get`` reads it, ``constant`` is set when it never changes.

    ``bare`` marks a number that was written without a unit; ``source`` is the text it comes from; ``name`` is set when
    it is the value of that name, in the name's own unit.
    """

    unit: Unit
    sense: Sense
    get: Getter
    constant: float | None = None
    bare: bool = False
    source: str = ""
    name: str = ""

    def to(self, unit: Unit, *, point: bool) -> Amount:
        """The same amount in another unit of the same dimension, read as a point of the scale or as a difference."""
        scale = self.unit.factor / unit.factor
        shift = self.unit.offset * scale - unit.offset if point else Fraction(0)
        if scale == 1 and shift == 0:
            return self
        if self.constant is not None and math.isfinite(self.constant):
            # Exact arithmetic on the decimal that was written: 36 h are 129600 s, and 37 Cel stay 37 Cel.
            return constant(float(Fraction(repr(self.constant)) * scale + shift), unit, self.sense, self.source)
        return Amount(unit, self.sense, _scaled(self.get, float(scale), float(shift)), None, False, self.source)


def constant(value: float, unit: Unit, sense: Sense, source: str = "", *, bare: bool = False) -> Amount:
    """An amount that never changes."""
    return Amount(unit, sense, lambda _read: value, value, bare, source)


def literal_sense(unit: Unit) -> Sense:
    """How a number in the text is read."""
    return Sense.OPEN if unit.dimension == TEMPERATURE else Sense.PLAIN


def comparable(left: Amount, right: Amount) -> tuple[Amount, Amount]:
    """Both sides of a comparison in one unit. Raises :class:`Clash`."""
    _same_dimension(left, right)
    senses = {left.sense, right.sense}
    if senses == {Sense.POINT, Sense.DIFFERENCE}:
        raise Clash("a temperature is compared with a temperature difference")
    if senses == {Sense.OPEN} and not _same_scale(left, right):
        raise Clash(f"{left.unit.text} and {right.unit.text} are ambiguous here", "write both in the same unit")
    point = Sense.DIFFERENCE not in senses
    unit = right.unit if left.constant is not None else left.unit
    return left.to(unit, point=point), right.to(unit, point=point)


def added(left: Amount, right: Amount) -> Amount:
    """The sum. Raises :class:`Clash`."""
    _same_dimension(left, right)
    if left.sense is Sense.POINT and right.sense is Sense.POINT:
        raise Clash("two temperatures cannot be added", "one of them must be a difference")
    if right.sense is Sense.POINT:
        left, right = right, left
    sense = Sense.DIFFERENCE
    if left.sense in {Sense.POINT, Sense.PLAIN}:
        sense = left.sense
    elif Sense.OPEN in {left.sense, right.sense}:
        sense = Sense.OPEN
    return _combined(left, right.to(left.unit, point=False), left.unit, sense, lambda a, b: a + b)


def subtracted(left: Amount, right: Amount) -> Amount:
    """The difference. Raises :class:`Clash`."""
    _same_dimension(left, right)
    sense, point = _difference_sense(left, right)
    return _combined(left, right.to(left.unit, point=point), left.unit, sense, lambda a, b: a - b)


def multiplied(left: Amount, right: Amount) -> Amount:
    """The product. Raises :class:`Clash`."""
    return _scaled_by(left, right, 1, lambda a, b: a * b)


def divided(left: Amount, right: Amount) -> Amount:
    """The quotient; unknown when the divisor is zero. Raises :class:`Clash`."""
    if right.constant == 0:
        raise Clash("divided by zero")
    return _scaled_by(left, right, -1, lambda a, b: a / b if b else math.nan)


def negated(operand: Amount) -> Amount:
    """The negative. Raises :class:`Clash`."""
    return _changed(operand, operand.sense, lambda value: -value)


def absolute(operand: Amount) -> Amount:
    """The amount without its sign. Raises :class:`Clash`."""
    return _changed(operand, Sense.DIFFERENCE if operand.sense is Sense.OPEN else operand.sense, abs)


def _difference_sense(left: Amount, right: Amount) -> tuple[Sense, bool]:
    """The reading of ``left - right``, and whether ``right`` is a point."""
    pair = (left.sense, right.sense)
    if left.sense is Sense.PLAIN:
        return Sense.PLAIN, False
    if pair in {(Sense.POINT, Sense.POINT), (Sense.OPEN, Sense.POINT)}:
        return Sense.DIFFERENCE, True
    if pair == (Sense.DIFFERENCE, Sense.POINT):
        raise Clash("a temperature cannot be taken from a temperature difference")
    if Sense.DIFFERENCE in pair:
        return left.sense, False
    # 37 Cel may be the point 37 °C or 37 degrees less: the number is the same as long as the unit is.
    if not _same_scale(left, right):
        raise Clash(f"{right.unit.text} is ambiguous here", f"write it in {left.unit.text}")
    return Sense.OPEN, False


def _same_dimension(left: Amount, right: Amount) -> None:
    if left.unit.dimension != right.unit.dimension:
        number, other = (left, right) if left.bare else (right, left)
        if number.bare:
            raise Clash(f"a unit is missing after {number.source}", f"as in {number.source} {other.unit.text}")
        raise Clash(
            f"{left.unit.kind} ({left.unit.text}) and {right.unit.kind} ({right.unit.text}) do not fit together"
        )
    for number, other in ((left, right), (right, left)):
        if number.bare and not other.bare and other.unit.factor != 1:
            raise Clash(f"a unit is missing after {number.source}", f"as in {number.source} {other.unit.text}")


def _same_scale(left: Amount, right: Amount) -> bool:
    return (left.unit.factor, left.unit.offset) == (right.unit.factor, right.unit.offset)


def _scaled_by(left: Amount, right: Amount, power: int, combine: Callable[[float, float], float]) -> Amount:
    if Sense.POINT in {left.sense, right.sense}:
        raise Clash("a temperature cannot be multiplied or divided", "take a difference of temperatures first")
    unit = _product(left.unit, right.unit, power)
    sense = Sense.DIFFERENCE if unit.dimension == TEMPERATURE else Sense.PLAIN
    result = _combined(left, right, unit, sense, combine)
    return Amount(result.unit, sense, result.get, result.constant, left.bare and right.bare, "")


def _product(left: Unit, right: Unit, power: int) -> Unit:
    factor = left.factor * right.factor**power
    dimension = tuple(a + power * b for a, b in zip(left.dimension, right.dimension, strict=True))
    if factor == 1 and dimension == ONE.dimension:
        return ONE
    if right.factor == 1 and right.dimension == ONE.dimension:
        return Unit(left.text, dimension, factor)
    if power == 1 and left.factor == 1 and left.dimension == ONE.dimension:
        return Unit(right.text, dimension, factor)
    return Unit(f"{left.text}{'.' if power == 1 else '/'}{right.text}", dimension, factor)


def _combined(
    left: Amount, right: Amount, unit: Unit, sense: Sense, combine: Callable[[float, float], float]
) -> Amount:
    if left.constant is not None and right.constant is not None:
        return constant(combine(left.constant, right.constant), unit, sense)
    one, other = left.get, right.get
    return Amount(unit, sense, lambda read: combine(one(read), other(read)))


def _changed(operand: Amount, sense: Sense, change: Callable[[float], float]) -> Amount:
    if operand.sense is Sense.POINT:
        raise Clash("a temperature has no sign to change", "take a difference of temperatures first")
    if operand.constant is not None:
        value = change(operand.constant)
        return constant(value, operand.unit, sense, f"{value:g}", bare=operand.bare)
    get = operand.get
    return Amount(operand.unit, sense, lambda read: change(get(read)))


def _scaled(get: Getter, scale: float, shift: float) -> Getter:
    if shift == 0:
        return lambda read: get(read) * scale
    return lambda read: get(read) * scale + shift
