"""Heat of a jacketed vessel: culture and jacket, two stores that exchange and lose heat.

`mc T' = UA (J-T) - UL (T-Ta) + P`, `mj J' = H - UA (J-T) - UJ (J-Ta)`; temperatures in Cel, powers in W.
"""

from __future__ import annotations

from typing import NamedTuple

WATER_J_PER_KG = 4180.0
OXYGEN_J_PER_MMOL = 460.0
"""Metabolic heat per oxygen consumed."""
VAPOUR_J_PER_G = 2430.7
MOST_S = 2.0
"""Longest sub-step; the faster store of the reference vessel settles in 92 s."""


class Shell(NamedTuple):
    """Heat capacities and conductances of a vessel: J/K, then W/K; ambient in Cel."""

    jacket: float = 3344.0
    exchange: float = 25.0
    culture_loss: float = 1.2
    jacket_loss: float = 1.5
    ambient: float = 22.0


REFERENCE = Shell()
"""The 2 L reference vessel."""


def heat_step(
    culture: float, jacket: float, capacity: float, heater: float, inside: float, shell: Shell, dt_s: float
) -> tuple[float, float]:
    """Temperatures of culture and jacket after `dt_s` (at most :data:`MOST_S`): midpoint rule.

    `capacity` is the culture's in J/K, `heater` heats the jacket, `inside` the culture directly.
    """
    half = 0.5 * dt_s
    flow = shell.exchange * (jacket - culture)
    middle_c = culture + half * (flow - shell.culture_loss * (culture - shell.ambient) + inside) / capacity
    middle_j = jacket + half * (heater - flow - shell.jacket_loss * (jacket - shell.ambient)) / shell.jacket
    flow = shell.exchange * (middle_j - middle_c)
    return (
        culture + dt_s * (flow - shell.culture_loss * (middle_c - shell.ambient) + inside) / capacity,
        jacket + dt_s * (heater - flow - shell.jacket_loss * (middle_j - shell.ambient)) / shell.jacket,
    )
