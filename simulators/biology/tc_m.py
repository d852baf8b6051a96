"""TC-M: expansion of activated T cells, for manufacturing recipes.

Structure after the unstructured T-cell model of the Stacey and Duran-Villalobos group, with inhibition by metabolites
and the time course of activation; parameters are design values within published orders. Units: cells in 1e9/L (which
is 10*6/mL), concentrations in mM, rates per 1e9 cells and hour, time in h.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp
from typing import NamedTuple

from simulators.biology.culture import Environment, Exchange, Inflow, State, runge_kutta
from simulators.physics.mass import mixed

BASAL: State = (0.0, 0.0, 11.1, 2.0, 0.0, 0.1, 0.0)
"""Fresh medium: viable, dead, glucose, glutamine, lactate, ammonia, age."""
FEED_GLUCOSE, FEED_GLUTAMINE = 22.0, 4.0
NAMES = ("vcd", "dead_density", "glucose", "glutamine", "lactate", "ammonia", "culture_age_h")
RESPIRATORY_QUOTIENT = 1.0
OXYGEN_HALF = 0.004
FRESH_VIABILITY = 0.95
GENTLE_LOW, GENTLE_HIGH, BEST_PH, BEST_TEMPERATURE = 0.4, 38.5, 7.2, 37.0


@dataclass(frozen=True, slots=True)
class Donor:
    """Parameters of one donor's cells; names as in the equations, see the module for units."""

    mumax: float = 0.040
    tlag: float = 24.0
    tact: float = 216.0
    wact: float = 36.0
    k_glucose: float = 0.5
    k_glutamine: float = 0.1
    ki_lactate: float = 35.0
    ki_ammonia: float = 6.0
    xmax: float = 20.0
    kd0: float = 0.0015
    kd_lactate: float = 0.010
    kh_lactate: float = 40.0
    kd_ammonia: float = 0.010
    kh_ammonia: float = 8.0
    kd_starving: float = 0.03
    kh_glucose: float = 0.1
    lysis: float = 0.004
    decay_glutamine: float = 0.0022
    q_glucose: float = 0.12
    m_glucose: float = 0.02
    y_lactate: float = 1.7
    q_glutamine: float = 0.020
    m_glutamine: float = 0.002
    y_ammonia: float = 0.8
    q_oxygen: float = 0.15
    m_oxygen: float = 0.03
    kd_heat: float = 0.02
    kd_ph: float = 0.05


class Rates(NamedTuple):
    """Specific rates of one state: growth and death in 1/h; uptake of glucose, glutamine and oxygen per 1e9 cells."""

    growth: float
    death: float
    glucose: float
    glutamine: float
    oxygen: float


def activation(age_h: float, donor: Donor) -> float:
    """How active the cells are, 0 .. 1, `age_h` after activation: a lag, then slow exhaustion."""
    rise = 1.0 - exp(-((age_h / donor.tlag) ** 3))
    return rise / (1.0 + exp((age_h - donor.tact) / donor.wact))


def growth(state: State, here: Environment, donor: Donor) -> float:
    """Specific growth rate in 1/h at ample oxygen."""
    x, _, g, q, lactate, ammonia, age = state
    food = g / (donor.k_glucose + g) * (0.2 + 0.8 * q / (donor.k_glutamine + q))
    poison = (1.0 + (lactate / donor.ki_lactate) ** 2) * (1.0 + (ammonia / donor.ki_ammonia) ** 2)
    comfort = exp(-(((here.temperature - BEST_TEMPERATURE) / 3.0) ** 2) - ((here.ph - BEST_PH) / 0.35) ** 2)
    crowding = max(0.0, 1.0 - x / donor.xmax)
    return donor.mumax * activation(age, donor) * food / poison * crowding * comfort


