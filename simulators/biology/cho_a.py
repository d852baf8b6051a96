"""CHO-A: CHO or hybridoma cells with overflow of glucose and glutamine to lactate and ammonia.

Amribt, Niu, Bogaerts 2013, Biochem. Eng. J. 70:196-209, with a product term. Units: cells in 1e9/L (which is
10*6/mL), concentrations in mM, rates per 1e9 cells and hour, time in h. State: viable, dead, glucose, glutamine,
lactate, ammonia, product. Feed: 15 mM glucose, 4 mM glutamine.
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
from simulators.numeric import Real, filled, maximum, minimum
from simulators.parameters import Limit, Span, check, limits, usual

FEED_GLUCOSE, FEED_GLUTAMINE = 15.0, 4.0
OXYGEN_UPTAKE, RESPIRATORY_QUOTIENT, OXYGEN_HALF = 0.25, 1.0, 0.004
"""Of a cell line the source says nothing about: mmol/h per 1e9 cells, mol/mol, mM; chosen."""
SCARCE = 2.5e-3
"""Concentration in mM below which maintenance takes less, down to none; the published term is a step at 0."""
SOURCE = "published: Amribt et al. 2013, Biochem. Eng. J. 70:196-209"


class Line(NamedTuple, Generic[Real]):
    """Parameters of a cell line, names as in the source; units in :data:`LIMITS`."""

    q_g1: Real
    q_g2: Real
    m_g: Real
    k_g: Real
    k_gq: Real
    q_q1: Real
    q_q2: Real
    m_q: Real
    k_q: Real
    k_n: Real
    a: Real
    b: Real
    c: Real
    d: Real
    kd_max: Real
    k_gd: Real
    k_qd: Real
    alpha: Real
    beta: Real


UPTAKE = "mmol/h per 1e9 cells"
LIMITS: Mapping[str, Limit] = limits(
    SOURCE,
    {
        "q_g1": (0.2971, UPTAKE),
        "q_g2": (0.0384, UPTAKE),
        "m_g": (0.0383, UPTAKE),
        "k_g": (1.0016, "mM"),
        "k_gq": (0.1029, "mM"),
        "q_q1": (0.1238, UPTAKE),
        "q_q2": (0.0218, UPTAKE),
        "m_q": (0.0025, UPTAKE),
        "k_q": (0.0314, "mM"),
        "k_n": (1.9268, "mM"),
        "a": (0.6722, "1e9/mmol"),
        "b": (1.818, "mol/mol"),
        "c": (0.3466, "1e9/mmol"),
        "d": (0.4929, "mol/mol"),
        "kd_max": (0.1302, "1/h"),
        "k_gd": (0.4347, "mM"),
        "k_qd": (0.0020, "mM"),
        "alpha": (0.4167, "product per 1e9 cells"),
        "beta": (0.01, "product/h per 1e9 cells"),
    },
)
LINE: Line[float] = Line(**usual(LIMITS))


class Rates(NamedTuple, Generic[Real]):
    """Growth and death in 1/h; uptake of glucose and glutamine, release of lactate, ammonia and product."""

    growth: Real
    death: Real
    glucose: Real
    glutamine: Real
    lactate: Real
    ammonia: Real
    product: Real


def rates(glucose: Real, glutamine: Real, ammonia: Real, line: Line[Real]) -> Rates[Real]:
    """Specific rates at concentrations in mM."""
    p, g, q = line, glucose, glutamine
    q_g = p.q_g1 * g / (p.k_g + g) * q / (p.k_gq + q)
    q_q = p.q_q1 * q / (p.k_q + q) * p.k_n / (p.k_n + ammonia)
    burnt_g, over_g = minimum(q_g, p.q_g2), maximum(q_g - p.q_g2, 0.0)
    burnt_q, over_q = minimum(q_q, p.q_q2), maximum(q_q - p.q_q2, 0.0)
    mu = p.a * burnt_g + p.c * burnt_q
    return Rates(
        mu,
        p.kd_max * p.k_gd / (p.k_gd + g) * p.k_qd / (p.k_qd + q),
        q_g + p.m_g * minimum(g / SCARCE, 1.0),
        q_q + p.m_q * minimum(q / SCARCE, 1.0),
        p.b * burnt_g + 2.0 * over_g + 0.5 * over_q,
        p.d * burnt_q + over_q,
        p.alpha * mu + p.beta,
    )


@dataclass(frozen=True, slots=True)
class Cho(Generic[Real]):
    """CHO or hybridoma cells."""

    line: Line[Real]
    feed: Concentrations = (FEED_GLUCOSE, FEED_GLUTAMINE)

    interval_s: ClassVar[float] = 60.0
    basal: ClassVar[Concentrations] = (0.0, 0.0, 18.0, 2.4, 0.0, 0.0, 0.0)
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
        "vcd": Span(0.0, 10.0, "10*6/mL", f"chosen: three times what {SOURCE} reaches"),
        "temperature": Span(36.0, 38.0, "Cel", "chosen: the source knows one temperature"),
        "ph": Span(6.8, 7.4, "[pH]", "chosen: the source knows one pH"),
    }

    def __post_init__(self) -> None:
        """Raises ValueError for a parameter out of its range."""
        check(self.line, LIMITS)

    def fresh(self) -> State[Real]:
        """Medium without cells."""
        return tuple(filled(self.line.q_g1, value) for value in self.basal)

    def slope(self, state: State[Real], here: Environment[Real], inflow: Inflow[Real]) -> State[Real]:
        """Time derivatives of the state, per hour."""
        x, xd, g, q, lactate, ammonia, product = state
        rate = rates(g, q, ammonia, self.line)
        enters, leaves = turnover(inflow)
        feed_glucose, feed_glutamine = self.feed
        return (
            (rate.growth - rate.death - inflow.total) * x,
            rate.death * x - inflow.total * xd,
            enters * feed_glucose - leaves * g - rate.glucose * x,
            enters * feed_glutamine - leaves * q - rate.glutamine * x,
            rate.lactate * x - leaves * lactate,
            rate.ammonia * x - leaves * ammonia,
            rate.product * x - leaves * product,
        )

    def exchange(self, state: State[Real], here: Environment[Real]) -> Exchange[Real]:
        """A fixed oxygen demand per cell, and ions: ammonia less lactate."""
        x, _, g, q, _, ammonia, _ = state
        rate = rates(g, q, ammonia, self.line)
        ions = x * (rate.ammonia - rate.lactate)
        return Exchange(OXYGEN_UPTAKE * x, filled(x, RESPIRATORY_QUOTIENT), ions, filled(x, OXYGEN_HALF))
