"""Facts: what changes seldom of the loops and of what holds their outputs; copied when it changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from controller.explain.actual import Actual, actual_mode
from controller.model.site import Site
from controller.model.tuning import Tuning
from controller.stages.barred import bars
from controller.stages.interlocks import Hold, Interlocks
from controller.stages.loop_state import LoopState, Mode
from controller.stages.loops import Loops
from controller.stages.orders import modes
from controller.stages.outputs import Outputs


@dataclass(frozen=True, slots=True)
class LoopFacts:
    """One loop: a copy of its state, the mode it really is in, whether it lacks its value, what it refuses now (see
    :func:`controller.stages.barred.bars`), its tuning. ``following`` are the rows of the slaves that follow it.
    """

    state: LoopState
    actual: Actual
    bad: bool
    following: tuple[int, ...]
    barred: Mapping[str, str]
    tuning: Tuning | None


@dataclass(frozen=True, slots=True)
class Facts:
    """All loops, in the order of their table; what holds, does not obey or refuses, by row of the output table; and
    the rows that can be reached. ``revision`` counts the changes.
    """

    revision: int
    loops: tuple[LoopFacts, ...]
    holds: Mapping[int, Hold]
    astray: Mapping[int, tuple[float, float]]
    refused: Mapping[int, str]
    ready: frozenset[int]


class FactBook:
    """Gives the facts of the scan just made; the same object as long as nothing changed."""

    def __init__(self, site: Site, loops: Loops, outputs: Outputs, interlocks: Interlocks) -> None:
        self._site, self._loops, self._outputs, self._interlocks = site, loops, outputs, interlocks
        self._seen = (-1, -1, -1)
        self._facts = Facts(0, (), {}, {}, {}, frozenset())

    def current(self) -> Facts:
        """The facts as they are now."""
        seen = (self._loops.changes, self._interlocks.changes, self._outputs.changes)
        if seen != self._seen:
            self._seen = seen
            self._facts = self._copied()
        return self._facts

    def _copied(self) -> Facts:
        holds, outputs = self._interlocks.holds(), self._outputs
        ready = frozenset(outputs.ready.nonzero()[0].tolist())
        rows = range(len(self._loops.table))
        facts = Facts(self._facts.revision + 1, (), holds, outputs.astray, outputs.refused, ready)
        return replace(facts, loops=tuple(self._loop(row, facts) for row in rows))

    def _loop(self, row: int, facts: Facts) -> LoopFacts:
        loops = self._loops
        loop, states = loops.table.rows[row], loops.states
        return LoopFacts(
            replace(states[row]),
            actual_mode(self._site, row, states, facts.holds, facts.astray, facts.ready),
            bool(loops.bad[row]),
            tuple(slave for slave in loop.slaves if states[slave].mode is Mode.CASCADE),
            bars(loops, row, modes(loops.table, row, programmed=bool(loops.programmed[row]))),
            loops.tunings[row],
        )
