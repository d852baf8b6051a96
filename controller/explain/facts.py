"""Facts: what changes seldom of the loops and of what holds their outputs; copied when it changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

from controller.explain.actual import Actual, OutputFacts, actual_mode
from controller.model.site import Site
from controller.model.tuning import Tuning
from controller.stages.barred import bars
from controller.stages.interlocks import Interlocks
from controller.stages.loop_state import LoopState, Mode
from controller.stages.loops import Loops
from controller.stages.orders import modes
from controller.stages.outputs import Outputs
from controller.stages.programs import Programs


class Led(NamedTuple):
    """The program of a loop: what people call it, and why it does not go on, "" when it does."""

    title: str
    waits: str


class LoopFacts(NamedTuple):
    """One loop: a copy of its state, the mode it really is in, whether it lacks its value, what it refuses now (see
    :func:`controller.stages.barred.bars`), its tuning and its program. ``following`` are the rows of the slaves that
    follow it.
    """

    state: LoopState
    actual: Actual
    bad: bool
    following: tuple[int, ...]
    barred: Mapping[str, str]
    tuning: Tuning | None
    led: Led | None


class Facts(NamedTuple):
    """All loops, in the order of their table, and all outputs. ``revision`` counts the changes."""

    revision: int
    loops: tuple[LoopFacts, ...]
    outputs: OutputFacts


class FactBook:
    """Gives the facts of the scan just made; the same object as long as nothing changed."""

    def __init__(self, site: Site, loops: Loops, outputs: Outputs, interlocks: Interlocks, programs: Programs) -> None:
        self._site, self._loops, self._outputs = site, loops, outputs
        self._interlocks, self._programs = interlocks, programs
        self._feeds = {feed.loop: row for row, feed in enumerate(programs.table.rows)}
        self._seen = (-1, -1, -1, -1, -1)
        self._facts = Facts(0, (), OutputFacts({}, {}, {}, {}, frozenset()))

    def current(self) -> Facts:
        """The facts as they are now."""
        loops, outputs = self._loops.changes, self._outputs.changes
        seen = (loops, outputs, self._outputs.guards.changes, self._interlocks.changes, self._programs.changes)
        if seen != self._seen:
            self._seen = seen
            self._facts = self._copied()
        return self._facts

    def _copied(self) -> Facts:
        outputs = self._outputs
        ready = frozenset(outputs.ready.nonzero()[0].tolist())
        guarded = outputs.guards.holds()
        facts = OutputFacts(self._interlocks.holds(), guarded, outputs.astray, outputs.refused, ready)
        loops = tuple([self._loop(row, facts) for row in range(len(self._loops.table))])
        return Facts(self._facts.revision + 1, loops, facts)

    def _loop(self, row: int, outputs: OutputFacts) -> LoopFacts:
        loops = self._loops
        loop, states = loops.table.rows[row], loops.states
        has = modes(loops.table, row, programmed=bool(loops.programmed[row]))
        return LoopFacts(
            replace(states[row]),
            actual_mode(self._site, row, states, outputs),
            bool(loops.bad[row]),
            tuple(slave for slave in loop.slaves if states[slave].mode is Mode.CASCADE),
            bars(loops, row, has),
            loops.tunings[row],
            self._led(row),
        )

    def _led(self, row: int) -> Led | None:
        feed = self._feeds.get(row)
        run = None if feed is None else self._programs.runs[feed]
        return None if run is None else Led(run.program.title, run.over or run.waits)
