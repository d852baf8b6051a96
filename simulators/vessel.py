"""One vessel, or many side by side: gas, liquid, heat and culture in the order they act, each as often as it needs."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from math import ceil
from typing import Generic, Protocol

from simulators.actuators import Drives
from simulators.biology.culture import Culture, Environment, Exchange, Inflow
from simulators.bus import actuators_with
from simulators.draws import Draws
from simulators.fittings import Fittings, Seen
from simulators.gas_path import GasPath
from simulators.numeric import Real, Truth, filled, log, maximum, some
from simulators.physics.lag import toward
from simulators.physics.mass import (
    Outflow,
    back_pressure,
    foam_step,
    foamed_out,
    mixed,
    turnover,
    water_carried,
)
from simulators.physics.thermal import VAPOUR_J_PER_G, WATER_J_PER_KG, heat_step, metabolic_heat
from simulators.physics.transfer import ANTIFOAM_S
from simulators.sensors import Bank
from simulators.sizes import sensor_models
from simulators.solution import Around, Solution
from simulators.tank import Tank

LONGEST_SUBSTEP_S = 5.0
SLOW_S = 10.0
"""Between two looks at what changes slowly: solubilities, foam, the exhaust filter."""
SECONDS_PER_HOUR = 3600.0
MBAR_PER_ATM = 1013.25
LEAST_HEAT = 0.05
"""Share of the nominal volume whose heat is followed by itself; less takes the wall's temperature with it."""
LEAST_LEFT = 0.0025
"""Share of the nominal volume that no pump, no sample and no evaporation gets out."""


class Disturbance(Protocol[Real]):
    """What goes wrong with a vessel; see :mod:`simulators.mishaps`."""

    def before(self, vessel: Vessel[Real], dt_s: float) -> Mapping[str, Real]:
        """Change the vessel before a step; gives what its actuators are asked for instead."""
        ...

    def after(self, vessel: Vessel[Real]) -> None:
        """Change what was read."""
        ...


