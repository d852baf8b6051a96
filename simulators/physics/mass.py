"""Volume and dilution of a well-mixed vessel."""

from __future__ import annotations

from simulators.numeric import Real

EVAPORATION_G_PER_L = 0.515 / 60.0
"""Water that a litre of dry gas carries away past a condenser at 10 Cel (0.515 g/h per L/min)."""


def mixed(concentration: Real, volume: Real, added: Real, volume_added: Real) -> Real:
    """Concentration after a volume of concentration `added` has been mixed in; volumes in one unit, sum > 0."""
    return concentration + (added - concentration) * volume_added / (volume + volume_added)


def evaporated_ml(gas_ml_min: float, dt_s: float) -> float:
    """Water lost with the exhaust gas, mL."""
    return EVAPORATION_G_PER_L * gas_ml_min * dt_s / 60_000.0
