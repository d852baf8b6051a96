"""What loops remember over a restart, and how each comes back by its own policy."""

from __future__ import annotations

import math
from collections.abc import Mapping

from controller.commands import Event, EventType, Json
from controller.model.loops import Loop
from controller.stages.loop_state import LoopState, Mode
from controller.stages.loops import Loops


def loops_state(loops: Loops) -> dict[str, Json]:
    """Modes, setpoints (asked for, and worked to), outputs and integrals of all loops, by name."""
    return {loop.full_name: _loop_state(loops, row) for row, loop in enumerate(loops.table.rows)}


def _loop_state(loops: Loops, row: int) -> dict[str, Json]:
    state, level = loops.states[row], loops.level_of[row]
    place = level.place.get(row)
    integral = state.saved_integral
    if place is not None and level.bank.running(place):
        integral = float(level.bank.integral[place])
    return {
        "mode": state.mode.word,
        "claimed": state.claimed,
        "adopt": state.adopt,
        "held_by": state.held_by,
        "reason": state.reason,
        "unasked": state.unasked,
        "revision": state.revision,
        "sp": float(loops.sp_target[row]),
        "working": float(loops.sp[row]),
        "manual": float(loops.manual[row]),
        "integral": None if math.isnan(integral) else integral,
    }


def restore_loops(loops: Loops, saved: Mapping[str, Json]) -> list[Event]:
    """Bring loops back before anything was read: *resume* goes on as it was, *hold_output* keeps the output where it is
    found, *safe* is off at the safe value. All of them start from the outputs as they are then found.
    """
    events = []
    for row, loop in enumerate(loops.table.rows):
        entry = saved.get(loop.full_name)
        if isinstance(entry, dict):
            before = _take(loops, row, entry)
            if before is not loops.states[row].mode:
                events.append(_event(loop, before, loops.states[row]))
    loops.touch()
    return events


def _take(loops: Loops, row: int, entry: Mapping[str, Json]) -> Mode:
    """Take over one loop's memory; gives the mode that it had."""
    loop, state = loops.table.rows[row], loops.states[row]
    mode = Mode.parse(entry.get("mode")) or Mode.OFF
    state.mode, state.claimed, state.adopt = mode, bool(entry.get("claimed")), bool(entry.get("adopt"))
    state.held_by, state.reason = str(entry.get("held_by", "operator")), str(entry.get("reason", ""))
    state.unasked, state.revision = bool(entry.get("unasked")), int(_number(entry.get("revision"), 0.0))
    loops.setpoints.ask(row, _number(entry.get("sp"), loop.sp_default))
    loops.setpoints.start(row, _number(entry.get("working"), float(loops.sp_target[row])))
    loops.manual[row] = min(max(_number(entry.get("manual"), 0.0), loop.op_low), loop.op_high)
    state.saved_integral = _number(entry.get("integral"), math.nan)
    if loop.on_restart == "safe":
        state.claimed, state.adopt = True, False
        if mode is not Mode.OFF:
            _change(state, Mode.OFF, "safe since the restart")
    elif loop.on_restart == "hold_output" and mode is not Mode.OFF and not state.adopt:
        state.adopt = True
        _change(state, Mode.MANUAL, "output held since the restart")
    return mode


def _change(state: LoopState, mode: Mode, reason: str) -> None:
    state.mode, state.reason, state.unasked = mode, reason, True
    state.revision += 1
    state.saved_integral = math.nan


def _number(value: Json, default: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return default
    return float(value)


def _event(loop: Loop, before: Mode, state: LoopState) -> Event:
    return Event(
        EventType.EQUIPMENT,
        "Mode Change",
        loop.full_name,
        f"{loop.title} {before.word} → {state.mode.word}: {state.reason}",
        loop.vessel,
        value=state.mode.word,
        previous=before.word,
        reason="restart",
    )
