"""A 5 L vessel whose jacket is heated by an electric heater and cooled by a valve for cold water."""

from dataclasses import dataclass, field

import numpy as np

from simulators.physics.lag import approach
from simulators.physics.thermal import WATER_J_PER_KG, Shell, heat_step
from tests.reference.margins import lag

SHELL = Shell(jacket=8000.0, exchange=60.0, culture_loss=2.0, jacket_loss=3.0, ambient=22.0)
HEATER_W = 1000.0
COOLING_W_PER_K, COLD = 25.0, 12.0
STIRRING_W = 10.0
CIRCULATION_S, JACKET_PROBE_S, PROBE_S = 10.0, 8.0, 12.0
NOISE, RESOLUTION = 0.02, 0.01


@dataclass
class Jacketed:
    """``load_w`` is heat made in the culture besides stirring. Without a generator the probes have no noise."""

    start: float = 22.0
    volume_l: float = 5.0
    load_w: float = 0.0
    dead_heater: bool = False
    noise: np.random.Generator | None = None
    culture: float = field(init=False)
    jacket: float = field(init=False)

    def __post_init__(self):
        self.culture = self.jacket = self._probe = self._jacket_probe = self.start
        self._heat = self._cold = 0.0

    def step(self, heater_percent, valve_percent, dt=1.0):
        """Let a scan pass; gives the readings of culture and jacket."""
        share = approach(dt, CIRCULATION_S)
        power = 0.0 if self.dead_heater else 0.01 * heater_percent * HEATER_W
        self._heat += (power - self._heat) * share
        self._cold += (0.01 * valve_percent * COOLING_W_PER_K - self._cold) * share
        heat = self._heat - self._cold * (self.jacket - COLD)
        capacity = WATER_J_PER_KG * self.volume_l
        inside = STIRRING_W + self.load_w
        self.culture, self.jacket = heat_step(self.culture, self.jacket, capacity, heat, inside, SHELL, dt)
        self._probe += (self.culture - self._probe) * approach(dt, PROBE_S)
        self._jacket_probe += (self.jacket - self._jacket_probe) * approach(dt, JACKET_PROBE_S)
        return self._read(self._probe), self._read(self._jacket_probe)

    def _read(self, value):
        if self.noise is None:
            return value
        return round((value + self.noise.normal(0.0, NOISE)) / RESOLUTION) * RESOLUTION


def jacket_response(w, volume_l, watts_per_percent):
    """From the leg of an actuator in % to the jacket in K, after the circulation."""
    s, shell = 1j * w, SHELL
    culture = WATER_J_PER_KG * volume_l * s + shell.exchange + shell.culture_loss
    jacket = shell.jacket * s + shell.exchange + shell.jacket_loss
    return watts_per_percent * lag(w, CIRCULATION_S) * culture / (culture * jacket - shell.exchange**2)


def culture_response(w, volume_l):
    """From the jacket to the culture."""
    shell = SHELL
    return shell.exchange / (WATER_J_PER_KG * volume_l * 1j * w + shell.exchange + shell.culture_loss)
