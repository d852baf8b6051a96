"""TC-M: expansion of activated T cells, for manufacturing recipes; representative, not fitted to one process.

Structure after the unstructured T-cell model of the Stacey and Duran-Villalobos group, with inhibition by metabolites
and the time course of activation; parameters are design values within published orders. Units: cells in 1e9/L (which
is 10*6/mL), concentrations in mM, rates per 1e9 cells and hour, time in h. State: viable, dead, glucose, glutamine,
lactate, ammonia; age since activation. Feed and perfusion medium: 22 mM glucose, 4 mM glutamine.
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
from simulators.numeric import Real, exp, filled, maximum, where
from simulators.parameters import Limit, Span, check, limits, usual

FEED_GLUCOSE, FEED_GLUTAMINE = 22.0, 4.0
RESPIRATORY_QUOTIENT = 1.0
OXYGEN_HALF = 0.004
GENTLE_LOW, GENTLE_HIGH, BEST_PH, BEST_TEMPERATURE = 0.4, 38.5, 7.2, 37.0
CHOSEN = "chosen, within published orders for resting and activated lymphocytes"


class Donor(NamedTuple, Generic[Real]):
    """Parameters of one donor's cells; units in :data:`LIMITS`."""

    mumax: Real
    tlag: Real
    tact: Real
    wact: Real
    k_glucose: Real
    k_glutamine: Real
    ki_lactate: Real
    ki_ammonia: Real
    xmax: Real
    kd0: Real
    kd_lactate: Real
    kh_lactate: Real
    kd_ammonia: Real
    kh_ammonia: Real
    kd_starving: Real
    kh_glucose: Real
    lysis: Real
    decay_glutamine: Real
    q_glucose: Real
    m_glucose: Real
    y_lactate: Real
    q_glutamine: Real
    m_glutamine: Real
    y_ammonia: Real
    q_oxygen: Real
    m_oxygen: Real
    kd_heat: Real
    kd_ph: Real


UPTAKE = "mmol/h per 1e9 cells"
LIMITS: Mapping[str, Limit] = {
    **limits(
        CHOSEN,
        {
            "mumax": (0.040, "1/h"),
            "tlag": (24.0, "h"),
            "tact": (216.0, "h"),
            "wact": (36.0, "h"),
            "k_glucose": (0.5, "mM"),
            "k_glutamine": (0.1, "mM"),
            "ki_lactate": (35.0, "mM"),
            "ki_ammonia": (6.0, "mM"),
            "xmax": (20.0, "1e9/L"),
            "kd0": (0.0015, "1/h"),
            "kd_lactate": (0.010, "1/h"),
            "kh_lactate": (40.0, "mM"),
            "kd_ammonia": (0.010, "1/h"),
            "kh_ammonia": (8.0, "mM"),
            "kd_starving": (0.03, "1/h"),
            "kh_glucose": (0.1, "mM"),
            "lysis": (0.004, "1/h"),
            "decay_glutamine": (0.0022, "1/h"),
            "q_glucose": (0.12, UPTAKE),
            "m_glucose": (0.02, UPTAKE),
            "q_glutamine": (0.020, UPTAKE),
            "m_glutamine": (0.002, UPTAKE),
            "y_ammonia": (0.8, "mol/mol"),
            "q_oxygen": (0.15, UPTAKE),
            "m_oxygen": (0.03, UPTAKE),
            "kd_heat": (0.02, "1/h/K"),
            "kd_ph": (0.05, "1/h"),
        },
    ),
    "y_lactate": Limit(1.7, 0.2, 2.0, "mol/mol", CHOSEN, "no more than two lactate come of one glucose"),
}
DONOR: Donor[float] = Donor(**usual(LIMITS))


class Rates(NamedTuple, Generic[Real]):
    """Specific rates of one state: growth and death in 1/h; uptake of glucose, glutamine and oxygen per 1e9 cells."""

    growth: Real
    death: Real
    glucose: Real
    glutamine: Real
    oxygen: Real


def activation(age_h: Real, donor: Donor[Real]) -> Real:
    """How active the cells are, 0 .. 1, `age_h` after activation: a lag, then slow exhaustion."""
    lags = age_h / donor.tlag
    return (1.0 - exp(-lags * lags * lags)) / (1.0 + exp((age_h - donor.tact) / donor.wact))


def growth(state: State[Real], here: Environment[Real], donor: Donor[Real]) -> Real:
    """Specific growth rate in 1/h at ample oxygen."""
    x, _, g, q, lactate, ammonia, age = state
    food = g / (donor.k_glucose + g) * (0.2 + 0.8 * q / (donor.k_glutamine + q))
    lactates, ammonias = lactate / donor.ki_lactate, ammonia / donor.ki_ammonia
    poison = (1.0 + lactates * lactates) * (1.0 + ammonias * ammonias)
    colder, sourer = (here.temperature - BEST_TEMPERATURE) / 3.0, (here.ph - BEST_PH) / 0.35
    comfort = exp(-(colder * colder) - sourer * sourer)
    crowding = maximum(1.0 - x / donor.xmax, 0.0)
    return donor.mumax * activation(age, donor) * food / poison * crowding * comfort


