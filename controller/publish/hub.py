"""The hub: carries ticks and journal rows from the scan's and the writer's threads to the streams of one event loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from controller.publish.encode import Encoder, frame
from controller.publish.mailbox import Mailbox
from controller.publish.publisher import Publisher

BEAT_S = 1.0
JOURNAL_WAITING = 1024
Subscribe = Callable[[Callable[[Sequence[Mapping[str, Any]]], None]], Callable[[], None]]


class TooManyStreams(Exception):
    """Every place at the stream is taken."""


class Hub:
    """Encodes each tick once and offers it to every client's mailbox.

    ``journal`` is the store's ``subscribe``; ``alive`` says whether the scan runs: while it does not, no heartbeat is
    sent, so that no page looks alive. Lives on one event loop between :meth:`start` and :meth:`close`.
    """

    def __init__(self, publisher: Publisher, journal: Subscribe, alive: Callable[[], bool], places: int = 64) -> None:
        self._publisher = publisher
        self._journal = journal
        self._alive = alive
        self._places = places
        self._encoder = Encoder(publisher)
        self._seq = 0
        self._snapshot: tuple[int, bytes] = (0, b"")
        self._rows: list[Mapping[str, Any]] = []
        self._woken = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._lock = threading.Lock()
        self._endings: list[Callable[[], None]] = []
        self._beating: asyncio.Task[None] | None = None
        self._rows_lost = False
        self._mailboxes: set[Mailbox] = set()

    @property
    def clients(self) -> int:
        """How many streams are open."""
        return len(self._mailboxes)

    def start(self) -> None:
        """Begin, on the running event loop."""
        self._loop = asyncio.get_running_loop()
        self._endings = [self._publisher.subscribe(self._wake), self._journal(self._rows_committed)]
        self._beating = self._loop.create_task(self._beat(), name="stream-heartbeat")

    def close(self) -> None:
        """End every stream and stop listening. Idempotent; on the event loop."""
        with self._lock:
            self._loop = None
        for end in self._endings:
            end()
        self._endings.clear()
        if self._beating is not None:
            self._beating.cancel()
        for mailbox in self._mailboxes:
            mailbox.close()

    def join(self) -> Mailbox:
        """A mailbox for one more client; its first content is a snapshot. Raises :class:`TooManyStreams`."""
        if len(self._mailboxes) >= self._places:
            raise TooManyStreams(f"{self._places} streams are open, no more are served")
        mailbox = Mailbox(self._newest, self._resync)
        self._mailboxes.add(mailbox)
        if self._loop is None:
            mailbox.close()
        return mailbox

    def leave(self, mailbox: Mailbox) -> None:
        """The client has gone. Idempotent."""
        self._mailboxes.discard(mailbox)

    def _wake(self) -> None:
        with self._lock:
            if self._loop is not None and not self._woken:
                self._woken = True
                self._loop.call_soon_threadsafe(self._distribute)

    def _rows_committed(self, rows: Sequence[Mapping[str, Any]]) -> None:
        with self._lock:
            self._rows_lost = self._rows_lost or len(self._rows) + len(rows) > JOURNAL_WAITING
            self._rows = [*self._rows, *rows][-JOURNAL_WAITING:]
        self._wake()

    def _distribute(self) -> None:
        with self._lock:
            self._woken = False
            rows, self._rows = self._rows, []
            lost, self._rows_lost = self._rows_lost, False
        tick = self._publisher.latest
        if tick is not None and tick.seq != self._seq and self._mailboxes:
            self._seq = tick.seq
            delta = self._encoder.delta(tick)
            for mailbox in self._mailboxes:
                mailbox.delta(delta)
        for event in [frame("event", row) for row in rows if self._mailboxes]:
            for mailbox in self._mailboxes:
                mailbox.event(event)
        for mailbox in self._mailboxes if lost else ():
            mailbox.miss()

    def _newest(self) -> bytes:
        """The snapshot of the tick that the deltas have come to, encoded once however many clients ask."""
        self._distribute()
        tick = self._publisher.latest
        if tick is None:
            return b""
        if self._snapshot[0] != tick.seq:
            self._snapshot = (tick.seq, self._encoder.snapshot(tick))
        return self._snapshot[1]

    def _resync(self) -> bytes:
        return frame("resync", {"seq": self._seq})

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(BEAT_S)
            tick = self._publisher.latest
            if tick is not None and self._alive():
                beat = frame("hb", {"seq": tick.seq, "time": tick.time})
                for mailbox in self._mailboxes:
                    mailbox.beat(beat)
