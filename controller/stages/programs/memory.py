"""What programs and feeds remember over a restart."""

from __future__ import annotations

import math
from collections.abc import Mapping

from controller.commands import Event, EventType, Json
from controller.model.programs import Feed
from controller.stages.loop_state import Mode
from controller.stages.orders import Refusal
from controller.stages.programs.kinds import KINDS
from controller.stages.programs.orders import make_run
from controller.stages.programs.programs import Programs
from controller.stages.programs.run import Run, number

SECONDS_PER_HOUR = 3600.0
UNSEEN = "unseen"


def programs_state(programs: Programs) -> dict[str, Json]:
    """Programs, totals, learnt factors and bottles of all feeds, by name."""
    programs.save()
    return {feed.full_name: _feed_state(programs, row) for row, feed in enumerate(programs.table.rows)}


def _feed_state(programs: Programs, row: int) -> dict[str, Json]:
    run = programs.runs[row]
    return {
        **programs.deliveries.state(row),
        "program": None if run is None else run.state(),
        "sample_before": _stored_sample(float(programs.samples.before[row])),
    }


def _stored_sample(before: float) -> Json:
    if math.isfinite(before):
        return before
    return UNSEEN if math.isinf(before) else None


def restore_programs(programs: Programs, saved: Mapping[str, Json], outage_s: float) -> list[Event]:
    """Take over what :func:`programs_state` gave, before anything was read. A program waits or goes on as its loop
    does; what it had on its way counts as given. One that no longer fits is lost, and its loop leaves mode remote.
    """
    events: list[Event] = []
    for row, feed in enumerate(programs.table.rows):
        entry = saved.get(feed.full_name)
        if isinstance(entry, dict):
            programs.deliveries.restore(row, entry)
            programs.samples.before[row] = _sample(entry.get("sample_before"))
            events += _take(programs, row, entry.get("program"), outage_s)
    return [*events, *_unled(programs)]


def _sample(value: Json) -> float:
    return math.inf if value == UNSEEN else number(value, math.nan)


def _take(programs: Programs, row: int, stored: Json, outage_s: float) -> list[Event]:
    """Take over one program."""
    if not isinstance(stored, dict):
        return []
    feed = programs.table.rows[row]
    program = feed.programs.get(str(stored.get("program")))
    if program is None:
        return [_lost(feed, f"program {stored.get('program')} is no longer one of its programs")]
    try:
        run = make_run(program, stored.get("parameters"))
    except Refusal as refusal:
        return [_lost(feed, f"program {program.name}: {refusal}")]
    run.restore(stored)
    _complete(run)
    away_h = max(outage_s, 0.0) / SECONDS_PER_HOUR
    KINDS[program.name].away(run.memory, away_h)
    if run.word("clock") == "culture" and not run.over:
        run.hours += away_h
    programs.begin(row, run)
    return []


def _complete(run: Run) -> None:
    """What was on its way counts as given; what another version did not remember is begun with."""
    kind = KINDS[run.program.name]
    for name in kind.memory:
        run.memory.setdefault(name, math.nan)
    kind.interrupt(run.memory)


def _unled(programs: Programs) -> list[Event]:
    """Loops in mode remote without a program: nobody says what they work to, so they are off."""
    events = []
    for row, feed in enumerate(programs.table.rows):
        state = programs.loops.states[feed.loop]
        if state.mode is Mode.REMOTE and programs.runs[row] is None:
            state.mode, state.claimed, state.reason = Mode.OFF, True, "its program was lost in a restart"
            state.revision += 1
            programs.loops.touch()
            events.append(_lost(feed, "is off: its program was lost in a restart"))
    return events


def _lost(feed: Feed, why: str) -> Event:
    text = f"{feed.title}: {why}"
    return Event(EventType.ALARM, "Status Change", feed.full_name, text, feed.vessel, value=why, reason="restart")
