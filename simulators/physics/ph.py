"""pH from the balance of charges: strong ions against bicarbonate, phosphate, HEPES and ammonia.

All concentrations in mM. Constants for 37 Cel at physiological ionic strength (pK 6.10, 9.88, 13.62, 6.80, 7.30; of
ammonium 8.9), kept over temperature.
"""

from __future__ import annotations

from typing import Generic, NamedTuple

from simulators.numeric import Real, exp, maximum, minimum, some, where

LN10 = 2.302585092994046


def _constant(pk: float, orders: float) -> float:
    """A dissociation constant in mM from its pK in M, `orders` powers of ten apart."""
    return exp(LN10 * (orders - pk))


K1 = _constant(6.10, 3.0)
K2 = _constant(9.88, 3.0)
KW = _constant(13.62, 6.0)
K_PHOSPHATE = _constant(6.80, 3.0)
K_HEPES = _constant(7.30, 3.0)
K_AMMONIUM = _constant(8.9, 3.0)
LARGEST_MOVE = 0.5
NEAR = 3e-5
"""A Newton step of this pH or less leaves an error of its square."""


class Buffers(NamedTuple, Generic[Real]):
    """Weak acids and bases of a liquid in mM, carbonate apart. `ammonia` is both forms of what counts as strong ions in
    full: what is given as ammonia solution.
    """

    phosphate: Real | float
    hepes: Real | float
    ammonia: Real | float = 0.0


class Charge(NamedTuple, Generic[Real]):
    """Negative charge in mM that must meet the strong ions, and how fast it grows with pH."""

    total: Real
    slope: Real


def protons(ph: Real) -> Real:
    """Hydrogen ions, mM."""
    return exp(LN10 * (3.0 - ph))


def carbonate_shares(ph: Real) -> tuple[Real, Real]:
    """Shares of total inorganic carbon that are free CO2, and the mean negative charge of one carbon."""
    return shares_at(protons(ph))


def shares_at(h: Real) -> tuple[Real, Real]:
    """The same, where the hydrogen ions are known."""
    first, second = K1 / h, K1 * K2 / (h * h)
    free = 1.0 / (1.0 + first + second)
    return free, free * (first + 2.0 * second)


def weak_charge(ph: Real, carbon: Real | float, buffers: Buffers[Real]) -> Charge[Real]:
    """Charge of water and weak acids at a pH, for a total inorganic carbon."""
    return charge_at(protons(ph), carbon, buffers)


def charge_at(h: Real, carbon: Real | float, buffers: Buffers[Real]) -> Charge[Real]:
    """The same, where the hydrogen ions are known."""
    first = K1 / h
    second = first * K2 / h
    free = 1.0 / (1.0 + first + second)
    a1, a2 = first * free, second * free
    p = K_PHOSPHATE / (K_PHOSPHATE + h)
    e = K_HEPES / (K_HEPES + h)
    n = K_AMMONIUM / (K_AMMONIUM + h)
    oh = KW / h
    charge = a1 + 2.0 * a2
    total = oh - h + carbon * charge + buffers.phosphate * (1.0 + p) + buffers.hepes * e + buffers.ammonia * n
    bound = (
        carbon * (a1 + 4.0 * a2 - charge * charge)
        + buffers.phosphate * (p - p * p)
        + buffers.hepes * (e - e * e)
        + buffers.ammonia * (n - n * n)
    )
    return Charge(total, LN10 * (h + oh + bound))


def solve_ph(ph: Real, strong: Real, carbon: Real, buffers: Buffers[Real], iterations: int = 2) -> Real:
    """The pH where weak charge meets the strong-ion difference `strong`, by Newton from the estimate `ph`.

    Two iterations are enough from a neighbouring state (5e-6 pH), six from 7.2 to anywhere in 6.2 .. 8.2.
    """
    for _ in range(iterations):
        charge = weak_charge(ph, carbon, buffers)
        move = (strong - charge.total) / charge.slope
        ph = ph + minimum(maximum(move, -LARGEST_MOVE), LARGEST_MOVE)
    return ph


def follow_ph(ph: Real, h: Real, strong: Real, carbon: Real, buffers: Buffers[Real]) -> Real:
    """The pH a step later, from `ph` and the hydrogen ions `h` of the step before: Newton until it moves by less than
    :data:`NEAR`, three times at most. Charges then balance within 1e-9 mol/L, also where base and carbon dioxide come
    at full rate.
    """
    charge = charge_at(h, carbon, buffers)
    move = minimum(maximum((strong - charge.total) / charge.slope, -LARGEST_MOVE), LARGEST_MOVE)
    ph = ph + move
    for _ in range(2):
        far = abs(move) > NEAR
        if not some(far):
            break
        charge = weak_charge(ph, carbon, buffers)
        move = where(far, (strong - charge.total) / charge.slope, 0.0 * move)
        ph = ph + move
    return ph


def strong_for(ph: Real, carbon: Real, buffers: Buffers[Real]) -> Real:
    """The strong-ion difference that holds a pH."""
    return weak_charge(ph, carbon, buffers).total


def carbon_for(ph: Real, strong: Real, buffers: Buffers[Real]) -> Real:
    """The total inorganic carbon that holds a pH; negative when no carbon can, for want of strong ions."""
    return (strong - weak_charge(ph, 0.0, buffers).total) / carbonate_shares(ph)[1]


def balanced(co2: Real, strong: Real, buffers: Buffers[Real], iterations: int = 12) -> Real:
    """The pH of a liquid whose free CO2 is held at `co2` in mM, as open to a gas, by Newton from 7.2."""
    ph = 0.0 * co2 + 7.2
    for _ in range(iterations):
        free, _ = carbonate_shares(ph)
        opened = open_slope(ph, co2 / free, buffers)
        move = (strong - weak_charge(ph, co2 / free, buffers).total) / opened
        ph = ph + minimum(maximum(move, -LARGEST_MOVE), LARGEST_MOVE)
    return ph


def open_slope(ph: Real, carbon: Real, buffers: Buffers[Real]) -> Real:
    """Buffer capacity in mM/pH of a liquid open to a gas that holds its free CO2; closed, it is that of
    :func:`weak_charge`.
    """
    charge = carbonate_shares(ph)[1]
    return weak_charge(ph, carbon, buffers).slope + LN10 * carbon * charge * charge
