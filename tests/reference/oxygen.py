"""Dissolved oxygen of the reference vessel, moved by the oxygen fraction of a constant gas flow; for many vessels."""

from dataclasses import dataclass, field

import numpy as np

from simulators.physics.gas import AIR_O2, air_saturation
from simulators.physics.lag import approach
from tests.reference.margins import lag

SATURATION_MM = air_saturation(37.0)
GAS_LINE_S, PROBE_S = 20.0, 30.0
NOISE, RESOLUTION = 0.3, 0.1
SECONDS_PER_HOUR = 3600.0


@dataclass
class Oxygen:
    """``kla`` (1/h) and ``uptake`` (mM/h) are numbers or arrays (n,); starts in balance at ``do`` %.

    Without a generator the probe has no noise and reads any number.
    """

    kla: float | np.ndarray
    uptake: float | np.ndarray
    n: int = 1
    do: float | np.ndarray = 50.0
    noise: np.random.Generator | None = None
    fraction: np.ndarray = field(init=False)

    def __post_init__(self):
        self.do = np.full(self.n, self.do)
        self._probe = self.do.copy()
        self.fraction = self.balance()

    def balance(self):
        """The oxygen fraction that holds the present state."""
        return np.broadcast_to(0.01 * AIR_O2 * (self.do + self._drawn()), (self.n,)).copy()

    def _drawn(self):
        return 100.0 * np.asarray(self.uptake) / SATURATION_MM / self.kla

    def step(self, fraction, dt=1.0):
        """Let a scan pass with an oxygen fraction at the mixing station; gives the readings."""
        self.fraction += (fraction - self.fraction) * approach(dt, GAS_LINE_S)
        settled = 100.0 * self.fraction / AIR_O2 - self._drawn()
        self.do = settled + (self.do - settled) * np.exp(-np.asarray(self.kla) * dt / SECONDS_PER_HOUR)
        self._probe += (self.do - self._probe) * approach(dt, PROBE_S)
        return self.read()

    def truth(self):
        """What is controlled."""
        return self.do.copy()

    def read(self):
        """What the probes say."""
        if self.noise is None:
            return self._probe.copy()
        return np.round((self._probe + self.noise.normal(0.0, NOISE, self.n)) / RESOLUTION) * RESOLUTION


def response(w, kla):
    """From the oxygen fraction to the reading in %."""
    return 100.0 / AIR_O2 * lag(w, SECONDS_PER_HOUR / kla) * lag(w, GAS_LINE_S) * lag(w, PROBE_S)
