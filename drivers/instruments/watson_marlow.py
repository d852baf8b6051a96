"""Watson-Marlow 323/520/530/620/630/720/730 Du pumps, basic or enhanced ASCII protocol (manuals 520DuN p. 76, 620DuN
p. 82, 530Du p. 40, 630Du pp. 40 to 42).

Points: ``speed`` (rw, {rev}/min; reads 0 while the pump stands, whatever speed it is set to, and below 0 while it turns
the other way than the option says), ``revolutions`` (r, of the head, never falling), ``running`` (r, 0 or 1).

Odd: set commands are not acknowledged, and have no checksum in the basic protocol. A pump is therefore started only
after its status has shown the new speed, and the start is confirmed by the status as well. It keeps the speed and the
direction that it had; one that is set to the other direction is not started, and one that was seen to turn there gets
no higher speed. A 323 counts no revolutions. A pump that has found a leak goes on: its speed is Uncertain.
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

PULSES_PER_REVOLUTION = {"520": 10982, "620": 10982, "720": 10982, "530": 10, "630": 10, "730": 10}
"""Tachometer counts per revolution of the pump head, by the first digits of the model. 505Di 800 or 1280."""
RESOLUTION = {"basic": 0.1, "enhanced": 1.0}
SEEN = {"basic": 1.0, "enhanced": 6.0}
"""rpm: two seconds of it are more than a count, of which the pumps with the enhanced protocol make ten a revolution."""
MAX_SPEED = 9999.0


class WatsonMarlow(Polled):
    """One pump on a line.

    Options: ``protocol`` (basic or enhanced), ``number`` (1-32, the pump's own number), ``direction`` (cw or ccw, in
    which it delivers), ``pulses`` (per revolution of the head; 0: those of its model) and ``slowest_reply`` (seconds
    after which no reply of an earlier command can come any more).
    """

    address_option: ClassVar[str] = "number"
    turns: Mapping[str, Turning] = {"speed": Turning(SEEN["basic"], "revolutions")}
    points: ClassVar[Mapping[str, Entry]] = {
        "speed": Entry("rw", "status", 0.0, MAX_SPEED),
        "revolutions": Entry("r", "status"),
        "running": Entry("r", "status"),
    }

    def __init__(self, spec: ConnectionSpec) -> None:
        options = Options(spec)
        protocol = options.choice("protocol", "basic", tuple(PROTOCOLS))
        self._number = options.integer("number", 1, 1, 32)
        self._clockwise = options.choice("direction", "cw", ("cw", "ccw")) == "cw"
        self._pulses = options.integer("pulses", 0, 0, 1_000_000)
        quiet_s = options.number("slowest_reply", 1.0, 0.05, 30.0)
        options.end()
        self._resolution = RESOLUTION[protocol]
        self.turns = {"speed": Turning(SEEN[protocol], "revolutions")}
        self._pump = PROTOCOLS[protocol](parse_port(spec.url, 9600, 2), spec.timeout_s / 2, quiet_s, self._number)
        self._counter = Counter()
        self._seen: Status | None = None
        super().__init__(self._pump)

    async def identify(self) -> Identity:
        """Ask what is answered by one digit, then the status."""
        await self._pump.probe()
        status = await self._status()
        return Identity("Watson-Marlow", status.model, serial=f"pump {self._number}", firmware="")

    async def answer(self, question: str) -> Answers:
        """Every point from one status reply."""
        status = await self._status()
        return {"speed": self._speed(status), "revolutions": self._revolutions(status), "running": status.running}

    async def put(self, address: str, value: float) -> None:
        """Set the speed, see that it is set, then start; what the status says decides."""
        speed = round(value / self._resolution) * self._resolution
        if not speed:
            await self._pump.order("ST")
            status = await self._status()
            if status.running:
                raise self._refused(status)
            return
        if self._seen is not None and self._seen.running and speed > self._seen.speed:
            self._check_direction(self._seen)
        await self._pump.order("SP", speed)
        status = await self._status()
        self._check(status, speed)
        if not status.running:
            await self._pump.order("GO")
            status = await self._status()
            self._check(status, speed)
        if not status.running:
            raise self._refused(status)

    async def _status(self) -> Status:
        self._seen = await self._pump.status()
        return self._seen

    def _check(self, status: Status, speed: float) -> None:
        """Whether it is set as it must be to run."""
        self._check_direction(status)
        if abs(status.speed - speed) > 0.51 * self._resolution:
            raise self._refused(status)

    def _check_direction(self, status: Status) -> None:
        if status.clockwise != self._clockwise:
            raise Refused(f"the pump is set to turn {'clockwise' if status.clockwise else 'counterclockwise'}")

    @staticmethod
    def _refused(status: Status) -> Refused:
        return Refused(f"the pump {'runs' if status.running else 'stands'} at {status.speed:g} rpm")

    def _revolutions(self, status: Status) -> Value:
        if status.counts is None:
            return _unknown(f"a {status.model} counts no revolutions")
        pulses = self._pulses or PULSES_PER_REVOLUTION.get(status.model[:3], 0)
        if not pulses:
            return _unknown(f"the pulses per revolution of a {status.model} are not known: see option pulses")
        return self._counter.total(status.counts) / pulses

    def _speed(self, status: Status) -> Value:
        """How fast the head turns: a pump that was stopped keeps the speed it is set to."""
        forward = 1.0 if status.clockwise == self._clockwise else -1.0
        speed = forward * status.speed if status.running else 0.0
        return Sample(speed, Quality.UNCERTAIN, Reason.DEVICE, 0, None, "leak detected") if status.leak else speed


def _unknown(why: str) -> Sample:
    return Sample(math.nan, Quality.BAD, Reason.DEVICE, 0, None, why)