def death(state: State, here: Environment, donor: Donor) -> float:
    """Specific death rate in 1/h: metabolites, starvation, heat and pH far from the best."""
    _, _, g, _, lactate, ammonia, _ = state
    l4, a4 = lactate**4, ammonia**4
    return (
        donor.kd0
        + donor.kd_lactate * l4 / (donor.kh_lactate**4 + l4)
        + donor.kd_ammonia * a4 / (donor.kh_ammonia**4 + a4)
        + donor.kd_starving * donor.kh_glucose / (donor.kh_glucose + g)
        + donor.kd_heat * max(0.0, here.temperature - GENTLE_HIGH)
        + donor.kd_ph * max(0.0, abs(here.ph - BEST_PH) - GENTLE_LOW)
    )


def rates(state: State, here: Environment, donor: Donor) -> Rates:
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


def slope(state: State, here: Environment, inflow: Inflow, donor: Donor) -> State:
    """Time derivatives of the state, per hour."""
    x, xd, g, q, lactate, ammonia, _ = state
    rate = rates(state, here, donor)
    decay = donor.decay_glutamine * q
    out = inflow.total
    return (
        (rate.growth - rate.death - out) * x,
        rate.death * x - (donor.lysis + out) * xd,
        inflow.feed * FEED_GLUCOSE - out * g - rate.glucose * x,
        inflow.feed * FEED_GLUTAMINE - out * q - rate.glutamine * x - decay,
        donor.y_lactate * rate.glucose * x - out * lactate,
        donor.y_ammonia * rate.glutamine * x + decay - out * ammonia,
        1.0,
    )


class TCell:
    """A T-cell culture. Time since activation runs from the first cells on."""

    interval_s = 60.0

    def __init__(self, donor: Donor | None = None) -> None:
        self._donor = donor or Donor()
        self._state = BASAL

    def advance(self, hours: float, here: Environment, inflow: Inflow) -> Exchange:
        """Live for `hours`; see :class:`simulators.biology.culture.Culture`."""
        if hours > 0.0:
            *rest, age = runge_kutta(lambda state: slope(state, here, inflow, self._donor), self._state, hours)
            self._state = (*(max(value, 0.0) for value in rest), age if rest[0] > 0.0 else 0.0)
        x = self._state[0]
        rate = rates(self._state, here, self._donor)
        ions = x * (self._donor.y_ammonia * rate.glutamine - self._donor.y_lactate * rate.glucose)
        return Exchange(rate.oxygen * x, RESPIRATORY_QUOTIENT, ions, OXYGEN_HALF)

    def inoculate(self, density: float, share: float, viability: float) -> None:
        """Mix in cells in fresh medium. The first cells start the time since activation; later ones do not."""
        cells = (density, density * (1.0 - viability) / viability, *BASAL[2:6])
        self._mix(cells, share)

    def dilute(self, share: float) -> None:
        """Mix in fresh medium."""
        self._mix(BASAL[:6], share)

    def set(self, name: str, value: float) -> bool:
        """Set a state variable by its signal name. Cells set where none were are fresh: 95 % viable."""
        if name not in NAMES:
            return False
        state = list(self._state)
        if name == "vcd" and state[0] == 0.0 and state[1] == 0.0:
            state[1] = value * (1.0 - FRESH_VIABILITY) / FRESH_VIABILITY
        state[NAMES.index(name)] = value
        self._state = tuple(state)
        return True

    def truth(self) -> dict[str, float]:
        """Densities and concentrations by signal name."""
        x, xd, g, q, lactate, ammonia, _ = self._state
        return {
            "vcd": x,
            "viability": 100.0 * x / (x + xd) if x > 0.0 else 0.0,
            "dead_density": xd,
            "glucose": g,
            "glutamine": q,
            "lactate": lactate,
            "ammonia": ammonia,
            "acetate": 0.0,
            "biomass": 0.0,
        }

    def _mix(self, added: State, share: float) -> None:
        kept = 1.0 - share
        age = self._state[6]
        self._state = (*(mixed(old, kept, new, share) for old, new in zip(self._state, added, strict=False)), age)
