"""The store: what the rest of the program sees of the record."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from controller.clock import Clock, ScaledClock
from controller.commands import Command, Event, EventType, Json
from controller.store import checkpoint, database, history, journal
from controller.store.checkpoint import Checkpoint, Unsaved
from controller.store.entries import Entry, command_entry, event_entry
from controller.store.errors import StoreUnavailable
from controller.store.history import HistoryWriter
from controller.store.queue import Limits
from controller.store.trends import Series
from controller.store.writer import Listener, StoreHealth, Writer

DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, None)
LOG = logging.getLogger(__name__)


class Store:
    """One SQLite file. Writing never waits for the disk; reading works from any thread, on connections of its own.

    ``columns`` names the values of a scan for as long as the store is open; other runs may have had others. A damaged
    file is set aside (``recovered_from`` says where) and a new one begun, loudly. Raises :class:`StoreUnavailable`
    when the file can be neither opened nor made, :class:`StoreTooNew`.
    """

    def __init__(
        self, path: Path, columns: Sequence[str] = (), *, clock: Clock | None = None, limits: Limits | None = None
    ) -> None:
        self.path = path
        self.columns = tuple(columns)
        utc = (clock or ScaledClock()).utc
        limits = limits or Limits()
        connection, self.recovered_from = _open(path, limits.max_bytes, utc)
        self._writer = Writer(connection, HistoryWriter(connection, self.columns), utc, limits)
        if self.recovered_from is not None:
            self._report_damage(self.recovered_from)

    def commit(self, command: Command) -> Future[int]:
        """Make ``command`` durable; the future gives its journal number, or :class:`StoreUnavailable` when it was not
        stored and never will be. Cancelling the future before the first attempt withdraws the command.
        """
        return self._writer.commit(command_entry(command))

    def append(self, events: Sequence[Event]) -> None:
        """Put ``events`` on record, in order, as soon as the disk takes them."""
        if events:
            self._writer.append([event_entry(event) for event in events])

    def record(self, utc: float, values: NDArray[np.float64], quality: NDArray[np.uint8]) -> None:
        """Store one scan: ``values`` and ``quality`` in the order of ``columns``, which are copied.

        Raises ``ValueError`` when their length is another.
        """
        if not len(values) == len(quality) == len(self.columns):
            raise ValueError(f"{len(self.columns)} values are expected, not {len(values)} and {len(quality)}")
        self._writer.record(history.row(utc, values, quality))

    def checkpoint(self, state: Mapping[str, Json], process_s: float, utc: float) -> None:
        """Replace the scan state a restart continues from. ``state`` must not be changed afterwards.

        Called last in a scan, it never reaches the disk before that scan's events and values do.
        """
        self._writer.checkpoint(Unsaved(state, process_s, utc))

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Have ``listener`` called with the entries of every commit, on the writer's thread: it must neither block nor
        raise. Returns what ends it.
        """
        return self._writer.subscribe(listener)

    def health(self) -> StoreHealth:
        """Counts, what waits, and whether something is wrong."""
        return self._writer.health()

    def close(self) -> None:
        """Write what still waits (at most 2 s) and close. Idempotent."""
        self._writer.close()

    def entries(
        self,
        after: int | None = None,
        limit: int = 100,
        vessel: str | None = None,
        batch: str | None = None,
        type: str | None = None,
    ) -> list[Entry]:
        """Journal rows in order: up to ``limit`` after number ``after``, or the newest ones when it is ``None``."""
        with database.reading(self.path) as connection:
            return journal.entries(connection, after, limit, vessel, batch, type)

    def command(self, number: int) -> Command | None:
        """The command committed under ``number``."""
        with database.reading(self.path) as connection:
            return journal.command(connection, number)

    def answers(self, number: int) -> list[Entry]:
        """The events on record about the command ``number``, oldest first."""
        with database.reading(self.path) as connection:
            return journal.answers(connection, number)

    def commands_after(self, number: int) -> list[Command]:
        """Every command committed after journal number ``number``, in order."""
        with database.reading(self.path) as connection:
            return journal.commands_after(connection, number)

    def load_checkpoint(self) -> Checkpoint | None:
        """The newest stored scan state, ``None`` in a new store."""
        with database.reading(self.path) as connection:
            return checkpoint.load(connection)

    def history(self, columns: Sequence[str], start: float, end: float, points: int = 1000) -> dict[str, Series]:
        """Each of ``columns`` between two UTC times in seconds, in at most ``points``; an unknown one is empty."""
        with database.reading(self.path) as connection:
            return history.read(connection, columns, start, end, points)

    def verify(self) -> int | None:
        """The number of the first journal row that is altered, missing or out of order; ``None`` when all hold."""
        with database.reading(self.path) as connection:
            return journal.verify(connection)

    def _report_damage(self, kept: Path) -> None:
        text = f"The record could not be read and is kept as {kept.name}; this is a new one."
        self.append([Event(EventType.GENERAL, "System", "store", text)])


def _open(path: Path, max_bytes: int | None, utc: Callable[[], float]) -> tuple[sqlite3.Connection, Path | None]:
    """The writing connection, and where a damaged file was put."""
    try:
        return database.connect_writer(path, max_bytes), None
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorcode", None) not in DAMAGED:
            raise StoreUnavailable(f"{path}: {error}") from error
        kept = database.set_aside(path, f"damaged-{round(utc())}")
        LOG.error("%s is damaged (%s); it is kept as %s, a new record begins", path, error, kept)
    return database.connect_writer(path, max_bytes), kept
