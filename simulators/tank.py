"""The hardware and the liquids of a simulated vessel: what stays the same while it runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from simulators.physics.gas import CO2_MM_PER_MMHG
from simulators.physics.ph import Buffers, carbonate_shares, strong_for
from simulators.physics.thermal import REFERENCE, Shell

INCUBATOR_CO2_MMHG = 35.6
"""Partial pressure under 5 % CO2 at 37 Cel."""


class Medium(NamedTuple):
    """A liquid's strong-ion difference and total inorganic carbon, mM."""

    strong: float
    carbon: float


def medium(ph: float, co2_mmhg: float, buffers: Buffers[float]) -> Medium:
    """The liquid that has a pH in equilibrium with a partial pressure of CO2 at 37 Cel."""
    carbon = CO2_MM_PER_MMHG * co2_mmhg / carbonate_shares(ph)[0]
    return Medium(strong_for(ph, carbon, buffers), carbon)


@dataclass(frozen=True, slots=True)
class Tank:
    """A 2 L stirred tank: transfer, pumps, lags, powers and the liquids that go in.

    `kla_reference` (1/h) is at 150 rev/min and 0.1 vvm; `base_mm` is a base in mM, free of carbonate, of which the
    share `base_ammonia` is ammonia and the rest strong; `fresh` is the medium it is filled with; `stirring_w` is at
    150 rev/min; `condenser` is its temperature in Cel; `flow_zero` is the largest zero error
    of a mass-flow controller as a share of full scale, 0 where they have been zeroed.
    """

    buffers: Buffers[float]
    fresh: Medium
    feed: Medium
    kla_reference: float
    base_mm: float = 500.0
    base_ammonia: float = 0.0
    kla_surface: float = 0.5
    base_ml_per_rev: float = 0.025
    feed_ml_per_rev: float = 0.10
    flow_zero: float = 0.0
    gas_line_s: float = 20.0
    gas_dead_s: float = 3.0
    condenser: float = 10.0
    brim_l: float = 3.0
    mixing_s: float = 15.0
    heater_w: float = 150.0
    stirring_w: float = 2.0
    density: float = 1.008
    back_pressure: float = 0.02
    shell: Shell = REFERENCE


RPMI: Buffers[float] = Buffers(phosphate=5.6, hepes=10.0)
MINERAL: Buffers[float] = Buffers(phosphate=75.0, hepes=0.0)

CELL_CULTURE = Tank(
    buffers=RPMI,
    fresh=medium(7.44, INCUBATOR_CO2_MMHG, RPMI),  # 24 mM bicarbonate, as RPMI 1640
    feed=medium(7.30, INCUBATOR_CO2_MMHG, RPMI),
    kla_reference=10.0,
)
MICROBIAL = Tank(
    buffers=MINERAL,
    fresh=medium(7.0, 0.3, MINERAL),
    feed=medium(7.0, 0.3, MINERAL),
    kla_reference=60.0,
    base_mm=4000.0,
    base_ammonia=1.0,
)
TANKS: Mapping[str, Tank] = {
    **dict.fromkeys(("tc_m", "tc_p", "cho_a", "cho_m"), CELL_CULTURE),
    **dict.fromkeys(("ecoli_a", "pen_b"), MICROBIAL),
}
"""The tank for each model of a culture."""
