"""Lauda thermostat: ASCII commands on RS-232, RS-485 or TCP.

Source: Lauda manuals LOOP pp. 30-33, PRO p. 46, Microcool MC 250 p. 43, ECO Gold pp. 115 and 125. Every command is
answered, with a value, OK or ERR_ and a number; blanks and underscores mean the same.

Settings: `type` (PRO P 10), `version` (1.08), `low` and `high` (limits of the setpoint, -30 and 150), `external`
(temperature of an external Pt100; none), `stat` (its seven marks of trouble, 0000000), `autostart` (false: in standby
after a power failure), `number` (of an RS-485 device; none), and those of :mod:`simulators.bath`.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping

from simulators.bath import Bath
from simulators.byte_server import ByteServer, Lines
from simulators.faults import SERIAL_FAULTS
from simulators.instrument import Context, Json

FAULTS = SERIAL_FAULTS
END = b"\r"
OVERFLOW, UNKNOWN, SYNTAX, FORBIDDEN, LIMITS_CROSS = "ERR_2", "ERR_3", "ERR_5", "ERR_6", "ERR_32"
LONGEST = 40
STEPS = 8
"""Of the pump."""


class Thermostat:
    """One device."""

    def __init__(self, bath: Bath, spec: Mapping[str, Json]) -> None:
        self._bath = bath
        self._low, self._high = (float(str(spec.get(key, value))) for key, value in (("low", -30.0), ("high", 150.0)))
        self._texts = {"TYPE": str(spec.get("type", "PRO P 10")), "VERSION_R": str(spec.get("version", "1.08"))}
        self._stat = str(spec.get("stat", "0000000")).zfill(7)
        self._external, self._autostart = spec.get("external"), spec.get("autostart", False) is True
        self._pump, self._keys = 4, 0
        self._parameters = {"PAR_00": 5.0, "PAR_01": 60.0, "PAR_02": 20.0, "PAR_03": 10.0}

    def power_up(self) -> None:
        """In standby, unless it may start by itself; its settings are kept."""
        self._bath.on = self._bath.on and self._autostart

    def command(self, text: str) -> str:
        """Carry out one command: its reply."""
        if len(text) > LONGEST:
            return OVERFLOW
        name = text.strip().replace(" ", "_")
        if name in {"START", "STOP"}:
            self._bath.on = name == "START"
            return "OK"
        if found := re.fullmatch(r"OUT_((?:SP|PAR|MODE)_\d\d)_(.*)", name):
            return self._take(found[1], found[2])
        return self._values().get(name.removeprefix("IN_") if name.startswith("IN_") else f"={name}", UNKNOWN)

    def _values(self) -> dict[str, str]:
        bath, external = self._bath, self._external
        numbers = {
            "PV_00": bath.temperature, "PV_01": bath.temperature, "PV_02": 0.4 if bath.on else 0.0, "PV_05": 5.0,
            "SP_00": bath.setpoint, "SP_01": float(self._pump), "SP_04": self._high, "SP_05": self._low, "SP_07": 20.0,
            "SP_08": 0.0, **self._parameters,
        }  # fmt: skip
        if external is not None:
            numbers["PV_03"] = float(str(external))
        return {
            **{name: f"{number:.2f}" for name, number in numbers.items()},
            "PV_10": f"{bath.temperature:.3f}",
            "MODE_00": str(self._keys),
            "MODE_02": str(int(not bath.on)),
            **{f"={name}": text for name, text in self._texts.items()},
            "=STATUS": "-1" if "1" in self._stat[:2] else "0",
            "=STAT": self._stat,
        }

    def _take(self, name: str, text: str) -> str:
        if not re.fullmatch(r"-?(\d{1,4}\.?\d{0,2}|\.\d{1,2})", text):
            return SYNTAX
        value = float(text)
        if name in self._parameters:
            self._parameters[name] = value
        elif name == "SP_00" and self._low <= value <= self._high:
            self._bath.setpoint = value
        elif name == "SP_01" and value in range(1, STEPS + 1):
            self._pump = int(value)
        elif name in {"SP_04", "SP_05"}:
            return self._limit(name, value)
        elif name == "MODE_00" and value in {0.0, 1.0}:
            self._keys = int(value)
        else:
            return FORBIDDEN if name in {"SP_00", "SP_01", "MODE_00"} else UNKNOWN
        return "OK"

    def _limit(self, name: str, value: float) -> str:
        low, high = (self._low, value) if name == "SP_04" else (value, self._high)
        if high <= low:
            return LIMITS_CROSS
        self._low, self._high = low, high
        return "OK"


async def run(context: Context) -> None:
    """Be one thermostat until cancelled."""
    bath = Bath(context, setpoint=20.0)
    device = Thermostat(bath, context.spec)
    number = context.spec.get("number")
    prefix = "" if number is None else f"A{int(str(number)):03d}_"
    end = b"\r" if prefix else b"\r\n"

    def answer(command: bytes) -> bytes | None:
        """The reply to one command, on a bus only to its own."""
        text = command.strip(b"\n").decode("ascii", "replace")
        if not text or not text.replace(" ", "_").startswith(prefix):
            return None
        return (prefix + device.command(text[len(prefix) :])).encode() + end

    def readdress(reply: bytes, shift: int) -> bytes:
        """Another number in front."""
        return reply.replace(prefix.encode(), f"A{int(prefix[1:4]) + shift:03d}_".encode())

    wire = ByteServer(context, Lines(END), answer, readdress=readdress if prefix else None)
    context.faults.on_reboot = device.power_up
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(bath.live())
        tasks.create_task(wire.serve(context, "baudrate=9600"))
