"""Sensors of a vessel: reading = clip(quantise(lag(truth) by slope + offset + drift + noise)).

All sensors of one vessel, or of many side by side: :class:`Bank` works on rows, of which one vessel has one per
sensor, in floats, and many have a single one, an array of sensors by vessels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Generic, NamedTuple

from simulators.draws import DRIFTS, READINGS, Draws, Noise
from simulators.numeric import Real, displayed, maximum, sqrt, where
from simulators.physics.lag import approach

SECONDS_PER_DAY = 86_400.0
DRIFT_S = 60.0
"""Seconds between two steps of the drifts."""
NO_LIMIT = 1e9


class Model(NamedTuple):
    """A kind of sensor, in the signal's unit: lag in s, noise (standard deviation), decimals, largest offset,
    largest drift per day, range; lag of a worn one in s; noise as a share of the reading; standard deviation that the
    drift of a day wanders by; least slope of a worn one and the reading that the slope turns about; drift per day that
    all of the kind have; share by which the slope errs; by what a moved tube pulls up or down, now and then.
    """

    tau_s: float
    noise: float
    decimals: int
    offset: float
    drift_per_day: float
    low: float
    high: float
    worn_tau_s: float = 0.0
    relative_noise: float = 0.0
    wander_per_day: float = 0.0
    least_slope: float = 1.0
    pivot: float = 0.0
    ages_per_day: float = 0.0
    slope_error: float = 0.0
    pull: float = 0.0


CATALOGUE: Mapping[str, Model] = {
    "do_optical": Model(13.0, 0.2, 1, 1.0, 0.3, 0.0, 500.0, 25.0, wander_per_day=0.1),
    "do_polarographic": Model(13.0, 0.3, 1, 1.5, 0.1, 0.0, 500.0, 39.0, wander_per_day=0.1, ages_per_day=-0.5),
    "ph_glass": Model(6.0, 0.004, 3, 0.02, 0.01, 0.0, 14.0, 20.0, wander_per_day=0.003, least_slope=0.95, pivot=7.0),
    "pt100_a": Model(12.0, 0.02, 2, 0.1, 0.0, -20.0, 150.0),
    "pt100_b": Model(12.0, 0.02, 2, 0.3, 0.0, -20.0, 150.0),
    "capacitance": Model(30.0, 0.0, 3, 0.0, 0.0, 0.0, 1000.0, relative_noise=0.02, slope_error=0.1),
    "load_cell": Model(2.0, 2.0, 0, 0.0, 0.0, -500.0, NO_LIMIT, pull=20.0),
    "off_gas": Model(20.0, 0.01, 2, 0.05, 0.0, 0.0, 100.0),
}
"""Sensors as they are sold: % air, % air, pH, Cel, Cel, 10*6/mL, g, % of dry gas. Lags, noise and accuracy of the
electrodes are published; their drifts and the spread of what is worn are chosen.
"""
MADE_FOR: Mapping[str, tuple[str, ...]] = {
    "do": ("do_optical", "do_polarographic"),
    "ph": ("ph_glass",),
    "temperature": ("pt100_a", "pt100_b"),
    "jacket_temperature": ("pt100_a", "pt100_b"),
    "weight": ("load_cell",),
}
"""What of the catalogue a vessel's own signals can be measured with."""
ANALYSER_DELAY_S = 30.0
"""From the vessel to the off-gas analyser."""
SELDOM = 3.3
"""A standard normal number is as far from 0 as this about once in a thousand times."""

MODELS: Mapping[str, Model] = {
    "temperature": Model(12.0, 0.02, 2, 0.05, 0.0, -20.0, 150.0),
    "jacket_temperature": Model(12.0, 0.02, 2, 0.1, 0.0, -20.0, 150.0),
    "agitation": Model(0.5, 0.5, 0, 0.0, 0.0, 0.0, 1200.0),
    "air": Model(0.2, 0.1, 2, 0.0, 0.0, 0.0, 520.0),
    "o2": Model(0.2, 0.1, 2, 0.0, 0.0, 0.0, 520.0),
    "co2": Model(0.2, 0.05, 2, 0.0, 0.0, 0.0, 210.0),
    "n2": Model(0.2, 0.1, 2, 0.0, 0.0, 0.0, 520.0),
    "weight": Model(2.0, 2.0, 0, 0.0, 0.0, -500.0, 6000.0),
    "pressure": Model(0.5, 0.3, 1, 0.0, 0.0, -100.0, 1500.0),
    "ph": Model(6.0, 0.004, 3, 0.01, 0.005, 0.0, 14.0),
    "do": Model(13.0, 0.2, 1, 0.5, 0.15, 0.0, 500.0),
}
"""The bench vessel's, young and calibrated: Pt100 in a thermowell, tachometer, mass-flow controllers, load cell,
pressure cell, glass pH, optical DO.
"""


