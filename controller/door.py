"""The one door: every command is committed to the journal first, and only then offered to the scan.

Callers of :meth:`Door.submit` may live in any thread. The scan takes what is committed, in journal order, and
settles it; whoever waits for an outcome is told.
"""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future

from controller.commands import Command, Outcome

KEPT = 2048
"""How many settled commands can still be asked for; older ones are answered from the journal."""


class Door:
    """Commands in, committed commands out, outcomes back.

    ``commit`` writes a command durably and resolves to its journal number; it raises through the future when
    nothing can be stored, and then the command does not act.
    """

    def __init__(self, commit: Callable[[Command], Future[int]]) -> None:
        self._commit = commit
        self._ready: deque[Command] = deque()
        self._outcomes: OrderedDict[int, Future[Outcome]] = OrderedDict()
        self._lock = threading.Lock()

    def submit(self, command: Command) -> Future[int]:
        """Commit ``command``; the future gives its journal number, or the error that kept it out."""
        committed = self._commit(command)
        committed.add_done_callback(lambda done: self._offer(command, done))
        return committed

    def replay(self, commands: Iterable[Command]) -> None:
        """Offer commands that the journal holds but no scan has acted on: answered before a crash, they count."""
        for command in commands:
            self._track(command.journal)
            self._ready.append(command)

    def take(self) -> list[Command]:
        """The committed commands since the last call, in journal order."""
        taken: list[Command] = []
        while self._ready:
            taken.append(self._ready.popleft())
        return sorted(taken, key=lambda command: command.journal)

    def settle(self, outcomes: Iterable[Outcome]) -> None:
        """Tell whoever waits what the scan made of its command."""
        for outcome in outcomes:
            future = self._track(outcome.command.journal)
            if not future.done():
                future.set_result(outcome)

    def outcome(self, journal: int) -> Future[Outcome] | None:
        """The outcome of the command with this number, now or later; ``None`` when it is not known here."""
        with self._lock:
            return self._outcomes.get(journal)

    def _offer(self, command: Command, committed: Future[int]) -> None:
        if committed.cancelled() or committed.exception() is not None:
            return
        number = committed.result()
        self._track(number)
        self._ready.append(command.committed(number))

    def _track(self, journal: int) -> Future[Outcome]:
        with self._lock:
            future = self._outcomes.setdefault(journal, Future())
            while len(self._outcomes) > KEPT and next(iter(self._outcomes.values())).done():
                self._outcomes.popitem(last=False)
            return future
