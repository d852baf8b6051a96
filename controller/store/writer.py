"""The writer: one thread that owns the writing connection and commits whatever waits, together.

Whoever hands something over never waits for the disk. A transaction that fails is tried again with the same content
until it succeeds, so nothing is lost or stored twice; only commands, whose senders wait, are refused in time.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from typing import NamedTuple

from controller.clock import wall_ns
from controller.commands import Event, EventType
from controller.store import checkpoint, journal
from controller.store.checkpoint import Unsaved
from controller.store.entries import Entry, body, event_entry
from controller.store.history import HistoryWriter, Row
from controller.store.queue import Batch, Limits, Pending, Waiting

RETRY_S = 0.2
CLOSE_S = 2.0
NS = 1_000_000_000
BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
Listener = Callable[[Sequence[Entry]], None]
LOG = logging.getLogger(__name__)


class StoreHealth(NamedTuple):
    """How the store is doing: counts since it was opened, what waits now, and in ``detail`` what is wrong."""

    ok: bool = True
    detail: str = ""
    commits: int = 0
    entries: int = 0
    rows: int = 0
    failures: int = 0
    waiting_entries: int = 0
    waiting_rows: int = 0
    dropped_entries: int = 0
    dropped_rows: int = 0


class Writer:
    """The thread and its queue. ``utc`` gives the time that goes on record."""

    def __init__(
        self, connection: sqlite3.Connection, history: HistoryWriter, utc: Callable[[], float], limits: Limits
    ) -> None:
        self._connection = connection
        self._history = history
        self._utc = utc
        self._limits = limits
        self._pending = Pending(limits)
        self._condition = threading.Condition()
        self._health = StoreHealth()
        self._recorded_gap = (0, 0)
        self._in_flight = Batch()
        self._state_error = ""
        self._listeners: list[Listener] = []
        self._closing_ns: int | None = None
        self._ended = False
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
        self._thread.start()

    def commit(self, entry: Entry) -> Future[int]:
        """Hand over a command; the future gives its number once it is durable, or :class:`StoreUnavailable`."""
        future: Future[int] = Future()
        waiting = Waiting(body(entry), future)
        with self._condition:
            if self._ended or self._closing_ns is not None or len(self._pending.entries) >= 2 * self._limits.entries:
                waiting.refuse(self._health.detail or "the store is closed or has too much waiting")
            else:
                self._pending.entries.append(waiting)
                self._condition.notify()
        return future

    def append(self, entries: Iterable[Entry]) -> None:
        """Hand over events."""
        waiting = [Waiting(body(entry)) for entry in entries]
        self._add(lambda pending: pending.entries.extend(waiting))

    def record(self, row: Row) -> None:
        """Hand over one scan."""
        self._add(lambda pending: pending.rows.append(row))

    def checkpoint(self, state: Unsaved) -> None:
        """Hand over a scan's state; it replaces one that still waits."""
        self._add(lambda pending: setattr(pending, "checkpoint", state))

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call ``listener`` on the writer's thread with every committed group of entries; it must neither block nor
        raise. Returns what ends it.
        """
        with self._condition:
            self._listeners = [*self._listeners, listener]
        return lambda: self._unsubscribe(listener)

    def health(self) -> StoreHealth:
        """A consistent copy, from any thread."""
        with self._condition:
            pending = self._pending
            return self._health._replace(
                ok=self._health.ok and not self._ended and not self._state_error,
                detail=self._health.detail or self._state_error,
                waiting_entries=len(pending.entries),
                waiting_rows=len(pending.rows),
                dropped_entries=pending.dropped_entries,
                dropped_rows=pending.dropped_rows,
            )

    def close(self) -> None:
        """Write what waits, for at most ``CLOSE_S``, and end the thread. Idempotent."""
        with self._condition:
            if self._closing_ns is None:
                self._closing_ns = wall_ns()
                self._condition.notify()
        self._thread.join()

    def _add(self, put: Callable[[Pending], None]) -> None:
        with self._condition:
            put(self._pending)
            self._pending.trim()
            self._condition.notify()

    def _unsubscribe(self, listener: Listener) -> None:
        with self._condition:
            self._listeners = [other for other in self._listeners if other is not listener]

    def _run(self) -> None:
        try:
            while (batch := self._next()) is not None:
                self._in_flight = batch
                self._attempt(batch)
        finally:
            with self._condition:
                self._ended = True
                self._pending.put_back(self._in_flight)
                given_up = self._pending.give_up(wall_ns())
            for waiting in given_up:
                waiting.refuse("the store is closed")
            self._connection.close()

    def _next(self) -> Batch | None:
        """The next transaction's content; ``None`` when the thread has nothing more to do."""
        with self._condition:
            if not self._health.ok:
                self._condition.wait(RETRY_S)
            self._condition.wait_for(lambda: self._pending or self._closing_ns is not None)
            if self._closing_ns is not None and (not self._pending or wall_ns() - self._closing_ns > CLOSE_S * NS):
                return None
            return self._pending.take()

    def _attempt(self, batch: Batch) -> None:
        try:
            written, tail = self._write(batch)
        except sqlite3.Error as error:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            self._failed(batch, error)
        else:
            self._history.written(tail)
            self._succeeded(batch, written)

    def _write(self, batch: Batch) -> tuple[list[Entry], int]:
        self._connection.execute("BEGIN IMMEDIATE")
        written = journal.append(self._connection, [waiting.body for waiting in batch.entries], self._utc())
        tail = self._history.write(self._connection, batch.rows)
        if batch.checkpoint is not None:
            self._save(batch.checkpoint)
        self._connection.execute("COMMIT")
        self._in_flight = Batch()
        return written, tail

    def _save(self, unsaved: Unsaved) -> None:
        """A state that cannot be written is a mistake in the program: said loudly, and nothing else waits for it."""
        try:
            text = checkpoint.encoded(unsaved)
        except (TypeError, ValueError) as error:
            if not self._state_error:
                LOG.error("the scan's state cannot be stored, a restart would begin from an older one: %s", error)
            self._state_error = f"the scan's state cannot be stored: {error}"
        else:
            checkpoint.save(self._connection, unsaved, text)
            self._state_error = ""

    def _succeeded(self, batch: Batch, written: list[Entry]) -> None:
        for waiting, entry in zip(batch.entries, written, strict=True):
            if waiting.future is not None:
                waiting.future.set_result(entry["number"])
        with self._condition:
            if not self._health.ok:
                LOG.info("the store accepts data again")
            counts = self._health
            self._health = counts._replace(
                ok=True,
                detail="",
                commits=counts.commits + 1,
                entries=counts.entries + len(written),
                rows=counts.rows + len(batch.rows),
            )
            self._record_gap()
        if written:
            for listener in self._listeners:
                listener(written)

    def _failed(self, batch: Batch, error: sqlite3.Error) -> None:
        busy = getattr(error, "sqlite_errorcode", 0) & 0xFF in BUSY
        detail = f"nothing can be stored: {error}"
        with self._condition:
            if self._health.ok:
                LOG.error("%s; control continues, storing is tried again", detail)
            self._health = self._health._replace(ok=False, detail=detail, failures=self._health.failures + 1)
            self._pending.put_back(batch)
            self._in_flight = Batch()
            given_up = self._pending.give_up(wall_ns() - (round(self._limits.commit_s * NS) if busy else 0))
        for waiting in given_up:
            waiting.refuse(detail)

    def _record_gap(self) -> None:
        """What had to be given up while nothing could be stored becomes a record itself."""
        dropped = (self._pending.dropped_rows, self._pending.dropped_entries)
        rows, entries = (now - before for now, before in zip(dropped, self._recorded_gap, strict=True))
        if rows or entries:
            self._recorded_gap = dropped
            text = f"{rows} scans and {entries} events could not be stored and are missing before this line"
            self._pending.entries.append(Waiting(body(event_entry(Event(EventType.GENERAL, "System", "store", text)))))
