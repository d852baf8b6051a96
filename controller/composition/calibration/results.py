"""From readings and references to a calibration, refused where it cannot be. Pure."""

from __future__ import annotations

import math
from typing import NamedTuple

PH_SLOPE = (85.0, 105.0)
"""% of the slope that the instrument reckons with; a glass electrode outside is worn, dirty or in the wrong buffer."""
PH_OFFSET = 0.5
"""How far off the probe may be at pH 7: half a pH, 30 mV."""
PH_APART = 1.0
"""How far apart two buffers are at least."""
DO_ZERO = 5.0
"""What the probe may show in nitrogen, in % of air saturation."""
DO_SLOPE = (70.0, 130.0)
"""% of what the instrument shows in air."""
PUMP_CHANGE = 2.0
"""A pump's factor that is more than so many times what it was, or less than that part of it, is a mistake."""
LEAST_TURNS = 5.0
LEAST_DIGITS = 20.0
"""A balance weighs at least so many times what its reading may wander."""


class Refused(Exception):
    """The result cannot be; the text says why, and what to look at."""


class Line(NamedTuple):
    """``tag = factor * instrument's number + offset``."""

    factor: float
    offset: float

    def at(self, raw: float) -> float:
        """The tag for an instrument's number."""
        return self.factor * raw + self.offset

    def raw(self, value: float) -> float:
        """The instrument's number for a tag's value."""
        return (value - self.offset) / self.factor


def ph_one(raw: float, buffer: float, old: Line) -> Line:
    """The offset that makes one buffer right; the factor stays. Raises :class:`Refused`."""
    return _ph(Line(old.factor, buffer - old.factor * raw))


def ph_two(raw: tuple[float, float], buffer: tuple[float, float]) -> Line:
    """The line through two buffers. Raises :class:`Refused`."""
    apart = buffer[1] - buffer[0]
    if abs(apart) < PH_APART:
        raise Refused(f"the buffers are {abs(apart):.2f} pH apart; at least {PH_APART:g} pH is needed")
    slope = round(100.0 * (raw[1] - raw[0]) / apart, 6)
    low, high = PH_SLOPE
    if not low <= slope <= high:
        what = "a worn or dirty probe, or a buffer taken for another"
        raise Refused(f"the slope would be {slope:.1f} %; {low:g} to {high:g} % can be ({what})")
    return _ph(_through(raw, buffer))


def do_two(raw: tuple[float, float], reference: tuple[float, float]) -> Line:
    """The line through zero and span. Raises :class:`Refused`."""
    if abs(raw[0] - reference[0]) > DO_ZERO:
        what = "is there air left, or is the membrane torn?"
        raise Refused(f"the probe shows {raw[0]:.1f} % at zero; {DO_ZERO:g} % off can be ({what})")
    slope = round(100.0 * (raw[1] - raw[0]) / (reference[1] - reference[0]), 6)
    low, high = DO_SLOPE
    if not low <= slope <= high:
        what = "a worn cap or membrane, or not in air"
        raise Refused(f"the slope would be {slope:.1f} %; {low:g} to {high:g} % can be ({what})")
    return _through(raw, reference)


def pump(turns: float, millilitres: float, old: float | None) -> float:
    """Millilitres per revolution. Raises :class:`Refused`."""
    if turns < LEAST_TURNS:
        raise Refused(f"the pump made {turns:.2f} revolutions; at least {LEAST_TURNS:g} are needed")
    if not millilitres > 0.0:
        raise Refused("nothing was delivered: is the tube in the pump head, full, and open at its end?")
    found = millilitres / turns
    if old and not 1.0 / PUMP_CHANGE <= found / old <= PUMP_CHANGE:
        what = "another tube, a clamped one, or another pump than is thought?"
        raise Refused(f"{found:.5g} mL per revolution is {found / old:.2f} times what it was ({what})")
    return found


def weighed(before: float, after: float, wander: float) -> float:
    """What came onto a balance, or left it. Raises :class:`Refused`; all in g."""
    grams = abs(after - before)
    if grams < LEAST_DIGITS * wander:
        least = LEAST_DIGITS * wander
        raise Refused(f"the balance changed by {grams:.3g} g; at least {least:.3g} g are needed to be exact: pump more")
    return grams


def changed(old: float, new: float) -> float:
    """How much a number changed, in %; NaN where that means nothing."""
    return 100.0 * (new / old - 1.0) if old else math.nan


def _through(raw: tuple[float, float], reference: tuple[float, float]) -> Line:
    factor = (reference[1] - reference[0]) / (raw[1] - raw[0])
    return Line(factor, reference[0] - factor * raw[0])


def _ph(line: Line) -> Line:
    off = round(line.raw(7.0) - 7.0, 6)
    if abs(off) > PH_OFFSET:
        what = "a worn or dirty probe, or a buffer taken for another"
        raise Refused(f"the probe would be {off:+.2f} pH off at pH 7; {PH_OFFSET:g} can be ({what})")
    return line
