"""The base of most drivers: an instrument that is asked question by question.

A driver of this kind says which points there are, which question answers which of them, how a question is asked, and
how a value is set. Everything else that the contract wants is done here: addresses are checked when plans are made,
one question serves all points that it answers, a question that fails alone makes only its own points Bad, doubt about
late answers is cleared before anything is asked or written, impossible writes are refused, and a write whose answer did
not come is unknown.
"""

from __future__ import annotations

import asyncio
import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple, TypeAlias

from drivers.contract import (
    Access,
    BadAddress,
    DriverError,
    Identity,
    LinkLost,
    Malformed,
    Plan,
    Point,
    Quality,
    Reason,
    Refused,
    Sample,
    Timeout,
    WriteOutcome,
    WriteState,
    WrongIdentity,
)
from drivers.device_line import DeviceLine
from drivers.patience import patience, write_each
from drivers.ports import LINES

STARVED = 5
"""After so many reads in which there was not the time for any question that had failed, one of them comes early; and
if it is answered, another in the next.
"""

Value: TypeAlias = float | Sample
Answers: TypeAlias = Mapping[str, Value]


class Entry(NamedTuple):
    """A point of an instrument: what may be done with it, the question that answers it, and what can be written."""

    access: Access = "r"
    question: str = ""
    low: float = -math.inf
    high: float = math.inf


@dataclass(frozen=True, slots=True)
class QuestionPlan:
    """The questions that answer the points, each once, in the order of the points."""

    points: tuple[Point, ...]
    questions: tuple[str, ...]
    by_point: tuple[str, ...]


