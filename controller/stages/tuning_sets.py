"""Tuning sets: which one each loop has, since when and why, and the one that it replaced."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

from controller.commands import Event, EventType, Json
from controller.model.loops import Loop
from controller.model.tuning import Tuning
from controller.stages.loops import Loops

FIELDS = (
    "gain", "integral_time", "derivative_time", "derivative_filter", "setpoint_weight", "derivative_weight",
    "tracking_time",
)  # fmt: skip
"""The parameters that a tuning set may change; gap and limits are the vessel class's."""


class TuningSet(NamedTuple):
    """One set of a loop. Version 0 is that of the vessel class; every change has the next number, also a return."""

    version: int
    tuning: Tuning
    who: str
    why: str


class TuningSets:
    """The sets in use and those that they replaced, by the rows of the loop table; loops without a controller have
    none.
    """

    def __init__(self, loops: Loops) -> None:
        self._loops = loops
        self.current = {
            row: TuningSet(0, loop.tuning, "system", "as in the vessel class")
            for row, loop in enumerate(loops.table.rows)
            if loop.tuning is not None
        }
        self.replaced: dict[int, TuningSet] = {}

    def put(self, row: int, tuning: Tuning, who: str, why: str) -> TuningSet:
        """Bring another set into force; the output does not move."""
        before = self.current[row]
        self.replaced[row] = before
        self.current[row] = new = TuningSet(before.version + 1, tuning, who, why)
        self._loops.retune(row, tuning)
        return new

    def view(self, row: int) -> dict[str, Json] | None:
        """The set in force and the one it replaced, as JSON; ``None`` for a loop without a controller."""
        current, replaced = self.current.get(row), self.replaced.get(row)
        if current is None:
            return None
        return {**shown(current), "replaced": shown(replaced) if replaced else None}

    def state(self) -> dict[str, Json]:
        """The sets that are not the vessel class's, by loop, with the class's own for a restart to compare."""
        rows = self._loops.table.rows
        return {
            rows[row].full_name: {
                "class": numbers(self._own(row)),
                "now": shown(one),
                "before": shown(before) if (before := self.replaced.get(row)) else None,
            }
            for row, one in self.current.items()
            if one.version > 0
        }

    def restore(self, state: Mapping[str, Json]) -> list[Event]:
        """Take the sets back. Where the vessel class has another tuning than then, that one counts: somebody changed
        the file on purpose; the events say so.
        """
        events = []
        for row in self.current:
            loop = self._loops.table.rows[row]
            stored = state.get(loop.full_name)
            if not isinstance(stored, dict):
                continue
            now = _read(stored.get("now"), self._own(row))
            if now is None or stored.get("class") != numbers(self._own(row)):
                events.append(_dropped(loop, now))
                continue
            self.current[row] = now
            before = _read(stored.get("before"), self._own(row))
            if before is not None:
                self.replaced[row] = before
            self._loops.retune(row, now.tuning)
        return events

    def _own(self, row: int) -> Tuning:
        tuning = self._loops.table.rows[row].tuning
        assert tuning is not None, "only loops with a controller have sets"
        return tuning


def numbers(tuning: Tuning) -> dict[str, Json]:
    """The parameters of a set; what is infinite is ``None``."""
    values = {name: float(getattr(tuning, name)) for name in FIELDS}
    return {name: value if math.isfinite(value) else None for name, value in values.items()}


def with_numbers(tuning: Tuning, given: Mapping[str, float]) -> Tuning:
    """The tuning with these parameters; what is not given stays."""
    now = {name: given.get(name, getattr(tuning, name)) for name in FIELDS}
    return replace(
        tuning,
        gain=now["gain"],
        integral_time=now["integral_time"],
        derivative_time=now["derivative_time"],
        derivative_filter=now["derivative_filter"],
        setpoint_weight=now["setpoint_weight"],
        derivative_weight=now["derivative_weight"],
        tracking_time=now["tracking_time"],
    )


def shown(one: TuningSet) -> dict[str, Json]:
    """A set as JSON."""
    return {**numbers(one.tuning), "version": one.version, "who": one.who, "reason": one.why}


def summary(tuning: Tuning, loop: Loop) -> str:
    """A set in words: ``K 46 %/Cel, Ti 710 s, Td 0 s``."""
    reset = f"{tuning.integral_time:.5g} s" if math.isfinite(tuning.integral_time) else "none"
    return f"K {tuning.gain:.5g} {loop.op_unit} per {loop.unit}, Ti {reset}, Td {tuning.derivative_time:.5g} s"


def _read(stored: Json, own: Tuning) -> TuningSet | None:
    """A stored set; ``None`` when it is not one."""
    if not isinstance(stored, dict) or not all(name in stored for name in FIELDS):
        return None
    given = {name: stored[name] for name in FIELDS}
    times = {name: math.inf if value is None else value for name, value in given.items()}
    values = {name: float(value) for name, value in times.items() if isinstance(value, int | float)}
    version = stored.get("version")
    if len(values) < len(FIELDS) or not isinstance(version, int):
        return None
    return TuningSet(version, with_numbers(own, values), str(stored.get("who", "")), str(stored.get("reason", "")))


def _dropped(loop: Loop, now: TuningSet | None) -> Event:
    what = f"tuning version {now.version}" if now else "a stored tuning"
    text = f"{loop.title}: {what} is not taken back: the vessel class has another tuning now, and that one counts"
    return Event(EventType.EQUIPMENT, "Modification", loop.full_name, text, loop.vessel, reason="restart")
