"""ECOLI-A: Escherichia coli on glucose with overflow to acetate and its re-consumption.

Anane, Lopez Cardenas, Neubauer, Cruz Bournazou 2017, Biochem. Eng. J. 125:23-30. Units: g/L, g/g/h, h. State: biomass,
glucose, acetate. Feed: 300 g/L glucose.
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
from simulators.numeric import Real, filled, maximum
from simulators.parameters import Limit, Span, check, limits, usual
from simulators.physics.gas import air_saturation

FEED_GLUCOSE = 300.0
RESPIRATORY_QUOTIENT = 1.0
GLUCOSE_G_PER_MMOL, ACETATE_G_PER_MMOL, OXYGEN_G_PER_MMOL = 0.18016, 0.06005, 0.0319988
CELLS_PER_G = 3333.0
"""Density in 10*6/mL of 1 g/L dry mass, at 0.3 pg a cell."""
AMMONIA_MMOL_PER_G = 10.0
"""Protons released, as ammonia is taken up, per g of biomass; chosen."""
SOURCE = "published: Anane et al. 2017, Biochem. Eng. J. 125:23-30"


class Strain(NamedTuple, Generic[Real]):
    """Parameters of a strain, names as in the source; units in :data:`LIMITS`."""

    qs_max: Real
    k_s: Real
    k_ia: Real
    pa_max: Real
    k_ap: Real
    y_as: Real
    qa_max: Real
    k_sa: Real
    k_is: Real
    y_em: Real
    y_xa: Real
    y_of: Real
    y_os: Real
    y_oa: Real
    q_m: Real
    k_o: Real
    c_s: Real
    c_x: Real


RATE, YIELD = "g/g/h", "g/g"
LIMITS: Mapping[str, Limit] = limits(
    SOURCE,
    {
        "qs_max": (0.6356, RATE),
        "k_s": (0.0370, "g/L"),
        "k_ia": (1.2399, "g/L"),
        "pa_max": (0.2268, RATE),
        "k_ap": (0.5052, RATE),
        "y_as": (0.9097, YIELD),
        "qa_max": (0.1148, RATE),
        "k_sa": (0.0134, "g/L"),
        "k_is": (2.1231, RATE),
        "y_em": (0.5333, YIELD),
        "y_xa": (0.5718, YIELD),
        "y_of": (0.2268, YIELD),
        "y_os": (1.5620, YIELD),
        "y_oa": (0.5440, YIELD),
        "q_m": (0.0129, RATE),
        "k_o": (1e-4, "% of air saturation"),
        "c_s": (0.391, YIELD),
        "c_x": (0.488, YIELD),
    },
)
STRAIN: Strain[float] = Strain(**usual(LIMITS))


class Rates(NamedTuple, Generic[Real]):
    """Specific rates in g/g/h, growth in 1/h: glucose uptake, net acetate release, growth, oxygen uptake."""

    glucose: Real
    acetate: Real
    growth: Real
    oxygen: Real


def rates(glucose: Real, acetate: Real, oxygen_percent: Real, strain: Strain[Real]) -> Rates[Real]:
    """Specific rates at concentrations in g/L and dissolved oxygen in % of air saturation."""
    s = strain
    q_s = s.qs_max / (1.0 + acetate / s.k_ia) * glucose / (glucose + s.k_s)
    overflow = s.pa_max * q_s / (q_s + s.k_ap)
    oxidised = (q_s - overflow) * oxygen_percent / (oxygen_percent + s.k_o)
    built = (oxidised - s.q_m) * s.y_em * s.c_x / s.c_s
    consumed = s.qa_max / (1.0 + q_s / s.k_is) * acetate / (acetate + s.k_sa)
    return Rates(
        q_s,
        overflow * s.y_as - consumed,
        (oxidised - s.q_m) * s.y_em + consumed * s.y_xa + overflow * s.y_of,
        s.y_os * (oxidised - built) + consumed * s.y_oa,
    )


@dataclass(frozen=True, slots=True)
class Coli(Generic[Real]):
    """A culture of E. coli. Biomass stands for cells; the model knows no dead ones."""

    strain: Strain[Real]
    feed: Concentrations = (FEED_GLUCOSE,)

    interval_s: ClassVar[float] = 4.0
    basal: ClassVar[Concentrations] = (0.0, 4.94, 0.0129)
    fed: ClassVar[tuple[str, ...]] = ("glucose",)
    signals: ClassVar[Signals] = {
        "biomass": (0, 1.0),
        "vcd": (0, 1.0 / CELLS_PER_G),
        "glucose": (1, GLUCOSE_G_PER_MMOL),
        "acetate": (2, ACETATE_G_PER_MMOL),
    }
    valid: ClassVar[Validity] = {
        "biomass": Span(0.0, 40.0, "g/L", SOURCE),
        "temperature": Span(36.0, 38.0, "Cel", f"{SOURCE}, at 37 Cel; width chosen"),
        "ph": Span(6.7, 7.3, "[pH]", f"{SOURCE}, at pH 7; width chosen"),
    }

    def __post_init__(self) -> None:
        """Raises ValueError for a parameter out of its range."""
        check(self.strain, LIMITS)

    def fresh(self) -> State[Real]:
        """Medium without cells."""
        return tuple(filled(self.strain.qs_max, value) for value in self.basal)

    def slope(self, state: State[Real], here: Environment[Real], inflow: Inflow[Real]) -> State[Real]:
        """Time derivatives of biomass, glucose and acetate, per hour."""
        x, s, a = state
        rate = rates(s, a, here.oxygen_percent, self.strain)
        enters, leaves = turnover(inflow)
        return (
            (rate.growth - inflow.total) * x,
            enters * self.feed[0] - leaves * s - rate.glucose * x,
            rate.acetate * x - leaves * a,
        )

    def exchange(self, state: State[Real], here: Environment[Real]) -> Exchange[Real]:
        """Oxygen demand, and acid from the uptake of ammonia and the release of acetate."""
        x, s, a = state
        ample = rates(s, a, filled(x, 100.0), self.strain)
        ions = -x * (AMMONIA_MMOL_PER_G * maximum(ample.growth, 0.0) + ample.acetate / ACETATE_G_PER_MMOL)
        half = self.strain.k_o / 100.0 * air_saturation(here.temperature)
        oxygen = maximum(ample.oxygen, 0.0) * x / OXYGEN_G_PER_MMOL
        return Exchange(oxygen, filled(x, RESPIRATORY_QUOTIENT), ions, half)
