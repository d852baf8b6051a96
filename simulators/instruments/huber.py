"""Huber thermostat: PB commands on RS-232 or TCP.

Source: Huber manual Data Communication PB V1.2.0 (frames); variables as two independent drivers know them. A frame that
is none is not answered; a variable that does not exist is 7FFF; a value that is not taken is answered by the one that
is kept. What is set by PB commands is not stored: after a power failure the panel's setpoint is back.

Settings: `low` and `high` (limits of the setpoint, -40 and 150), `process` (temperature of its process sensor; none),
`error` and `warning` (0, or a number below), `without` (variables it lacks, such as ["02", "05"]), `read_only` (true:
nothing can be set), `serial` (123456), and those of :mod:`simulators.bath`.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping

from simulators.bath import Bath
from simulators.byte_server import ByteServer, Lines
from simulators.faults import LINE_FAULTS
from simulators.instrument import Context, Json

FAULTS = LINE_FAULTS
END = b"\r\n"
FRAME = re.compile(r"\{M([0-9A-Fa-f]{2})(\*{4}|[0-9A-Fa-f]{4})")
NOT_AVAILABLE = 0x7FFF
NO_SENSOR = -15100
PANEL_SETPOINT = 20.0
HEATER_W = 2000.0
PUMP_RPM = 2500
SETPOINT, TEMPERING, CIRCULATION, ERROR, WARNING = 0x00, 0x14, 0x16, 0x05, 0x06


class Thermostat:
    """One device. Variables are signed 16-bit numbers, temperatures in 0.01 Cel."""

    def __init__(self, bath: Bath, spec: Mapping[str, Json]) -> None:
        self._bath = bath
        self._limits = tuple(_hundredths(spec.get(key, value)) for key, value in (("low", -40.0), ("high", 150.0)))
        self._process = NO_SENSOR if spec.get("process") is None else _hundredths(spec["process"])
        self._faults = {ERROR: int(str(spec.get("error", 0))), WARNING: int(str(spec.get("warning", 0)))}
        without = spec.get("without", [])
        self._without = {int(str(address), 16) for address in without} if isinstance(without, list) else set()
        self._read_only, self._serial = spec.get("read_only", False) is True, int(str(spec.get("serial", 123456)))
        self._circulates = False

    def power_up(self) -> None:
        """It stands, at the setpoint that its panel remembers."""
        self._bath.on, self._bath.setpoint, self._circulates = False, PANEL_SETPOINT, False

    def command(self, text: str) -> str | None:
        """Carry out one frame: its reply, or None."""
        found = FRAME.fullmatch(text)
        if found is None:
            return None
        address = int(found[1], 16)
        if found[2] != "****" and not self._read_only:
            number = int(found[2], 16)
            self._set(address, number - 0x10000 if number & 0x8000 else number)
        value = NOT_AVAILABLE if address in self._without else self._values().get(address, NOT_AVAILABLE)
        return f"{{S{address:02X}{value & 0xFFFF:04X}"

    def _values(self) -> dict[int, int]:
        bath, pumps = self._bath, self._bath.on or self._circulates
        status = bath.on | pumps << 1 | pumps << 4 | bool(self._faults[ERROR]) << 8 | bool(self._faults[WARNING]) << 9
        return {
            SETPOINT: _hundredths(bath.setpoint),
            0x01: _hundredths(bath.temperature),
            0x02: _hundredths(bath.temperature - 0.3),
            0x03: 350 if pumps else 0,
            0x04: round(bath.power * HEATER_W / 100.0),
            **self._faults,
            0x07: self._process,
            0x0A: status,
            0x0F: 620,
            TEMPERING: int(bath.on),
            CIRCULATION: int(pumps),
            0x1B: self._serial & 0xFFFF,
            0x1C: self._serial >> 16,
            0x26: PUMP_RPM if pumps else 0,
            0x30: self._limits[0],
            0x31: self._limits[1],
            0x48: PUMP_RPM,
            0x5C: 200,
        }

    def _set(self, address: int, number: int) -> None:
        low, high = self._limits
        if address == SETPOINT and low <= number <= high:
            self._bath.setpoint = number / 100.0
        elif address == TEMPERING and number in {0, 1} and not self._faults[ERROR]:
            self._bath.on = number == 1
        elif address == CIRCULATION and number in {0, 1}:
            self._circulates = number == 1
        elif address in self._faults and number == 1:
            self._faults[address] = 0


def _hundredths(value: Json) -> int:
    return round(100.0 * float(str(value)))


async def run(context: Context) -> None:
    """Be one thermostat until cancelled."""
    bath = Bath(context, PANEL_SETPOINT)
    device = Thermostat(bath, context.spec)

    def answer(command: bytes) -> bytes | None:
        """The reply to one frame."""
        reply = device.command(command.decode("ascii", "replace"))
        return None if reply is None else reply.encode() + END

    wire = ByteServer(context, Lines(END), answer)
    context.faults.on_reboot = device.power_up
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(bath.live())
        tasks.create_task(wire.serve(context, "baudrate=9600"))
