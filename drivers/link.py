"""The link: one driver kept connected. The only code that reconnects, waits, or measures a deadline.

It turns whatever a driver raises into Bad samples and one event per change of state, so that no exception and no slow
device reaches the scan. All methods are called in the event loop that runs :meth:`Link.run`; none of them waits,
except ``run`` and ``flush``.

Writes are sent only while the link is up. What is submitted before, or is not yet on the wire when the link fails, is
refused at once (nothing left this program), and a write whose answer did not come is unknown and never sent again:
whether to repeat it is for the scan to decide, after a read-back. To another instrument than the one that answered
first nothing is written until it is accepted: it may be at another vessel.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections import deque
from collections.abc import Callable, Coroutine, Mapping, Sequence

from drivers.contract import (
    NEVER_READ,
    Driver,
    Identity,
    LinkLost,
    Malformed,
    Message,
    Messenger,
    Point,
    Quality,
    Reason,
    Sample,
    WriteOutcome,
    WriteState,
)
from drivers.link_state import (
    NOT_ACCEPTED,
    BackOff,
    LinkCounters,
    LinkEvent,
    LinkState,
    compare,
    difference,
    explain,
    in_tag_units,
    introduce,
    kind_of,
)
from drivers.patience import time_limit

OPEN_DEADLINE_S = 5.0
"""Connecting takes longer than reading: sessions are made, types are read, a serial line must fall silent."""
CLOSE_DEADLINE_S = 1.0
KEPT_OUTCOMES = 1024
FALLBACK_PERIODS = 1.5
"""Without a request for so many periods the link reads by itself."""


class Link:
    """A driver, its points, their newest samples and what became of writes.

    ``points`` are read in one plan and written by key. ``expected`` are fields of the identity without which nothing
    is read or written. ``period_s`` and ``deadline_s`` are wall seconds, the latter for a read, and for each of several
    writes that are sent together; ``now_ns`` is process time and only stamps samples and events. ``on_message`` takes
    what the instrument says of its own accord, if its driver tells that. Raises
    :class:`~drivers.contract.BadAddress` for a point that the driver does not know. While :attr:`stranger` says by what
    another instrument is seen, nothing is written.
    """

    def __init__(
        self,
        name: str,
        driver: Driver,
        points: Sequence[Point],
        *,
        period_s: float,
        deadline_s: float,
        now_ns: Callable[[], int],
        on_event: Callable[[LinkEvent], None],
        on_message: Callable[[str, Message], None] | None = None,
        expected: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self.state = LinkState.CONNECTING
        self.since_ns = now_ns()
        self.detail = "not yet connected"
        self.identity: Identity | None = None
        self.stranger = ""
        self._known: dict[str, Identity] = {}
        self.counters = LinkCounters()
        self._driver = driver
        self._points = {point.key: point for point in points}
        self._readable = [(place, point) for place, point in enumerate(points) if point.access != "w"]
        self._writes = any(point.access != "r" for point in points)
        self._plan = driver.plan([point for _, point in self._readable])
        self._blank = [NEVER_READ] * len(points)
        self._samples: Sequence[Sample] = self._blank
        self._period_s = period_s * FALLBACK_PERIODS
        self._deadline_s = deadline_s
        self._now_ns = now_ns
        self._on_event = on_event
        self._on_message = on_message
        self._messenger = driver if isinstance(driver, Messenger) else None
        self._expected = expected or {}
        self._pending: dict[str, float] = {}
        self._outcomes: deque[WriteOutcome] = deque(maxlen=KEPT_OUTCOMES)
        self._wake = asyncio.Event()
        self._written = asyncio.Event()
        self._written.set()
        self._back_off = BackOff()
        self._reading = False
        self._requested = False
        self._next_read = 0.0

    def latest(self) -> Sequence[Sample]:
        """The newest sample of every point, in their order, in tag units; all Bad unless the link is up."""
        return self._samples

    def request_read(self) -> None:
        """Read now, unless a read is under way or the link is not up; requests never queue."""
        if self.state is LinkState.UP and not self._reading:
            self._requested = True
            self._wake.set()

    def submit(self, writes: Mapping[str, float]) -> None:
        """Write these values (by point key, in tag units) as soon as possible; the newest value of a key wins.

        Refused at once, as an outcome, when the link is not up, a value is not finite or another instrument is not
        accepted. Raises ``KeyError`` for a key
        that is no point of this link.
        """
        for key, value in writes.items():
            point = self._points[key]
            if self.state is not LinkState.UP:
                self._settle(point, value, WriteState.REFUSED, f"not sent: {self.detail}")
            elif self.stranger:
                self._settle(point, value, WriteState.REFUSED, f"not sent: another instrument: {self.stranger}")
            elif not math.isfinite(value):
                self._settle(point, value, WriteState.REFUSED, f"not sent: {value} is not a number to write")
            else:
                self._pending[key] = value
        if self._pending:
            self._written.clear()
            self._wake.set()

    def accept(self) -> None:
        """Write to the instrument that answers now, whichever it is."""
        if self.identity is not None:
            self._known[self.identity.via] = self.identity
        self.stranger = ""

    def take_outcomes(self) -> list[WriteOutcome]:
        """What became of writes since the last call, in tag units; the newest 1024 are kept."""
        taken = list(self._outcomes)
        self._outcomes.clear()
        return taken

    async def flush(self, timeout_s: float) -> None:
        """Wait until every submitted write was sent or refused, at most ``timeout_s`` wall seconds."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._written.wait()

    async def run(self) -> None:
        """Keep the driver connected and served until cancelled; then close it."""
        try:
            while True:
                failure = await self._apart(self._session())
                self._fail(failure or LinkLost("the connection ended"))
                await self._apart(self._close())
                await asyncio.sleep(self._back_off.take())
                self.counters.reconnects += 1
        finally:
            await self._apart(self._close())

    async def _apart(self, work: Coroutine[None, None, None]) -> BaseException | None:
        """Do ``work`` in a task of its own and return what it raised: a fault in a driver must not end the link."""
        task = asyncio.create_task(work, name=f"link {self.name}")
        try:
            await asyncio.wait([task])
        finally:
            task.cancel()
            await asyncio.wait([task])
        return None if task.cancelled() else task.exception()

    async def _session(self) -> None:
        """Open, read once, then serve requests; ends only by an exception."""
        async with asyncio.timeout(OPEN_DEADLINE_S):
            identity = await self._driver.open()
        compare(identity, self._expected)
        before, self.identity = self.identity, identity
        # By each way of its own: a redundant server's two halves are two instruments, and meant to be.
        known = self._known.setdefault(identity.via, identity)
        self.stranger = difference(identity, known) if self._writes else ""
        await self._read()
        self._back_off.reset()
        self._become(LinkState.UP, introduce(identity, before) + (f"; {NOT_ACCEPTED}" if self.stranger else ""))
        while True:
            await self._wait()
            if self._pending:
                await self._write()
            if self._requested or asyncio.get_running_loop().time() >= self._next_read:
                await self._read()

    async def _wait(self) -> None:
        """Until a read is requested or due, or something is to be written."""
        timer = asyncio.get_running_loop().call_at(self._next_read, self._wake.set)
        try:
            await self._wake.wait()
        finally:
            timer.cancel()
        self._wake.clear()

    async def _read(self) -> None:
        self._requested = False
        self._next_read = asyncio.get_running_loop().time() + self._period_s
        self._reading = True
        try:
            async with time_limit(self._deadline_s):
                raw = await self._driver.read(self._plan)
        finally:
            self._reading = False
        self._accept(raw)
        self.counters.reads += 1
        if self._messenger is not None and self._on_message is not None:
            for message in self._messenger.take_messages():
                self._on_message(self.name, message)

    def _accept(self, raw: Sequence[Sample]) -> None:
        """Publish raw samples in tag units, all of them at once."""
        if len(raw) != len(self._readable):
            raise Malformed(f"the driver gave {len(raw)} samples for {len(self._readable)} points")
        now = self._now_ns()
        samples = list(self._blank)
        for (place, point), sample in zip(self._readable, raw, strict=True):
            samples[place] = in_tag_units(point, sample, now)
        self._samples = samples

    async def _write(self) -> None:
        """Send everything pending in one call. If it does not come back, its effect is unknown."""
        batch = [(self._points[key], value) for key, value in self._pending.items()]
        self._pending.clear()
        outcomes: Sequence[WriteOutcome] = ()
        try:
            async with time_limit(self._deadline_s * len(batch)):
                outcomes = await self._driver.write(
                    [(point, (value - point.offset) / point.gain) for point, value in batch]
                )
        finally:
            self._take_results(batch, outcomes)
            if not self._pending:
                self._written.set()

    def _take_results(self, batch: Sequence[tuple[Point, float]], outcomes: Sequence[WriteOutcome]) -> None:
        if len(outcomes) != len(batch):
            for point, value in batch:
                self._settle(point, value, WriteState.UNKNOWN, "the device did not answer in time")
            return
        for (point, value), outcome in zip(batch, outcomes, strict=True):
            self._settle(point, value, outcome.state, outcome.detail)

    def _settle(self, point: Point, value: float, state: WriteState, detail: str) -> None:
        self.counters.writes += 1
        self.counters.unknown_writes += state is WriteState.UNKNOWN
        self._outcomes.append(WriteOutcome(point, value, state, detail))

    def _fail(self, error: BaseException) -> None:
        """The link is lost: every sample is Bad, and what was not sent yet is refused."""
        self.counters.failed(kind_of(error))
        self._become(LinkState.DOWN, explain(error))
        for key, value in self._pending.items():
            self._settle(self._points[key], value, WriteState.REFUSED, f"not sent: {self.detail}")
        self._pending.clear()
        self._written.set()
        bad = Sample(math.nan, Quality.BAD, Reason.LINK, self._now_ns(), None, self.detail)
        self._samples = [bad] * len(self._blank)

    def _become(self, state: LinkState, detail: str) -> None:
        self.detail = detail
        if state is self.state:
            return
        event = LinkEvent(self.name, self.state, state, detail, self._now_ns())
        self.state, self.since_ns = state, event.time_ns
        self._on_event(event)

    async def _close(self) -> None:
        """Let go of the line, in bounded time."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_DEADLINE_S):
                await self._driver.close()
