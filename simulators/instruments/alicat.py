"""Alicat MC series mass-flow controller: serial ASCII, firmware 10v.

Source: Alicat Serial Primer Rev 2, data frame and codes of DOC-MANUAL-MPL; replies shaped like captured ones. Settings:
`unit` (A), `full_scale` (500), `flow_unit` (SCCM), `gas` (N2), `source` (S serial, A analog). Signals: `flow` is what
flows, `setpoint` drives it; alone, the flow follows the setpoint with a lag.
"""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import Callable
from dataclasses import dataclass

from simulators.byte_server import ByteServer, Lines
from simulators.faults import SERIAL_FAULTS
from simulators.instrument import Context

FAULTS = SERIAL_FAULTS
END = b"\r"
LAG_S = 0.3
"""Time constant with which the flow follows the setpoint."""
OVER_RANGE = 1.28
"""Share of full scale above which the flow is flagged."""
STREAM_S = 0.05
GASES = ("Air", "Ar", "CH4", "CO", "CO2", "C2H6", "H2", "He", "N2", "N2O", "Ne", "O2", "C3H8")
MANUFACTURE = (
    "Alicat Scientific", "www.alicat.com", "Ph 520-290-6060", "info@alicat.com", "Model Number MC-500SCCM-D",
    "Serial Number 181010", "Date Manufactured 01/09/2025", "Date Calibrated 01/09/2025", "Calibrated By SIM",
    "Software Revision 10v20.0-R24",
)  # fmt: skip
LAYOUT = (
    "D00 000 Unit ID                    string         1",
    "D01 002 Pressure                   s decimal     7/2 010 02 PSIA",
    "D02 003 Temperature                s decimal     7/2 002 02 `C",
    "D03 004 Volumetric Flow            s decimal     7/2 012 02 CCM",
    "D04 005 Mass Flow                  s decimal     7/2 012 02 SCCM",
    "D05 037 Mass Flow Setpt            s decimal     7/2 012 02 SCCM",
    "D06 006 Gas                        string         6",
)


@dataclass(slots=True)
class Lag:
    """A flow that follows its setpoint; times are process seconds."""

    clock: Callable[[], float]
    value: float = 0.0
    at: float = math.nan

    def follow(self, target: float) -> float:
        """The flow now, `target` having been asked for since the last call."""
        now = self.clock()
        if not math.isnan(self.at):
            self.value += (target - self.value) * -math.expm1(-(now - self.at) / LAG_S)
        self.at = now
        return self.value