class Vessel(Generic[Real]):
    """A stirred tank with its culture, drives and sensors; in floats, or in arrays with a number for each of many.

    `actuators` is what instruments ask for and `readings` what they measure, by signal name (see the bus); both are
    there for reading and, for actuators, writing at any time between two steps. The same seed and the same actuator
    history give the same numbers, bit for bit, alone and among many.

    `fitted` names what it has besides, see :data:`simulators.bus.FITTINGS`. `out` is what is drawn off all the time, by
    pumps where they are fitted, `protein` in g/L makes foam of the gas, `antifoam` is 1 right after a dose and wears
    off, `viscosity` is relative to water. `foam` is its height in cm, `wetness` what foam has added to the exhaust
    filter's resistance. `disturbance` is what goes wrong with it, None for nothing.
    """

    volume_l: Real
    temperature: Real
    jacket: Real
    out: Outflow[Real]
    protein: Real
    antifoam: Real
    viscosity: Real
    foam: Real
    wetness: Real
    culture: Culture[Real]
    _spilt: Real
    _pressure: Real
    _last_volume_l: Real
    _fed_l: Real
    _harvested_l: Real
    _bled_l: Real

    def __init__(
        self,
        tank: Tank,
        culture: Culture[Real],
        draws: Draws[Real],
        volume_l: Real,
        temperature: Real,
        fitted: Collection[str] = (),
    ) -> None:
        self.tank, self.culture, self.volume_l = tank, culture, volume_l
        self.draws: Draws[Real] = draws
        self.disturbance: Disturbance[Real] | None = None
        none = filled(volume_l, 0.0)
        self.protein = self.antifoam = self.foam = self.wetness = self._spilt = none
        self.viscosity = self._pressure = filled(volume_l, 1.0)
        self.out = Outflow(none, none, filled(volume_l, 1.0))
        self.drives: Drives[Real] = Drives(tank, draws)
        transfer = 1.0 + tank.kla_scatter * draws.uniform(-1.0, 1.0)
        self.solution: Solution[Real] = Solution(tank, temperature, transfer)
        self.set_temperature(temperature)
        self.gas: GasPath[Real] = GasPath(tank, volume_l, "off_gas" in fitted)
        self.process_s = self._unlived_s = self._unslow_s = 0.0
        self.actuators: dict[str, Real] = {name: filled(none, value) for name, value in actuators_with(fitted).items()}
        self.fittings: Fittings[Real] | None = Fittings(tank, fitted, draws, none) if fitted else None
        self._wanted: Mapping[str, Real] = self.actuators
        self._evaporated = 1e-6 * water_carried(tank.condenser)
        self.volume_by_hand(volume_l)
        self.models = sensor_models(tank)
        self._names = tuple(self.models)
        self._sensors: Bank[Real] = Bank(self.models, draws)
        self.readings: dict[str, Real] = {}
        self.settle()

    def step(self, dt_s: float) -> None:
        """Let `dt_s` (> 0) pass with the actuators as they are."""
        self._wanted = self.actuators if self.disturbance is None else self.disturbance.before(self, dt_s)
        count = ceil(dt_s / LONGEST_SUBSTEP_S)
        for _ in range(count):
            self._substep(dt_s / count)
        self.process_s += dt_s
        self._read(dt_s)

    def settle(self) -> None:
        """Let the sensors see the present state as if it had lasted; for a state set from outside."""
        none = filled(self.volume_l, 0.0)
        self._exchange: Exchange[Real] = self.culture.advance(0.0, self._here(), Inflow(none, none, none))
        self._sensors.settle(self._measurable())
        if self.fittings is not None:
            self.fittings.settle(self._seen())
        self._read(0.0)

    def set_temperature(self, temperature: Real) -> None:
        """Bring the culture to a temperature and the jacket to the one that holds it."""
        shell = self.tank.shell
        self.temperature = temperature
        self.jacket = temperature + shell.culture_loss * (temperature - shell.ambient) / shell.exchange
        self.solution.warm(temperature)

    @property
    def caught_up(self) -> bool:
        """Whether the culture has lived until now."""
        return self._unlived_s == 0.0

    def catch_up(self) -> None:
        """Let the culture live until now, so that the liquid can be changed by hand."""
        if self._unlived_s > 0.0:
            hours = self._unlived_s / SECONDS_PER_HOUR
            grown = log(self.volume_l / self._last_volume_l) / hours
            middle = 0.5 * (self.volume_l + self._last_volume_l)
            out = Outflow(self._harvested_l / hours, self._bled_l / hours, self.out.retained)
            rates = turnover(grown, self._fed_l / (middle * hours), out, middle)
            self._exchange = self.culture.advance(hours, self._here(), Inflow(*rates))
        self.volume_by_hand(self.volume_l)

    def volume_by_hand(self, volume_l: Real) -> None:
        """A volume that changed without diluting the culture, or with the dilution already done."""
        self.volume_l = self._last_volume_l = volume_l
        self._fed_l = self._harvested_l = self._bled_l = filled(volume_l, 0.0)
        self._unlived_s = 0.0

    def spill(self, volume_l: Real) -> None:
        """Lose liquid with all that is in it, as far as there is some."""
        left = maximum(self.volume_l - volume_l, LEAST_LEFT * self.tank.nominal_l)
        self._bled_l = self._bled_l + (self.volume_l - left)
        self.volume_l = left

    def truth(self) -> dict[str, Real]:
        """What is so, by signal name."""
        return {
            **({} if self.fittings is None else self.fittings.truth(self._seen())),
            **self.culture.truth(),
            "volume_l": self.volume_l,
            "true_ph": self.solution.ph,
            "true_do": self.solution.oxygen_percent,
            "true_temperature": self.temperature,
            "base_ml": self.drives.base.delivered_ml,
            "feed_ml": self.drives.feed.delivered_ml,
            "process_s": filled(self.volume_l, self.process_s),
            "kla": self.solution.kla,
        }

    def outside(self) -> tuple[str, ...]:
        """Quantities in which the culture's model is asked for more than it knows, in any vessel."""
        return tuple(name for name, beyond in self.beyond().items() if some(beyond))

    def beyond(self) -> dict[str, Truth]:
        """For each quantity that the culture's model depends on: whether it is asked for more than it knows."""
        return self.culture.outside(self._here())

    def _substep(self, dt_s: float) -> None:
        drives = self.drives
        drives.step(self._wanted, dt_s)
        air, o2, co2, n2 = [flow.delivered for flow in drives.flows.values()]
        self.gas.mix(air, o2, co2, n2, dt_s)
        self._pour(dt_s)
        around = Around(self._pressure, self.antifoam, self.viscosity)
        self.solution.exchange_gas(self.gas, drives.agitation, self.volume_l, around, self._exchange, dt_s)
        self._warm(dt_s)
        self._unslow_s += dt_s
        if self._unslow_s >= SLOW_S:
            self._slowly()
        self._unlived_s += dt_s
        if self._unlived_s >= self.culture.interval_s:
            self.catch_up()

    def _pour(self, dt_s: float) -> None:
        hours = dt_s / SECONDS_PER_HOUR
        base = 0.001 * self.drives.base.step(self._wanted["base_rpm"], dt_s)
        feed = 0.001 * self.drives.feed.step(self._wanted["feed_rpm"], dt_s)
        entered = base
        if self.fittings is not None:
            poured = self.fittings.act(self, self._wanted, self.volume_l - LEAST_LEFT * self.tank.nominal_l, dt_s)
            feed, entered = feed + poured.medium, base + poured.acid + poured.antifoam
        self.solution.pour(self.volume_l, base, feed, dt_s)
        self.temperature = mixed(self.temperature, self.volume_l, self.tank.shell.ambient, feed)
        out = self.out
        harvested, bled = out.harvest * hours, (out.bleed + self._spilt) * hours
        self._fed_l = self._fed_l + feed
        self._harvested_l = self._harvested_l + harvested
        self._bled_l = self._bled_l + bled
        gone = self._evaporated * self.gas.flow * hours + harvested + bled
        self.volume_l = maximum(self.volume_l + entered + feed - gone, LEAST_LEFT * self.tank.nominal_l)

    def _warm(self, dt_s: float) -> None:
        tank = self.tank
        metabolism = metabolic_heat(self.solution.oxygen_uptake, self.volume_l)
        stirring = tank.stirring_w / tank.reference_rpm * self.drives.agitation
        drying = (1000.0 * VAPOUR_J_PER_G / SECONDS_PER_HOUR) * self._evaporated * self.gas.flow
        capacity = WATER_J_PER_KG * maximum(self.volume_l, LEAST_HEAT * tank.nominal_l)
        heater = 0.01 * tank.heater_w * self.drives.heater
        if self.fittings is not None:
            heater = heater - self.fittings.cooling(self._wanted, self.jacket)
        inside = metabolism + stirring - drying
        self.temperature, self.jacket = heat_step(
            self.temperature, self.jacket, capacity, heater, inside, tank.shell, dt_s
        )

    def _slowly(self) -> None:
        """Follow what changes slowly, for the time since the last look."""
        foaming, elapsed_s = self.tank.foaming, self._unslow_s
        hours = elapsed_s / SECONDS_PER_HOUR
        self.solution.warm(self.temperature)
        self.antifoam = toward(self.antifoam, filled(self.antifoam, 0.0), elapsed_s, ANTIFOAM_S)
        self.foam = foam_step(self.foam, self.gas.flow, self.protein, self.antifoam, foaming, hours)
        self._spilt = foamed_out(self.foam, foaming)
        self.wetness = self.wetness + foaming.wets * hours * self._spilt
        self._pressure = 1.0 + self._overpressure(self.gas.flow) / MBAR_PER_ATM
        self._unslow_s = 0.0

    def _here(self) -> Environment[Real]:
        solution = self.solution
        return Environment(self.temperature, solution.ph, solution.oxygen, solution.oxygen_percent)

    def _overpressure(self, gas: Real) -> Real:
        """Of the head space at a flow of gas that lasts, or as the exhaust's valve has let it become; mbar."""
        if self.fittings is not None and self.fittings.overpressure is not None:
            return self.fittings.overpressure
        return back_pressure(gas, self.tank.back_pressure, self.wetness)

    def _seen(self) -> Seen[Real]:
        """What the fittings' sensors are held to; the culture is asked only where a probe looks at it."""
        looked_at = self.fittings is not None and "capacitance" in self.fittings.names
        viable = self.culture.truth()["vcd"] if looked_at else filled(self.foam, 0.0)
        return Seen(self.gas.leaving(), viable, self.foam, self.drives.feed.delivered_ml)

    def _measurable(self) -> list[Real]:
        """What the sensors see, in their order."""
        air, o2, co2, n2 = [flow.indicated for flow in self.drives.flows.values()]
        return [
            self.temperature,
            self.jacket,
            self.drives.agitation,
            air,
            o2,
            co2,
            n2,
            1000.0 * self.tank.density * self.volume_l,
            self._overpressure(air + o2 + co2 + n2),
            self.solution.ph,
            self.solution.oxygen_percent,
        ]

    def _read(self, dt_s: float) -> None:
        readings = self.readings
        readings.update(zip(self._names, self._sensors.step(self._measurable(), dt_s), strict=True))
        if self.fittings is not None:
            readings.update(self.fittings.read(self._seen(), dt_s))
        readings["base_revolutions"] = self.drives.base.revolutions
        readings["feed_revolutions"] = self.drives.feed.revolutions
        if self.disturbance is not None:
            self.disturbance.after(self)
