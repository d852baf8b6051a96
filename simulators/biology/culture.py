"""What a model of a culture is to a vessel, and the integrator the models share."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol, TypeAlias

State: TypeAlias = tuple[float, ...]
"""State variables of a model, in the model's own order and units."""


class Environment(NamedTuple):
    """What the cells feel: Cel, pH, dissolved oxygen in mM and in % of air saturation."""

    temperature: float
    ph: float
    oxygen: float
    oxygen_percent: float


class Inflow(NamedTuple):
    """Relative rates in 1/h: growth of the volume (all that enters, less what evaporates) and feed medium alone."""

    total: float
    feed: float


class Exchange(NamedTuple):
    """What the cells exchange with the liquid, at the rates of one moment.

    `oxygen`: demand at ample oxygen, mM/h. `quotient`: CO2 released per oxygen consumed. `ions`: strong ions released,
    cations less anions, mM/h. `half`: dissolved oxygen that halves the demand, mM.
    """

    oxygen: float
    quotient: float
    ions: float
    half: float


class Culture(Protocol):
    """A population and its nutrients in a well-mixed liquid. Concentrations only: the vessel keeps the volume."""

    interval_s: float
    """Process seconds between two advances, at most."""

    def advance(self, hours: float, here: Environment, inflow: Inflow) -> Exchange:
        """Live for `hours` (0 is allowed) under a constant environment and inflow; the exchange of the new state."""
        ...

    def inoculate(self, density: float, share: float, viability: float) -> None:
        """Mix in cells in fresh medium, then `share` of the volume: `density` viable in 10*6/mL, `viability` 0 .. 1."""
        ...

    def dilute(self, share: float) -> None:
        """Mix in fresh medium, which is then `share` of the volume."""
        ...

    def set(self, name: str, value: float) -> bool:
        """Set a state variable by its signal name; False when the model has none of that name."""
        ...

    def truth(self) -> dict[str, float]:
        """vcd, viability, dead_density, glucose, glutamine, lactate, ammonia, acetate, biomass; see the bus."""
        ...


def runge_kutta(slope: Callable[[State], State], state: State, hours: float) -> State:
    """One classical fourth-order Runge-Kutta step of an autonomous system."""
    half = 0.5 * hours
    k1 = slope(state)
    k2 = slope(tuple(y + half * k for y, k in zip(state, k1, strict=True)))
    k3 = slope(tuple(y + half * k for y, k in zip(state, k2, strict=True)))
    k4 = slope(tuple(y + hours * k for y, k in zip(state, k3, strict=True)))
    sixth = hours / 6.0
    return tuple(y + sixth * (a + 2.0 * (b + c) + d) for y, a, b, c, d in zip(state, k1, k2, k3, k4, strict=True))
