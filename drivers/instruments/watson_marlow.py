"""Watson-Marlow 520/620/720 Du pumps, basic ASCII protocol (manual 520DuN p. 76, 620DuN p. 82).

Points: ``speed`` (rw, {rev}/min; reads 0 while the pump stands, whatever speed it is set to), ``revolutions`` (r, of
the pump head since this driver was made, never falling), ``running`` (r, 0 or 1). Set commands are not acknowledged by
the pump: a write is confirmed by reading the status.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from drivers.contract import (
    BadAddress,
    ConnectionSpec,
    DriverError,
    Identity,
    Malformed,
    Plan,
    Point,
    Quality,
    Reason,
    Refused,
    Sample,
    WriteOutcome,
    WriteState,
)
from drivers.device_line import TextLine
from drivers.options import Options
from drivers.ports import parse_port

VERIFIED_ON: tuple[str, ...] = ("its simulator", "the replies printed in the manuals")
POINTS = ("speed", "revolutions", "running")
PULSES_PER_REVOLUTION = 10982
"""Tachometer pulses per revolution of the pump head (520, 620); 505Di 800 or 1280."""
RESOLUTION = 0.1
MAX_SPEED = 9999.0

# 520Du 15.84 520R 9.6MM 220.0 CW P/N 1 123456789 1 !
STATUS = re.compile(
    r"(?P<model>\S+) (?P<ml>\d+\.?\d*) (?P<head>\S+) (?P<tube>\S+) (?P<speed>\d+\.?\d*) (?P<direction>CW|CCW)"
    r" P/N (?P<number>\d+) (?P<pulses>\d+) (?P<running>[01]) ?!"
)


class Status(NamedTuple):
    """What the pump says of itself: the speed it is set to in {rev}/min, tachometer pulses, whether it runs."""

    model: str
    head: str
    speed: float
    pulses: int
    running: bool

    @property
    def turns(self) -> float:
        """The speed at which the head turns, {rev}/min: a pump that was stopped keeps the speed it is set to."""
        return self.speed if self.running else 0.0


@dataclass(frozen=True, slots=True)
class PumpPlan:
    """One status request reads every point."""

    points: tuple[Point, ...]


class WatsonMarlow:
    """One pump on one serial line.

    Options: ``number`` (1-32, the pump's own number), ``pulses`` (per revolution of the head) and ``slowest_reply``
    (seconds after which no reply of an earlier command can come any more).
    """

    def __init__(self, spec: ConnectionSpec) -> None:
        options = Options(spec)
        self._number = options.integer("number", 1, 1, 32)
        self._pulses = options.integer("pulses", PULSES_PER_REVOLUTION, 1, 1_000_000)
        quiet_s = options.number("slowest_reply", 1.0, 0.05, 30.0)
        options.end()
        self._line = TextLine(parse_port(spec.url, 9600, 2), spec.timeout_s / 2, quiet_s)
        self._last_pulses = 0
        self._counted: int | None = None

    def plan(self, points: Sequence[Point]) -> PumpPlan:
        """Check the addresses. Raises :class:`BadAddress`."""
        for point in points:
            if point.address not in POINTS:
                raise BadAddress(f"{point.key}: {point.address!r} is not one of {', '.join(POINTS)}")
        return PumpPlan(tuple(points))

    async def open(self) -> Identity:
        """Open the line and ask who is there. Raises :class:`DriverError`."""
        await self._line.open()
        await self._clear_doubt()
        status = await self._status()
        return Identity("Watson-Marlow", status.model, serial=f"pump {self._number}", firmware="")

    async def read(self, plan: Plan) -> Sequence[Sample]:
        """Every point from one status reply. Raises :class:`DriverError`."""
        await self._clear_doubt()
        status = await self._status()
        values = {"speed": status.turns, "revolutions": self._revolutions(status.pulses), "running": status.running}
        return [Sample(float(values[point.address]), Quality.GOOD, Reason.OK, 0) for point in plan.points]

    async def write(self, writes: Sequence[tuple[Point, float]]) -> Sequence[WriteOutcome]:
        """Set the speed, start or stop, and confirm by the status."""
        return [WriteOutcome(point, value, *await self._write_one(point, value)) for point, value in writes]

    async def close(self) -> None:
        """Give the port back."""
        self._line.close()

    async def _write_one(self, point: Point, value: float) -> tuple[WriteState, str]:
        if point.address != "speed":
            return WriteState.REFUSED, f"{point.address} cannot be written"
        if not math.isfinite(value) or not 0.0 <= value <= MAX_SPEED:
            return WriteState.REFUSED, f"the speed must be 0 to {MAX_SPEED:g} rpm, not {value:g}"
        try:
            await self._clear_doubt()
        except DriverError as error:
            return WriteState.REFUSED, f"not sent: {error}"
        try:
            return await self._set_speed(value)
        except DriverError as error:
            return WriteState.UNKNOWN, str(error)

    async def _set_speed(self, value: float) -> tuple[WriteState, str]:
        """Send the commands; what the status then says decides."""
        runs = value >= RESOLUTION / 2
        await self._line.say(f"{self._number}SP{value:.1f}")
        await self._line.say(f"{self._number}{'GO' if runs else 'ST'}")
        status = await self._status()
        if status.running == runs and (not runs or abs(status.speed - value) <= RESOLUTION):
            return WriteState.APPLIED, ""
        return WriteState.REFUSED, f"the pump {'runs' if status.running else 'stands'} at {status.speed:g} rpm"

    async def _clear_doubt(self) -> None:
        """After a failure: let late replies pass, then ask what is answered by one digit. Raises DriverError."""
        if not self._line.in_doubt:
            return
        await self._line.silence()
        answer = await self._line.ask_line(f"{self._number}ZY")
        if answer not in {"0", "1"}:
            raise Malformed(f"not an answer to ZY: {answer!r}")
        self._line.in_doubt = False

    async def _status(self) -> Status:
        reply = await self._line.ask_line(f"{self._number}RS")
        match = STATUS.fullmatch(reply)
        if match is None:
            self._line.in_doubt = True
            raise Malformed(f"not a status: {reply!r}")
        if int(match["number"]) != self._number:
            raise Refused(f"pump {match['number']} answers for pump {self._number}")
        return Status(
            match["model"], match["head"], float(match["speed"]), int(match["pulses"]), match["running"] == "1"
        )

    def _revolutions(self, pulses: int) -> float:
        """Revolutions so far. The pump's own count starts again when it is cleared or powered up; ours goes on."""
        if self._counted is None:
            self._counted = pulses
        else:
            self._counted += pulses - self._last_pulses if pulses >= self._last_pulses else pulses
        self._last_pulses = pulses
        return self._counted / self._pulses
