"""One vessel: gas, liquid, heat and culture in the order they act, in sub-steps short enough for the fastest."""

from __future__ import annotations

from math import ceil

from simulators import sensors
from simulators.actuators import GASES, Drives, PumpModel
from simulators.biology.culture import Culture, Environment, Inflow
from simulators.bus import ACTUATORS
from simulators.draws import Alone
from simulators.gas_path import GasPath
from simulators.numeric import log
from simulators.physics.mass import water_carried
from simulators.physics.thermal import VAPOUR_J_PER_G, WATER_J_PER_KG, heat_step, metabolic_heat
from simulators.solution import Solution
from simulators.tank import Tank

LONGEST_SUBSTEP_S = 2.0
SECONDS_PER_HOUR = 3600.0
LEAST_HEAT_L = 0.1
"""Smallest volume whose heat is followed by itself; less takes the wall's temperature with it."""
LEAST_L = 0.005
"""What no pump, no sample and no evaporation gets out."""


class Vessel:
    """A stirred tank with its culture, drives and sensors.

    `actuators` is what instruments ask for and `readings` what they measure, by signal name (see the bus); both are
    there for reading and, for actuators, writing at any time between two steps. The same seed and the same actuator
    history give the same numbers, bit for bit.
    """

    def __init__(self, tank: Tank, culture: Culture[float], seed: str, volume_l: float, temperature: float) -> None:
        draws = Alone(seed)
        self.tank = tank
        self.culture = culture
        self.volume_l = volume_l
        self.solution = Solution(tank, temperature)
        self.set_temperature(temperature)
        self.drives = Drives(
            PumpModel(tank.base_ml_per_rev), PumpModel(tank.feed_ml_per_rev), draws, zero=tank.flow_zero
        )
        self.process_s = 0.0
        self.actuators: dict[str, float] = dict.fromkeys(ACTUATORS, 0.0)
        self.gas: GasPath[float] = GasPath(tank, volume_l)
        self._wet = 0.001 * water_carried(tank.condenser)
        self._last_volume_l = volume_l
        self._fed_l = 0.0
        self._unlived_s = 0.0
        self._exchange = culture.advance(0.0, self._here(), Inflow(0.0, 0.0, 0.0))
        self._sensors = sensors.alone(sensors.MODELS, draws)
        self.readings: dict[str, float] = {}
        self.settle()

    def step(self, dt_s: float) -> None:
        """Let `dt_s` (> 0) pass with the actuators as they are."""
        count = ceil(dt_s / LONGEST_SUBSTEP_S)
        for _ in range(count):
            self._substep(dt_s / count)
        self.process_s += dt_s
        self._read(dt_s)

    def settle(self) -> None:
        """Let the sensors see the present state as if it had lasted; for a state set from outside."""
        self._exchange = self.culture.advance(0.0, self._here(), Inflow(0.0, 0.0, 0.0))
        self._sensors.settle(self._measurable())
        self._read(0.0)

    def set_temperature(self, temperature: float) -> None:
        """Bring the culture to a temperature and the jacket to the one that holds it."""
        shell = self.tank.shell
        self.temperature = temperature
        self.jacket = temperature + shell.culture_loss * (temperature - shell.ambient) / shell.exchange
        self.solution.warm(temperature)

    def catch_up(self) -> None:
        """Let the culture live until now, so that the liquid can be changed by hand."""
        if self._unlived_s > 0.0:
            hours = self._unlived_s / SECONDS_PER_HOUR
            grown = log(self.volume_l / self._last_volume_l) / hours
            fed = 2.0 * self._fed_l / ((self.volume_l + self._last_volume_l) * hours)
            self._exchange = self.culture.advance(hours, self._here(), Inflow(grown, fed, 0.0))
        self.volume_by_hand(self.volume_l)

    def volume_by_hand(self, volume_l: float) -> None:
        """A volume that changed without diluting the culture, or with the dilution already done."""
        self.volume_l = self._last_volume_l = volume_l
        self._fed_l = self._unlived_s = 0.0

    def truth(self) -> dict[str, float]:
        """What is so, by signal name."""
        return {
            **self.culture.truth(),
            "volume_l": self.volume_l,
            "true_ph": self.solution.ph,
            "true_do": self.solution.oxygen_percent,
            "true_temperature": self.temperature,
            "base_ml": self.drives.base.delivered_ml,
            "feed_ml": self.drives.feed.delivered_ml,
            "process_s": self.process_s,
            "kla": self.solution.kla,
        }

    def outside(self) -> tuple[str, ...]:
        """Quantities in which the culture's model is asked for more than it knows."""
        return tuple(name for name, beyond in self.culture.outside(self._here()).items() if beyond)

    def _substep(self, dt_s: float) -> None:
        self.drives.step(self.actuators, dt_s)
        air, o2, co2, n2 = (self.drives.flows[name].delivered for name in GASES)
        self.gas.mix(air, o2, co2, n2, dt_s)
        evaporated = self._wet * self.gas.flow * (dt_s / SECONDS_PER_HOUR)
        self._pour(evaporated, dt_s)
        self.solution.exchange_gas(self.gas, self.drives.agitation, self.volume_l, self._exchange, dt_s)
        self._warm(evaporated, dt_s)
        self._unlived_s += dt_s
        if self._unlived_s >= self.culture.interval_s:
            self.catch_up()

    def _pour(self, evaporated_g: float, dt_s: float) -> None:
        base = self.drives.base.step(self.actuators["base_rpm"], dt_s) / 1000.0
        feed = self.drives.feed.step(self.actuators["feed_rpm"], dt_s) / 1000.0
        self.solution.pour(self.volume_l, base, feed, dt_s)
        if feed > 0.0:
            self.temperature += (self.tank.shell.ambient - self.temperature) * feed / (self.volume_l + feed)
            self._fed_l += feed
        self.volume_l = max(self.volume_l + base + feed - evaporated_g / 1000.0, LEAST_L)

    def _warm(self, evaporated_g: float, dt_s: float) -> None:
        tank = self.tank
        metabolism = metabolic_heat(self.solution.oxygen_uptake, self.volume_l)
        stirring = tank.stirring_w * self.drives.agitation / 150.0
        drying = VAPOUR_J_PER_G * evaporated_g / dt_s
        capacity = WATER_J_PER_KG * max(self.volume_l, LEAST_HEAT_L)
        heater = 0.01 * self.drives.heater * tank.heater_w
        inside = metabolism + stirring - drying
        self.temperature, self.jacket = heat_step(
            self.temperature, self.jacket, capacity, heater, inside, tank.shell, dt_s
        )
        self.solution.warm(self.temperature)

    def _here(self) -> Environment[float]:
        solution = self.solution
        return Environment(self.temperature, solution.ph, solution.oxygen, solution.oxygen_percent)

    def _measurable(self) -> list[float]:
        """What the sensors see, in their order."""
        flows = [flow.indicated for flow in self.drives.flows.values()]
        weight = 1000.0 * self.tank.density * self.volume_l
        pressure = self.tank.back_pressure * (flows[0] + flows[1] + flows[2] + flows[3])
        solution = self.solution
        return [
            self.temperature,
            self.jacket,
            self.drives.agitation,
            *flows,
            weight,
            pressure,
            solution.ph,
            solution.oxygen_percent,
        ]

    def _read(self, dt_s: float) -> None:
        read = self._sensors.step(self._measurable(), dt_s)
        self.readings.update(zip(sensors.MODELS, read, strict=True))
        self.readings["base_revolutions"] = self.drives.base.revolutions
        self.readings["feed_revolutions"] = self.drives.feed.revolutions
