"""Read-backs: when a device says that the consequence of an operator's command has arrived.

A command on a loop is read back when every actuator that the loop moves has been read, after the command was applied,
at one of the values written since.
"""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from controller.commands import Command, Outcome, Verb
from controller.frame import BAD, Frame
from controller.stages.loop_state import Mode

if TYPE_CHECKING:
    from controller.api.gateway import ReadBack
    from controller.model.site import Site
    from controller.scan import ScanResult
    from controller.stages.loops import Loops

KEPT = 512
TOLERANCE = 5e-3
"""Share of an actuator's span by which a read-back may differ: instruments round."""
RECENT = 6
"""Scans for which a written value may still be the one that is read."""


@dataclass(slots=True)
class Pending:
    """One applied command that waits for its device."""

    journal: int
    rows: tuple[int, ...]
    seen: set[int] = field(default_factory=set)


class ReadBacks:
    """Follows applied loop commands; looked up by journal number, from any thread."""

    def __init__(self, site: Site, loops: Loops) -> None:
        self._site = site
        self._loops = loops
        self._rows = {loop.full_name: self._outputs_of(row) for row, loop in enumerate(site.loops.rows)}
        self._written: dict[int, deque[float]] = {}
        self._pending: list[Pending] = []
        self._found: OrderedDict[int, Future[ReadBack]] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, journal: int) -> Future[ReadBack]:
        """The read-back of the command with this journal number, now or later; never, when nothing is written."""
        with self._lock:
            future = self._found.setdefault(journal, Future())
            while len(self._found) > KEPT:
                self._found.popitem(last=False)
            return future

    def scanned(self, result: ScanResult, utc: float) -> None:
        """Take one scan: what was read in it, then what was applied and written by it."""
        self._pending = [pending for pending in self._pending if not self._arrived(pending, result.frame, utc)][-KEPT:]
        for row, value in result.writes.items():
            self._written.setdefault(row, deque(maxlen=RECENT)).append(value)
        for outcome in result.outcomes:
            self._follow(outcome)

    def _follow(self, outcome: Outcome) -> None:
        command = outcome.command
        rows = self._rows.get(command.target, ())
        if command.journal and outcome.applied and rows and self._has_effect(command):
            self._pending.append(Pending(command.journal, rows))
            for row in rows:
                self._forget_older(row)

    def _has_effect(self, command: Command) -> bool:
        """Whether the device will see it: a setpoint moves nothing while its loop is off or in manual."""
        mode = self._loops.states[self._loops.table.index[command.target]].mode
        return command.verb in {Verb.MODE, Verb.OUTPUT, Verb.PROGRAM} or (
            command.verb is Verb.SETPOINT and mode >= Mode.AUTO
        )

    def _forget_older(self, row: int) -> None:
        """Only what is written from now on is the consequence of the command."""
        written = self._written.get(row)
        while written and len(written) > 1:
            written.popleft()

    def _arrived(self, pending: Pending, frame: Frame, utc: float) -> bool:
        outputs = self._site.outputs
        for row in pending.rows:
            output = outputs.rows[outputs.row_of_tag[row]]
            read = float(frame.value[row])
            recent = self._written.get(row, ())
            if frame.quality[row] < BAD and any(abs(read - value) <= TOLERANCE * output.span for value in recent):
                pending.seen.add(row)
        if len(pending.seen) < len(pending.rows):
            return False
        from controller.api.gateway import ReadBack

        row = pending.rows[0]
        self.of(pending.journal).set_result(ReadBack(float(frame.value[row]), self._site.tags.tags[row].unit, utc))
        return True

    def _outputs_of(self, loop: int) -> tuple[int, ...]:
        """The tag rows of every actuator that a loop moves, also through the loops it drives."""
        outputs = self._site.outputs
        row = self._site.loops.rows[loop]
        if row.output >= 0:
            return (outputs.rows[row.output].tag,)
        tags: list[int] = []
        for leg in row.legs:
            tags += self._outputs_of(leg.target) if leg.cascade else [outputs.rows[leg.target].tag]
        return tuple(tags)
