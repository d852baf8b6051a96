"""The hardware and the liquids of a simulated vessel: what stays the same while it runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from simulators.physics.gas import CO2_MM_PER_MMHG
from simulators.physics.mass import Foaming
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


class PumpModel(NamedTuple):
    """A peristaltic pump: mL and roller passes per revolution (0: it flows smoothly), largest speed, share of it below
    which it stands, standard deviation of its calibration's error, loss of the tube in 1/h of running.
    """

    ml_per_rev: float
    rollers: float = 0.0
    fastest_rpm: float = 220.0
    least_duty: float = 0.0
    error: float = 0.0
    wear_per_h: float = 0.0


BASE_PUMP, FEED_PUMP, FOAMING = PumpModel(0.025), PumpModel(0.10), Foaming()


@dataclass(frozen=True, slots=True)
class Tank:
    """A stirred tank, of 2 L if nothing else is said: what goes into it, transfer, drives, lags, heat, errors.

    Liquids: `base_mm` is a base in mM, free of carbonate, of which the share `base_ammonia` is ammonia and the rest
    strong; `acid_mm` is a strong acid in mM; `fresh` is the medium it is filled with. Transfer: `kla_reference` (1/h)
    at `reference_rpm` and 0.1 vvm, `kla_surface` always, both of one vessel within the share `kla_scatter`. Drives:
    `gas_range` is the full scale of air, O2, CO2 and N2 in mL/min; `flow_zero` the largest zero error of these
    controllers as a share of it, 0 where they have been zeroed. Heat: the heater is switched every `heater_pulse_s`, at
    0 its power is smooth; `stirring_w` at `reference_rpm`; the exhaust's `condenser` in Cel. `back_pressure` of the
    exhaust filter in mbar min/mL. `sensors` are pairs of a signal and a kind of :data:`simulators.sensors.CATALOGUE`,
    where they are not those of the bench vessel.
    """

    buffers: Buffers[float]
    fresh: Medium
    feed: Medium
    kla_reference: float
    base_mm: float = 500.0
    base_ammonia: float = 0.0
    acid_mm: float = 500.0
    kla_surface: float = 0.5
    kla_scatter: float = 0.0
    nominal_l: float = 2.0
    brim_l: float = 3.0
    reference_rpm: float = 150.0
    fastest_rpm: float = 1200.0
    gas_range: tuple[float, float, float, float] = (500.0, 500.0, 200.0, 500.0)
    flow_zero: float = 0.0
    base_pump: PumpModel = BASE_PUMP
    feed_pump: PumpModel = FEED_PUMP
    gas_line_s: float = 20.0
    gas_dead_s: float = 3.0
    mixing_s: float = 15.0
    heater_w: float = 150.0
    heater_pulse_s: float = 0.0
    stirring_w: float = 2.0
    condenser: float = 10.0
    density: float = 1.008
    back_pressure: float = 0.02
    foaming: Foaming = FOAMING
    sensors: tuple[tuple[str, str], ...] = ()
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
