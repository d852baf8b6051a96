"""Which signal of the plant is behind a point of an instrument."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