class Unit(NamedTuple, Generic[Real]):
    """One sensor, or all of many vessels: what its reading is made with. `tau_s` of its lag, `slope` about `pivot`,
    `noise` and the share of the reading that is noise besides, steps per unit, range; drift per second, and what it
    wanders by in the root of a second; by what it is pulled now and then.
    """

    tau_s: Real
    slope: Real
    pivot: Real
    noise: Real
    relative: Real
    steps: Real
    low: Real
    high: Real
    drift: Real
    wander: Real
    pull: Real


def reading(settled: Real, offset: Real, normal: Real, unit: Unit[Real]) -> Real:
    """What is shown for a `settled` truth, with a standard normal number as noise."""
    _, slope, pivot, noise, relative, steps, low, high, _, _, _ = unit
    value = pivot + (settled - pivot) * slope + offset + normal * (noise + relative * settled)
    return displayed(value, steps, low, high)


def pulled(pull: Real, normal: Real) -> Real:
    """The step of an offset that a tube's pull makes: seldom one, up or down."""
    return where(normal > SELDOM, pull, where(normal < -SELDOM, -pull, 0.0 * pull))


class Bank(Generic[Real]):
    """Sensors, each with an offset, a drift, a lag and a slope of its own, within what its kind allows.

    Their `offsets` may be changed: by them each row reads too high.
    """

    offsets: list[Real]
    _units: list[Unit[Real]]
    _settled: list[Real]

    def __init__(self, models: Mapping[str, Model], draws: Draws[Real]) -> None:
        """Sensors that have settled at 0."""
        units, offsets = zip(*(made(model, draws) for model in models.values()), strict=True)
        fields = [draws.rows(values) for values in zip(*units, strict=True)]
        self._units = [Unit(*values) for values in zip(*fields, strict=True)]
        self.offsets = draws.rows(offsets)
        self._draws: Draws[Real] = draws
        self._readings: Noise[Real] = draws.noise(READINGS, len(models))
        self._drifts: Noise[Real] = draws.noise(DRIFTS, len(models))
        self._settled = [0.0 * offset for offset in self.offsets]
        self._undrifted_s = 0.0
        self._shares: dict[float, list[Real]] = {}

    def settle(self, truth: Sequence[Real]) -> None:
        """Forget the past: the sensors have been in the present state for long."""
        self._settled = self._draws.rows(truth)

    def step(self, truth: Sequence[Real], dt_s: float) -> Sequence[Real]:
        """The readings `dt_s` after the last ones (at 0: of what the sensors have settled at), sensor by sensor."""
        self._drift(dt_s)
        if (shares := self._shares.get(dt_s)) is None:
            shares = self._shares[dt_s] = [approach(dt_s, unit.tau_s) for unit in self._units]
        rows = zip(self._settled, self._draws.rows(truth), shares, strict=True)
        self._settled = [y + (x - y) * share for y, x, share in rows]
        seen = zip(self._settled, self.offsets, self._readings.next(), self._units, strict=True)
        return self._draws.columns([reading(settled, offset, normal, unit) for settled, offset, normal, unit in seen])

    def _drift(self, dt_s: float) -> None:
        self._undrifted_s += dt_s
        if (elapsed_s := self._undrifted_s) < DRIFT_S:
            return
        self._undrifted_s, root = 0.0, sqrt(elapsed_s)
        rows = zip(self.offsets, self._units, self._drifts.next(), strict=True)
        self.offsets = [
            offset + (unit.drift * elapsed_s + unit.wander * root * normal + pulled(unit.pull, normal))
            for offset, unit, normal in rows
        ]


def made(model: Model, draws: Draws[Real]) -> tuple[Unit[Real], Real]:
    """One sensor of a kind for each vessel, and its offset."""
    offset = draws.uniform(-model.offset, model.offset)
    drift = draws.uniform(-model.drift_per_day, model.drift_per_day) + model.ages_per_day
    worn = draws.uniform(0.0, 1.0)
    slope = draws.uniform(1.0 - model.slope_error, 1.0 + model.slope_error) - (1.0 - model.least_slope) * worn
    none = 0.0 * worn
    steps = 1.0
    for _ in range(model.decimals):
        steps = 10.0 * steps
    unit = Unit(
        tau_s=model.tau_s + maximum(model.worn_tau_s - model.tau_s, 0.0) * worn,
        slope=slope,
        pivot=none + model.pivot,
        noise=none + model.noise,
        relative=none + model.relative_noise,
        steps=none + steps,
        low=none + model.low,
        high=none + model.high,
        drift=drift / SECONDS_PER_DAY,
        wander=none + model.wander_per_day / sqrt(SECONDS_PER_DAY),
        pull=none + model.pull,
    )
    return unit, offset
