"""Ismatec Reglo ICC pump: four channels, serial ASCII.

Source: manual 14-036-E Rev. C pp. 17-33. Settings: `number` (1), `ml_per_rev` (1.38), `event_period` (seconds between
two reports of each channel while any runs, 1.0). Signals: `1.speed` is told how fast channel 1 turns clockwise,
`1.revolutions` is what it has turned; alone, it turns as it is told. At power-up no channel is addressed.
"""

from __future__ import annotations

import asyncio
import re

from simulators.byte_server import ByteServer, Lines
from simulators.faults import LINE_FAULTS, Fault
from simulators.instrument import Context
from simulators.instruments.reglo_channel import Channel

FAULTS = LINE_FAULTS
CHANNELS = 4
END = "\r\n"
LOOK_S = 0.02
"""How often it is looked whether a channel has done what it was to do."""
NAME, FIRMWARE, SERIAL = "REGLO ICC 0208 406", "0208", "12345ABC"


class Pump:
    """One pump: its channels, and how they are addressed."""

    def __init__(self, number: int, channels: list[Channel]) -> None:
        self._number = str(number)
        self._channels = channels
        self.events = self._addressed = False

    def power_up(self) -> None:
        """Everything stands; channels are not addressed, nothing is reported."""
        self.events = self._addressed = False
        for channel in self._channels:
            channel.stop()

    def news(self) -> list[str]:
        """What has happened by itself since the last call."""
        done = [channel for channel in self._channels if channel.advance()]
        return [f"^X{self._channels.index(channel) + 1}|A{END}" for channel in done if self.events]

    def reports(self) -> list[str]:
        """The state of every channel, if any runs."""
        if not self.events or not any(channel.running for channel in self._channels):
            return []
        return [f"^U{number}|{channel.report()}{END}" for number, channel in enumerate(self._channels, 1)]

    def command(self, text: str) -> str | None:
        """Carry out one command; None for what is meant for another pump."""
        if re.fullmatch(r"@[1-8]", text):
            self._number = text[1]
            return "*"
        match = re.fullmatch(r"(\d)(\D.*)", text, re.DOTALL)
        if match is None:
            return "#"
        self.news()
        if self._addressed and int(match[1]) > CHANNELS:
            return "#"
        if not self._addressed and match[1] != self._number:
            return None
        whole = self._whole(match[2])
        if whole is not None:
            return whole
        return self._of_channels(match[1], match[2])

    def _whole(self, command: str) -> str | None:
        """What is asked of the pump as a whole; None for what is a channel's."""
        match command:
            case "~":
                return f"{1 if self._addressed else 0}{END}"
            case "~1" | "~0":
                self._addressed = command == "~1"
                return "*"
            case "xE":
                return f"{int(self.events)}{END}"
            case "xE1" | "xE0":
                self.events = command == "xE1"
                return "*"
            case "E":
                return "+" if any(channel.running for channel in self._channels) else "-"
        told = {"x!": "2", "#": NAME, "(": FIRMWARE, "xS": SERIAL, "xA": str(CHANNELS), ")": "0406"}.get(command)
        return None if told is None else told + END

    def _of_channels(self, digit: str, command: str) -> str:
        all_of_them = not self._addressed or digit == "0"
        chosen = self._channels if all_of_them else [self._channels[int(digit) - 1]]
        replies = [channel.command(command) for channel in chosen]
        return replies[0]


async def run(context: Context) -> None:
    """Be one pump until cancelled."""
    spec = context.spec
    ml_per_rev = float(str(spec.get("ml_per_rev", 1.38)))
    channels = []
    for number in range(1, CHANNELS + 1):
        channel = Channel(ml_per_rev, context.clock, context.sink(f"{number}.speed"))
        channel.revolutions = context.source(f"{number}.revolutions", channel.own_revolutions)
        channels.append(channel)
    pump = Pump(int(str(spec.get("number", 1))), channels)

    def answer(command: bytes) -> bytes | None:
        """The reply to one command."""
        reply = pump.command(command.decode("ascii", "replace").strip("\n"))
        return None if reply is None else reply.encode()

    wire = ByteServer(context, Lines(b"\r"), answer)
    context.faults.on_reboot = pump.power_up
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(_report(pump, wire, context, float(str(spec.get("event_period", 1.0)))))
        tasks.create_task(wire.serve(context, "baudrate=9600"))


async def _report(pump: Pump, wire: ByteServer, context: Context, period_s: float) -> None:
    """Events, as they happen and once per period."""
    told_at = context.clock()
    while True:
        await asyncio.sleep(min(LOOK_S, period_s))
        if context.faults.active(Fault.REBOOT) is not None:
            continue
        events = pump.news()
        if context.clock() - told_at >= period_s:
            told_at = context.clock()
            events += pump.reports()
        for event in events:
            wire.send(event.encode())
