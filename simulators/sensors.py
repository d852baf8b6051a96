"""Sensors of a vessel: reading = clip(quantise(lag(truth) + offset + drift + noise))."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import NamedTuple

from simulators.physics.lag import covered

SECONDS_PER_DAY = 86_400.0


class Model(NamedTuple):
    """A kind of sensor, in the signal's unit: lag in s, noise (standard deviation), decimals, largest offset,
    largest drift per day, range.
    """

    tau_s: float
    noise: float
    decimals: int
    offset: float
    drift_per_day: float
    low: float
    high: float


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
"""Pt100 in a thermowell, tachometer, mass-flow controllers, load cell, pressure cell, glass pH, optical DO."""


class Sensor:
    """One sensor; offset and drift are drawn once, within the model's limits."""

    def __init__(self, model: Model, truth: float, noise: random.Random) -> None:
        self._model = model
        self._offset = noise.uniform(-model.offset, model.offset)
        self._drift_per_s = noise.uniform(-model.drift_per_day, model.drift_per_day) / SECONDS_PER_DAY
        self._settled = truth
        self._noise = noise

    def settle(self, truth: float) -> None:
        """Forget the past: the sensor has been in the present state for long."""
        self._settled = truth

    def step(self, truth: float, dt_s: float) -> float:
        """The reading `dt_s` after the last one."""
        model = self._model
        self._settled += (truth - self._settled) * covered(dt_s, model.tau_s)
        self._offset += self._drift_per_s * dt_s
        value = self._settled + self._offset + self._noise.gauss(0.0, model.noise)
        return min(max(round(value, model.decimals), model.low), model.high)


def sensors(truth: Mapping[str, float], noise: random.Random) -> dict[str, Sensor]:
    """One sensor for each kind, settled at the truth given by the same names."""
    return {name: Sensor(model, truth[name], noise) for name, model in MODELS.items()}
