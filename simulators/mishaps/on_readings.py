"""Mishaps of probes: what is read is not what is so."""

from __future__ import annotations

from collections.abc import Mapping

from simulators.draws import MISHAPS, Noise
from simulators.mishaps.catalogue import PROBES
from simulators.mishaps.effect import Effect
from simulators.numeric import Real, displayed, filled, sqrt, where
from simulators.sensors import Model
from simulators.vessel import Vessel

SPIKE = 2.5758
"""A standard normal number is as far from 0 as this once in a hundred times."""
SPIKE_HEIGHT = 10.0
"""A spike is so many times the noise."""
PAIRS: Mapping[str, str] = {"temperature": "jacket_temperature", "ph": "do", "o2": "n2", "co2": "air"}
"""The channel that is swapped with each."""
UNITS: Mapping[str, tuple[float, float]] = {
    "temperature": (1.8, 32.0),
    "jacket_temperature": (1.8, 32.0),
    "weight": (0.001, 0.0),
    "pressure": (0.001, 0.0),
}
"""Factor and offset of the other unit: degree Fahrenheit, kilogram, bar."""


class Drift(Effect[Real]):
    """F1, F2: a reading that is further and further off."""

    def show(self, vessel: Vessel[Real], elapsed_s: float) -> None:
        """Read what the probe would, and round as it does."""
        name = self.order.signal
        self.put(vessel.readings, name, shown(vessel.models[name], vessel.readings[name] + self.grown(elapsed_s)))


class Stuck(Effect[Real]):
    """F3: the reading of the moment, for ever."""

    _kept: Real

    def begin(self, vessel: Vessel[Real]) -> None:
        """Remember it."""
        self._kept = vessel.readings[self.order.signal]

    def show(self, vessel: Vessel[Real], elapsed_s: float) -> None:
        """Repeat it."""
        self.put(vessel.readings, self.order.signal, self._kept)


class Disconnected(Effect[Real]):
    """F4: no reading; each instrument says so in its own way."""

    def show(self, vessel: Vessel[Real], elapsed_s: float) -> None:
        """No number."""
        name = self.order.signal
        self.put(vessel.readings, name, filled(vessel.readings[name], float("nan")))


class Noisy(Effect[Real]):
    """F5: `magnitude` times the noise, and now and then a spike. The same start gives the same noise."""

    _noise: Noise[Real]

    def begin(self, vessel: Vessel[Real]) -> None:
        """Find the numbers of this signal from this time on."""
        row = PROBES.index(self.order.signal)
        self._noise = vessel.draws.noise(MISHAPS + row + len(PROBES) * int(vessel.process_s), 2)

    def show(self, vessel: Vessel[Real], elapsed_s: float) -> None:
        """Add what is missing to the usual noise."""
        name, times = self.order.signal, self.order.magnitude
        noise, chance = vessel.draws.columns(self._noise.next())
        read, model = vessel.readings[name], vessel.models[name]
        sigma = model.noise + model.relative_noise * read
        more = sqrt(times * times - 1.0)
        spike = where(chance > SPIKE, sigma, where(chance < -SPIKE, -sigma, 0.0 * sigma))
        value = read + sigma * more * noise + spike * (SPIKE_HEIGHT * times)
        self.put(vessel.readings, name, shown(vessel.models[name], value))


class Swapped(Effect[Real]):
    """F16: each of two channels shows the other."""

    def show(self, vessel: Vessel[Real], elapsed_s: float) -> None:
        """Change places."""
        one, readings = self.order.signal, vessel.readings
        other = PAIRS[one]
        first, second = readings[one], readings[other]
        self.put(readings, one, second)
        self.put(readings, other, first)


class OtherUnit(Effect[Real]):
    """F16: the right value in a unit that nobody expects."""

    def show(self, vessel: Vessel[Real], elapsed_s: float) -> None:
        """Convert it."""
        name = self.order.signal
        factor, offset = UNITS[name]
        self.put(vessel.readings, name, vessel.readings[name] * factor + offset)


def shown(model: Model, value: Real) -> Real:
    """What a probe shows: rounded as it does, and within its range."""
    steps = 1.0
    for _ in range(model.decimals):
        steps = 10.0 * steps
    return displayed(value, steps, model.low, model.high)
