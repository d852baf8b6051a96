"""Masterflex L/S computerised drive on its chain.

Source: manuals A-1299-0996 and A-1299-1127, drivers of other authors for what the manuals' text leaves open. Settings:
`number` (0: none until it is given one), `slowest` and `fastest` (10 and 600 rpm), `naks_go` (true for a drive that
answers a start with NAK, and starts). Signals: `speed` is told how fast it turns clockwise, `revolutions` is what it
has turned; alone, it turns as it is told. Auxiliary inputs and outputs are not simulated.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass

from simulators.byte_server import ByteServer
from simulators.faults import LINE_FAULTS
from simulators.instrument import Context

FAULTS = LINE_FAULTS
STX, ENQ, ACK, NAK, CR = 0x02, 0x05, b"\x06", b"\x15", 0x0D
LONGEST = 64
FRAME = re.compile(r"[\x02\x05]P(\d\d)(.*)", re.DOTALL)
ONE = re.compile(r"S[+-]\d+(?:\.\d*)?|V\d+(?:\.\d*)?|U\d\d|G0|Z0|[SIECKGHZRL]")
INVALID_COMMAND, INVALID_DATA = 4, 5


class Frames:
    """ENQ alone, or from STX or ENQ to CR; what stands before is noise."""

    def __init__(self) -> None:
        self._buffer = b""

    def feed(self, data: bytes) -> list[bytes]:
        """The frames that are complete now."""
        self._buffer = (self._buffer + data)[-LONGEST:]
        found = []
        while self._buffer:
            if self._buffer[0] not in {STX, ENQ}:
                self._buffer = self._buffer[1:]
            elif self._buffer[0] == ENQ and self._buffer[1:2] != b"P":
                found.append(self._buffer[:1])
                self._buffer = self._buffer[1:]
            elif CR in self._buffer:
                frame, _, self._buffer = self._buffer.partition(bytes([CR]))
                found.append(frame)
            else:
                break
        return found


@dataclass(slots=True)
class Drive:
    """Times are process seconds. `drive` is told the clockwise speed."""

    number: int
    slowest: float
    fastest: float
    naks_go: bool
    clock: Callable[[], float]
    drive: Callable[[float], None]
    speed: float = 0.0
    running: bool = False
    remote: bool = False
    to_go: float = 0.0
    turned: float = 0.0
    zeroed: float = 0.0
    error: int = 0
    revolutions: Callable[[], float] = lambda: 0.0
    _until: float = math.inf
    _at: float = 0.0

    def power_up(self) -> None:
        """Standing, without a number, under local control."""
        self.number, self.running, self.remote, self.speed, self.to_go, self.error = 0, False, False, 0.0, 0.0, 0
        self.drive(0.0)

    def advance(self) -> None:
        """Turn until now."""
        now = self.clock()
        passed, self._at = now - self._at, now
        if not self.running:
            return
        step = min(abs(self.speed) * passed / 60.0, self._until)
        self.turned += step
        self._until -= step
        self.to_go = max(self.to_go - step, 0.0) if math.isfinite(self._until) else self.to_go
        if self._until <= 1e-9:
            self._halt()

    def answer(self, frame: bytes) -> bytes | None:
        """The answer to one frame, or None for another drive's."""
        self.advance()
        text = frame.decode("ascii", "replace")
        if frame == bytes([ENQ]):
            return b"\x02P?0\r" if not self.number else None
        match = FRAME.fullmatch(text)
        if match is None:
            return NAK if self.number else None
        number, commands = int(match[1]), match[2]
        if not self.number and not commands and number:
            self.number = number
            return ACK
        if number != self.number or not number:
            return None
        return self._obey(commands)

    def _obey(self, text: str) -> bytes:
        commands = ONE.findall(text)
        if not commands or "".join(commands) != text:
            self.error = INVALID_COMMAND
            return NAK
        reply = ACK
        for command in commands:
            told = self._told(command)
            if told is not None:
                return b"\x02" + told.encode() + b"\r"
            if not self._do(command):
                self.error = INVALID_DATA
                return NAK
            if self.naks_go and command.startswith("G"):
                reply = NAK
        self.error = 0
        return reply

    def _told(self, command: str) -> str | None:
        """The answer to a question; None for what is none."""
        match command:
            case "S":
                return f"S{self.speed:+06.1f}"
            case "I":
                return f"I{int(self.remote)}00{3 if self.running else 1}{self.error}"
            case "E":
                return f"E{self.to_go:08.2f}"
            case "C":
                return f"C{self.revolutions() - self.zeroed:08.2f}"
            case "K":
                return "K0"
        return None

    def _do(self, command: str) -> bool:
        """Carry out one command; whether it can be."""
        match command[0]:
            case "S":
                return self._set_speed(float(command[1:]))
            case "V":
                self.to_go = float(command[1:])
            case "G":
                return self._go(command == "G0")
            case "H":
                self._halt()
            case "Z":
                self.to_go = 0.0
                self.zeroed = self.revolutions() if command == "Z0" else self.zeroed
            case "R" | "L":
                self.remote = command == "R"
            case "U":
                self.number = int(command[1:])
        return True

    def _set_speed(self, speed: float) -> bool:
        if not self.slowest <= abs(speed) <= self.fastest or (self.running and speed * self.speed < 0):
            return False
        self.speed = speed
        self._tell()
        return True

    def _go(self, on: bool) -> bool:
        if not self.remote or not self.speed or not (on or self.to_go):
            return False
        self.running, self._until = True, math.inf if on else self.to_go
        self._tell()
        return True

    def _halt(self) -> None:
        self.running = False
        self._tell()

    def _tell(self) -> None:
        self.drive(max(self.speed, 0.0) if self.running else 0.0)


async def run(context: Context) -> None:
    """Be one drive until cancelled."""
    spec = context.spec
    drive = Drive(
        int(str(spec.get("number", 0))),
        float(str(spec.get("slowest", 10.0))),
        float(str(spec.get("fastest", 600.0))),
        bool(spec.get("naks_go", False)),
        context.clock,
        context.sink("speed"),
    )
    drive.revolutions = context.source("revolutions", lambda: drive.turned)
    drive.remote = bool(drive.number)
    wire = ByteServer(context, Frames(), drive.answer)
    context.faults.on_reboot = drive.power_up
    # The drive's own 7 data bits and odd parity are what no pseudo-terminal can be set to.
    await wire.serve(context, "baudrate=4800&bytesize=8&parity=N")
