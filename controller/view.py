"""What the page and the interface see of a scan: columns of numbers, and lists that are rebuilt when they changed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from controller.commands import Event, Json
from controller.engine_port import Engine
from controller.explain import Explanation, FactBook
from controller.frame import BAD, F8, U1, Frame
from controller.model.loops import Loop
from controller.model.site import Site
from controller.model.tags import Tag, TagTable
from controller.stages.alarms import Alarms
from controller.stages.dose_guard import DoseGuards
from controller.stages.flags import all_of
from controller.stages.health_books import Place
from controller.stages.interlocks import Interlocks
from controller.stages.loop_state import Mode
from controller.stages.loops import Loops
from controller.stages.orders import modes
from controller.stages.programs.programs import Programs
from controller.stages.programs.shown import feed_columns, shown_program
from drivers.contract import Reason

Entry = dict[str, Json]
ENDED = {"Complete", "Stopped", "Aborted"}
"""States of a batch that no longer holds its vessel."""
LIMIT_WORDS: dict[float, Json] = {1.0: "high", -1.0: "low"}


class View(NamedTuple):
    """One scan as it is shown. Arrays have shape ``(columns,)`` and belong to the caller; the lists are in the shape of
    the live JSON and must not be changed. ``revision`` counts the changes of each list; ``why`` explains the outputs.
    """

    value: F8
    quality: U1
    reason: U1
    age: F8
    vessels: list[Entry]
    batches: list[Entry]
    alarms: list[Entry]
    revision: dict[str, int]
    why: Explanation


class Columns:
    """The site's columns: every tag that is read or calculated, then setpoint and output of every loop, then the
    numbers of every feed.

    ``described`` is the live JSON's ``columns``; ``connections`` names where each comes from, "" for none.
    """

    def __init__(self, site: Site) -> None:
        shown = [row for row, tag in enumerate(site.tags.tags) if tag.point is None or tag.point.access != "w"]
        self.tags = np.array(shown, np.intp)
        self.place = {row: place for place, row in enumerate(shown)}
        loops = site.loops.rows
        self.first_sp, self.first_op = len(shown), len(shown) + len(loops)
        tags = [site.tags.tags[row] for row in shown]
        self.described: list[Entry] = [
            {
                **_column(tag.vessel, "tag", tag.name, tag.unit, tag.decimals, tag.low, tag.high, tag.title),
                **_origin(tag, site.tags),
            }
            for tag in tags
        ]
        self.described += [
            _column(loop.vessel, "sp", loop.name, loop.unit, loop.decimals, loop.sp_low, loop.sp_high, loop.title)
            for loop in loops
        ]
        self.described += [
            _column(loop.vessel, "op", loop.name, loop.op_unit, 1, loop.op_low, loop.op_high, loop.title)
            for loop in loops
        ]
        feeds = feed_columns(site.feeds)
        for one in feeds:
            feed = site.feeds.rows[one.row]
            self.described.append(
                _column(feed.vessel, one.kind, feed.name, one.unit, one.decimals, one.low, one.high, one.title)
            )
        self.connections = [tag.connection or "" for tag in tags] + [""] * (2 * len(loops) + len(feeds))

    def arrays(self, frame: Frame, setpoints: F8, outputs: F8, feeds: F8) -> tuple[F8, U1, U1, F8]:
        """Value, quality, reason and age of all columns, as new arrays. A loop's and a feed's own numbers are Good and
        fresh, or Bad where nothing is known.
        """
        tags, shown = self.tags, self.first_sp
        value = np.concatenate((frame.value[tags], setpoints, outputs, feeds))
        age, quality, reason = np.zeros(len(value)), np.zeros(len(value), np.uint8), np.zeros(len(value), np.uint8)
        age[:shown], quality[:shown], reason[:shown] = frame.age[tags], frame.quality[tags], frame.reason[tags]
        known = np.isfinite(value[shown:])
        if not all_of(known):
            quality[shown:][~known], reason[shown:][~known] = BAD, Reason.NOT_READ
        return value, quality, reason, age


def _origin(tag: Tag, tags: TagTable) -> Entry:
    """What a calculated tag is calculated from, and by which model in which version, nothing for others; and the
    calibration that goes into a tag that is read.
    """
    calibration: Json = {**tag.calibration._asdict()} if tag.calibration else None
    if tag.calculation is None:
        return {"model": "", "inputs": [], "calibration": calibration}
    inputs: Json = [tags.tags[one.row].name for one in tag.calculation.inputs]
    return {"model": tag.calculation.name, "inputs": inputs, "calibration": calibration}


def _column(vessel: str, kind: str, name: str, unit: str, decimals: int, low: float, high: float, title: str) -> Entry:
    return {
        "vessel": vessel, "kind": kind, "name": name, "title": title, "unit": unit, "decimals": decimals,
        "low": low if math.isfinite(low) else None, "high": high if math.isfinite(high) else None,
    }  # fmt: skip


class VesselList:
    """The live JSON's ``vessels``, rebuilt when a loop, an interlock, a dose guard or a program changed."""

    def __init__(
        self,
        site: Site,
        columns: Columns,
        loops: Loops,
        interlocks: Interlocks,
        guards: DoseGuards,
        book: FactBook,
        programs: Programs,
    ) -> None:
        self._site, self._columns, self._loops, self._interlocks = site, columns, loops, interlocks
        self._guards, self._book, self.facts = guards, book, book.current()
        self._programs = programs
        self._seen = (-1, -1, -1, -1)
        self._list: list[Entry] = []
        self.revision = 0

    def current(self) -> list[Entry]:
        """The list as it is now; the same object as long as nothing changed."""
        self.facts = self._book.current()
        seen = (self.facts.revision, self._interlocks.changes, self._guards.changes, self._programs.changes)
        if seen != self._seen:
            self._seen = seen
            self._list = [self._vessel(vessel.name, vessel.title, vessel.vessel_class) for vessel in self._site.vessels]
            self.revision += 1
        return self._list

    def _vessel(self, name: str, title: str, vessel_class: str) -> Entry:
        loops: list[Json] = [
            self._loop(row, loop) for row, loop in enumerate(self._site.loops.rows) if loop.vessel == name
        ]
        return {
            "name": name,
            "title": title,
            "class": vessel_class,
            "loops": loops,
            "interlocks": [*self._interlocks.view(name)],
        }

    def _loop(self, row: int, loop: Loop) -> Entry:
        state, columns, facts = self._loops.states[row], self._columns, self.facts.loops[row]
        mode_words: list[Json] = [*modes(self._loops.table, row, programmed=bool(self._loops.programmed[row]))]
        return {
            "name": loop.name,
            "title": loop.title,
            "type": loop.type,
            "pv": columns.place.get(loop.pv),
            "sp": columns.first_sp + row,
            "op": columns.first_op + row,
            "mode": state.mode.word,
            "modes": mode_words,
            "actual": facts.actual.word,
            "mode_reason": facts.actual.reason,
            "unasked": state.unasked,
            "barred": {**facts.barred},
            "held_by": self._holder(row, loop),
            "sp_low": loop.sp_low,
            "sp_high": loop.sp_high,
            "confirm_step": None if math.isnan(loop.confirm_step) else loop.confirm_step,
            "op_low": loop.op_low,
            "op_high": loop.op_high,
            "op_unit": loop.op_unit,
            "feed": shown_program(self._programs, loop.full_name),
            "limited": LIMIT_WORDS.get(float(self._loops.limits.shown[row])),
            "revision": state.revision,
        }

    def _holder(self, row: int, loop: Loop) -> str:
        """Who has the last word on the loop now."""
        outputs = list(loop.moves)
        if np.isfinite(self._interlocks.forced[outputs]).any():
            return "interlock"
        if self._guards.held[outputs].any():
            return "dose guard"
        state = self._loops.states[row]
        return {Mode.CASCADE: "cascade", Mode.REMOTE: "program"}.get(state.mode, state.held_by)


