"""pH from the balance of charges: strong ions against bicarbonate, phosphate and HEPES.

All concentrations in mM. Constants for 37 Cel at physiological ionic strength (pK 6.10, 9.88, 13.62, 6.80, 7.30), kept
over temperature.
"""

from __future__ import annotations

from math import log
from typing import NamedTuple

K1 = 10.0 ** (3.0 - 6.10)
K2 = 10.0 ** (3.0 - 9.88)
KW = 10.0 ** (6.0 - 13.62)
K_PHOSPHATE = 10.0 ** (3.0 - 6.80)
K_HEPES = 10.0 ** (3.0 - 7.30)
LN10 = log(10.0)
LARGEST_MOVE = 0.5


class Buffers(NamedTuple):
    """Weak acids of a medium in mM, carbonate apart."""

    phosphate: float
    hepes: float


class Charge(NamedTuple):
    """Negative charge in mM that must meet the strong ions, and how fast it grows with pH."""

    total: float
    slope: float


def carbonate_shares(ph: float) -> tuple[float, float]:
    """Shares of total inorganic carbon that are free CO2, and the mean negative charge of one carbon."""
    h = 10.0 ** (3.0 - ph)
    first, second = K1 / h, K1 * K2 / (h * h)
    free = 1.0 / (1.0 + first + second)
    return free, free * (first + 2.0 * second)


def weak_charge(ph: float, carbon: float, buffers: Buffers) -> Charge:
    """Charge of water and weak acids at a pH, for a total inorganic carbon."""
    h = 10.0 ** (3.0 - ph)
    first, second = K1 / h, K1 * K2 / (h * h)
    free = 1.0 / (1.0 + first + second)
    a1, a2 = first * free, second * free
    p = K_PHOSPHATE / (K_PHOSPHATE + h)
    e = K_HEPES / (K_HEPES + h)
    oh = KW / h
    charge = a1 + 2.0 * a2
    total = oh - h + carbon * charge + buffers.phosphate * (1.0 + p) + buffers.hepes * e
    bound = (
        carbon * (a1 + 4.0 * a2 - charge * charge) + buffers.phosphate * p * (1.0 - p) + buffers.hepes * e * (1.0 - e)
    )
    return Charge(total, LN10 * (h + oh + bound))


def solve_ph(ph: float, strong: float, carbon: float, buffers: Buffers, iterations: int = 2) -> float:
    """The pH where weak charge meets the strong-ion difference `strong`, by Newton from the estimate `ph`.

    Two iterations are enough from a neighbouring state (5e-6 pH), eight from anywhere in 6 .. 8.
    """
    for _ in range(iterations):
        charge = weak_charge(ph, carbon, buffers)
        move = (strong - charge.total) / charge.slope
        ph += min(max(move, -LARGEST_MOVE), LARGEST_MOVE)
    return ph


def strong_for(ph: float, carbon: float, buffers: Buffers) -> float:
    """The strong-ion difference that holds a pH."""
    return weak_charge(ph, carbon, buffers).total


def carbon_for(ph: float, strong: float, buffers: Buffers) -> float:
    """The total inorganic carbon that holds a pH; negative when no carbon can, for want of strong ions."""
    return (strong - weak_charge(ph, 0.0, buffers).total) / carbonate_shares(ph)[1]
