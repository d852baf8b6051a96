"""Beckman Coulter Vi-CELL BLU cell counter on OPC UA, shared by several vessels.

Points, per vessel: ``<vessel>.start`` (w: number n of the sample to count, named ``<vessel>-<n>``; a number that was
counted or started before is not counted again), ``.sample`` (r: number of the newest finished sample, 0 for none),
``.viable_density`` and ``.total_density`` (r, 10*6/mL), ``.viability`` (r, %), ``.diameter`` (r, um).

A count takes minutes and so may listing the results: both go on in the background, and a read only tells what is known.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from drivers.contract import (
    BadAddress,
    ConnectionSpec,
    DriverError,
    Identity,
    LinkLost,
    Plan,
    Point,
    Quality,
    Reason,
    Refused,
    Sample,
    WriteOutcome,
    WriteState,
)
from drivers.instruments.vicell_session import Count, CounterSession, sample_config
from drivers.opcua import read_settings
from drivers.options import Options

VERIFIED_ON: tuple[str, ...] = ("methods of the vendor's shape on an asyncua server", "its simulator")

RESULTS = ("sample", "viable_density", "total_density", "viability", "diameter")
START = "start"
LISTING_S = 60.0
"""How long the instrument may take to list its results."""
ALIVE_S = 0.5
"""Between results the connection is proved alive at least this often."""
MAX_NUMBER = 10**9
UNREAD = Sample(float("nan"), Quality.BAD, Reason.NOT_READ, 0)


class Word(NamedTuple):
    """A point's vessel and what of it."""

    vessel: str
    name: str


@dataclass(frozen=True, slots=True)
class CounterPlan:
    """What is told of which vessel."""

    points: tuple[Point, ...]
    words: tuple[Word, ...]
    vessels: tuple[str, ...]


