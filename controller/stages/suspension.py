"""Suspensions: what a loop does while it lacks a valid value or cannot reach an output, and how it comes back."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from controller.commands import Event, EventType
from controller.frame import F8
from controller.model.loops import Loop
from controller.stages.loop_state import Mode
from drivers.contract import UNTOLD, Reason

if TYPE_CHECKING:
    from controller.stages.loops import Loops

UNREAD = "waiting for the outputs to be read"
UNREAD_VALUE = "waiting for its value to be read"
WAITING = {UNREAD, UNREAD_VALUE}
"""Suspensions of every start: nothing was lost, so nothing is told."""
PASSING = {"direct", "remote"}
"""Loops that pass their setpoint on as it is."""


class Suspensions:
    """Reacts for single loops when ``bad`` or ``blind`` of the loops changed."""

    def __init__(self, loops: Loops) -> None:
        self._loops = loops

    def react(self, row: int, actual: F8) -> Event | None:
        """Suspend or release one loop; ``actual`` is where the outputs are."""
        loops = self._loops
        loop, state, level = loops.table.rows[row], loops.states[row], loops.level_of[row]
        before = state.suspended
        if loop.type == "pid" and not before and level.bank.running(level.place[row]):
            state.saved_integral = float(level.bank.integral[level.place[row]])
        if loops.blind[row]:
            state.suspended = UNREAD if before in WAITING else "an output cannot be reached: holding"
        elif loops.bad[row]:
            reason = loops.signals.reason(loop.watched)
            waits = before in WAITING and reason in UNTOLD
            if loop.on_bad_pv == "manual" and not waits:
                return self._shed(row, reason)
            state.suspended = UNREAD_VALUE if waits else no_value(loop, reason)
        else:
            state.suspended = ""
            self._release(row, actual)
        if before in WAITING or before == state.suspended:
            return None
        return self._event(row, state.suspended or "works again")

    def _shed(self, row: int, reason: Reason) -> Event:
        """To manual, at the fallback or where the output is, until an operator decides."""
        loops = self._loops
        loop, state = loops.table.rows[row], loops.states[row]
        before, found = state.mode, float(loops.op[row])
        if not math.isnan(loop.fallback):
            loops.manual[row] = loop.fallback
        elif math.isfinite(found):
            loops.manual[row] = min(max(found, loop.op_low), loop.op_high)
        state.mode, state.held_by, state.suspended, state.saved_integral = Mode.MANUAL, "operator", "", math.nan
        state.reason, state.unasked = f"no valid value ({_words(reason)}): went to manual", True
        state.revision += 1
        return Event(
            EventType.EQUIPMENT,
            "Mode Change",
            loop.full_name,
            f"{loop.title} {before.word} → manual: {state.reason}",
            loop.vessel,
            value="manual",
            previous=before.word,
            reason=state.reason,
        )

    def _release(self, row: int, actual: F8) -> None:
        """Start from where the outputs are; come back to what was right before the interruption, if that is known."""
        loops = self._loops
        loop, state, level = loops.table.rows[row], loops.states[row], loops.level_of[row]
        if loop.type == "pid":
            place = level.place[row]
            level.find(place, actual, loops.positions, loops.sp_target)
            if state.adopt:
                loops.manual[row] = level.bank.achieved[place]
            level.bank.resume(place, state.saved_integral)
        elif loop.output >= 0:
            self._start_actuator(row, float(actual[loop.output]))
        # What a station adopts is told by its mixer, once all its outputs are read.
        state.adopt, state.saved_integral = state.adopt and loop.type == "station", math.nan

    def _start_actuator(self, row: int, found: float) -> None:
        loops = self._loops
        loop, state = loops.table.rows[row], loops.states[row]
        if state.adopt and state.mode is Mode.MANUAL:
            loops.manual[row] = found
        elif state.adopt and loop.type in PASSING:
            loops.setpoints.ask(row, found)
        if loop.type in PASSING:
            loops.setpoints.start(row, found)

    def _event(self, row: int, text: str) -> Event:
        loop = self._loops.table.rows[row]
        return Event(
            EventType.EQUIPMENT, "Status Change", loop.full_name, f"{loop.title}: {text}", loop.vessel, value=text
        )


def no_value(loop: Loop, reason: Reason) -> str:
    """What a loop that lost its value says of that."""
    if loop.on_bad_pv == "safe":
        action = "outputs at their safe values"
    elif math.isnan(loop.fallback):
        action = "output held"
    else:
        action = f"output at {loop.fallback:.6g} {loop.op_unit}"
    return f"no valid value ({_words(reason)}): {action}"


def _words(reason: Reason) -> str:
    return reason.name.lower().replace("_", " ")
