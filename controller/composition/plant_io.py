"""The plant in the place of the wires: the same points, read and written in process."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from controller.composition.bench_counter import BenchCounter
from controller.frame import Frame
from drivers.contract import Point, Quality, Reason, WriteOutcome, WriteState

if TYPE_CHECKING:
    from controller.config.site import Connection, SiteConfig
    from controller.model.site import Site
    from simulators.plant import Plant

PUMPS = ("base", "feed", "medium", "acid", "antifoam", "harvest", "bleed")
PLC_SENSORS = {
    "Temp.PV": "temperature", "Jacket.PV": "jacket_temperature", "Agit.PV": "agitation", "Air.PV": "air", "O2.PV": "o2",
    "CO2.PV": "co2", "N2.PV": "n2", "Weight.PV": "weight", "Pressure.PV": "pressure", "Foam.PV": "foam",
    "Capacitance.PV": "capacitance", "OffGas.O2": "off_gas_o2", "OffGas.CO2": "off_gas_co2", "Bottle.PV": "feed_bottle",
    **{f"{pump.title()}.Total": f"{pump}_revolutions" for pump in PUMPS},
}  # fmt: skip
PLC_ACTUATORS = {
    "Heater.OP": "heater", "Agit.SP": "agitation_sp", "Air.SP": "air_sp", "O2.SP": "o2_sp",
    "CO2.SP": "co2_sp", "N2.SP": "n2_sp", "Vent.OP": "exhaust_valve", "Cooling.OP": "cooling_valve",
    **{f"{pump.title()}.SP": f"{pump}_rpm" for pump in PUMPS},
}  # fmt: skip
MINUTES_PER_HOUR = 60.0
Read = Callable[[], float]
Write = Callable[[float], None]


class PlantIo:
    """Every point of the site, bound to a signal of the plant. Raises ``ValueError`` for a point it does not have."""

    def __init__(self, config: SiteConfig, site: Site, plant: Plant, period_s: float) -> None:
        self._plant = plant
        self._frame = Frame.never_read(len(site.tags))
        self._period_s = period_s
        self._counter = BenchCounter(plant)
        self._reads: list[tuple[int, Read, Point]] = []
        self._writes: dict[int, tuple[Write, Point]] = {}
        self._outcomes: list[WriteOutcome] = []
        for name, bound in site.bindings.items():
            for index, point in bound:
                self._bind(config.connections[name], index, point)

    def collect(self, now_ns: int) -> Frame:
        """Every signal as it is now: Good, simulated, fresh; what was never counted is Bad."""
        self._counter.at(now_ns / 1e9)
        frame = self._frame
        for index, read, point in self._reads:
            frame.value[index] = point.gain * read() + point.offset
        known = np.isfinite(frame.value)
        frame.quality[:] = np.where(known, Quality.GOOD, Quality.BAD)
        frame.reason[:] = np.where(known, Reason.SIMULATED, Reason.NOT_READ)
        frame.age[:] = np.where(known, 0.0, np.inf)
        return frame.copy()

    def outcomes(self) -> Sequence[WriteOutcome]:
        """What became of the writes since the last call: the plant always obeys."""
        taken, self._outcomes = self._outcomes, []
        return taken

    def write(self, writes: Mapping[int, float]) -> None:
        """Move the actuators."""
        for index, value in writes.items():
            write, point = self._writes[index]
            write((value - point.offset) / point.gain)
            self._outcomes.append(WriteOutcome(point, value, WriteState.APPLIED))

    def request_reads(self) -> None:
        """Nothing to ask for: reading is instant."""

    def heartbeat(self, count: int) -> None:
        """Nobody watches in process."""

    def _bind(self, connection: Connection, index: int, point: Point) -> None:
        vessel = str(connection.simulation.get("vessel", ""))
        read, write = self._signals(connection, vessel, point.address)
        point = point._replace(gain=point.gain * in_ml(connection, point.address))
        if read is not None:
            self._reads.append((index, read, point))
        if write is not None:
            self._writes[index] = (write, point)

    def _signals(self, connection: Connection, vessel: str, address: str) -> tuple[Read | None, Write | None]:
        if connection.driver == "vicell_blu":
            return self._counter.signals(address)
        sensor, actuator = signal_names(connection, address)
        there = self._plant.sensors[vessel].keys() | self._plant.actuators[vessel].keys() | {""}
        if missing := {sensor, actuator} - there:
            raise ValueError(f"{vessel} has no {', '.join(missing)} behind {address}: see `fitted` in its simulation")
        write = self._actuator(vessel, actuator) if actuator else None
        if sensor:
            return self._sensor(vessel, sensor), write
        return (lambda: self._plant.actuators[vessel][actuator]), write

    def _sensor(self, vessel: str, name: str) -> Read:
        return lambda: self._plant.sensors[vessel][name]

    def _actuator(self, vessel: str, name: str) -> Write:
        return lambda value: self._plant.actuators[vessel].__setitem__(name, value)


def in_ml(connection: Connection, address: str) -> float:
    """By what a PLC that knows its pumps' mL of a revolution shows and takes more than revolutions: mL, and mL/h."""
    known = connection.simulation.get("pumps")
    pump, _, what = address.partition(".")
    factor = known.get(pump.lower()) if isinstance(known, dict) else None
    if connection.driver != "generic_plc" or factor is None or what not in {"SP", "Total"}:
        return 1.0
    return float(str(factor)) * (MINUTES_PER_HOUR if what == "SP" else 1.0)


def signal_names(connection: Connection, address: str) -> tuple[str, str]:
    """The plant's sensor and actuator behind a point, "" for none. Raises ``ValueError`` for an unknown point."""
    simulation = connection.simulation
    if connection.driver == "generic_plc":
        sensor, actuator = PLC_SENSORS.get(address, ""), PLC_ACTUATORS.get(address, "")
    elif connection.driver == "hamilton_arc":
        unit, block, *_ = (*address.split("."), "")
        units = simulation.get("units")
        names = {str(key): str(value) for key, value in units.items()} if isinstance(units, dict) else {}
        sensor, actuator = (names.get(unit, "") if block == "PMC1" else ""), ""
    elif isinstance(signals := simulation.get("signals"), dict):
        sensor, actuator = str(signals.get(address, "")), ""
    else:
        pump = simulation.get("pump")
        sensor = f"{pump}_revolutions" if address == "revolutions" else ""
        actuator = f"{pump}_rpm" if address == "speed" else ""
    if not sensor and not actuator:
        raise ValueError(f"the plant has nothing behind {connection.driver} {address}")
    return sensor, actuator
