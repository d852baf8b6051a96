"""ECOLI-A: Escherichia coli on glucose with overflow to acetate and its re-consumption.

Source: Anane, Lopez Cardenas, Neubauer, Cruz Bournazou 2017, Biochem. Eng. J. 125:23-30. Units: g/L, g/g/h, h; valid at
37 Cel and pH 7, biomass up to 40 g/L.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from simulators.biology.culture import Environment, Exchange, Inflow, State, runge_kutta
from simulators.physics.gas import air_saturation
from simulators.physics.mass import mixed

BASAL: State = (0.0, 4.94, 0.0129)
"""Fresh medium: biomass, glucose, acetate."""
FEED_GLUCOSE = 300.0
RESPIRATORY_QUOTIENT = 1.0
GLUCOSE_G_PER_MMOL, ACETATE_G_PER_MMOL, OXYGEN_G_PER_MMOL = 0.18016, 0.06005, 0.0319988
CELLS_PER_G = 3333.0
"""Density in 10*6/mL of 1 g/L dry mass, at 0.3 pg a cell."""
AMMONIA_MMOL_PER_G = 10.0
"""Protons released, as ammonia is taken up, per g of biomass."""


@dataclass(frozen=True, slots=True)
class Strain:
    """Parameters of a strain, names and units as in the source."""

    qs_max: float = 0.6356
    k_s: float = 0.0370
    k_ia: float = 1.2399
    pa_max: float = 0.2268
    k_ap: float = 0.5052
    y_as: float = 0.9097
    qa_max: float = 0.1148
    k_sa: float = 0.0134
    k_is: float = 2.1231
    y_em: float = 0.5333
    y_xa: float = 0.5718
    y_of: float = 0.2268
    y_os: float = 1.5620
    y_oa: float = 0.5440
    q_m: float = 0.0129
    k_o: float = 1e-4
    c_s: float = 0.391
    c_x: float = 0.488


class Rates(NamedTuple):
    """Specific rates in g/g/h, growth in 1/h: glucose uptake, net acetate release, growth, oxygen uptake."""

    glucose: float
    acetate: float
    growth: float
    oxygen: float


def rates(glucose: float, acetate: float, oxygen_percent: float, strain: Strain) -> Rates:
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


def slope(state: State, here: Environment, inflow: Inflow, strain: Strain) -> State:
    """Time derivatives of the state, per hour."""
    x, s, a = state
    rate = rates(s, a, here.oxygen_percent, strain)
    return (
        (rate.growth - inflow.total) * x,
        inflow.feed * FEED_GLUCOSE - inflow.total * s - rate.glucose * x,
        rate.acetate * x - inflow.total * a,
    )


class Coli:
    """A culture of E. coli."""

    interval_s = 2.0

    def __init__(self, strain: Strain | None = None) -> None:
        self._strain = strain or Strain()
        self._state = BASAL

    def advance(self, hours: float, here: Environment, inflow: Inflow) -> Exchange:
        """Live for `hours`; see :class:`simulators.biology.culture.Culture`."""
        if hours > 0.0:
            new = runge_kutta(lambda state: slope(state, here, inflow, self._strain), self._state, hours)
            self._state = tuple(max(value, 0.0) for value in new)
        x, s, a = self._state
        ample = rates(s, a, 100.0, self._strain)
        ions = -x * (AMMONIA_MMOL_PER_G * max(ample.growth, 0.0) + ample.acetate / ACETATE_G_PER_MMOL)
        half = self._strain.k_o / 100.0 * air_saturation(here.temperature)
        return Exchange(max(ample.oxygen, 0.0) * x / OXYGEN_G_PER_MMOL, RESPIRATORY_QUOTIENT, ions, half)

    def inoculate(self, density: float, share: float, viability: float) -> None:
        """Mix in cells in fresh medium; the model knows no dead cells, so only the viable ones count."""
        del viability
        self._mix((density / CELLS_PER_G, *BASAL[1:]), share)

    def dilute(self, share: float) -> None:
        """Mix in fresh medium."""
        self._mix(BASAL, share)

    def set(self, name: str, value: float) -> bool:
        """Set biomass or vcd, glucose or acetate (mM) by its signal name; culture_age_h has no effect here."""
        x, s, a = self._state
        known = {
            "biomass": (value, s, a),
            "vcd": (value / CELLS_PER_G, s, a),
            "glucose": (x, value * GLUCOSE_G_PER_MMOL, a),
            "acetate": (x, s, value * ACETATE_G_PER_MMOL),
            "culture_age_h": self._state,
        }
        self._state = known.get(name, self._state)
        return name in known

    def truth(self) -> dict[str, float]:
        """Densities and concentrations by signal name; what the model does not know is 0."""
        x, s, a = self._state
        return {
            "vcd": x * CELLS_PER_G,
            "viability": 100.0 if x > 0.0 else 0.0,
            "dead_density": 0.0,
            "glucose": s / GLUCOSE_G_PER_MMOL,
            "glutamine": 0.0,
            "lactate": 0.0,
            "ammonia": 0.0,
            "acetate": a / ACETATE_G_PER_MMOL,
            "biomass": x,
        }

    def _mix(self, added: State, share: float) -> None:
        kept = 1.0 - share
        self._state = tuple(mixed(old, kept, new, share) for old, new in zip(self._state, added, strict=True))
