"""Alicat MC series mass-flow controllers and meters: serial ASCII.

Settings: `unit` (A), `full_scale` (500), `flow_unit` (SCCM), `gas` (N2), `source` (S serial, A analog, U user),
`firmware` (10v20.0-R24; before 9v there is no LS, before 6v the rows of its layout are others), `meter` (true: without
a setpoint), `totalizer` (true: with a total before the gas), `tells_layout` (true), `codes` (such as "MOV OPL", which
come with every frame), `streams` (true: it streams from the start). Signals: `flow` is what flows, `setpoint` drives
it; alone, the flow follows the setpoint with a lag.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass

from simulators.byte_server import ByteServer, Lines
from simulators.faults import SERIAL_FAULTS
from simulators.instrument import Context
from simulators.instruments.alicat_device import Device

FAULTS = SERIAL_FAULTS
END = b"\r"
LAG_S = 0.3
"""Time constant with which the flow follows the setpoint."""
STREAM_S = 0.05


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

    device = Device(spec, context.clock, flow, drive)
    device.streams = spec.get("streams", False) is True

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
        tasks.create_task(_live(device, wire))
        tasks.create_task(wire.serve(context, "baudrate=19200"))


async def _live(device: Device, wire: ByteServer) -> None:
    """Ramps go on; frames come unasked, while streaming is on."""
    while True:
        await asyncio.sleep(STREAM_S)
        device.step()
        if device.streams:
            wire.send(device.streamed().encode() + END)
