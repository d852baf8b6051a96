"""The one door: every command is committed to the journal first, and only then offered to the scan.

Callers of :meth:`Door.submit` may live in any thread. The scan takes what is committed, in journal order, and
settles it; whoever waits for an outcome is told.

A full or locked disk must not keep a feed from being stopped: what a recipe wants, and what an operator stops, acts
although it could not be committed, and an event says so as soon as the disk takes it.
"""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future

from controller.commands import Command, Event, EventType, Outcome

KEPT = 2048
"""How many settled commands can still be asked for; older ones are answered from the journal."""


class DoorClosed(Exception):
    """Nothing is accepted any more: the supervisor is stopping."""


class Door:
    """Commands in, committed commands out, outcomes back.

    ``commit`` writes a command durably and resolves to its journal number; it raises through the future when
    nothing can be stored. ``note`` puts events on record as soon as that is possible; it must not wait.
    """

    def __init__(
        self,
        commit: Callable[[Command], Future[int]],
        note: Callable[[Sequence[Event]], None] | None = None,
    ) -> None:
        self._commit = commit
        self._note = note
        self._ready: deque[tuple[int, Command]] = deque()
        self._newest = 0
        self._outcomes: OrderedDict[int, Future[Outcome]] = OrderedDict()
        self._closed: str | None = None
        self._lock = threading.Lock()

    def submit(self, command: Command) -> Future[int]:
        """Commit ``command``; the future gives its journal number, or the error that kept it out (:class:`DoorClosed`
        after :meth:`close`). 0: it acts although it is not on record yet, and it cannot be withdrawn.
        """
        answer: Future[int] = Future()
        if self._closed is not None:
            answer.set_exception(DoorClosed(self._closed))
            return answer
        committed = self._commit(command)
        if not acts_anyway(command):
            committed.add_done_callback(lambda done: self._offer(command, done))
            return committed
        answer.set_running_or_notify_cancel()
        committed.add_done_callback(lambda done: self._offer_anyway(command, done, answer))
        return answer

    def close(self, reason: str) -> None:
        """Accept nothing from now on; ``reason`` is what the senders are told."""
        self._closed = reason

    def replay(self, commands: Iterable[Command]) -> None:
        """Offer commands that the journal holds but no scan has acted on: answered before a crash, they count."""
        for command in commands:
            self._put(command)

    def take(self) -> list[Command]:
        """The commands to act on since the last call, in journal order; one without a number (0) comes after those
        that were committed before it.
        """
        taken: list[tuple[int, Command]] = []
        while self._ready:
            taken.append(self._ready.popleft())
        return [command for _place, command in sorted(taken, key=lambda entry: entry[0])]

    def settle(self, outcomes: Iterable[Outcome]) -> None:
        """Tell whoever waits what the scan made of its command."""
        for outcome in outcomes:
            if outcome.command.journal == 0:
                continue
            future = self._track(outcome.command.journal)
            if not future.done():
                future.set_result(outcome)

    def outcome(self, journal: int) -> Future[Outcome] | None:
        """The outcome of the command with this number, now or later; ``None`` when it is not known here."""
        with self._lock:
            return self._outcomes.get(journal)

    def _offer(self, command: Command, committed: Future[int]) -> None:
        if not committed.cancelled() and committed.exception() is None:
            self._put(command.committed(committed.result()))

    def _offer_anyway(self, command: Command, committed: Future[int], answer: Future[int]) -> None:
        failed = committed.exception()
        if failed is None:
            self._put(command.committed(committed.result()))
            answer.set_result(committed.result())
        elif self._closed is not None:
            answer.set_exception(DoorClosed(self._closed))
        else:
            if self._note is not None:
                self._note([unrecorded(command, str(failed))])
            self._put(command)
            answer.set_result(0)

    def _put(self, command: Command) -> None:
        if command.journal:
            self._track(command.journal)
        with self._lock:
            self._newest = max(self._newest, command.journal)
            self._ready.append((command.journal or self._newest, command))

    def _track(self, journal: int) -> Future[Outcome]:
        with self._lock:
            future = self._outcomes.setdefault(journal, Future())
            while len(self._outcomes) > KEPT and next(iter(self._outcomes.values())).done():
                self._outcomes.popitem(last=False)
            return future


def acts_anyway(command: Command) -> bool:
    """Whether a command acts even when nothing can be stored: a running batch goes on, and stopping is always safe."""
    return command.source == "recipe" or command.stops


def unrecorded(command: Command, reason: str) -> Event:
    """The line of the record that stands for a command which acted without one of its own."""
    kind = EventType.PROCEDURAL if command.source == "recipe" else EventType.OPERATOR
    vessel, dot, _name = command.target.partition(".")
    return Event(
        kind,
        "Command",
        command.target,
        f"{command.verb} acted before it was on record: {reason}",
        vessel=vessel if dot else "",
        batch=command.batch if dot else command.target,
        value=dict(command.value),
        who=command.who,
        reason=command.reason,
    )
