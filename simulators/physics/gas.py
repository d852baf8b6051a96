"""Gas and liquid: solubility, dissolved oxygen and carbon dioxide, and what the exhaust gas is left with.

Concentrations in mM, pressures in atm unless said, temperatures in Cel, kLa in 1/h.
"""

from __future__ import annotations

from simulators.numeric import Real, exp, maximum, minimum, sqrt, where

AIR_O2 = 0.2095
"""Mole fraction of oxygen in dry air."""

AIR_CO2 = 0.0004
"""Mole fraction of carbon dioxide in dry air."""

GAS_MOLAR_L = 25.4
"""Litres of gas per mol at 37 Cel and 1 atm."""

CO2_TO_O2 = 0.9
"""kLa of carbon dioxide over kLa of oxygen."""

CO2_MM_PER_MMHG = 0.0307
"""Solubility of carbon dioxide in culture medium at 37 Cel, the clinical value, mM/mmHg."""

NO_RATE = 1e-9
"""What is as good as no transfer, 1/h or within one step."""

MMHG_PER_ATM = 760.0
KPA_PER_ATM = 101.325


def vapour_pressure(temperature: Real) -> Real:
    """Saturation pressure of water in atm (Buck 1996)."""
    t = temperature
    return 0.61121 * exp((18.678 - t / 234.5) * t / (257.14 + t)) / KPA_PER_ATM


def oxygen_solubility(temperature: Real) -> Real:
    """Henry's constant of oxygen in water, mM/atm (Sander 2015)."""
    return 1.3 * exp(1700.0 * (1.0 / (temperature + 273.15) - 1.0 / 298.15))


def co2_solubility(temperature: Real) -> Real:
    """Solubility of carbon dioxide in medium, mM/atm: the clinical value at 37 Cel, Sander's temperature slope."""
    return CO2_MM_PER_MMHG * MMHG_PER_ATM * exp(2400.0 * (1.0 / (temperature + 273.15) - 1.0 / 310.15))


def air_saturation(temperature: Real) -> Real:
    """Dissolved oxygen in equilibrium with wet air at 1 atm, mM: what a probe's 100 % stands for."""
    return oxygen_solubility(temperature) * AIR_O2 * (1.0 - vapour_pressure(temperature))


def carried(gas_ml_min: Real, volume_l: Real, solubility: Real, pressure: Real | float = 1.0) -> Real:
    """Transfer coefficient in 1/h of gas that leaves in equilibrium with the liquid."""
    return 60.0 * gas_ml_min / (GAS_MOLAR_L * volume_l * solubility * pressure)


def oxygen_rate(kla_o2: Real, gas_ml_min: Real, volume_l: Real, solubility: Real, pressure: Real | float = 1.0) -> Real:
    """Transfer coefficient of oxygen in 1/h seen from the inlet gas, which loses on its way what it gives.

    Gas on the whole has the composition at which it leaves; without gas only the surface (all of `kla_o2`) is left.
    """
    most = maximum(carried(gas_ml_min, volume_l, solubility, pressure), NO_RATE)
    return where(gas_ml_min > 0.0, kla_o2 / (1.0 + kla_o2 / most), kla_o2)


def co2_rate(kla_o2: Real, gas_ml_min: Real, volume_l: Real, solubility: Real, pressure: Real | float = 1.0) -> Real:
    """Transfer coefficient of carbon dioxide in 1/h, which gas that leaves saturated caps."""
    return minimum(CO2_TO_O2 * kla_o2, carried(gas_ml_min, volume_l, solubility, pressure))


def headspace_step(fraction: Real, inlet: Real, taken: Real, turned: Real, kept: Real) -> Real:
    """Fraction of a gas in the well-mixed head space after a step, and so in the exhaust.

    Gas enters with the fraction `inlet`; `turned` is how much enters in the step and `taken` how much the liquid takes
    of this gas (less than 0: gives), both as shares of the head space; `kept` is exp(-turned). Exact; without flow
    what the liquid takes is missing.
    """
    return minimum(maximum(headspace_left(fraction, inlet, taken, turned, kept), 0.0), 1.0)


def headspace_left(amount: Real, inlet: Real | float, taken: Real, turned: Real, kept: Real) -> Real:
    """The same for an amount in the head space, by what it would hold without the liquid: also for all gas together,
    which is less than 1 where more oxygen is taken than carbon dioxide given.
    """
    settled = inlet - taken / maximum(turned, NO_RATE)
    return where(turned < NO_RATE, amount - taken, settled + (amount - settled) * kept)


def oxygen_step(oxygen: Real, saturation: Real, kla_o2: Real, demand: Real, half: Real, hours: float) -> Real:
    """Dissolved oxygen after `hours` of transfer against a demand of Monod's form `demand * O / (half + O)`.

    The transfer is exact; the demand is taken at the end of the step, which gives a quadratic with one root >= 0:
    steady states are exact, the result is never negative, and no step length makes it oscillate.
    """
    decay = exp(-kla_o2 * hours)
    free = oxygen * decay + saturation * (1.0 - decay)
    drawn = demand * (1.0 - decay) / kla_o2
    b = half + drawn - free
    return 0.5 * (sqrt(b * b + 4.0 * half * free) - b)


def carbon_step(carbon: Real, free_share: Real, saturation: Real, rate: Real, source: Real, hours: float) -> Real:
    """Total inorganic carbon after `hours`: transfer of the share that is CO2, plus a `source` in mM/h.

    Exact for a `free_share` (CO2 over total carbon) that does not change within the step.
    """
    speed = rate * free_share
    gained = rate * saturation + source
    settled = gained / maximum(speed, NO_RATE / hours)
    relaxed = settled + (carbon - settled) * exp(-speed * hours)
    return where(speed * hours < NO_RATE, carbon + hours * gained, relaxed)
