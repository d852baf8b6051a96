"""A vessel with mishaps and its twin without, of which the same seed makes the same."""

from simulators.mishaps.order import ordered
from simulators.plant import Plant

WARM = {"model": "tc_m", "seed": 101, "volume_l": 1.0, "temperature_c": 37.0, "ph": 7.2, "do": 50.0, "vcd": 2.0}
HOLDING = {"heater": 26.7, "agitation_sp": 120.0, "air_sp": 100.0, "co2_sp": 6.0}


class Bench:
    """A warm vessel with mishaps, and beside it the same one without."""

    def __init__(self, **state):
        self.plant = Plant({"BR-101": {**WARM, **state}, "twin": {**WARM, **state}}, 1)
        for name in self.plant.vessels:
            self.plant.actuators[name].update(HOLDING)

    @property
    def readings(self):
        return self.plant.sensors["BR-101"]

    @property
    def truth(self):
        return self.plant.truth("BR-101")

    def drive(self, **actuators):
        for name in self.plant.vessels:
            self.plant.actuators[name].update(actuators)

    def befall(self, name, signal=None, **more):
        return self.plant.mishaps.order("BR-101", ordered(name, signal, **more))

    def pass_s(self, seconds, watch=None, dt_s=1.0):
        """Let time pass; the readings of ``watch`` at every step."""
        seen = []
        for _ in range(round(seconds / dt_s)):
            self.plant.step(dt_s)
            seen.append(self.readings[watch] if watch else None)
        return seen

    def off(self, name):
        """By how much a reading differs from the twin's, of which the same seed makes the same but for its name."""
        return self.readings[name] - self.plant.sensors["twin"][name]
