"""Equipment that not every vessel has: more pumps, a valve in the exhaust, cooling, and sensors; see the bus.

A vessel without any pays nothing for it, and one more fitting changes no number of the others.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Generic, NamedTuple

from simulators.actuators import FULL, SECONDS_PER_HOUR, Pump, Valve
from simulators.bus import FITTINGS, PUMPS
from simulators.draws import Draws
from simulators.gas_path import Gas
from simulators.numeric import Real, filled, maximum, minimum, where, within
from simulators.physics.delay import DeadTime, Values
from simulators.physics.lag import approach
from simulators.physics.mass import Outflow, back_pressure, dosed, draw, settling_s, throttled
from simulators.sensors import ANALYSER_DELAY_S, CATALOGUE, Bank, Model
from simulators.tank import PumpModel, Tank

if TYPE_CHECKING:
    from simulators.vessel import Vessel

STICTION = (1.0, 3.0)
"""Per cent by which a control valve must be asked away from where it is before it moves."""
WATER_C, WARM_C = 12.0, 37.0
"""Cooling water; and the jacket from which a cooling valve that is open takes as much as the heater can give (chosen).
"""
BOTTLE_G_PER_L, MEDIUM_G_PER_ML = 500.0, 1.02
"""Medium in a full bottle by the vessel's size (chosen), and its density."""
PORT_ML = 2.0
"""What stays in a sampling port, and comes out with the next sample (0 .. 5 mL are usual)."""
LEAST_ML, TINY = 1e-6, 1e-300
SENSORS: Mapping[str, Model] = {
    "off_gas_o2": CATALOGUE["off_gas"],
    "off_gas_co2": CATALOGUE["off_gas"],
    "capacitance": CATALOGUE["capacitance"],
    "foam": Model(2.0, 0.5, 1, 2.0, 0.0, 0.0, 100.0),
    "feed_bottle": Model(1.0, 0.02, 2, 0.0, 0.0, -500.0, 1e6),
}
"""Models by the signal; those of the foam probe and of the balance are chosen."""


class Poured(NamedTuple, Generic[Real]):
    """What the pumps moved in a step, L, by their names."""

    medium: Real
    acid: Real
    antifoam: Real
    harvest: Real
    bleed: Real


class Seen(NamedTuple, Generic[Real]):
    """What sensors are held to: exhaust gas, viable cells in 10*6/mL, height of the foam, feed medium taken in mL."""

    exhaust: Gas[Real]
    viable: Real
    foam_cm: Real
    taken_ml: Real


class Cells(NamedTuple, Generic[Real]):
    """Cells in a sample, viable and dead in 10*6/mL."""

    viable: Real
    dead: Real


