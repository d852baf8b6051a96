"""BlueSens BlueVary off-gas analyser: one Modbus device per channel, each with its value in registers 0 and 1.

Source: the sheet (a public logger's driver). Settings: `co2` (0.04), `gas2` (20.95), both vol-%, `humidity` (45, %);
`units` by channel, ``{"co2": 2, "gas2": 3, "humidity": 4}``; and those of the wire, see :mod:`simulators.modbus_wire`.
Signals: `co2`, `gas2`, `humidity`; with `off_gas` fitted to the vessel ``{"co2": "off_gas_co2", "gas2":
"off_gas_o2"}``.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

from simulators.faults import SERIAL_FAULTS
from simulators.instrument import Context, SpecError
from simulators.modbus_rtu import ILLEGAL_ADDRESS, ILLEGAL_FUNCTION, ILLEGAL_VALUE, Refused
from simulators.modbus_wire import serve_modbus

FAULTS = SERIAL_FAULTS
SERIAL = "baudrate=19200"
UNITS = {"co2": 2, "gas2": 3, "humidity": 4}
USUAL = {"co2": 0.04, "gas2": 20.95, "humidity": 45.0}
HOLDING = 3


class Channel:
    """One channel: a float in two holding registers, the low word in the first."""

    def __init__(self, value: Callable[[], float]) -> None:
        self._value = value

    def perform(self, function: int, payload: bytes) -> bytes:
        """Function 3 only. Raises :class:`Refused`."""
        if function != HOLDING:
            raise Refused(ILLEGAL_FUNCTION)
        if len(payload) != 4:
            raise Refused(ILLEGAL_VALUE)
        start, count = struct.unpack(">HH", payload)
        packed = struct.pack(">f", self._value())
        if count < 1 or start + count > 2:
            raise Refused(ILLEGAL_ADDRESS)
        words = (packed[2:] + packed[:2])[2 * start : 2 * (start + count)]
        return bytes([len(words)]) + words


async def run(context: Context) -> None:
    """Be the channels of one analyser until cancelled."""
    spec = context.spec
    units = spec.get("units", {})
    if not isinstance(units, dict) or not set(units) <= set(UNITS):
        raise SpecError(f"{context.name}: units are those of {', '.join(UNITS)}")

    def constant(role: str) -> Callable[[], float]:
        """What is measured where nothing else says so."""
        value = float(str(spec.get(role, USUAL[role])))
        return lambda: value

    devices = {
        int(str(units.get(role, unit))): Channel(context.source(role, constant(role))) for role, unit in UNITS.items()
    }
    await serve_modbus(context, devices, SERIAL)