class Controller:
    """One device. `flow` measures, `drive` is told the setpoint."""

    def __init__(
        self,
        unit: str,
        full_scale: float,
        gas: str,
        source: str,
        flow: Callable[[float], float],
        drive: Callable[[float], None],
    ) -> None:
        self.unit, self.full_scale = unit, full_scale
        self._flow, self._drive = flow, drive
        self._gas, self._source = gas, source
        self._setpoint, self._locked, self._held, self._variable = 0.0, False, False, 37
        self.streams = False

    def power_up(self) -> None:
        """The setpoint is gone, the valve is free, streaming is off."""
        self._setpoint, self._held, self.streams = 0.0, False, False
        self._drive(0.0)

    def command(self, text: str) -> list[str] | None:
        """Carry out one command: its lines of reply, or None for another device's."""
        text = text.strip()
        if text.upper() == f"@@ {self.unit}":
            self.streams = False
            return None
        if not text.upper().startswith(self.unit):
            return None
        return self._obey(text[1:].strip())

    def frame(self) -> str:
        """The data frame."""
        flow = self._flow(self._setpoint)
        codes = [code for code, on in (
            ("HLD", self._held), ("LCK", self._locked), ("MOV", flow > OVER_RANGE * self.full_scale)
        ) if on]  # fmt: skip
        numbers = (14.62, 21.89, flow, flow, self._setpoint)
        values = " ".join(f"{number:+07.2f}" for number in numbers)
        return " ".join([f"{self.unit} {values}     {self._gas}", *codes])

    def _obey(self, command: str) -> list[str]:
        upper = command.upper()
        match = re.fullmatch(r"(?:LS|S)\s*([+-]?\d+(?:\.\d*)?)", upper)
        if match:
            self._set(float(match[1]))
            return [self._setpoints() if upper.startswith("LS") else self.frame()]
        if upper.isdigit():
            self._set(int(upper) / 64000 * self.full_scale)
            return [self.frame()]
        return self._service(upper)

    def _service(self, command: str) -> list[str]:
        told = self._told(command)
        if told is not None:
            return told
        match command:
            case "" | "V" | "P" | "PC":
                pass
            case "$$L" | "$$U":
                self._locked = command == "$$L"
            case "HP" | "HC" | "C":
                self._held = command != "C"
            case "@ @":
                self.streams = True
                return []
            case _:
                return self._registers(command)
        return [self.frame()]

    def _told(self, command: str) -> list[str] | None:
        """What a question is answered by; None for what is no question."""
        unit = self.unit
        answers: dict[str, Callable[[], list[str]]] = {
            "LS": lambda: [self._setpoints()],
            "LSS": lambda: [f"{unit} {self._source}"],
            "VE": lambda: [f"{unit}   10v20.0-R24 Jan  9 2025,15:04:07"],
            "??M*": lambda: [f"{unit} M{row:02d} {text}" for row, text in enumerate(MANUFACTURE)],
            "??D*": lambda: [*(f"{unit} {line}" for line in LAYOUT), ""],
            "??G*": lambda: [f"{unit} G{number:02d}      {gas}" for number, gas in enumerate(GASES)],
            "$$R46": lambda: [f"{unit}   046 = {GASES.index(self._gas)}"],
            "R122": lambda: [f"{unit}   122 = {self._variable}"],
        }
        answer = answers.get(command)
        return None if answer is None else answer()

    def _registers(self, command: str) -> list[str]:
        if match := re.fullmatch(r"G\s*(\d+)|\$\$W46=(\d+)", command):
            number = int(match[1] or match[2])
            if number >= len(GASES):
                return [f"{self.unit} ?"]
            self._gas = GASES[number]
            return [self.frame()] if match[1] else [f"{self.unit}   046 = {number}"]
        if command == "W122=37":
            return [f"{self.unit}   122 = {self._variable}"]
        return [f"{self.unit} ?"]

    def _set(self, value: float) -> None:
        """Clip to full scale; from an analog source, serial setpoints change nothing, without a word."""
        if self._source != "A":
            self._setpoint = min(max(value, 0.0), self.full_scale)
            self._drive(self._setpoint)

    def _setpoints(self) -> str:
        return f"{self.unit} {self._setpoint:+07.2f} {self._setpoint:+07.2f} 12 SCCM"


async def run(context: Context) -> None:
    """Be one controller until cancelled."""
    spec = context.spec
    lag = Lag(context.clock)

    def alone() -> float:
        """What flows where nothing else says so."""
        return lag.value

    measured, drive = context.source("flow", alone), context.sink("setpoint")

    def flow(setpoint: float) -> float:
        """What flows, the setpoint being what it is."""
        lag.follow(setpoint)
        return measured()

    full_scale, unit = float(str(spec.get("full_scale", 500))), str(spec.get("unit", "A")).upper()
    device = Controller(unit, full_scale, str(spec.get("gas", "N2")), str(spec.get("source", "S")), flow, drive)

    def answer(command: bytes) -> bytes | None:
        """The reply to one command."""
        lines = device.command(command.decode("ascii", "replace"))
        return None if lines is None else b"".join(line.encode() + END for line in lines)

    def readdress(reply: bytes, shift: int) -> bytes:
        """Another letter in front."""
        return bytes([reply[0] + shift]) + reply[1:]

    wire = ByteServer(context, Lines(END), answer, readdress=readdress)
    context.faults.on_reboot = device.power_up
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(_stream(device, wire))
        tasks.create_task(wire.serve(context, "baudrate=19200"))


async def _stream(device: Controller, wire: ByteServer) -> None:
    """Frames unasked, without the letter, while streaming is on."""
    while True:
        await asyncio.sleep(STREAM_S)
        if device.streams:
            wire.send(device.frame()[1:].encode() + END)
