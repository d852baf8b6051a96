"""Watson-Marlow Du pumps: the basic and the enhanced ASCII protocol on RS-232 or RS-485.

Source: Watson-Marlow manuals 520DuN p. 76, 530Du p. 40, 630Du pp. 40-42. Set commands give no reply; only RS, RT and ZY
answer. Metered dosing (DO) is not simulated. Settings: `pump` (base, feed or another that is fitted to its vessel;
feed), `number` (1), `echo`, `model` (520Du; a 323Du has a short status), `protocol` (basic or enhanced), `checksum` (of
enhanced answers: ones or twos), `leak`. Tacho: 10982 pulses per output revolution, 10 for 530, 630 and 730.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from simulators.bus import PUMPS
from simulators.byte_server import ByteServer, Lines
from simulators.faults import SERIAL_FAULTS
from simulators.instrument import Context, SpecError

TACHO_PER_REVOLUTION = 10982
TENTHS = ("530", "630", "730")
"""Models that count tenths of revolutions."""
MAX_RPM = 220.0
TERMINATOR = b"\r"
ML_PER_REV = {"base": 0.025, "acid": 0.025, "antifoam": 0.025}
WIDE_TUBE = 0.10
"""Calibration the technician has entered for the tube of each pump, and of all others, mL per revolution."""

DRIVEN = ("base", "feed", *PUMPS)
MAX_LINE = 64
"""Characters after which an unterminated command is thrown away."""

FAULTS = SERIAL_FAULTS

COMMAND = re.compile(r"(#|\d{1,2})([A-Z]{2})(.*)", re.DOTALL)


@dataclass(slots=True)
class Pump:
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
    model: str = "520Du"

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
        per_revolution = 10 if self.model.startswith(TENTHS) else TACHO_PER_REVOLUTION
        return int((self.revolutions() - self.tacho_zero) * per_revolution)

    def status(self, number: int) -> str:
        """The RS line, under a pump number."""
        direction = "CW" if self.clockwise else "CCW"
        if self.model.startswith("323"):
            return f"{self.model} {self.speed:g} {direction} {int(self.running)} !"
        return (
            f"{self.model} {self.ml_per_rev:g} 520R 1.6MM {self.speed:.1f} {direction} "
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


@dataclass(slots=True)
class Enhanced:
    """The enhanced protocol in front of a pump. `sums` is how the checksum of an answer is complemented."""

    pump: Pump
    sums: str
    leak: bool

    def answer(self, frame: bytes) -> bytes | None:
        """The answer to what stood between two angles."""
        body, comma, checksum = frame.decode("ascii", "replace").rpartition(",")
        address, _, order = body.partition(",")
        code, _, parameter = order.partition(",")
        if checksum.upper() not in {"??", _ones(body + comma), _twos(body + comma)} or "." in parameter:
            return None
        if code == "SP" and not re.fullmatch(r"0*[1-9]\d{0,3}", parameter):
            return None
        number = "#" if address == "0" else address
        reply = self.pump.command(f"{number}{code}{parameter}")
        if reply is None:
            return None
        return self.framed(self.status(self.pump.number) if code == "RS" else f"{self.pump.number},{reply},")

    def status(self, number: int) -> str:
        """The fields of RS, under a pump number."""
        pump, direction = self.pump, "CW" if self.pump.clockwise else "CCW"
        return (
            f"{number},{pump.model},{pump.ml_per_rev:g},520R,1.6,{pump.speed:.1f},{direction},123456789,{pump.tacho},"
            f"{int(pump.running)},{int(self.leak)},0,0,0,0,0,"
        )

    def framed(self, body: str) -> bytes:
        """An answer with its checksum."""
        return f"<{body}{_ones(body) if self.sums == 'ones' else _twos(body)}>".encode()


def _ones(text: str) -> str:
    return f"{255 - sum(text.encode()) % 256:02X}"


def _twos(text: str) -> str:
    return f"{-sum(text.encode()) % 256:02X}"


class Angles:
    """Frames between < and >; what stands outside, and a frame that does not end, is dropped."""

    def __init__(self) -> None:
        self._buffer = b""

    def feed(self, data: bytes) -> list[bytes]:
        """The frames that are complete now, without their angles."""
        *frames, self._buffer = (self._buffer + data).split(b">")
        self._buffer = self._buffer[-MAX_LINE:]
        return [frame.rpartition(b"<")[2] for frame in frames if b"<" in frame]


async def run(context: Context) -> None:
    """Be one pump of a vessel until cancelled."""
    spec = context.spec
    which = str(spec.get("pump", "feed"))
    if which not in DRIVEN:
        raise SpecError(f"pump must be one of {', '.join(DRIVEN)}, not {which!r}")
    pump = Pump(
        number=int(str(spec.get("number", 1))),
        ml_per_rev=ML_PER_REV.get(which, WIDE_TUBE),
        revolutions=partial(context.vessel.read, f"{which}_revolutions"),
        drive=partial(context.vessel.write, f"{which}_rpm"),
        model=str(spec.get("model", "520Du")),
    )
    pump.drive(0.0)
    context.faults.on_reboot = pump.power_up
    wire = _enhanced(context, pump) if spec.get("protocol") == "enhanced" else _basic(context, pump)
    await wire.serve(context, "baudrate=9600&stopbits=2")


def _basic(context: Context, pump: Pump) -> ByteServer:
    def answer(command: bytes) -> bytes | None:
        """The reply to one command; bytes that are not ASCII become marks no command contains."""
        reply = pump.command(command.decode("ascii", "replace"))
        return None if reply is None else reply.encode() + TERMINATOR

    def readdress(reply: bytes, shift: int) -> bytes:
        """Only a status says which pump it is of."""
        return pump.status(pump.number + shift).encode() + TERMINATOR if reply.endswith(b"!\r") else reply

    echo = bool(context.spec.get("echo", False))
    return ByteServer(context, Lines(TERMINATOR, MAX_LINE), answer, echo=echo, readdress=readdress)


def _enhanced(context: Context, pump: Pump) -> ByteServer:
    device = Enhanced(pump, str(context.spec.get("checksum", "twos")), bool(context.spec.get("leak", False)))

    def readdress(reply: bytes, shift: int) -> bytes:
        """The same answer under another number."""
        _, _, rest = reply[1:-3].decode().partition(",")
        return device.framed(f"{pump.number + shift},{rest}")

    echo = bool(context.spec.get("echo", False))
    return ByteServer(context, Angles(), device.answer, echo=echo, readdress=readdress)