class Polled(ABC):
    """A driver on a line. Subclasses give :attr:`points`, :meth:`identify`, :meth:`answer` and, if anything can be
    written, :meth:`put`.
    """

    points: ClassVar[Mapping[str, Entry]]
    """By address. A question that is not given is the address itself."""
    schemes: ClassVar[tuple[str, ...]] = LINES
    """Of the URLs that it can use."""
    address_option: ClassVar[str] = ""
    """The option that is the instrument's number, if several can share a line."""
    disturbs: ClassVar[str] = ""
    """What connecting changes at the instrument."""
    hush: ClassVar[bytes] = b""
    """Sent before silence is waited for: what makes an instrument stop that speaks by itself."""
    first: str = ""
    """A question that every read begins with, because its answer says how far those to the others can be trusted."""

    def __init__(self, line: DeviceLine) -> None:
        self.line = line
        self._late: dict[str, None] = {}
        self._starved = 0
        self._lost = ""
        self._answered_by: Identity | None = None

    @property
    def url(self) -> str:
        """Where its line is, with the settings."""
        return self.line.url

    @abstractmethod
    async def identify(self) -> Identity:
        """Ask who is there. It is also what clears a doubt: its answer must look different from every other, and an
        answer to something else must be :class:`Malformed`. Raises :class:`DriverError`.
        """

    @abstractmethod
    async def answer(self, question: str) -> Answers:
        """Ask one question: values by address, of all points that it answers. Raises :class:`Refused` when the device
        says no to it, :class:`Timeout`, :class:`Malformed`, :class:`LinkLost`.
        """

    async def put(self, address: str, value: float) -> None:
        """Write a value, and return once the device confirms it, by its answer or by what it then says of itself.

        Raises :class:`Refused` when it did not take it, any other :class:`DriverError` when that is not known.
        """
        raise Refused(f"{address} cannot be written")

    def entry(self, address: str) -> Entry | None:
        """What an address means, or ``None``. For instruments with channels, whose addresses are not all listed."""
        return self.points.get(address)

    def plan(self, points: Sequence[Point]) -> QuestionPlan:
        """Which questions to ask. Raises :class:`BadAddress`."""
        asked = tuple(self._entry(point).question or point.address for point in points)
        first = (self.first,) if asked and self.first else ()
        return QuestionPlan(tuple(points), tuple(dict.fromkeys(first + asked)), asked)

    async def open(self) -> Identity:
        """Open the line and ask who is there. Raises :class:`DriverError`."""
        await self.line.open()
        self._answered_by = None
        return await self._certain()

    async def read(self, plan: Plan) -> Sequence[Sample]:
        """Ask every question once; those that failed last time come last, so that the others do not wait for them, and
        only as far as the time goes (see :mod:`drivers.patience`). Where the others take all of the time again and
        again, one of them comes early: it may be answered by now.

        Raises :class:`DriverError` when the line is lost, or nothing is answered.
        """
        if not isinstance(plan, QuestionPlan):
            raise TypeError("a plan of another driver")
        given: dict[str, Value] = {}
        late = [question for question in self._late if question in plan.questions]
        questions = self._ordered(plan.questions, late)
        self._starved = self._starved + 1 if late else 0
        failed: dict[str, DriverError] = dict.fromkeys(questions, Timeout("there was no time left to ask"))
        async with patience(self.line.patience_s) as hurry:
            for question in questions:
                if question in late:
                    self._put_off(question)
                    if given:
                        hurry()
                        await asyncio.sleep(0)  # if the time is over already, it is not asked
                try:
                    if self.line.in_doubt:
                        await self._certain()
                    given.update(await self.answer(question))
                    self._late.pop(question, None)
                    del failed[question]
                except (Refused, Timeout, Malformed) as error:
                    failed[question] = error
                    if isinstance(error, Refused):
                        self._late.pop(question, None)  # a no is an answer
                    else:
                        self._put_off(question, had_its_turn=True)
                        hurry()
                        if not given:
                            raise
        if failed and len(failed) == len(questions):
            raise next(iter(failed.values()))
        return [self._sample(*pair, given, failed) for pair in zip(plan.points, plan.by_point, strict=True)]

    async def write(self, writes: Sequence[tuple[Point, float]]) -> Sequence[WriteOutcome]:
        """One after the other; see :meth:`put`. Once the instrument does not answer any more, nothing else is sent."""
        self._lost = ""
        return await write_each(writes, self._unready, self._put, self.line.patience_s)

    async def close(self) -> None:
        """Give the line back."""
        self.line.close()

    def _impossible(self, point: Point, value: float) -> str:
        """Why a value cannot be written to a point at all, or nothing."""
        entry = self._entry(point)
        if "w" not in entry.access or "w" not in point.access:
            return f"{point.address} cannot be written"
        if not entry.low <= value <= entry.high or not math.isfinite(value):
            return f"{point.address} must be {entry.low:g} to {entry.high:g}, not {value:g}"
        return ""

    async def _doubted(self) -> str:
        """Clear a doubt about late answers before anything is sent; why that cannot be done, or nothing."""
        try:
            if self.line.in_doubt:
                await self._certain()
        except DriverError as error:
            return f"not sent: {error}"
        return ""

    async def _unready(self, point: Point, value: float) -> str:
        """Why a value is not sent, or nothing."""
        impossible = self._impossible(point, value)
        if not impossible and not self._lost:
            self._lost = await self._doubted()
        return impossible or self._lost

    async def _put(self, point: Point, value: float) -> tuple[WriteState, str]:
        try:
            await self.put(point.address, value)
        except Refused as error:
            return WriteState.REFUSED, str(error)
        except DriverError as error:
            return WriteState.UNKNOWN, str(error)
        return WriteState.APPLIED, ""

    def _ordered(self, questions: Sequence[str], late: Sequence[str]) -> list[str]:
        """In which order they are asked; ``late`` are those that failed last time."""
        sound = [question for question in questions if question not in late]
        early = 1 if sound and self._starved >= STARVED else 0
        return [*sound[:early], *late[:early], *sound[early:], *late[early:]]

    def _put_off(self, question: str, *, had_its_turn: bool = False) -> None:
        """Ask it after all others from now on, until it is answered."""
        if had_its_turn and question in self._late:
            self._starved = 0
        self._late.pop(question, None)
        self._late[question] = None

    async def _certain(self) -> Identity:
        """Let late answers pass, then ask who is there. Raises :class:`WrongIdentity` when it is not who it was."""
        if self.hush:
            await self.line.tell(self.hush)
        await self.line.silence()
        identity = await self.identify()
        if self._answered_by not in {None, identity}:
            raise WrongIdentity(f"another instrument answers than before: {' '.join(identity).strip()}")
        self._answered_by = identity
        self.line.in_doubt = False
        return identity

    def _entry(self, point: Point) -> Entry:
        found = self.entry(point.address)
        if found is None:
            known = ", ".join(self.points)
            raise BadAddress(f"{point.key}: {point.address!r} is not one of {known}")
        return found

    @staticmethod
    def _sample(point: Point, question: str, given: Answers, failed: Mapping[str, DriverError]) -> Sample:
        value = given.get(point.address)
        if isinstance(value, Sample):
            return value
        if value is not None:
            return Sample(float(value), Quality.GOOD, Reason.OK, 0)
        error = failed.get(question)
        reason = Reason.LINK if isinstance(error, Timeout | Malformed | LinkLost) else Reason.DEVICE
        return Sample(math.nan, Quality.BAD, reason, 0, None, str(error or "not in the answer"))
