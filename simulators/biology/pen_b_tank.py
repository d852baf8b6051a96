"""The 100 L tank of PEN-B as its source has it: oxygen, volume with evaporation, and heat.

Birol, Uendey, Cinar 2002. Vessels of the plant have physics of their own; this one is for comparison with the
literature, and for its penicillin at the source's scale.
"""

from __future__ import annotations

from typing import Generic, NamedTuple

from simulators.biology.culture import Environment, Inflow, State
from simulators.biology.pen_b import OXYGEN_SATURATION, ZERO_CEL_K, Penicillium
from simulators.numeric import Real, exp, filled, maximum, power, sqrt

ALPHA, BETA, POWER, GAS = 70.0, 0.4, 29.9, 8.6
"""kLa = alpha sqrt(gas) (power/volume)^beta in 1/h."""
LOSS, LOSS_FROM_K, LOSS_TO_K = 2.5e-4, 273.0, 373.0
"""Evaporation in 1/h, and the temperatures that set its rise."""
HEAT_OF_GROWTH, HEAT_OF_LIFE = 60.0, 1.6783e-4
"""cal/g of biomass formed, cal/g/h of biomass there."""
EXCHANGER, EXCHANGER_POWER, BROTH, COOLANT = 1000.0, 0.60, 1500.0, 1000.0
"""Coefficients of the heat exchanger; heat capacities of broth and coolant, cal/L/K."""
FEED_K, COLD_WATER_K, HOT_WATER_K = 298.0, 283.15, 313.15


class Broth(NamedTuple, Generic[Real]):
    """The culture's state, oxygen in mmol/L and volume in L."""

    culture: State[Real]
    oxygen: Real
    volume: Real


def transfer(volume: Real) -> Real:
    """Oxygen transfer coefficient, 1/h."""
    return ALPHA * sqrt(GAS) * power(POWER / volume, BETA)


def evaporation(volume: Real, kelvin: Real) -> Real:
    """Water lost, L/h."""
    return volume * LOSS * (exp(5.0 * (kelvin - LOSS_FROM_K) / (LOSS_TO_K - LOSS_FROM_K)) - 1.0)


def slope(broth: Broth[Real], model: Penicillium[Real], kelvin: Real, ph: Real, feed: Real) -> Broth[Real]:
    """Time derivatives per hour with `feed` in L/h, temperature and pH held."""
    volume, oxygen = broth.volume, broth.oxygen
    gained = feed - evaporation(volume, kelvin)
    percent = oxygen * (100.0 / OXYGEN_SATURATION)
    here = Environment(kelvin - ZERO_CEL_K, ph, oxygen, percent)
    inflow = Inflow(gained / volume, feed / volume, filled(volume, 0.0))
    used = model.uptake(broth.culture, here)
    return Broth(
        model.slope(broth.culture, here, inflow),
        transfer(volume) * (OXYGEN_SATURATION - oxygen) - used - oxygen * gained / volume,
        gained,
    )


def warming(kelvin: Real, growth: Real, broth: Broth[Real], feed: Real, water: Real, water_k: Real) -> Real:
    """Change of the temperature in K/h with `growth` of biomass in g/L/h and `water` in L/h through the exchanger."""
    volume, x = broth.volume, broth.culture[0]
    made = (HEAT_OF_GROWTH * growth + HEAT_OF_LIFE * x) * volume
    strength = EXCHANGER * power(water, EXCHANGER_POWER)
    taken = strength * water / maximum(water + strength / (2.0 * COOLANT), 1e-9) * (kelvin - water_k)
    return feed / volume * (FEED_K - kelvin) + (made - taken) / (volume * BROTH)
