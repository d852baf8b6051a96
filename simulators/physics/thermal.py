"""Heat of a jacketed vessel: culture and jacket, two stores that exchange and lose heat.

`mc T' = UA (J-T) - UL (T-Ta) + P`, `mj J' = H - UA (J-T) - UJ (J-Ta)`; temperatures in Cel, powers in W.
"""

from __future__ import annotations

from typing import NamedTuple

from simulators.numeric import Real, sqrt

WATER_J_PER_KG = 4180.0
OXYGEN_J_PER_MMOL = 460.0
"""Metabolic heat per oxygen consumed."""
VAPOUR_J_PER_G = 2430.7
SECONDS_PER_HOUR = 3600.0
MOST_S = 5.0
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
    culture: Real, jacket: Real, capacity: Real, heater: Real, inside: Real, shell: Shell, dt_s: float
) -> tuple[Real, Real]:
    """Temperatures of culture and jacket after `dt_s` (at most :data:`MOST_S`): midpoint rule.

    `capacity` is the culture's in J/K, `heater` heats the jacket (below 0: cools it), `inside` the culture directly.
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


def holding(culture: Real, inside: Real, shell: Shell) -> tuple[Real, Real]:
    """The heater's power that holds a temperature, and the jacket's temperature then."""
    given = shell.culture_loss * (culture - shell.ambient) - inside
    jacket = culture + given / shell.exchange
    return given + shell.jacket_loss * (jacket - shell.ambient), jacket


def gain(shell: Shell) -> float:
    """How much warmer a watt of the heater makes the culture in the end, Cel/W."""
    culture, jacket = shell.exchange + shell.culture_loss, shell.exchange + shell.jacket_loss
    return shell.exchange / (culture * jacket - shell.exchange * shell.exchange)


def time_constants(capacity: Real, shell: Shell) -> tuple[Real, Real]:
    """With which vessel and jacket together settle, and the jacket against the vessel, s."""
    culture = (shell.exchange + shell.culture_loss) / capacity
    jacket = (shell.exchange + shell.jacket_loss) / shell.jacket
    middle = 0.5 * (culture + jacket)
    product = culture * jacket - shell.exchange * shell.exchange / (capacity * shell.jacket)
    fast = middle + sqrt(middle * middle - product)
    return fast / product, 1.0 / fast


def metabolic_heat(uptake: Real, volume_l: Real) -> Real:
    """Heat of respiration at an oxygen uptake in mM/h."""
    return uptake * volume_l * (OXYGEN_J_PER_MMOL / SECONDS_PER_HOUR)
