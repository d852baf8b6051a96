"""TC-P: expansion of T cells by a published unstructured model.

Model of the Stacey and Duran-Villalobos group, University of Manchester, for an ambr15 at 37 Cel, 450 rev/min, pH 7.3
and 100 % dissolved oxygen. Units: cells in 1e6/mL, glucose in mg/mL, time in h. State: viable, dead, glucose; the
inhibitor, which is below 0 while the cells lag. Feed and perfusion medium: 20 mg/mL glucose.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Generic, NamedTuple

from simulators.biology.culture import (
    Concentrations,
    Environment,
    Exchange,
    Inflow,
    Signals,
    State,
    Validity,
    turnover,
)
from simulators.numeric import Real, exp, filled, where
from simulators.parameters import Limit, Span, check, usual

FEED_GLUCOSE = 20.0
GLUCOSE_G_PER_MMOL = 0.18016
START = 1.1
"""Cells in 1e6/mL, alive or dead, with which the published cultures begin."""
UPTAKE = 0.05
"""Glucose in mg/h per 1e6 cells."""
OXYGEN_UPTAKE, RESPIRATORY_QUOTIENT, OXYGEN_HALF, LACTATE_PER_GLUCOSE = 0.1, 1.0, 0.004, 1.7
"""What the source says nothing about: mmol/h per 1e9 cells, mol/mol, mM, mol/mol; chosen."""
SOURCE = "published: T-cell model of Stacey, Duran-Villalobos et al. for the ambr15"


class Donor(NamedTuple, Generic[Real]):
    """A donor by four numbers from 0 to 1: viability at the start, readiness, growth, tolerance of the inhibitor."""

    viability: Real
    readiness: Real
    growth: Real
    inhibition: Real


LIMITS: Mapping[str, Limit] = {
    name: Limit(value, 0.0, 1.0, "1", SOURCE, "a share, as in the source")
    for name, value in {"viability": 0.95, "readiness": 0.0, "growth": 0.5, "inhibition": 0.0}.items()
}
DONOR: Donor[float] = Donor(**usual(LIMITS))


def logistic(x: Real) -> Real:
    """The logistic function."""
    return 1.0 / (1.0 + exp(-x))


@dataclass(frozen=True, slots=True)
class PublishedTCell(Generic[Real]):
    """T cells."""

    donor: Donor[Real]
    feed: Concentrations = (FEED_GLUCOSE,)

    interval_s: ClassVar[float] = 60.0
    basal: ClassVar[Concentrations] = (0.0, 0.0, 1.0)
    fed: ClassVar[tuple[str, ...]] = ("glucose",)
    signals: ClassVar[Signals] = {
        "vcd": (0, 1.0),
        "dead_density": (1, 1.0),
        "glucose": (2, GLUCOSE_G_PER_MMOL),
    }
    valid: ClassVar[Validity] = {
        "vcd": Span(0.0, 5.0, "10*6/mL", f"chosen, a little above what {SOURCE} reaches"),
        "temperature": Span(36.0, 38.0, "Cel", f"{SOURCE}, at 37 Cel; width chosen"),
        "ph": Span(7.0, 7.6, "[pH]", f"{SOURCE}, at pH 7.3; width chosen"),
    }

    def __post_init__(self) -> None:
        """Raises ValueError for a parameter out of its range."""
        check(self.donor, LIMITS)

    def fresh(self) -> State[Real]:
        """Medium without cells, and the inhibitor where it begins."""
        readiness = self.donor.readiness
        x, xd, g = (filled(readiness, value) for value in self.basal)
        return x, xd, g, 48.0 * readiness - 24.0

    def begun(self) -> State[Real]:
        """The state with which the published cultures begin."""
        _, _, g, i = self.fresh()
        alive = self.donor.viability
        return START * alive, START * (1.0 - alive), g, i

    def slope(self, state: State[Real], here: Environment[Real], inflow: Inflow[Real]) -> State[Real]:
        """Time derivatives of the state, per hour."""
        x, xd, g, i = state
        donor = self.donor
        lagging = i < 0.0
        fast = 0.02 + 0.02189 * donor.growth
        grows = where(lagging, fast / 5.0, fast)
        dies = where(lagging, filled(i, 0.0), 0.007 * i / (150.0 + i))
        inhibited = logistic(0.111 * (i - 95.26 - (48.0 + 95.26 * donor.inhibition)))
        starves = 0.083 * (1.0 - logistic(30.0 * (g - 0.05)))
        enters, leaves = turnover(inflow)
        lost = (dies + starves) * x
        return (
            grows * x * g / (2.71 + g) * (1.0 - inhibited) - lost - inflow.total * x,
            lost - inflow.total * xd,
            enters * self.feed[0] - leaves * g - UPTAKE * g / (0.2 + g) * x,
            x,
        )

    def exchange(self, state: State[Real], here: Environment[Real]) -> Exchange[Real]:
        """A fixed oxygen demand per cell, and lactate as acid from the glucose taken up."""
        x, _, g, _ = state
        lactate = LACTATE_PER_GLUCOSE * UPTAKE / GLUCOSE_G_PER_MMOL * g / (0.2 + g)
        return Exchange(OXYGEN_UPTAKE * x, filled(x, RESPIRATORY_QUOTIENT), -x * lactate, filled(x, OXYGEN_HALF))
