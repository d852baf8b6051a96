"""Interlocks: the last word before the outputs. A tripped one stays tripped until its release is true, and while what
tripped it is.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np

from controller.commands import Event, EventType, Json
from controller.frame import Frame
from controller.model.guards import Interlock
from controller.stages.edges import Edges

PATIENCE = 3
"""Scans for which an interlock may be undecided before that counts."""
UNDECIDED = "cannot be decided"


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


class Hold(NamedTuple):
    """An interlock that holds an output at ``value``; ``text`` is what tripped it. It ends when ``release`` is true and
    ``when`` is not or, without a ``release``, when ``when`` is false.
    """

    interlock: Interlock
    value: float
    text: str
    when: Condition
    release: Condition | None


@dataclass(slots=True)
class _Guard:
    """``unknown`` counts the scans since it could last be decided, at ``since``; ``blind`` is one for which that is too
    long, ``told`` one of which the operator knows it. ``decided``: it could be decided once since the start.
    """

    interlock: Interlock
    when: Condition
    release: Condition | None
    tripped: bool = False
    unknown: int = 0
    since: float = math.nan
    blind: bool = False
    told: bool = False
    decided: bool = False
    text: str = ""

    @property
    def holds(self) -> bool:
        """Whether it forces its outputs: also during a start, before it can be decided."""
        return self.tripped or (self.blind and self.interlock.on_unknown == "trip")


class Interlocks:
    """All interlocks of the site. ``forced`` are the values they hold outputs at, NaN where none does, shape
    ``(outputs,)``; ``undecided`` those that cannot be decided and were told, shape ``(interlocks,)``; ``changes``
    counts what :meth:`view` shows.

    One that cannot be decided for more than :data:`PATIENCE` scans and ``patience_s`` seconds does what its
    ``on_unknown`` says. One that could never be decided since the start is told ``grace_s`` after the first step: until
    then it only holds its outputs, and is then judged as if it had not tripped.
    """

    def __init__(
        self,
        interlocks: Sequence[Interlock],
        conditions: Sequence[tuple[Condition, Condition | None]],
        outputs: int,
        patience_s: float = 0.0,
        grace_s: float = 0.0,
        edges: Edges | None = None,
    ) -> None:
        pairs = zip(interlocks, conditions, strict=True)
        self._guards = [_Guard(interlock, when, release) for interlock, (when, release) in pairs]
        self._edges = edges or Edges((), (), [False] * len(self._guards))
        self._unwatched = [
            guard for guard, watched in zip(self._guards, self._edges.watched, strict=True) if not watched
        ]
        self._settled, self._sides = False, b""
        self._patience_s, self._grace_s, self._grace_until = patience_s, grace_s, math.nan
        self.forced = np.full(outputs, np.nan)
        self.undecided = np.zeros(len(self._guards), np.bool_)
        self.changes = 0

    def step(self, reader: Reader, now_s: float, frame: Frame | None = None) -> list[Event]:
        """Judge all of them on the values of this scan; ``now_s`` is process time. With the ``frame`` that ``reader``
        reads, only those that can have changed.
        """
        if math.isnan(self._grace_until):
            self._grace_until = now_s + self._grace_s
        sides = b"" if frame is None else self._edges.sides(frame)
        if frame is not None and self._settled and sides == self._sides:
            return self._judge(self._unwatched, reader, now_s)
        changes, self._sides, self._settled = self.changes, sides, True
        events = self._judge(self._guards, reader, now_s)
        self._settled = self._settled and changes == self.changes and not events
        return events

    def _judge(self, guards: Sequence[_Guard], reader: Reader, now_s: float) -> list[Event]:
        events: list[Event] = []
        for guard in guards:
            truth = self._wants_trip(guard, reader)
            if truth is None:
                self._settled = False
                events += self._unknown(guard, reader, now_s)
            else:
                events += self._known(guard, reader, tripped=truth)
        return events

    def _unknown(self, guard: _Guard, reader: Reader, now_s: float) -> list[Event]:
        """Once undecided for too long, hold the outputs; tell it, unless this is still the start."""
        if not guard.unknown:
            guard.since = now_s
        guard.unknown += 1
        if guard.unknown <= PATIENCE or now_s - guard.since < self._patience_s or guard.told:
            return []
        if not guard.blind:
            guard.blind = True
            guard.text = guard.text or f"not decided yet: {guard.when.explain(reader)}"
            self._force()
        if not guard.decided and now_s < self._grace_until:
            return []
        guard.told = True
        why = guard.when.explain(reader)
        if guard.tripped or guard.interlock.on_unknown == "keep":
            self._force()
            return [self._event(guard, UNDECIDED, why)]
        guard.text = f"{UNDECIDED}: {why}"
        guard.tripped = True
        self._force()
        return [self._event(guard, "tripped", guard.text)]

    def _known(self, guard: _Guard, reader: Reader, *, tripped: bool) -> list[Event]:
        """Follow what was decided; whoever was told that it could not be is told that it can."""
        events = []
        if guard.told:
            waits = guard.tripped and tripped and guard.release is not None
            guard.text = ("not released: " if waits else "") + self._because(guard, reader).explain(reader)
            events.append(self._event(guard, "can be decided again", guard.text))
        was_blind, was_told = guard.blind, guard.told
        guard.blind = guard.told = False
        guard.unknown, guard.decided = 0, True
        if tripped != guard.tripped:
            events.append(self._turn(guard, reader, tripped=tripped))
        elif was_blind:
            guard.text = guard.text if was_told else ""
            self._force()
        return events

    @staticmethod
    def _because(guard: _Guard, reader: Reader) -> Condition:
        """The condition that decides what it does next."""
        if guard.release is None or not guard.tripped or guard.release.evaluate(reader) is True:
            return guard.when
        return guard.release

    @staticmethod
    def _wants_trip(guard: _Guard, reader: Reader) -> bool | None:
        """It stays tripped while ``when`` is true, also where ``release`` is true as well."""
        when = guard.when.evaluate(reader)
        if not guard.tripped or guard.release is None or when is True:
            return when
        released = guard.release.evaluate(reader)
        if released is False:
            return True
        return None if released is None or when is None else False

    def _turn(self, guard: _Guard, reader: Reader, *, tripped: bool) -> Event:
        guard.tripped = tripped
        because = guard.when if tripped or guard.release is None else guard.release
        guard.text = because.explain(reader)
        self._force()
        return self._event(guard, "tripped" if tripped else "released", guard.text)

    def _force(self) -> None:
        """Fold what changed into arrays. Later interlocks of the file win over earlier ones on the same output."""
        self.changes += 1
        self.forced[:] = np.nan
        self.undecided[:] = [guard.told for guard in self._guards]
        for guard in self._guards:
            if guard.holds:
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

    def holds(self) -> dict[int, Hold]:
        """What holds which row of the output table now."""
        return {
            row: Hold(guard.interlock, value, guard.text or guard.interlock.when, guard.when, guard.release)
            for guard in self._guards
            if guard.holds
            for row, value in guard.interlock.force
        }

    def state(self) -> list[Json]:
        """The names of those that are tripped."""
        return [guard.interlock.full_name for guard in self._guards if guard.tripped]

    def restore(self, state: Sequence[Json]) -> None:
        """Trip those that were: they release by their condition, not by a restart."""
        for guard in self._guards:
            guard.tripped = guard.interlock.full_name in state
        self._settled = False
        self._force()
