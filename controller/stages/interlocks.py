"""Interlocks: the last word before the outputs. A tripped one stays tripped until its release is true."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from controller.commands import Event, EventType, Json
from controller.model.guards import Interlock

PATIENCE = 3
"""Scans for which an interlock may be undecided before that is told."""


class Reader(Protocol):
    """Live values for conditions."""

    def read(self, vessel: str, name: str) -> tuple[float, int]:
        """Value and quality of a tag, or of ``<loop>.sp`` or ``<loop>.op``."""


class Condition(Protocol):
    """A condition of one vessel in three-valued logic."""

    def evaluate(self, reader: Reader) -> bool | None:
        """True, false, or ``None`` where a value it needs is Bad."""

    def explain(self, reader: Reader) -> str:
        """The condition with its live values."""


@dataclass(slots=True)
class _Guard:
    interlock: Interlock
    when: Condition
    release: Condition | None
    tripped: bool = False
    unknown: int = 0
    text: str = ""


class Interlocks:
    """All interlocks of the site. ``forced`` are the values they hold outputs at, NaN where none does, shape
    ``(outputs,)``; ``changes`` counts what :meth:`view` shows.
    """

    def __init__(
        self, interlocks: Sequence[Interlock], conditions: Sequence[tuple[Condition, Condition | None]], outputs: int
    ) -> None:
        pairs = zip(interlocks, conditions, strict=True)
        self._guards = [_Guard(interlock, when, release) for interlock, (when, release) in pairs]
        self.forced = np.full(outputs, np.nan)
        self.changes = 0

    def step(self, reader: Reader) -> list[Event]:
        """Judge all of them on the values of this scan. One that cannot be decided keeps its state."""
        events: list[Event] = []
        for guard in self._guards:
            truth = self._wants_trip(guard, reader)
            if truth is None:
                guard.unknown += 1
                if guard.unknown == PATIENCE + 1:
                    events.append(self._event(guard, "cannot be decided", guard.when.explain(reader)))
                continue
            if guard.unknown > PATIENCE:
                events.append(self._event(guard, "can be decided again", guard.when.explain(reader)))
            guard.unknown = 0
            if truth != guard.tripped:
                events.append(self._turn(guard, reader, tripped=truth))
        return events

    @staticmethod
    def _wants_trip(guard: _Guard, reader: Reader) -> bool | None:
        if not guard.tripped or guard.release is None:
            return guard.when.evaluate(reader)
        released = guard.release.evaluate(reader)
        return None if released is None else not released

    def _turn(self, guard: _Guard, reader: Reader, *, tripped: bool) -> Event:
        guard.tripped = tripped
        because = guard.when if tripped or guard.release is None else guard.release
        guard.text = because.explain(reader)
        self._force()
        return self._event(guard, "tripped" if tripped else "released", guard.text)

    def _force(self) -> None:
        """Later interlocks of the file win over earlier ones on the same output."""
        self.changes += 1
        self.forced[:] = np.nan
        for guard in self._guards:
            if guard.tripped:
                for row, value in guard.interlock.force:
                    self.forced[row] = value

    @staticmethod
    def _event(guard: _Guard, what: str, why: str) -> Event:
        interlock = guard.interlock
        text = f"{interlock.title}: interlock {what} ({why})"
        return Event(
            EventType.EQUIPMENT, "State Change", interlock.full_name, text, interlock.vessel, value=what, reason=why
        )

    def view(self, vessel: str) -> list[dict[str, Json]]:
        """The vessel's interlocks as the page shows them; ``text`` says what last tripped or released one."""
        return [
            {
                "name": guard.interlock.name,
                "title": guard.interlock.title,
                "tripped": guard.tripped,
                "text": guard.text or guard.interlock.when,
            }
            for guard in self._guards
            if guard.interlock.vessel == vessel
        ]

    def state(self) -> list[Json]:
        """The names of those that are tripped."""
        return [guard.interlock.full_name for guard in self._guards if guard.tripped]

    def restore(self, state: Sequence[Json]) -> None:
        """Trip those that were: they release by their condition, not by a restart."""
        for guard in self._guards:
            guard.tripped = guard.interlock.full_name in state
        self._force()
