"""The 2 L reference vessel's temperature: culture, jacket and a Pt100 in its well, for many vessels at once."""

from dataclasses import dataclass, field

import numpy as np

from simulators.physics.lag import approach
from simulators.physics.thermal import REFERENCE, WATER_J_PER_KG, heat_step
from tests.reference.margins import lag

STIRRING_W = 2.0
HEATER_W = 150.0
PROBE_S = 12.0
NOISE, RESOLUTION = 0.02, 0.01


@dataclass
class Thermal:
    """``volume_l``, ``ambient`` and ``load_w`` (heat made in the culture besides stirring) are numbers or arrays (n,).

    Without a generator the probe has no noise and reads any number.
    """

    n: int = 1
    start: float = 22.0
    volume_l: float | np.ndarray = 2.0
    ambient: float | np.ndarray = 22.0
    load_w: float | np.ndarray = 0.0
    noise: np.random.Generator | None = None
    culture: np.ndarray = field(init=False)
    jacket: np.ndarray = field(init=False)

    def __post_init__(self):
        self.culture, self.jacket, self._probe = (np.full(self.n, self.start) for _ in range(3))

    def hold(self):
        """Bring the jacket to where it keeps the culture; gives the heater's power in W."""
        shell = REFERENCE
        inside = shell.culture_loss * (self.culture - self.ambient) - STIRRING_W - self.load_w
        self.jacket = self.culture + inside / shell.exchange
        return inside + shell.jacket_loss * (self.jacket - self.ambient)

    def step(self, heater_w, dt=1.0):
        """Let a scan pass; gives the readings."""
        shell = REFERENCE._replace(ambient=self.ambient)
        capacity = WATER_J_PER_KG * np.asarray(self.volume_l)
        inside = STIRRING_W + self.load_w
        self.culture, self.jacket = heat_step(self.culture, self.jacket, capacity, heater_w, inside, shell, dt)
        self._probe += (self.culture - self._probe) * approach(dt, PROBE_S)
        return self.read()

    def truth(self):
        """What is controlled."""
        return self.culture.copy()

    def read(self):
        """What the probes say."""
        if self.noise is None:
            return self._probe.copy()
        return np.round((self._probe + self.noise.normal(0.0, NOISE, self.n)) / RESOLUTION) * RESOLUTION


def response(w, volume_l=2.0):
    """From heater in W to the reading in K."""
    s, shell = 1j * w, REFERENCE
    culture = WATER_J_PER_KG * volume_l * s + shell.exchange + shell.culture_loss
    jacket = shell.jacket * s + shell.exchange + shell.jacket_loss
    return shell.exchange / (culture * jacket - shell.exchange**2) * lag(w, PROBE_S)
