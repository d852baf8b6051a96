"""Watson-Marlow 520Du pump: the basic ASCII protocol on RS-232.

Source: Watson-Marlow 520DuN manual p. 76. Set commands give no reply; only RS, RT and ZY answer. Metered dosing (DO)
is not simulated. Tacho: 10982 pulses per output revolution.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from simulators.byte_server import ByteServer, Lines
from simulators.faults import SERIAL_FAULTS
from simulators.instrument import Context

TACHO_PER_REVOLUTION = 10982
MAX_RPM = 220.0
TERMINATOR = b"\r"
ML_PER_REV = {"base": 0.025, "feed": 0.10}
"""Calibration the technician has entered for the tube of each pump, mL per revolution."""

MAX_LINE = 64
"""Characters after which an unterminated command is thrown away."""

FAULTS = SERIAL_FAULTS

COMMAND = re.compile(r"(#|\d{1,2})([A-Z]{2})(.*)", re.DOTALL)


@dataclass(slots=True)
class Pump520:
    """One pump: number, speed in rev/min, direction, running, tacho count since the last TC.

    `revolutions` gives the revolutions the rotor has made since the simulation began; `drive` is told the speed the
    rotor has now (0 when stopped or turning backwards: the line has a check valve).
    """

    number: int
    ml_per_rev: float
    revolutions: Callable[[], float]
    drive: Callable[[float], None]
    speed: float = 0.0
    running: bool = False
    clockwise: bool = True
    tacho_zero: float = 0.0

    def command(self, text: str) -> str | None:
        """Carry out one command without its terminator; the reply without terminator, or None.

        Anything not understood, out of range or meant for another pump is ignored without a word, as by the pump.
        """
        match = COMMAND.fullmatch(text.strip())
        if match is None or match[1] not in {"#", str(self.number)}:
            return None
        code, argument = match[2], match[3]
        if code in {"RS", "RT", "ZY"}:
            return None if match[1] == "#" else self._query(code)
        self._set(code, argument)
        self.drive(self.speed if self.running and self.clockwise else 0.0)
        return None

    def power_up(self) -> None:
        """Standing, at the speed it had; the tacho counts from zero."""
        self.running, self.tacho_zero = False, self.revolutions()
        self.drive(0.0)

    @property
    def tacho(self) -> int:
        """Tacho pulses since the last TC."""
        return int((self.revolutions() - self.tacho_zero) * TACHO_PER_REVOLUTION)

    def status(self, number: int) -> str:
        """The RS line, under a pump number."""
        direction = "CW" if self.clockwise else "CCW"
        return (
            f"520Du {self.ml_per_rev:g} 520R 1.6MM {self.speed:.1f} {direction} "
            f"P/N {number} {self.tacho} {int(self.running)} !"
        )

    def _query(self, code: str) -> str:
        if code == "ZY":
            return str(int(self.running))
        return str(self.tacho) if code == "RT" else self.status(self.number)

    def _set(self, code: str, argument: str) -> None:
        match code:
            case "SP":
                self._set_speed(argument)
            case "SI" | "SD":
                self.speed = min(max(self.speed + (1.0 if code == "SI" else -1.0), 0.0), MAX_RPM)
            case "GO" | "ST":
                self.running = code == "GO"
            case "RR" | "RL" | "RC":
                self.clockwise = not self.clockwise if code == "RC" else code == "RR"
            case "TC":
                self.tacho_zero = self.revolutions()

    def _set_speed(self, argument: str) -> None:
        if re.fullmatch(r"\d{1,3}(\.\d)?", argument) and float(argument) <= MAX_RPM:
            self.speed = float(argument)


async def run(context: Context) -> None:
    """Be one pump of a vessel (`pump`: base or feed) until cancelled."""
    which = str(context.spec["pump"])
    pump = Pump520(
        number=int(str(context.spec.get("number", 1))),
        ml_per_rev=ML_PER_REV[which],
        revolutions=partial(context.vessel.read, f"{which}_revolutions"),
        drive=partial(context.vessel.write, f"{which}_rpm"),
    )
    pump.drive(0.0)

    def answer(command: bytes) -> bytes | None:
        """The reply to one command; bytes that are not ASCII become marks no command contains."""
        reply = pump.command(command.decode("ascii", "replace"))
        return None if reply is None else reply.encode() + TERMINATOR

    def readdress(reply: bytes, shift: int) -> bytes:
        """Only a status says which pump it is of."""
        return pump.status(pump.number + shift).encode() + TERMINATOR if reply.endswith(b"!\r") else reply

    echo = bool(context.spec.get("echo", False))
    wire = ByteServer(context, Lines(TERMINATOR, MAX_LINE), answer, echo=echo, readdress=readdress)
    context.faults.on_reboot = pump.power_up
    await wire.serve(context, "baudrate=9600&stopbits=2")
