"""Which signal of the plant is behind a point of an instrument."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from controller.config.site import Connection

PLC_SENSORS = {
    "Temp.PV": "temperature", "Jacket.PV": "jacket_temperature", "Agit.PV": "agitation", "Air.PV": "air", "O2.PV": "o2",
    "CO2.PV": "co2", "N2.PV": "n2", "Weight.PV": "weight", "Pressure.PV": "pressure",
}  # fmt: skip
PLC_ACTUATORS = {
    "Heater.OP": "heater", "Agit.SP": "agitation_sp", "Air.SP": "air_sp", "O2.SP": "o2_sp",
    "CO2.SP": "co2_sp", "N2.SP": "n2_sp",
}  # fmt: skip


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
    else:
        pump = simulation.get("pump")
        sensor = f"{pump}_revolutions" if address == "revolutions" else ""
        actuator = f"{pump}_rpm" if address == "speed" else ""
    if not sensor and not actuator:
        raise ValueError(f"the plant has nothing behind {connection.driver} {address}")
    return sensor, actuator
