"""Julabo circulator: interface commands on RS-232 or RS-485.

Source: Julabo manuals Magnum 91 p. 66, SL 26 p. 82, FL601 pp. 39-40, CORIO CD/CP ch. 11. Out commands have no reply;
what is wrong with one is told by the next `status`, once. An unknown in command is not answered at all.

Settings: `version` (what it says of itself), `commands` (full, or basic as of a CORIO CD), `remote` (true; false: the
panel has control), `low` and `high` (limits of the setpoint, -30 and 200), `alarm` (a status such as
"-01 LOW LEVEL ALARM"), `watchdog` (process seconds without a new setpoint after which it stops, 0: never), `external`
(temperature of an external sensor; none), `number` (of an RS-485 device; none), `xon` (true: flow-control bytes around
its replies), `line_feed_only` (true: replies as of older firmware), and those of :mod:`simulators.bath`.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping

from simulators.bath import Bath
from simulators.byte_server import ByteServer, Lines
from simulators.faults import SERIAL_FAULTS
from simulators.instrument import Context, Json

FAULTS = SERIAL_FAULTS
END = b"\r"
LINE = "baudrate=4800&bytesize=8&parity=N"
"""The instrument speaks 7E1. A pseudo-terminal has no such thing, and refuses to be set to it."""
VERSION = "JULABO CRYOCOMPACT CF31 VERSION 5.0"
BASIC = ("pv_00", "pv_01", "pv_03", "pv_04", "sp_00", "mode_05")
NO_SENSOR = "---.--"
INVALID = "-08 INVALID COMMAND"
NOT_ALLOWED = "-09 COMMAND NOT ALLOWED IN CURRENT OPERATING MODE"
TOO_SMALL = "-10 VALUE TOO SMALL"
TOO_LARGE = "-11 VALUE TOO LARGE"
WATCHDOG = "-1501 SERIAL WATCHDOG ALARM"
STATES = (("00 MANUAL STOP", "01 MANUAL START"), ("02 REMOTE STOP", "03 REMOTE START"))


class Circulator:
    """One device."""

    def __init__(self, bath: Bath, spec: Mapping[str, Json], clock: Callable[[], float]) -> None:
        self._bath, self._clock = bath, clock
        self._watchdog_s, self._told_at = float(str(spec.get("watchdog", 0.0))), clock()
        self._version, self._alarm = str(spec.get("version", VERSION)), str(spec.get("alarm", ""))
        self._remote, self._basic = spec.get("remote", True) is True, spec.get("commands") == "basic"
        self._external = spec.get("external")
        low, high = (float(str(spec.get(key, value))) for key, value in (("low", -30.0), ("high", 200.0)))
        self._settings = {"sp_00": bath.setpoint, "sp_01": 31.0, "sp_02": 32.0, "sp_03": high, "sp_04": low}
        self._choices = {"sp_07": 1, "mode_01": 0, "mode_04": 0, "mode_05": 0}
        self._limits = {
            **dict.fromkeys(self._settings, (low, high)),
            "sp_07": (1, 4), "mode_01": (0, 2), "mode_04": (0, 1), "mode_05": (0, 1),
        }  # fmt: skip
        self._complaint = ""

    def power_up(self) -> None:
        """It stands, whatever it did before, and keeps its settings."""
        self._choices["mode_05"], self._complaint = 0, ""
        self._told_at = self._clock()
        self._apply()

    def command(self, text: str) -> str | None:
        """Carry out one command: its reply, or None."""
        if self._watchdog_s and self._clock() - self._told_at > self._watchdog_s:
            self._alarm, self._choices["mode_05"] = WATCHDOG, 0
            self._apply()
        word, _, argument = text.strip().lower().partition(" ")
        direction, _, name = word.partition("_")
        if word == "version":
            return self._version
        if word == "status":
            return self._status()
        if direction == "in" and not argument and self._knows(name):
            return self._values()[name]
        if direction == "out" and name in self._limits and self._knows(name):
            self._complaint = self._take(name, argument.strip())
        else:
            self._complaint = INVALID
        return None

    def _knows(self, name: str) -> bool:
        return name in (BASIC if self._basic else self._values())

    def _status(self) -> str:
        told, self._complaint = self._complaint, ""
        return told or self._alarm or STATES[self._remote][self._choices["mode_05"]]

    def _values(self) -> dict[str, str]:
        bath = self._bath
        return {
            "pv_00": f"{bath.temperature:.2f}",
            "pv_01": f"{bath.power:.1f}",
            "pv_02": NO_SENSOR if self._external is None else f"{float(str(self._external)):.2f}",
            "pv_03": f"{bath.temperature + 0.2:.2f}",
            "pv_04": "210",
            **{name: f"{setting:.2f}" for name, setting in self._settings.items()},
            **{name: str(choice) for name, choice in self._choices.items()},
        }

    def _take(self, name: str, argument: str) -> str:
        """Set a value; what is wrong with it, or nothing."""
        if not self._remote:
            return NOT_ALLOWED
        if not re.fullmatch(r"[+-]?\d{1,4}(\.\d*)?", argument):
            return INVALID
        value = float(argument)
        low, high = self._limits[name]
        if not low <= value <= high:
            return TOO_SMALL if value < low else TOO_LARGE
        if name == "mode_05" and self._alarm.endswith("ALARM"):
            return NOT_ALLOWED
        if name in self._choices:
            self._choices[name] = int(value)
        else:
            self._settings[name] = round(value, 2)
            self._told_at = self._clock()
        self._apply()
        return ""

    def _apply(self) -> None:
        self._bath.on = self._choices["mode_05"] == 1
        self._bath.setpoint = self._settings[f"sp_{self._choices['mode_01']:02d}"]


async def run(context: Context) -> None:
    """Be one circulator until cancelled."""
    spec = context.spec
    bath = Bath(context, setpoint=25.0)
    device = Circulator(bath, spec, context.clock)
    number = spec.get("number")
    prefix = "" if number is None else f"A{int(str(number)):03d}_"
    end = b"\n" if spec.get("line_feed_only") else b"\r\n"
    before, after = (b"\x13", b"\x11") if spec.get("xon") else (b"", b"")

    def answer(command: bytes) -> bytes | None:
        """The reply to one command."""
        text = command.decode("ascii", "replace").strip("\n")
        if not text.upper().startswith(prefix):
            return None
        reply = device.command(text[len(prefix) :])
        return None if reply is None else before + (prefix + reply).encode() + end + after

    def readdress(reply: bytes, shift: int) -> bytes:
        """Another number in front."""
        return reply.replace(prefix.encode(), f"A{int(prefix[1:4]) + shift:03d}_".encode())

    wire = ByteServer(context, Lines(END), answer, readdress=readdress if prefix else None)
    context.faults.on_reboot = device.power_up
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(bath.live())
        tasks.create_task(wire.serve(context, LINE))
