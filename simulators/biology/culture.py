"""What a culture is to a vessel, and the integrator that the models share.

Everything is written for one vessel in floats and for many in arrays, see :mod:`simulators.numeric`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Generic, NamedTuple, Protocol, TypeAlias

from simulators.numeric import Real, Truth
from simulators.parameters import Span

State: TypeAlias = tuple[Real, ...]
"""State variables of a model, in the model's own order and units."""
Concentrations: TypeAlias = tuple[float, ...]
"""The first variables of a state, where they begin."""
Signals: TypeAlias = Mapping[str, tuple[int, float]]
"""Place in the state of what is known under a signal's name, and how much of the state's unit makes one."""
Validity: TypeAlias = Mapping[str, Span]
"""Where a model holds: by signals of the culture, `temperature` and `ph`."""


class Environment(NamedTuple, Generic[Real]):
    """What the cells feel: Cel, pH, dissolved oxygen in mM and in % of air saturation."""

    temperature: Real
    ph: Real
    oxygen: Real
    oxygen_percent: Real


class Inflow(NamedTuple, Generic[Real]):
    """Relative rates in 1/h of what comes in.

    `total` dilutes the cells: growth of the volume (all that enters, less what evaporates) and what bleeds. `feed` is
    feed medium that enters, as part of `total`. `perfusion` is feed medium that replaces liquid without cells.
    """

    total: Real
    feed: Real
    perfusion: Real


def turnover(inflow: Inflow[Real]) -> tuple[Real, Real]:
    """Rates at which feed medium comes in and liquid is diluted or leaves, for what is dissolved."""
    return inflow.feed + inflow.perfusion, inflow.total + inflow.perfusion


class Exchange(NamedTuple, Generic[Real]):
    """What the cells exchange with the liquid, at the rates of one moment.

    `oxygen`: demand at ample oxygen, mM/h. `quotient`: CO2 released per oxygen consumed. `ions`: strong ions released,
    cations less anions, mM/h. `half`: dissolved oxygen that halves the demand, mM.
    """

    oxygen: Real
    quotient: Real
    ions: Real
    half: Real


class Culture(Protocol[Real]):
    """A population and its nutrients in a well-mixed liquid. Concentrations only: the vessel keeps the volume."""

    @property
    def interval_s(self) -> float:
        """Process seconds between two advances, at most."""
        ...

    def advance(self, hours: float, here: Environment[Real], inflow: Inflow[Real]) -> Exchange[Real]:
        """Live for `hours` (0 is allowed) under a constant environment and inflow; the exchange of the new state."""
        ...

    def inoculate(self, density: Real, share: Real, viability: Real) -> None:
        """Mix in cells in fresh medium, then `share` of the volume: `density` viable in 10*6/mL, `viability` 0 .. 1."""
        ...

    def dilute(self, share: Real) -> None:
        """Mix in fresh medium, which is then `share` of the volume."""
        ...

    def set(self, name: str, value: Real) -> bool:
        """Set a state variable by its signal name; False when the model has none of that name."""
        ...

    def truth(self) -> dict[str, Real]:
        """vcd, viability, dead_density, glucose, glutamine, lactate, ammonia, acetate, biomass, product: see bus."""
        ...

    def outside(self, here: Environment[Real]) -> dict[str, Truth]:
        """For each quantity on which the model's validity depends, whether it is beyond what the model knows."""
        ...


def runge_kutta(slope: Callable[[State[Real]], State[Real]], state: State[Real], hours: float) -> State[Real]:
    """One classical fourth-order Runge-Kutta step of an autonomous system."""
    half = 0.5 * hours
    k1 = slope(state)
    k2 = slope(tuple(y + half * k for y, k in zip(state, k1, strict=True)))
    k3 = slope(tuple(y + half * k for y, k in zip(state, k2, strict=True)))
    k4 = slope(tuple(y + hours * k for y, k in zip(state, k3, strict=True)))
    sixth = hours / 6.0
    return tuple(y + sixth * (a + 2.0 * (b + c) + d) for y, a, b, c, d in zip(state, k1, k2, k3, k4, strict=True))
