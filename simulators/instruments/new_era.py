"""New Era NE-1000 syringe pump: RS-232 in basic and safe mode.

Source: NE-1000 manual 1200-01, pp. 38-39. Settings: `number` (0), `model` (NE1000V3.923), `diameter` (26.59 mm), `safe`
(seconds of its communication timeout, 0 for basic mode; kept over power cycles), `stall_after` (mL at which the motor
sticks). Signals: `flow` is told what is infused in mL/min, negative while it withdraws; `infused` in mL is what was
pumped; alone, it pumps as it is told. Pauses, triggers and other functions than RAT and STP are not simulated.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable

from simulators.byte_server import ByteServer
from simulators.faults import SERIAL_FAULTS
from simulators.instrument import Context
from simulators.instruments.new_era_pump import SyringePump

FAULTS = SERIAL_FAULTS
STX, ETX, CR = b"\x02", b"\x03", b"\r"
TOGETHER_S = 0.5
"""Silence within a packet after which it is dropped."""
LOOK_S = 0.02
DAMAGED = b"\x02\x02"
"""Stands for a packet whose checksum is wrong."""


def crc16(data: bytes) -> bytes:
    """CCITT, polynomial 0x1021, from 0; high byte first."""
    crc = 0
    for byte in data:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1) ^ 0x1021 if crc & 0x8000 else crc << 1
            crc &= 0xFFFF
    return crc.to_bytes(2, "big")


class Packets:
    """Lines ended by CR and safe packets, these with STX in front; in safe mode, packets only."""

    def __init__(self, only_safe: Callable[[], bool]) -> None:
        self._only_safe = only_safe
        self._buffer, self._at = b"", 0.0

    def feed(self, data: bytes) -> list[bytes]:
        """The commands that are complete now."""
        now = time.monotonic()
        self._buffer = (self._buffer if now - self._at < TOGETHER_S else b"") + data
        self._at = now
        found = []
        while (command := self._next()) is not None:
            found.append(command)
        return [command for command in found if command]

    def _next(self) -> bytes | None:
        if self._buffer[:1] != STX:
            line, end, rest = self._buffer.partition(CR)
            if not end:
                return None
            self._buffer = rest
            return b"" if self._only_safe() else line
        size = 1 + self._buffer[1] if len(self._buffer) > 1 else 0
        if not size or len(self._buffer) < size:
            return None
        packet, self._buffer = self._buffer[:size], self._buffer[size:]
        intact = packet[-1:] == ETX and crc16(packet[2:-3]) == packet[-3:-1]
        return STX + packet[2:-3] if intact else DAMAGED


class Wire:
    """What is said and heard: addresses, modes, alarms."""

    def __init__(self, pump: SyringePump, number: int, safe_s: int) -> None:
        self.pump, self._number, self.safe_s = pump, number, safe_s
        self._heard_at: float | None = None

    def answer(self, command: bytes) -> bytes | None:
        """The answer to one command, or None for another pump's."""
        text = re.sub(r"\s", "", command.removeprefix(STX).decode("ascii", "replace")).upper()
        match = re.fullmatch(r"(\d{0,2})(.*)", text, re.DOTALL)
        if match is None or int(match[1] or 0) != self._number:
            return self._framed("?COM") if command == DAMAGED else None
        self._heard_at = time.monotonic()
        self.pump.advance()
        if self.pump.alarm:
            return self.alarm()
        setting = re.fullmatch(r"SAF(\d{0,3})", match[2])
        if setting is None:
            return self._framed(self.pump.command(match[2]))
        if not setting[1]:
            return self._framed(str(self.safe_s))
        if int(setting[1]) > 255:
            return self._framed("?OOR")
        self.safe_s = int(setting[1])
        return self._framed("")

    def unasked(self) -> bytes | None:
        """An alarm, in safe mode."""
        self.pump.advance()
        if self.safe_s and self._heard_at is not None and time.monotonic() - self._heard_at > self.safe_s:
            self._heard_at = None
            self.pump.stop("T")
        return self.alarm() if self.safe_s and self.pump.alarm else None

    def alarm(self) -> bytes:
        """The alarm that waits; it is told once."""
        letter, self.pump.alarm = self.pump.alarm, ""
        return self._packed(f"{self._number:02d}A?{letter}")

    def power_up(self) -> None:
        """The timeout counts from the first packet."""
        self._heard_at = None
        self.pump.power_up()

    def readdress(self, reply: bytes, shift: int) -> bytes:
        """The same answer from another pump."""
        text = reply[2:-3] if self.safe_s else reply[1:-1]
        return self._packed(f"{(int(text[:2]) + shift) % 100:02d}{text[2:].decode()}")

    def _framed(self, data: str) -> bytes:
        return self._packed(f"{self._number:02d}{self.pump.status}{data}")

    def _packed(self, text: str) -> bytes:
        body = text.encode("ascii", "replace")
        if not self.safe_s:
            return STX + body + ETX
        return STX + bytes([len(body) + 4]) + body + crc16(body) + ETX


async def run(context: Context) -> None:
    """Be one pump until cancelled."""
    spec = context.spec
    pump = SyringePump(
        str(spec.get("model", "NE1000V3.923")),
        float(str(spec.get("diameter", 26.59))),
        context.clock,
        context.sink("flow"),
        float(str(spec.get("stall_after", "inf"))),
    )
    infused = context.source("infused", lambda: pump.done["INF"])
    device = Wire(pump, int(str(spec.get("number", 0))), int(str(spec.get("safe", 0))))

    def answer(command: bytes) -> bytes | None:
        """The reply to one command; what was infused is what the vessel says."""
        pump.advance()
        pump.done["INF"] = infused()
        return device.answer(command)

    server = ByteServer(context, Packets(lambda: bool(device.safe_s)), answer, readdress=device.readdress)
    context.faults.on_reboot = device.power_up
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(_watch(device, server))
        tasks.create_task(server.serve(context, "baudrate=19200"))


async def _watch(device: Wire, server: ByteServer) -> None:
    """Alarms, as they come."""
    while True:
        await asyncio.sleep(LOOK_S)
        alarm = device.unasked()
        if alarm is not None:
            server.send(alarm)
