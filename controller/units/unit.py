"""Parsing UCUM unit codes: products, quotients, exponents, prefixes, ``10*6`` and annotations in braces."""

from __future__ import annotations

import re
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

from controller.units.atoms import ATOMS, DIMENSIONLESS, KINDS, PREFIXES, Atom, Dimension

_SYMBOL = re.compile(r"10[*^]|(?:[A-Za-z%]|\[[A-Za-z0-9_]+\])+")
_EXPONENT = re.compile(r"[+-]?\d{1,2}(?!\d)")
_NUMBER = re.compile(r"\d{1,9}(?![\d*^])")
_ANNOTATION = re.compile(r"\{[\x21-\x7a|~]*\}")
_LONGEST = 64

SYNONYMS = {
    "C": "Cel", "°C": "Cel", "degC": "Cel", "celsius": "Cel", "F": "[degF]", "°F": "[degF]", "rpm": "{rev}/min",
    "RPM": "{rev}/min", "pH": "[pH]", "ph": "[pH]", "percent": "%", "sec": "s", "secs": "s", "second": "s",
    "seconds": "s", "mins": "min", "minute": "min", "minutes": "min", "hr": "h", "hrs": "h", "hour": "h",
    "hours": "h", "day": "d", "days": "d", "week": "wk", "weeks": "wk", "lpm": "L/min", "slpm": "L/min",
    "sccm": "mL/min", "psi": "[psi]", "mmHg": "mm[Hg]", "ppm": "[ppm]", "µL": "uL", "µm": "um", "µg": "ug",
    "mM": "mmol/L", "M": "mol/L", "cells/mL": "{cells}/mL", "1e6/mL": "10*6/mL", "e6/mL": "10*6/mL",
    "10^6/mL": "10*6/mL", "1E6/mL": "10*6/mL", "rev/min": "{rev}/min", "rev": "{rev}", "IU": "[IU]", "CFU": "[CFU]",
}  # fmt: skip
"""What people write, and the code it stands for."""

COMMON = (
    "Cel", "K", "%", "[pH]", "1", "s", "min", "h", "d", "mL", "L", "uL", "mL/h", "mL/min", "L/min", "mL/h/10*9", "g",
    "kg", "g/L", "g/mL", "mmol/L", "10*6/mL", "{rev}", "{rev}/min", "mbar", "bar", "kPa", "W", "V", "mS/cm",
    "mL/{rev}", "%/Cel", "Cel/s", "mosm/kg",
)  # fmt: skip
"""Codes of the field, offered when a code is not understood."""


class UnitError(ValueError):
    """A unit or a quantity that is not understood, or that does not fit; ``hint`` says what to write instead."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(f"{message} ({hint})" if hint else message)
        self.message = message
        self.hint = hint


class Unit(NamedTuple):
    """A parsed unit: ``base = factor * (value + offset)``. Only a temperature standing alone has an offset."""

    text: str
    dimension: Dimension
    factor: Fraction
    offset: Fraction = Fraction(0)

    def compatible(self, other: Unit) -> bool:
        """Whether a value in this unit can be said in ``other``."""
        return self.dimension == other.dimension

    @property
    def kind(self) -> str:
        """What it measures, for messages: "a time", "a flow"; the unit itself where there is no word for it."""
        for text, kind in KINDS.items():
            if parse_unit(text).dimension == self.dimension:
                return kind
        return f"a quantity like 1 {self.text}"


@lru_cache(maxsize=1024)
def parse_unit(text: str) -> Unit:
    """The unit that a UCUM code stands for. Raises :class:`UnitError` with the nearest known codes."""
    if not text or len(text) > _LONGEST:
        raise UnitError("the unit is empty" if not text else f"the unit is longer than {_LONGEST} characters")
    if text in ATOMS:
        atom = ATOMS[text]
        return Unit(text, atom.dimension, atom.factor, atom.offset)
    parser = _Parser(text)
    result = parser.term()
    if not parser.at_end():
        raise parser.unknown()
    return Unit(text, result.dimension, result.factor)


class _Parser:
    """Recursive descent over one code; evaluates from left to right, as UCUM says: ``a/b/c`` is ``a/(b.c)``."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0

    def at_end(self) -> bool:
        """Whether the whole code was taken."""
        return self.position == len(self.text)

    def unknown(self) -> UnitError:
        """The complaint that the code is not understood."""
        return UnitError(f"unknown unit {self.text!r}", _suggest(self.text))

    def take(self, pattern: re.Pattern[str]) -> str | None:
        """What matches here, taken; ``None`` when nothing does."""
        match = pattern.match(self.text, self.position)
        if match is None:
            return None
        self.position = match.end()
        return match.group()

    def accept(self, character: str) -> bool:
        """Whether ``character`` comes next; it is taken."""
        if self.text.startswith(character, self.position):
            self.position += 1
            return True
        return False

    def term(self) -> Atom:
        """Components joined by ``.`` and ``/``; a leading ``/`` is ``1/``."""
        result = ATOMS["1"] if self.text.startswith("/", self.position) else self.component()
        while not self.at_end():
            if self.accept("."):
                result = _combine(result, self.component(), 1)
            elif self.accept("/"):
                result = _combine(result, self.component(), -1)
            else:
                break
        return result

    def component(self) -> Atom:
        """A parenthesis, an annotation, a number, or a symbol with its exponent."""
        if self.accept("("):
            result = self.term()
            if not self.accept(")"):
                raise self.unknown()
            return result
        if self.take(_ANNOTATION):
            return ATOMS["1"]
        if number := self.take(_NUMBER):
            if not int(number):
                raise self.unknown()
            result = Atom(DIMENSIONLESS, Fraction(int(number)))
        else:
            result = self.symbol()
        self.take(_ANNOTATION)
        return result

    def symbol(self) -> Atom:
        """A symbol with its prefix and exponent."""
        symbol = self.take(_SYMBOL)
        atom = _find(symbol) if symbol else None
        if atom is None:
            raise self.unknown()
        exponent = self.take(_EXPONENT)
        return _combine(ATOMS["1"], atom, int(exponent)) if exponent else atom


def _combine(left: Atom, right: Atom, power: int) -> Atom:
    dimension = tuple(a + power * b for a, b in zip(left.dimension, right.dimension, strict=True))
    return Atom(dimension, left.factor * right.factor**power)


def _find(symbol: str) -> Atom | None:
    if symbol in ATOMS:
        return ATOMS[symbol]
    for length in (2, 1):
        prefix, rest = symbol[:length], symbol[length:]
        if prefix in PREFIXES and rest in ATOMS and ATOMS[rest].metric:
            return Atom(ATOMS[rest].dimension, ATOMS[rest].factor * PREFIXES[prefix])
    return None


def _suggest(text: str) -> str:
    if text in SYNONYMS:
        return f"write {SYNONYMS[text]}"
    from difflib import get_close_matches

    if near := get_close_matches(text, COMMON, n=3, cutoff=0.5):
        return f"did you mean {' or '.join(near)}?"
    return "units are UCUM codes such as Cel, %, [pH], mL/h, {rev}/min, 10*6/mL"
