"""Which signal of the plant is behind a point of an instrument."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, NamedTuple

from controller.composition.rehearsal.refusal import Unrehearsed
from controller.config.problems import Path, nearest

if TYPE_CHECKING:
    from controller.config.site import Connection

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
DRIVERS = ("generic_plc", "hamilton_arc", "vicell_blu", "watson_marlow")
"""Whose instruments a rehearsal knows by themselves."""
UNITS, PUMP = {"1": "ph", "2": "do"}, "feed"
"""What the probes of a line measure and which pump it is where the simulation does not say, as on the wire."""


def in_ml(connection: Connection, address: str) -> float:
    """By what a PLC that knows its pumps' mL of a revolution shows and takes more than revolutions: mL, and mL/h."""
    known = connection.simulation.get("pumps")
    pump, _, what = address.partition(".")
    factor = known.get(pump.lower()) if isinstance(known, dict) else None
    if connection.driver != "generic_plc" or factor is None or what not in {"SP", "Total"}:
        return 1.0
    return float(str(factor)) * (MINUTES_PER_HOUR if what == "SP" else 1.0)


class Behind(NamedTuple):
    """The plant's sensor and actuator behind a point, "" for none, and the key in its connection that says so."""

    sensor: str
    actuator: str
    path: Path

    def check(self, readings: Collection[str], actuators: Collection[str]) -> None:
        """Raises :class:`Unrehearsed` for a signal that the vessel does not have, or not as this."""
        if self.sensor and self.sensor not in readings:
            if self.sensor in actuators:
                message = f"{self.sensor} is an actuator, and what `signals` names is only read in a rehearsal"
                raise Unrehearsed(self.path, message, f"readings: {', '.join(readings)}")
            raise _missing(self.path, self.sensor, readings)
        if self.actuator and self.actuator not in actuators:
            raise _missing(self.path, self.actuator, actuators)


def behind(connection: Connection, address: str) -> Behind:
    """What of the plant is behind a point. Raises :class:`Unrehearsed` for what a rehearsal does not know."""
    driver = connection.driver
    if driver == "generic_plc":
        found = Behind(PLC_SENSORS.get(address, ""), PLC_ACTUATORS.get(address, ""), ("driver",))
        known = [*PLC_SENSORS, *PLC_ACTUATORS]
    elif driver == "hamilton_arc":
        found, known = _probe(connection, address)
    elif driver == "watson_marlow":
        found, known = _pump(connection, address)
    else:
        found, known = _named(connection, address)
    if not found.sensor and not found.actuator:
        silent = f": `{found.path[-1]}` does not name it" if found.path[0] == "simulation" else ""
        message = f"a rehearsal has nothing of the vessel behind {driver} {address}{silent}"
        raise Unrehearsed(found.path, message, nearest(address, known))
    return found


def _probe(connection: Connection, address: str) -> tuple[Behind, list[str]]:
    """A sensor of the line, by its number."""
    unit, block, *_ = (*address.split("."), "")
    units = connection.simulation.get("units", UNITS)
    names = {str(key): str(value) for key, value in units.items()} if isinstance(units, dict) else {}
    path: Path = ("simulation", "units")
    sensor = names.get(unit, "") if block == "PMC1" else ""
    return Behind(sensor, "", (*path, unit) if sensor else path), list(names)


def _pump(connection: Connection, address: str) -> tuple[Behind, list[str]]:
    """What turns, and how often it has."""
    pump = connection.simulation.get("pump", PUMP)
    if pump not in PUMPS:
        message = f"a rehearsal knows no pump {str(pump)!r}"
        raise Unrehearsed(("simulation", "pump"), message, nearest(str(pump), PUMPS))
    sensor = f"{pump}_revolutions" if address == "revolutions" else ""
    actuator = f"{pump}_rpm" if address == "speed" else ""
    known = ["revolutions", "speed"]
    return Behind(sensor, actuator, ("simulation", "pump") if address in known else ("driver",)), known


def _named(connection: Connection, address: str) -> tuple[Behind, list[str]]:
    """A reading that the simulation names."""
    signals = connection.simulation.get("signals")
    if not isinstance(signals, dict):
        message = f"a rehearsal cannot show a {connection.driver}"
        hint = f"it knows {', '.join(DRIVERS)}, and of others the readings that `signals` in their simulation names"
        raise Unrehearsed(("driver",), message, hint)
    path: Path = ("simulation", "signals")
    signal = str(signals.get(address, ""))
    return Behind(signal, "", (*path, address) if signal else path), list(signals)


def _missing(path: Path, signal: str, there: Collection[str]) -> Unrehearsed:
    fitting = signal.removesuffix("_rpm").removesuffix("_revolutions")
    hint = f"`fitted: [{fitting}]` in its simulation, if it has one" if fitting in PUMPS else nearest(signal, [*there])
    return Unrehearsed(path, f"the vessel has no {signal}", hint)
