"""PEN-B: Penicillium chrysogenum and its penicillin, of the PenSim class.

Birol, Uendey, Cinar 2002, with their parameters. Units: g/L, h, L, K; pH through hydrogen ions in mol/L. State:
biomass, glucose, penicillin; carbon dioxide evolved, mmol/L. Feed: 600 g/L glucose. The source gives oxygen in g/L;
with its yields only mmol/L make sense, and saturation is its 1.16.

The source's own tank, for culture and volume as a whole, is in :mod:`simulators.biology.pen_b_tank`.
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
from simulators.numeric import Real, exp, filled, maximum, minimum
from simulators.parameters import Limit, Span, check, limits, usual

FEED_GLUCOSE = 600.0
GLUCOSE_G_PER_MMOL = 0.18016
CELLS_PER_G = 100.0
"""Particles in 10*6/mL that 1 g/L of dry mycelium would count as; chosen, for a signal that all models have."""
OXYGEN_SATURATION = 1.16
RESPIRATORY_QUOTIENT, OXYGEN_HALF = 1.0, 0.02
ACID_MMOL_PER_G = 10.0
"""Protons released per g of biomass formed; chosen."""
LN10 = 2.302585092994046
ZERO_CEL_K = 273.15
CAL_PER_MOL_K = 1.987
LEAST_OXYGEN = 1e-12
TINY = 1e-300
SCARCE = 2e-3
"""Glucose in g/L below which maintenance takes less, down to none; a fed culture lives on as little as 3e-3 g/L."""
SOURCE = "published: Birol, Uendey, Cinar 2002"


class Mould(NamedTuple, Generic[Real]):
    """Parameters of the organism, names as in the source; units in :data:`LIMITS`.

    With 0 for `k_ox` and `k_op` oxygen is never limiting.
    """

    mu_x: Real
    k_x: Real
    k_ox: Real
    k_op: Real
    k_1: Real
    k_2: Real
    k_g: Real
    e_g: Real
    k_d: Real
    e_d: Real
    mu_p: Real
    k_p: Real
    k_i: Real
    k_loss: Real
    y_xs: Real
    y_xo: Real
    y_ps: Real
    y_po: Real
    m_x: Real
    m_o: Real
    a_1: Real
    a_2: Real
    a_3: Real


LIMITS: Mapping[str, Limit] = {
    **limits(
        SOURCE,
        {
            "mu_x": (0.092, "1/h"),
            "k_x": (0.15, "g/g"),
            "k_1": (1e-10, "mol/L"),
            "k_2": (7e-5, "mol/L"),
            "k_g": (7e3, "1"),
            "k_d": (1e33, "1"),
            "mu_p": (0.005, "1/h"),
            "k_p": (2e-4, "g/L"),
            "k_i": (0.10, "g/L"),
            "k_loss": (0.04, "1/h"),
            "y_xs": (0.45, "g/g"),
            "y_xo": (0.04, "g/mmol"),
            "y_ps": (0.90, "g/g"),
            "y_po": (0.20, "g/mmol"),
            "m_x": (0.014, "1/h"),
            "m_o": (0.467, "mmol/h/g"),
            "a_1": (0.143, "mmol/g"),
            "a_2": (4e-7, "mmol/h/g"),
            "a_3": (1e-4, "mmol/h/L"),
        },
    ),
    "k_ox": Limit(0.02, 0.0, 0.1, "mmol/g", SOURCE, "0 for oxygen without influence"),
    "k_op": Limit(5e-4, 0.0, 2.5e-3, "mmol3/g", SOURCE, "0 for oxygen without influence"),
    "e_g": Limit(5100.0, 4000.0, 6000.0, "cal/mol", SOURCE, "a fifth either way, chosen: it stands in an exponent"),
    "e_d": Limit(50_000.0, 45_000.0, 55_000.0, "cal/mol", SOURCE, "a tenth either way, chosen: as above"),
}
MOULD: Mould[float] = Mould(**usual(LIMITS))


class Rates(NamedTuple, Generic[Real]):
    """Growth and formation of penicillin in 1/h; uptake of glucose in g and of oxygen in mmol per g and h."""

    growth: Real
    product: Real
    glucose: Real
    oxygen: Real


def heat_factor(kelvin: Real, mould: Mould[Real]) -> Real:
    """How temperature speeds growth up and kills."""
    thermal = CAL_PER_MOL_K * kelvin
    return mould.k_g * exp(-mould.e_g / thermal) - mould.k_d * exp(-mould.e_d / thermal)


def acid_factor(ph: Real, mould: Mould[Real]) -> Real:
    """How pH holds growth back, 0 .. 1."""
    h = exp(-LN10 * ph)
    return 1.0 / (1.0 + mould.k_1 / h + h / mould.k_2)


def rates(x: Real, s: Real, oxygen: Real, climate: Real, mould: Mould[Real]) -> Rates[Real]:
    """Specific rates at biomass and glucose in g/L and oxygen in mmol/L; `climate` is the two factors' product."""
    p = mould
    c = maximum(oxygen, LEAST_OXYGEN)
    cubed = c * c * c
    mu = p.mu_x * climate * s / maximum(p.k_x * x + s, TINY) * c / (p.k_ox * x + c)
    mpp = p.mu_p * s / (p.k_p + s + s * s / p.k_i) * cubed / (p.k_op * x + cubed)
    return Rates(
        mu, mpp, mu / p.y_xs + mpp / p.y_ps + p.m_x * minimum(s / SCARCE, 1.0), mu / p.y_xo + mpp / p.y_po + p.m_o
    )


