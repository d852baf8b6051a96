"""Watson-Marlow 323/520/530/620/630/720/730 Du pumps, basic or enhanced ASCII protocol (manuals 520DuN p. 76, 620DuN
p. 82, 530Du p. 40, 630Du pp. 40 to 42).

Points: ``speed`` (rw, {rev}/min; reads 0 while the pump stands, whatever speed it is set to), ``revolutions`` (r, of
the pump head since this driver was made, never falling), ``running`` (r, 0 or 1). Set commands are not acknowledged by
the pump: a write is confirmed by reading the status. A 323 counts no revolutions. A pump that has found a leak goes on:
its speed is Uncertain.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import ClassVar

from drivers.contract import ConnectionSpec, Identity, Quality, Reason, Refused, Sample, Turning
from drivers.counting import Counter
from drivers.instruments.watson_marlow_line import PROTOCOLS, Status
from drivers.options import Options
from drivers.polled import Answers, Entry, Polled, Value
from drivers.ports import parse_port

VERIFIED_ON: tuple[str, ...] = ("its simulator", "the replies printed in the manuals")

PULSES_PER_REVOLUTION = {"basic": 10982, "enhanced": 10}
"""Tachometer counts per revolution of the pump head: 520, 620 and 720; 530, 630 and 730. 505Di 800 or 1280."""
RESOLUTION = {"basic": 0.1, "enhanced": 1.0}
MAX_SPEED = 9999.0


class WatsonMarlow(Polled):
    """One pump on a line.

    Options: ``protocol`` (basic or enhanced), ``number`` (1-32, the pump's own number), ``pulses`` (per revolution of
    the head) and ``slowest_reply`` (seconds after which no reply of an earlier command can come any more).
    """

    address_option: ClassVar[str] = "number"
    turns: ClassVar[Mapping[str, Turning]] = {"speed": Turning(RESOLUTION["enhanced"], "revolutions")}
    points: ClassVar[Mapping[str, Entry]] = {
        "speed": Entry("rw", "status", 0.0, MAX_SPEED),
        "revolutions": Entry("r", "status"),
        "running": Entry("r", "status"),
    }

    def __init__(self, spec: ConnectionSpec) -> None:
        options = Options(spec)
        protocol = options.choice("protocol", "basic", tuple(PROTOCOLS))
        self._number = options.integer("number", 1, 1, 32)
        self._pulses = options.integer("pulses", PULSES_PER_REVOLUTION[protocol], 1, 1_000_000)
        quiet_s = options.number("slowest_reply", 1.0, 0.05, 30.0)
        options.end()
        self._resolution = RESOLUTION[protocol]
        self._pump = PROTOCOLS[protocol](parse_port(spec.url, 9600, 2), spec.timeout_s / 2, quiet_s, self._number)
        self._counter = Counter()
        super().__init__(self._pump)

    async def identify(self) -> Identity:
        """Ask what is answered by one digit, then the status."""
        await self._pump.probe()
        status = await self._pump.status()
        return Identity("Watson-Marlow", status.model, serial=f"pump {self._number}", firmware="")

    async def answer(self, question: str) -> Answers:
        """Every point from one status reply."""
        status = await self._pump.status()
        return {"speed": _speed(status), "revolutions": self._revolutions(status), "running": status.running}

    async def put(self, address: str, value: float) -> None:
        """Send the commands; what the status then says decides."""
        runs = value >= self._resolution / 2
        await self._pump.order("SP", value)
        await self._pump.order("GO" if runs else "ST")
        status = await self._pump.status()
        if status.running != runs or (runs and abs(status.speed - value) > self._resolution):
            raise Refused(f"the pump {'runs' if status.running else 'stands'} at {status.speed:g} rpm")

    def _revolutions(self, status: Status) -> Value:
        if status.counts is None:
            return Sample(math.nan, Quality.BAD, Reason.DEVICE, 0, None, f"a {status.model} counts no revolutions")
        return self._counter.total(status.counts) / self._pulses


def _speed(status: Status) -> Value:
    """How fast the head turns: a pump that was stopped keeps the speed it is set to."""
    speed = status.speed if status.running else 0.0
    return Sample(speed, Quality.UNCERTAIN, Reason.DEVICE, 0, None, "leak detected") if status.leak else speed
