"""Volume of a well-mixed vessel: dilution, what evaporates, foam, samples, perfusion and bleed."""

from __future__ import annotations

from typing import Generic, NamedTuple

from simulators.numeric import Real, exp, maximum, minimum
from simulators.physics.gas import GAS_MOLAR_L, vapour_pressure

WATER_G_PER_MOL = 18.015
MINUTES_PER_HOUR = 60.0
LEAST_L = 1e-9
SECONDS_PER_MINUTE, MBAR_PER_ATM = 60.0, 1013.25
VALVE_RANGE_LOG = 3.912023005428146
"""Logarithm of the 50 times that a closed valve holds back more than an open one (a usual range, chosen)."""
DOSE_ML_PER_L = 0.1
"""Antifoam that has all the effect there is, of the volume (chosen)."""


def mixed(concentration: Real, volume: Real, added: Real | float, volume_added: Real) -> Real:
    """Concentration after a volume of concentration `added` has been mixed in; volumes in one unit, sum > 0."""
    return concentration + (added - concentration) * volume_added / (volume + volume_added)


def water_carried(temperature: Real, pressure: Real | float = 1.0) -> Real:
    """Water in g/h that one litre per minute of dry gas carries away when it leaves saturated at a temperature: the
    condenser's, without one the culture's; `pressure` in atm.
    """
    return vapour_pressure(temperature) / pressure * (MINUTES_PER_HOUR * WATER_G_PER_MOL / GAS_MOLAR_L)


class Foaming(NamedTuple):
    """How a culture foams: cm of foam per hour, L/min of gas and g/L of protein; how long foam lasts in h; its greatest
    height in cm; L/h that leave per cm above it; what share a dose of antifoam takes away; how much a litre lost wets
    the exhaust filter.
    """

    rate: float = 20.0
    lasts_h: float = 0.3
    greatest: float = 8.0
    spilt: float = 0.05
    broken: float = 0.5
    wets: float = 20.0


def foam_step(height: Real, gas_ml_min: Real, protein: Real, antifoam: Real, foaming: Foaming, hours: float) -> Real:
    """Height of the foam after `hours`, exact: made by gas and protein, falling by itself, made less by `antifoam`
    (1 right after a dose, 0 long after).
    """
    made = foaming.rate * (0.001 * gas_ml_min) * protein * (1.0 - foaming.broken * antifoam)
    return made * foaming.lasts_h + (height - made * foaming.lasts_h) * exp(-hours / foaming.lasts_h)


def foamed_out(height: Real, foaming: Foaming) -> Real:
    """Liquid that leaves as foam, L/h."""
    return foaming.spilt * maximum(height - foaming.greatest, 0.0)


def back_pressure(gas_ml_min: Real, resistance: float, wetness: Real) -> Real:
    """Pressure before the exhaust filter, mbar above ambient: `resistance` in mbar min/mL while dry; a wet filter lets
    through less.
    """
    return resistance * gas_ml_min * (1.0 + wetness)


def throttled(opening: Real, resistance: float) -> Real:
    """Resistance in mbar min/mL that a valve adds at an `opening` of 0 .. 1: none when open, and never endless. It has
    equal percentages, the usual characteristic, over a range of :data:`VALVE_RANGE`.
    """
    return resistance * (exp(VALVE_RANGE_LOG * (1.0 - opening)) - 1.0)


def settling_s(resistance: Real, room_l: Real) -> Real:
    """Time constant with which the pressure of a gas space behind a `resistance` in mbar min/mL settles."""
    return resistance * (1000.0 * SECONDS_PER_MINUTE / MBAR_PER_ATM) * room_l


def dosed(antifoam: Real, dose_ml: Real, volume_l: Real) -> Real:
    """What antifoam does after another dose; more than :data:`DOSE_ML_PER_L` does no more."""
    return minimum(antifoam + dose_ml / (DOSE_ML_PER_L * maximum(volume_l, LEAST_L)), 1.0)


class Outflow(NamedTuple, Generic[Real]):
    """What leaves, L/h: `harvest` through a device that keeps the share `retained` of the cells (0 .. 1), and `bleed`
    with all that is in it.
    """

    harvest: Real
    bleed: Real
    retained: Real


class Turnover(NamedTuple, Generic[Real]):
    """Relative rates in 1/h, as a culture's inflow has them."""

    total: Real
    feed: Real
    perfusion: Real


def turnover(grown: Real, feed: Real, out: Outflow[Real], volume_l: Real) -> Turnover[Real]:
    """For a volume that grows by `grown` (1/h) while `feed` (1/h) of medium comes in.

    What the retention lets through dilutes the cells as a bleed does; of feed, as much as passes without cells counts
    as perfusion. Balance of what is dissolved and of the cells are both exact.
    """
    volume = maximum(volume_l, LEAST_L)
    perfusion = out.harvest * out.retained / volume
    lost = (out.harvest * (1.0 - out.retained) + out.bleed) / volume
    return Turnover(grown + lost, feed - perfusion, perfusion)


class Sample(NamedTuple, Generic[Real]):
    """A concentration in what came out of the sampling port, and what is left in its dead volume."""

    drawn: Real
    left: Real


def draw(concentration: Real, left: Real, drawn_ml: Real, dead_ml: float) -> Sample[Real]:
    """Draw `drawn_ml` > 0 through a port whose dead volume of `dead_ml` still holds liquid of concentration `left`.

    The vessel loses the volume and keeps its concentrations; the sample begins with what was in the port.
    """
    old = minimum(drawn_ml, dead_ml)
    fresh = drawn_ml - old
    remains = dead_ml - old
    sample = (old * left + fresh * concentration) / drawn_ml
    kept = (remains * left + (dead_ml - remains) * concentration) / (dead_ml if dead_ml > 0.0 else 1.0)
    return Sample(sample, kept)