class BatchList:
    """The live JSON's ``batches``, and which of them runs on which vessel."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._list: list[Entry] = []
        self._running: dict[str, str] = {}
        self._vessels: dict[str, str] = {}
        self._operations: Mapping[str, str] = {}
        self._places: tuple[Place, ...] = ()
        self.revision = 0

    def current(self) -> list[Entry]:
        """The list as it is now; the same object as long as nothing changed."""
        now = self._engine.view()
        if now != self._list:
            self._list = now
            self.revision += 1
        return self._list

    def refresh(self, *, changed: bool) -> None:
        """Look again which batch is where, after a scan in which that may have changed."""
        if not changed:
            return
        placed = self._engine.placed()
        self._vessels = {batch: vessel for batch, vessel, _ in placed}
        self._running = {vessel: batch for batch, vessel, runs in placed if runs}
        self._operations = {}

    def vessel(self, batch: str) -> str:
        """The vessel of a batch, "" when it is not known."""
        if batch not in self._vessels:
            self.refresh(changed=True)
        return self._vessels.get(batch, "")

    def places(self, operations: Mapping[str, str]) -> tuple[Place, ...]:
        """Where every vessel is, in the order of ``operations``, which names the running operation of each; the same
        object as long as nothing changed.
        """
        if operations is not self._operations and operations != self._operations:
            self._operations = operations
            self._places = tuple(
                Place(self._running.get(vessel, ""), operation) for vessel, operation in operations.items()
            )
        return self._places

    def signed(self, events: list[Event]) -> list[Event]:
        """Events on a vessel belong to the batch that runs on it."""
        return [
            event._replace(batch=self._running[event.vessel])
            if not event.batch and event.vessel in self._running
            else event
            for event in events
        ]


class AlarmList:
    """The live JSON's ``alarms``, rebuilt when an alarm changed."""

    def __init__(self, alarms: Alarms) -> None:
        self._alarms = alarms
        self._list: list[Entry] = []
        self.revision = -1

    def current(self) -> list[Entry]:
        """The list as it is now; the same object as long as nothing changed."""
        if self.revision != self._alarms.changes:
            self.revision = self._alarms.changes
            self._list = self._alarms.view()
        return self._list
