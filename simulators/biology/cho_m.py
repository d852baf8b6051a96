"""CHO-M: CHO cells at high density, inhibited by lactate and ammonia.

Moeller et al. 2018, Bioengineering 5:25, table 2, with constants of Xing 2010. Units: cells in 1e9/L (which is
10*6/mL), concentrations in mM, product in mg/L, rates per 1e9 cells and hour, time in h. State: viable, dead, glucose,
glutamine, lactate, ammonia, product. Feed: 200 mM glucose, 40 mM glutamine. As published the cells do not starve:
a state without glucose is marked, whatever `kd_starving` (0.02 1/h is reasonable) makes of it.
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
from simulators.numeric import Real, filled
from simulators.parameters import Limit, Span, check, limits, usual

FEED_GLUCOSE, FEED_GLUTAMINE = 200.0, 40.0
OXYGEN_UPTAKE, RESPIRATORY_QUOTIENT, OXYGEN_HALF = 0.25, 1.0, 0.004
"""Of a cell line the source says nothing about: mmol/h per 1e9 cells, mol/mol, mM; chosen."""
GATE = 0.01
"""Concentration in mM at which maintenance takes half of what it would."""
STARVING = 0.1
"""Glucose in mM that halves the death of starvation."""
EATEN = 0.005
"""Glucose in mM that counts as eaten up: half of what a culture lives on that is fed as much as it takes."""
SOURCE = "published: Moeller et al. 2018, Bioengineering 5:25, table 2"


class Line(NamedTuple, Generic[Real]):
    """Parameters of a cell line, names as in the source; units in :data:`LIMITS`."""

    mumax: Real
    kd_max: Real
    k_g: Real
    k_q: Real
    ki_l: Real
    ki_a: Real
    kd_l: Real
    kd_a: Real
    y_xg: Real
    y_xq: Real
    y_lg: Real
    y_aq: Real
    r_a: Real
    m_g: Real
    a1: Real
    a2: Real
    q_p: Real
    kd_starving: Real


UPTAKE = "mmol/h per 1e9 cells"
LIMITS: Mapping[str, Limit] = {
    **limits(
        SOURCE,
        {
            "mumax": (0.039, "1/h"),
            "kd_max": (0.004, "1/h"),
            "k_g": (1.00, "mM"),
            "k_q": (0.047, "mM"),
            "ki_l": (43.0, "mM"),
            "ki_a": (6.51, "mM"),
            "kd_l": (45.8, "mM"),
            "kd_a": (6.51, "mM"),
            "y_xg": (0.357, "1e9/mmol"),
            "y_xq": (0.974, "1e9/mmol"),
            "r_a": (6.3e-3, UPTAKE),
            "m_g": (69.2e-3, UPTAKE),
            "a1": (3.2e-3, UPTAKE),
            "a2": (2.1, "mM"),
            "q_p": (1.51, "mg/h per 1e9 cells"),
        },
    ),
    "y_lg": Limit(0.70, 0.1, 2.0, "mol/mol", SOURCE, "no more than two lactate come of one glucose"),
    "y_aq": Limit(0.67, 0.1, 2.0, "mol/mol", SOURCE, "glutamine has two nitrogens"),
    "kd_starving": Limit(0.0, 0.0, 0.1, "1/h", "chosen: 0 is as published", "0.02 is reasonable"),
}
LINE: Line[float] = Line(**usual(LIMITS))


class Rates(NamedTuple, Generic[Real]):
    """Growth and death in 1/h; uptake of glucose and glutamine, net release of lactate and ammonia."""

    growth: Real
    death: Real
    glucose: Real
    glutamine: Real
    lactate: Real
    ammonia: Real


def rates(glucose: Real, glutamine: Real, lactate: Real, ammonia: Real, line: Line[Real]) -> Rates[Real]:
    """Specific rates at concentrations in mM."""
    p, g, q = line, glucose, glutamine
    mu = p.mumax * g / (p.k_g + g) * q / (p.k_q + q) * p.ki_l / (p.ki_l + lactate) * p.ki_a / (p.ki_a + ammonia)
    q_g = mu / p.y_xg + p.m_g * g / (GATE + g)
    q_q = mu / p.y_xq + p.a1 * q / (p.a2 + q)
    return Rates(
        mu,
        p.kd_max * lactate / (p.kd_l + lactate) * ammonia / (p.kd_a + ammonia)
        + p.kd_starving * STARVING / (STARVING + g),
        q_g,
        q_q,
        p.y_lg * q_g,
        p.y_aq * q_q - p.r_a * ammonia / (GATE + ammonia),
    )


@dataclass(frozen=True, slots=True)
class DenseCho(Generic[Real]):
    """CHO cells at high density."""

    line: Line[Real]
    feed: Concentrations = (FEED_GLUCOSE, FEED_GLUTAMINE)

    interval_s: ClassVar[float] = 60.0
    basal: ClassVar[Concentrations] = (0.0, 0.0, 35.0, 4.0, 0.0, 0.2, 0.0)
    fed: ClassVar[tuple[str, ...]] = ("glucose", "glutamine")
    signals: ClassVar[Signals] = {
        "vcd": (0, 1.0),
        "dead_density": (1, 1.0),
        "glucose": (2, 1.0),
        "glutamine": (3, 1.0),
        "lactate": (4, 1.0),
        "ammonia": (5, 1.0),
    }
    valid: ClassVar[Validity] = {
        "vcd": Span(0.0, 30.0, "10*6/mL", f"chosen, within the order that {SOURCE} reaches"),
        "glucose": Span(EATEN, 250.0, "mM", "known: as published, cells without glucose do not die"),
        "temperature": Span(36.0, 38.0, "Cel", "chosen: the source knows one temperature"),
        "ph": Span(6.8, 7.4, "[pH]", "chosen: the source knows one pH"),
    }

    def __post_init__(self) -> None:
        """Raises ValueError for a parameter out of its range."""
        check(self.line, LIMITS)

    def fresh(self) -> State[Real]:
        """Medium without cells."""
        return tuple(filled(self.line.mumax, value) for value in self.basal)

    def slope(self, state: State[Real], here: Environment[Real], inflow: Inflow[Real]) -> State[Real]:
        """Time derivatives of the state, per hour."""
        x, xd, g, q, lactate, ammonia, product = state
        rate = rates(g, q, lactate, ammonia, self.line)
        enters, leaves = turnover(inflow)
        feed_glucose, feed_glutamine = self.feed
        return (
            (rate.growth - rate.death - inflow.total) * x,
            rate.death * x - inflow.total * xd,
            enters * feed_glucose - leaves * g - rate.glucose * x,
            enters * feed_glutamine - leaves * q - rate.glutamine * x,
            rate.lactate * x - leaves * lactate,
            rate.ammonia * x - leaves * ammonia,
            self.line.q_p * x - leaves * product,
        )

    def exchange(self, state: State[Real], here: Environment[Real]) -> Exchange[Real]:
        """A fixed oxygen demand per cell, and ions: ammonia less lactate."""
        x, _, g, q, lactate, ammonia, _ = state
        rate = rates(g, q, lactate, ammonia, self.line)
        ions = x * (rate.ammonia - rate.lactate)
        return Exchange(OXYGEN_UPTAKE * x, filled(x, RESPIRATORY_QUOTIENT), ions, filled(x, OXYGEN_HALF))
