"""Numbers of gas and water that several models share, with their sources."""

from __future__ import annotations

from controller.stages.soft.arithmetic import Real, exp, over

AIR_OXYGEN = 0.2095
"""Mole fraction of oxygen in dry air (US Standard Atmosphere 1976)."""
AIR_CARBON_DIOXIDE = 0.0004
"""Mole fraction of carbon dioxide in dry air, rounded."""
CO2_TO_O2 = 0.89
"""kLa of carbon dioxide over kLa of oxygen: the square root of the ratio of their diffusivities (Royce, Thornhill,
AIChE J. 37 (1991) 1680-1686).
"""
CO2_SOLUBILITY = 0.0307
"""Carbon dioxide in plasma and culture medium at 37 Cel, mmol/L per mm[Hg] (Siggaard-Andersen, The Acid-Base Status of
the Blood, 1974).
"""
MM_HG = 760.0
"""mm[Hg] in an atmosphere."""
KPA = 101.325
"""kPa in an atmosphere."""
ZERO_CEL = 273.15


def vapour_share(temperature: Real) -> Real:
    """Saturation pressure of water in atm at ``temperature`` in Cel (Buck, J. Appl. Meteorol. 20 (1981) 1527-1532, in
    its form of 1996).
    """
    t = temperature
    return 0.61121 * exp(over((18.678 - t / 234.5) * t, 257.14 + t)) / KPA


def air_saturation(temperature: Real) -> Real:
    """Oxygen in mmol/L in water under wet air of 1 atm at ``temperature`` in Cel: 100 % dissolved oxygen.

    Henry's constant after Sander, Atmos. Chem. Phys. 15 (2015) 4399-4981: 1.3e-3 mol/L/atm at 25 Cel, 1700 K.
    """
    henry = 1.3 * exp(1700.0 * (over(1.0, temperature + ZERO_CEL) - 1.0 / 298.15))
    return henry * AIR_OXYGEN * (1.0 - vapour_share(temperature))
