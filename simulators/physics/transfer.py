"""Oxygen transfer coefficient of a stirred, sparged tank: from the stirrer's power, or by a calibration.

kLa in 1/h, agitation in rev/min, gas in mL/min, volumes in L, lengths in m, powers in W. The correlations hold within
:data:`VALID` and scatter by 30 % there; below, where cells are cultivated, a calibration is the only honest way.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Generic, NamedTuple

from simulators.numeric import Real, Truth, maximum, minimum, power, sqrt
from simulators.parameters import Span, outside

QUARTER_TURN = 0.7853981633974483
"""pi / 4."""
ML_MIN_PER_M3_S = 6e7
SECONDS_PER_HOUR = 3600.0
LEAST_GAS_M3_S = 1e-12
FITTED = "published, van 't Riet 1979"
VALID: Mapping[str, Span] = {
    "power_density": Span(500.0, 10_000.0, "W/m3", FITTED),
    "volume_l": Span(2.0, 2600.0, "L", FITTED),
}
"""Where the correlations were fitted."""
SCATTER = 0.3
"""Share by which measured coefficients lie about the correlations."""
KEPT_UNDER_ANTIFOAM = 0.6
"""Share of the transfer that is left right after a dose of antifoam (0.5 .. 0.7, chosen)."""
ANTIFOAM_S = 3600.0
"""Time constant with which a dose of antifoam wears off, s (chosen)."""


class Impellers(NamedTuple, Generic[Real]):
    """A stirrer's impellers on one shaft: how many, the power number and the diameter of each."""

    number: Real
    power_number: Real
    diameter_m: Real


def ungassed_power(agitation: Real, impellers: Impellers[Real], density: Real | float = 1000.0) -> Real:
    """Power that the impellers draw from a turbulent liquid of `density` in kg/m3."""
    turns, d = agitation / 60.0, impellers.diameter_m
    squared = d * d
    return impellers.number * impellers.power_number * density * (turns * turns * turns) * (squared * squared * d)


def gassed_power(ungassed: Real, agitation: Real, impellers: Impellers[Real], gas: Real) -> Real:
    """What is left of `ungassed` under gas (Michel and Miller); never more than without."""
    flow = maximum(gas / ML_MIN_PER_M3_S, LEAST_GAS_M3_S)
    d = impellers.diameter_m
    held = ungassed * ungassed * (agitation / 60.0) * (d * d * d) / power(flow, 0.56)
    return minimum(0.706 * power(held, 0.45), ungassed)


def gas_speed(gas: Real, tank_diameter_m: Real) -> Real:
    """Superficial velocity of the gas, m/s."""
    return gas / ML_MIN_PER_M3_S / (QUARTER_TURN * tank_diameter_m * tank_diameter_m)


def coalescing(power_density: Real, speed: Real) -> Real:
    """Coefficient in water-like liquids, from W/m3 and the gas's superficial velocity in m/s."""
    return SECONDS_PER_HOUR * 0.026 * power(power_density, 0.4) * sqrt(speed)


def non_coalescing(power_density: Real, speed: Real) -> Real:
    """Coefficient in liquids whose salts keep bubbles apart, from W/m3 and the superficial velocity in m/s."""
    return SECONDS_PER_HOUR * 0.002 * power(power_density, 0.7) * power(speed, 0.2)


def beyond(power_density: Real, volume_l: Real) -> dict[str, Truth]:
    """For each quantity of :data:`VALID` whether the correlations are asked for more than they know."""
    now = {"power_density": power_density, "volume_l": volume_l}
    return {name: outside(now[name], span) for name, span in VALID.items()}


def stirred(agitation: Real, reference_rpm: float) -> Real:
    """What stirring does to transfer, relative to that at `reference_rpm`, by the usual exponent of 1.2."""
    return power(agitation / reference_rpm, 1.2)


def kla(stirring: Real, gas: Real, volume_l: Real, reference: Real | float, surface: Real | float) -> Real:
    """Coefficient by the usual calibration: `reference` at 0.1 vvm where `stirring` (of :func:`stirred`) is 1, exponent
    0.5 for the gas.
    """
    vvm = gas / (1000.0 * volume_l)
    return reference * stirring * sqrt(vvm / 0.1) + surface


def thickened(transfer: Real, viscosity: Real) -> Real:
    """Coefficient in a liquid whose viscosity is `viscosity` times that of water (Goldrick 2015)."""
    return transfer / power(viscosity, 0.38)


def under_antifoam(transfer: Real, antifoam: Real) -> Real:
    """Coefficient while `antifoam` (1 right after a dose, 0 long after) is on the bubbles."""
    return transfer * (1.0 - (1.0 - KEPT_UNDER_ANTIFOAM) * antifoam)
