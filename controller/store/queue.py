"""What waits to be written: bounded, in order, and never lost because one attempt to write it failed."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import NamedTuple

from controller.clock import wall_ns
from controller.store.checkpoint import Unsaved
from controller.store.errors import StoreUnavailable
from controller.store.history import Row


class Limits(NamedTuple):
    """How much may wait while the disk does not take it, and for how long a command waits for its commit.

    ``rows`` scans and ``entries`` events; beyond them the oldest are given up, counted, and the gap goes on record.
    ``commit_s`` is wall time. ``max_bytes`` is a quota for the file.
    """

    rows: int = 20_000
    entries: int = 20_000
    commit_s: float = 3.0
    max_bytes: int | None = None


@dataclass(slots=True, eq=False)
class Waiting:
    """One journal entry on its way, as JSON; ``future`` is set for a command, whose sender waits for the number."""

    body: bytes
    future: Future[int] | None = None
    since_ns: int = field(default_factory=wall_ns)
    begun: bool = False

    def wanted(self) -> bool:
        """Whether it still has to be written: false when its sender gave up before the first attempt."""
        if self.future is None or self.begun:
            return True
        self.begun = self.future.set_running_or_notify_cancel()
        return self.begun

    def refuse(self, why: str) -> None:
        """Tell the sender that it was not and will not be stored."""
        if self.future is not None and (self.begun or self.future.set_running_or_notify_cancel()):
            self.future.set_exception(StoreUnavailable(why))


@dataclass(slots=True)
class Batch:
    """What one transaction writes."""

    entries: list[Waiting] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    checkpoint: Unsaved | None = None

    def __bool__(self) -> bool:
        return bool(self.entries or self.rows or self.checkpoint)


class Pending:
    """The queue itself. Not thread-safe: the writer holds its lock around every call."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self.entries: deque[Waiting] = deque()
        self.rows: deque[Row] = deque()
        self.checkpoint: Unsaved | None = None
        self.dropped_rows = 0
        self.dropped_entries = 0

    def __bool__(self) -> bool:
        return bool(self.entries or self.rows or self.checkpoint)

    def take(self) -> Batch:
        """Everything, for one transaction."""
        batch = Batch([waiting for waiting in self.entries if waiting.wanted()], list(self.rows), self.checkpoint)
        self.entries.clear()
        self.rows.clear()
        self.checkpoint = None
        return batch

    def put_back(self, batch: Batch) -> None:
        """A transaction failed as a whole: its content goes before what has come in the meantime."""
        self.entries.extendleft(reversed(batch.entries))
        self.rows.extendleft(reversed(batch.rows))
        self.checkpoint = self.checkpoint or batch.checkpoint
        self.trim()

    def give_up(self, older_than_ns: int) -> list[Waiting]:
        """Take out the commands that have waited since before ``older_than_ns`` (wall). The caller refuses them, once
        it has let go of the lock: whoever hears of it may hand over something new.
        """
        given_up = [one for one in self.entries if one.future is not None and one.since_ns <= older_than_ns]
        self.entries = deque(one for one in self.entries if one.future is None or one.since_ns > older_than_ns)
        return given_up

    def trim(self) -> None:
        """Give up the oldest scans and events beyond the limits; commands are never given up silently."""
        excess = len(self.rows) - self._limits.rows
        for _ in range(excess):
            self.rows.popleft()
        self.dropped_rows += max(0, excess)
        surplus = len(self.entries) - self._limits.entries
        if surplus > 0:
            self.entries = deque(self._without_oldest(surplus))

    def _without_oldest(self, surplus: int) -> Iterable[Waiting]:
        for waiting in self.entries:
            if surplus > 0 and waiting.future is None:
                surplus -= 1
                self.dropped_entries += 1
            else:
                yield waiting