def death(state: State[Real], here: Environment[Real], donor: Donor[Real]) -> Real:
    """Specific death rate in 1/h: metabolites, starvation, heat and pH far from the best."""
    _, _, g, _, lactate, ammonia, _ = state
    return (
        donor.kd0
        + donor.kd_lactate * steep(lactate / donor.kh_lactate)
        + donor.kd_ammonia * steep(ammonia / donor.kh_ammonia)
        + donor.kd_starving * donor.kh_glucose / (donor.kh_glucose + g)
        + donor.kd_heat * maximum(here.temperature - GENTLE_HIGH, 0.0)
        + donor.kd_ph * maximum(abs(here.ph - BEST_PH) - GENTLE_LOW, 0.0)
    )


def steep(relative: Real) -> Real:
    """Hill's function with exponent 4 of a concentration relative to the one of half effect."""
    squared = relative * relative
    fourth = squared * squared
    return fourth / (1.0 + fourth)


def rates(state: State[Real], here: Environment[Real], donor: Donor[Real]) -> Rates[Real]:
    """All specific rates. `oxygen` is the uptake at ample oxygen; growth is already held back by oxygen."""
    ample = growth(state, here, donor)
    mu = ample * here.oxygen / (here.oxygen + OXYGEN_HALF)
    speed = mu / donor.mumax
    g, q = state[2], state[3]
    return Rates(
        mu,
        death(state, here, donor),
        (donor.q_glucose * speed + donor.m_glucose) * g / (0.1 + g),
        (donor.q_glutamine * speed + donor.m_glutamine) * q / (0.05 + q),
        donor.q_oxygen * ample / donor.mumax + donor.m_oxygen,
    )


@dataclass(frozen=True, slots=True)
class TCell(Generic[Real]):
    """T cells. Time since activation runs from the first cells on; cells added later do not restart it."""

    donor: Donor[Real]
    feed: Concentrations = (FEED_GLUCOSE, FEED_GLUTAMINE)

    interval_s: ClassVar[float] = 60.0
    basal: ClassVar[Concentrations] = (0.0, 0.0, 11.1, 2.0, 0.0, 0.1)
    fed: ClassVar[tuple[str, ...]] = ("glucose", "glutamine")
    signals: ClassVar[Signals] = {
        "vcd": (0, 1.0),
        "dead_density": (1, 1.0),
        "glucose": (2, 1.0),
        "glutamine": (3, 1.0),
        "lactate": (4, 1.0),
        "ammonia": (5, 1.0),
        "culture_age_h": (6, 1.0),
    }
    valid: ClassVar[Validity] = {
        "vcd": Span(0.0, 20.0, "10*6/mL", CHOSEN),
        "lactate": Span(0.0, 50.0, "mM", CHOSEN),
        "ammonia": Span(0.0, 12.0, "mM", CHOSEN),
        "temperature": Span(33.0, 41.0, "Cel", CHOSEN),
        "ph": Span(6.6, 7.8, "[pH]", CHOSEN),
    }

    def __post_init__(self) -> None:
        """Raises ValueError for a parameter out of its range."""
        check(self.donor, LIMITS)

    def fresh(self) -> State[Real]:
        """Medium without cells, at age 0."""
        return tuple(filled(self.donor.mumax, value) for value in (*self.basal, 0.0))

    def slope(self, state: State[Real], here: Environment[Real], inflow: Inflow[Real]) -> State[Real]:
        """Time derivatives of the state, per hour. Without cells none age."""
        x, xd, g, q, lactate, ammonia, age = state
        donor = self.donor
        rate = rates(state, here, donor)
        decay = donor.decay_glutamine * q
        eaten, used = rate.glucose * x, rate.glutamine * x
        enters, leaves = turnover(inflow)
        feed_glucose, feed_glutamine = self.feed
        return (
            (rate.growth - rate.death - inflow.total) * x,
            rate.death * x - (donor.lysis + inflow.total) * xd,
            enters * feed_glucose - leaves * g - eaten,
            enters * feed_glutamine - leaves * q - used - decay,
            donor.y_lactate * eaten - leaves * lactate,
            donor.y_ammonia * used + decay - leaves * ammonia,
            where(x > 0.0, filled(age, 1.0), filled(age, 0.0)),
        )

    def exchange(self, state: State[Real], here: Environment[Real]) -> Exchange[Real]:
        """Oxygen demand and ions: ammonia less lactate."""
        x = state[0]
        rate = rates(state, here, self.donor)
        ions = x * (self.donor.y_ammonia * rate.glutamine - self.donor.y_lactate * rate.glucose)
        return Exchange(rate.oxygen * x, filled(x, RESPIRATORY_QUOTIENT), ions, filled(x, OXYGEN_HALF))