class ViCellBlu:
    """One cell counter.

    Options: those of :class:`drivers.opcua.OpcUaSettings`, ``cell_type``, ``dilution``, ``poll`` (s between listings).
    """

    schemes: ClassVar[tuple[str, ...]] = ("opc.tcp",)
    disturbs: ClassVar[str] = "takes the instrument's lock for as long as it is connected"

    def __init__(self, spec: ConnectionSpec) -> None:
        options = Options(spec)
        self._spec = spec
        self._settings = read_settings(options, spec)
        self._config = sample_config(options.text("cell_type", "Mammalian"), options.integer("dilution", 1, 1, 1000))
        self._poll_s = options.number("poll", 2.0, 0.1, 600.0)
        options.end()
        self._session: CounterSession | None = None
        self._listing: asyncio.Task[None] | None = None
        self._listed_at = self._alive_at = -float("inf")
        self._newest: dict[str, tuple[int, Count | None]] = {}
        self._sent: dict[str, WriteState] = {}

    def plan(self, points: Sequence[Point]) -> CounterPlan:
        """Check the addresses. Raises :class:`BadAddress`."""
        words = tuple(_word(point) for point in points)
        return CounterPlan(tuple(points), words, tuple(sorted({word.vessel for word in words})))

    async def open(self) -> Identity:
        """Connect and take the automation lock. Raises :class:`DriverError`."""
        await self.close()
        self._listed_at = self._alive_at = -float("inf")
        self._session = CounterSession(self._settings, self._config)
        await self._session.open()
        return Identity("Beckman Coulter", "Vi-CELL BLU", via=self._session.via)

    async def read(self, plan: Plan) -> Sequence[Sample]:
        """What is known of each vessel; a new listing is begun when the last is old. Raises :class:`DriverError`."""
        if not isinstance(plan, CounterPlan):
            raise TypeError("a plan of another driver")
        session = self._connected()
        now = asyncio.get_running_loop().time()
        self._take_listing()
        if self._listing is None and now - self._listed_at >= self._poll_s:
            self._listed_at = now
            self._listing = asyncio.create_task(self._list(session, plan.vessels))
            await asyncio.wait([self._listing], timeout=self._spec.timeout_s / 2)
            self._take_listing()
        if now - self._alive_at >= ALIVE_S:
            await session.alive()
            self._alive_at = now
        return [self._sample(word) for word in plan.words]

    async def write(self, writes: Sequence[tuple[Point, float]]) -> Sequence[WriteOutcome]:
        """Start counts, each once for ever."""
        return [WriteOutcome(point, value, *await self._write_one(point, value)) for point, value in writes]

    async def close(self) -> None:
        """Stop listing, give the lock back, end the session."""
        listing, self._listing = self._listing, None
        if listing is not None:
            listing.cancel()
            await asyncio.wait([listing])
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def _connected(self) -> CounterSession:
        if self._session is None:
            raise LinkLost("not connected")
        return self._session

    def _take_listing(self) -> None:
        """Forget a listing that ended. Raises what it ended with."""
        if self._listing is not None and self._listing.done():
            ended, self._listing = self._listing, None
            ended.result()

    async def _list(self, session: CounterSession, vessels: Sequence[str]) -> None:
        """Ask for every vessel's samples and keep the newest finished one."""
        for vessel in vessels:
            counts = await session.counts(f"{vessel}-", LISTING_S)
            numbered = [
                (number, count) for count in counts if (number := _number(vessel, count.name)) and count.finished
            ]
            self._newest[vessel] = max(numbered, key=lambda entry: entry[0], default=(0, None))

    def _sample(self, word: Word) -> Sample:
        if word.vessel not in self._newest or word.name == START:
            return UNREAD
        number, count = self._newest[word.vessel]
        if word.name == "sample":
            return Sample(float(number), Quality.GOOD, Reason.OK, 0, count.time if count else None)
        if count is None:
            return Sample(float("nan"), Quality.BAD, Reason.NO_SAMPLE, 0, None, "no sample counted yet")
        return Sample(float(getattr(count, word.name)), Quality.GOOD, Reason.OK, 0, count.time)

    async def _write_one(self, point: Point, value: float) -> tuple[WriteState, str]:
        try:
            vessel, name = _word(point)
        except BadAddress as error:
            return WriteState.REFUSED, str(error)
        if name != START:
            return WriteState.REFUSED, "read only"
        if not (1 <= value <= MAX_NUMBER and value == int(value)):
            return WriteState.REFUSED, f"a sample's number is a whole one from 1, not {value:g}"
        return await self._start(f"{vessel}-{int(value)}")

    async def _start(self, sample: str) -> tuple[WriteState, str]:
        """Start a sample that neither the instrument nor we know of."""
        try:
            session = self._connected()
            known = [count for count in await session.counts(sample, self._spec.timeout_s) if count.name == sample]
        except DriverError as error:
            return WriteState.REFUSED, f"not sent: {error}"
        if known:
            applied, refused = WriteState.APPLIED, WriteState.REFUSED
            lost = f"not sent: {sample} was given up ({known[-1].status}), take another number"
            return (refused, lost) if all(count.given_up for count in known) else (applied, "counted before")
        if sample in self._sent:
            return self._sent[sample], "sent before, but the instrument does not list it"
        self._sent[sample] = WriteState.UNKNOWN
        try:
            await session.start(sample)
        except Refused as error:
            del self._sent[sample]
            return WriteState.REFUSED, str(error)
        except DriverError as error:
            return WriteState.UNKNOWN, str(error)
        self._sent[sample] = WriteState.APPLIED
        return WriteState.APPLIED, ""


def _word(point: Point) -> Word:
    vessel, _, name = point.address.rpartition(".")
    if not vessel or name not in (*RESULTS, START):
        raise BadAddress(f"{point.key}: {point.address!r} is not <vessel>.{{{'|'.join((START, *RESULTS))}}}")
    return Word(vessel, name)


def _number(vessel: str, sample: str) -> int:
    """The number in a sample's name, 0 when it is not one of this vessel's."""
    match = re.fullmatch(rf"{re.escape(vessel)}-(\d{{1,10}})", sample)
    return int(match[1]) if match else 0