@dataclass(frozen=True, slots=True)
class Penicillium(Generic[Real]):
    """Mycelium that grows and makes penicillin."""

    mould: Mould[Real]
    feed: Concentrations = (FEED_GLUCOSE,)

    interval_s: ClassVar[float] = 60.0
    basal: ClassVar[Concentrations] = (0.0, 15.0, 0.0)
    fed: ClassVar[tuple[str, ...]] = ("glucose",)
    signals: ClassVar[Signals] = {
        "biomass": (0, 1.0),
        "vcd": (0, 1.0 / CELLS_PER_G),
        "glucose": (1, GLUCOSE_G_PER_MMOL),
        "product": (2, 1.0),
    }
    valid: ClassVar[Validity] = {
        "biomass": Span(0.0, 20.0, "g/L", f"chosen, a little above what {SOURCE} reaches"),
        "temperature": Span(20.0, 35.0, "Cel", f"chosen, about the 25 Cel of {SOURCE}"),
        "ph": Span(4.0, 7.0, "[pH]", f"chosen, about the pH 5 of {SOURCE}"),
    }

    def __post_init__(self) -> None:
        """Raises ValueError for a parameter out of its range."""
        check(self.mould, LIMITS)

    def fresh(self) -> State[Real]:
        """Medium without mycelium, and the carbon dioxide with which the source begins."""
        return tuple(filled(self.mould.mu_x, value) for value in (*self.basal, 0.5))

    def slope(self, state: State[Real], here: Environment[Real], inflow: Inflow[Real]) -> State[Real]:
        """Time derivatives of the state, per hour."""
        x, s, product, _ = state
        p = self.mould
        rate = self._rates(x, s, here)
        enters, leaves = turnover(inflow)
        gained = (rate.growth - inflow.total) * x
        return (
            gained,
            enters * self.feed[0] - leaves * s - rate.glucose * x,
            rate.product * x - (p.k_loss + leaves) * product,
            p.a_1 * gained + p.a_2 * x + p.a_3,
        )

    def exchange(self, state: State[Real], here: Environment[Real]) -> Exchange[Real]:
        """Oxygen demand at ample oxygen, and acid from the uptake of ammonia."""
        x, s, _, _ = state
        ample = self._rates(x, s, here._replace(oxygen_percent=filled(x, 100.0)))
        ions = -x * ACID_MMOL_PER_G * ample.growth
        return Exchange(ample.oxygen * x, filled(x, RESPIRATORY_QUOTIENT), ions, filled(x, OXYGEN_HALF))

    def uptake(self, state: State[Real], here: Environment[Real]) -> Real:
        """Oxygen taken up, mmol/L/h."""
        x, s, _, _ = state
        return self._rates(x, s, here).oxygen * x

    def _rates(self, x: Real, s: Real, here: Environment[Real]) -> Rates[Real]:
        climate = heat_factor(here.temperature + ZERO_CEL_K, self.mould) * acid_factor(here.ph, self.mould)
        oxygen = here.oxygen_percent * (OXYGEN_SATURATION / 100.0)
        return rates(x, s, oxygen, maximum(climate, 0.0), self.mould)