class Fittings(Generic[Real]):
    """What is fitted to one vessel or to many of one make, by names of :data:`simulators.bus.FITTINGS`.

    `overpressure` is that of the head space in mbar where the exhaust has a valve, and None where the filter alone
    decides.
    """

    pumps: dict[str, Pump[Real]]
    overpressure: Real | None
    _in_cup: Cells[Real]
    _in_port: Cells[Real]
    _valve: Valve[Real] | None
    _idle: dict[str, Real]

    def __init__(self, tank: Tank, names: Collection[str], draws: Draws[Real], like: Real) -> None:
        """`like` has a number for each vessel."""
        self.names = frozenset(names)
        self._tank, none = tank, filled(like, 0.0)
        models = {name: pump_model(tank, name) for name in PUMPS if name in self.names}
        self.pumps = {name: Pump(model, model.error * draws.branch(name).normal()) for name, model in models.items()}
        self._idle = dict.fromkeys(PUMPS, none)
        self._in_cup = self._in_port = Cells(none, none)
        self._valve = self.overpressure = None
        if "exhaust_valve" in self.names:
            self._valve = Valve(draws.branch("exhaust_valve").uniform(*STICTION))
            self.overpressure = none
        self._shown = [signal for name in FITTINGS if name in self.names for signal in FITTINGS[name].sensors]
        self._line: DeadTime[Real] = DeadTime(ANALYSER_DELAY_S, (none, none))
        measures = any(signal in SENSORS for signal in self._shown)
        self._bank: Bank[Real] | None = Bank(SENSORS, draws.branch("fittings")) if measures else None

    def act(self, vessel: Vessel[Real], wanted: Mapping[str, Real], reachable_l: Real, dt_s: float) -> Poured[Real]:
        """Move everything for `dt_s` and let it act on all of the vessel but its volume; of what is drawn off no pump
        gets more than `reachable_l`.
        """
        volume = vessel.volume_l
        filter_ = back_pressure(filled(volume, 1.0), self._tank.back_pressure, vessel.wetness)
        self.vent(wanted, vessel.gas.flow, filter_, vessel.gas.room(volume), dt_s)
        poured = self.pour(wanted, reachable_l, dt_s)
        vessel.out = self.outflow(vessel.out, poured, dt_s / SECONDS_PER_HOUR)
        vessel.antifoam = dosed(vessel.antifoam, 1000.0 * poured.antifoam, volume)
        vessel.solution.acidify(volume, poured.acid, poured.antifoam, dt_s)
        return poured

    def pour(self, wanted: Mapping[str, Real], reachable_l: Real, dt_s: float) -> Poured[Real]:
        """Turn the pumps; of what is drawn off no more than `reachable_l`."""
        moved = {name: 0.001 * pump.step(wanted[name + "_rpm"], dt_s) for name, pump in self.pumps.items()}
        poured = Poured(**{**self._idle, **moved})
        harvest = minimum(poured.harvest, maximum(reachable_l, 0.0))
        return poured._replace(harvest=harvest, bleed=minimum(poured.bleed, maximum(reachable_l - harvest, 0.0)))

    def outflow(self, before: Outflow[Real], poured: Poured[Real], hours: float) -> Outflow[Real]:
        """What leaves: by the pumps that there are, else as before."""
        return Outflow(
            poured.harvest / hours if "harvest" in self.pumps else before.harvest,
            poured.bleed / hours if "bleed" in self.pumps else before.bleed,
            before.retained,
        )

    def vent(self, wanted: Mapping[str, Real], gas: Real, filter_: Real, room_l: Real, dt_s: float) -> None:
        """Move the valve, and let the pressure of the head space follow: `gas` in mL/min through the valve and the
        exhaust's filter, whose resistance is `filter_` in mbar min/mL.
        """
        if self._valve is None or self.overpressure is None:
            return
        opening = self._valve.step(wanted["exhaust_valve"]) / FULL
        resistance = filter_ + throttled(opening, self._tank.back_pressure)
        share = approach(dt_s, settling_s(resistance, room_l))
        self.overpressure = self.overpressure + (resistance * gas - self.overpressure) * share

    def cooling(self, wanted: Mapping[str, Real], jacket: Real) -> Real | float:
        """W that cooling takes from the jacket."""
        if "cooling" not in self.names:
            return 0.0
        opening = within(wanted["cooling_valve"], FULL) / FULL
        return opening * (self._tank.heater_w / (WARM_C - WATER_C)) * (jacket - WATER_C)

    def sample(self, culture: Mapping[str, Real], drawn_ml: Real) -> None:
        """Draw through the port, where that is more than 0: first comes what the sample before left in it."""
        if "sample_port" not in self.names:
            return
        some, most = drawn_ml > 0.0, maximum(drawn_ml, LEAST_ML)
        now = Cells(culture["vcd"], culture["dead_density"])
        drawn = [draw(cells, left, most, PORT_ML) for cells, left in zip(now, self._in_port, strict=True)]
        self._in_cup = Cells(*[where(some, new.drawn, old) for new, old in zip(drawn, self._in_cup, strict=True)])
        self._in_port = Cells(*[where(some, new.left, old) for new, old in zip(drawn, self._in_port, strict=True)])

    def settle(self, seen: Seen[Real]) -> None:
        """The sensors have been in the present state for long."""
        if self._bank is not None:
            gas = self._gas(seen)
            self._line.fill(gas)
            self._bank.settle(self._measurable(seen, gas))

    def read(self, seen: Seen[Real], dt_s: float) -> dict[str, Real]:
        """Readings `dt_s` after the last ones (at 0: of what the sensors have settled at), by signal."""
        readings = {f"{name}_revolutions": pump.revolutions for name, pump in self.pumps.items()}
        if self._bank is not None:
            gas = self._gas(seen)
            gas = self._line.step(gas, dt_s) if dt_s > 0.0 else gas
            readings.update(zip(SENSORS, self._bank.step(self._measurable(seen, gas), dt_s), strict=True))
        return {name: readings[name] for name in self._shown}

    def truth(self, seen: Seen[Real]) -> dict[str, Real]:
        """What is so, by signal."""
        known = {f"{name}_ml": pump.delivered_ml for name, pump in self.pumps.items()}
        if "sample_port" in self.names:
            viable, dead = self._in_cup
            known.update(sample_vcd=viable, sample_viability=FULL * (viable / maximum(viable + dead, TINY)))
        if self._valve is not None:
            known["valve_position"] = self._valve.position
        return {**known, "foam_cm": seen.foam_cm} if "foam" in self.names else known

    def _gas(self, seen: Seen[Real]) -> Values[Real]:
        return 100.0 * seen.exhaust.o2, 100.0 * seen.exhaust.co2

    def _measurable(self, seen: Seen[Real], gas: Values[Real]) -> list[Real]:
        left = maximum(BOTTLE_G_PER_L * self._tank.nominal_l - MEDIUM_G_PER_ML * seen.taken_ml, 0.0)
        return [gas[0], gas[1], seen.viable, (100.0 / self._tank.foaming.greatest) * seen.foam_cm, left]


def pump_model(tank: Tank, name: str) -> PumpModel:
    """Of a pump that not every vessel has: acid and antifoam come through tubes as base does, the rest as feed."""
    return tank.base_pump if name in {"acid", "antifoam"} else tank.feed_pump
