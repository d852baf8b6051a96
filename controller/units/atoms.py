"""The unit atoms and prefixes that are understood: a subset of UCUM, https://ucum.org/ucum.

Every atom is a rational multiple of the base units, so that conversions are exact until the last rounding.
"""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

BASES = ("m", "g", "s", "K", "mol", "A", "[pH]", "[iU]", "[CFU]")
"""What a dimension is made of. UCUM's arbitrary units, and pH, are dimensions of their own: they never convert."""

Dimension = tuple[int, ...]
"""Exponents in the order of :data:`BASES`."""

DIMENSIONLESS: Dimension = (0,) * len(BASES)


class Atom(NamedTuple):
    """One unit symbol: ``base = factor * (value + offset)``. ``metric`` symbols take prefixes."""

    dimension: Dimension
    factor: Fraction
    metric: bool = False
    offset: Fraction = Fraction(0)


def _dimension(**exponents: int) -> Dimension:
    return tuple(exponents.get(name, 0) for name in BASES)


def _named(name: str) -> Dimension:
    return _dimension(**{name: 1})


_LENGTH, _MASS, _TIME, _TEMPERATURE, _AMOUNT = (_named(name) for name in ("m", "g", "s", "K", "mol"))
_VOLUME = _dimension(m=3)
_PRESSURE = _dimension(g=1, m=-1, s=-2)
_ENERGY = _dimension(g=1, m=2, s=-2)
_POWER = _dimension(g=1, m=2, s=-3)
_ONE = Fraction(1)

ATOMS: dict[str, Atom] = {
    "1": Atom(DIMENSIONLESS, _ONE),
    "10*": Atom(DIMENSIONLESS, Fraction(10)),
    "10^": Atom(DIMENSIONLESS, Fraction(10)),
    "%": Atom(DIMENSIONLESS, Fraction(1, 100)),
    "[ppth]": Atom(DIMENSIONLESS, Fraction(1, 10**3)),
    "[ppm]": Atom(DIMENSIONLESS, Fraction(1, 10**6)),
    "[ppb]": Atom(DIMENSIONLESS, Fraction(1, 10**9)),
    "[pH]": Atom(_named("[pH]"), _ONE),
    "[iU]": Atom(_named("[iU]"), _ONE, metric=True),
    "[IU]": Atom(_named("[iU]"), _ONE, metric=True),
    "[CFU]": Atom(_named("[CFU]"), _ONE),
    "m": Atom(_LENGTH, _ONE, metric=True),
    "[in_i]": Atom(_LENGTH, Fraction(254, 10**4)),
    "g": Atom(_MASS, _ONE, metric=True),
    "t": Atom(_MASS, Fraction(10**6), metric=True),
    "[lb_av]": Atom(_MASS, Fraction(45359237, 10**5)),
    "s": Atom(_TIME, _ONE, metric=True),
    "min": Atom(_TIME, Fraction(60)),
    "h": Atom(_TIME, Fraction(3600)),
    "d": Atom(_TIME, Fraction(86400)),
    "wk": Atom(_TIME, Fraction(604800)),
    "Hz": Atom(_dimension(s=-1), _ONE, metric=True),
    "K": Atom(_TEMPERATURE, _ONE, metric=True),
    "Cel": Atom(_TEMPERATURE, _ONE, offset=Fraction(27315, 100)),
    "[degF]": Atom(_TEMPERATURE, Fraction(5, 9), offset=Fraction(45967, 100)),
    "mol": Atom(_AMOUNT, _ONE, metric=True),
    "osm": Atom(_AMOUNT, _ONE, metric=True),
    "kat": Atom(_dimension(mol=1, s=-1), _ONE, metric=True),
    "U": Atom(_dimension(mol=1, s=-1), Fraction(1, 60 * 10**6), metric=True),
    "L": Atom(_VOLUME, Fraction(1, 1000), metric=True),
    "l": Atom(_VOLUME, Fraction(1, 1000), metric=True),
    "N": Atom(_dimension(g=1, m=1, s=-2), Fraction(1000), metric=True),
    "Pa": Atom(_PRESSURE, Fraction(1000), metric=True),
    "bar": Atom(_PRESSURE, Fraction(10**8), metric=True),
    "atm": Atom(_PRESSURE, Fraction(101325000)),
    "[psi]": Atom(_PRESSURE, Fraction(6894757293168361, 10**9)),
    "m[Hg]": Atom(_PRESSURE, Fraction(133322387), metric=True),
    "m[H2O]": Atom(_PRESSURE, Fraction(980665, 100) * 1000, metric=True),
    "J": Atom(_ENERGY, Fraction(1000), metric=True),
    "W": Atom(_POWER, Fraction(1000), metric=True),
    "A": Atom(_named("A"), _ONE, metric=True),
    "V": Atom(_dimension(g=1, m=2, s=-3, A=-1), Fraction(1000), metric=True),
    "Ohm": Atom(_dimension(g=1, m=2, s=-3, A=-2), Fraction(1000), metric=True),
    "F": Atom(_dimension(g=-1, m=-2, s=4, A=2), Fraction(1, 1000), metric=True),
    "S": Atom(_dimension(g=-1, m=-2, s=3, A=2), Fraction(1, 1000), metric=True),
}

PREFIXES: dict[str, Fraction] = {
    "T": Fraction(10**12),
    "G": Fraction(10**9),
    "M": Fraction(10**6),
    "k": Fraction(10**3),
    "h": Fraction(10**2),
    "da": Fraction(10),
    "d": Fraction(1, 10),
    "c": Fraction(1, 10**2),
    "m": Fraction(1, 10**3),
    "u": Fraction(1, 10**6),
    "n": Fraction(1, 10**9),
    "p": Fraction(1, 10**12),
    "f": Fraction(1, 10**15),
}

KINDS: dict[str, str] = {
    "1": "a plain number",
    "s": "a time",
    "s-1": "a rate per time",
    "Cel": "a temperature",
    "Cel/s": "a temperature rate",
    "mL": "a volume",
    "mL/min": "a flow",
    "mL/s2": "a change of flow",
    "g": "a mass",
    "g/mL": "a mass concentration",
    "mol/L": "a concentration",
    "1/mL": "a number per volume",
    "mbar": "a pressure",
    "[pH]": "a pH",
    "[pH]/s": "a pH rate",
    "m": "a length",
}
"""What the dimension of a unit is called in a message."""
