"""Loops: setpoints and their ramps, what happens on a bad value, and the order of the cascades.

Per scan only arrays are touched; Python runs over single loops when something about them changed, and what changed is
folded into masks once.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from controller.commands import Event, EventType
from controller.frame import BAD, F8, Frame
from controller.model.loops import Loop, LoopTable, OutputTable
from controller.stages.level import Level
from controller.stages.loop_state import LoopState, Mode
from controller.stages.outputs import Outputs
from drivers.contract import Reason

LEAST_DT = 1e-9
UNREAD = "waiting for the outputs to be read"
UNREAD_VALUE = "waiting for its value to be read"
WAITING = {UNREAD, UNREAD_VALUE}
"""Suspensions of every start: nothing was lost, so nothing is told."""


class Loops:
    """All loops of the site; arrays have shape ``(loops,)``.

    ``sp_target`` is what was asked for, ``sp`` what the loop works to now, ``manual`` the operator's output, ``op``
    what the output achieved, ``limited`` +1 or -1 where a controller is at a limit. ``changes`` counts everything that
    is shown of a loop besides its numbers.
    """

    def __init__(self, table: LoopTable, outputs: OutputTable, longest_dt: float = 60.0) -> None:
        loops, n = table.rows, len(table)
        self.table = table
        self.states = [_first_state(loop) for loop in loops]
        self.levels = [Level(table, rows, longest_dt) for rows in table.levels()]
        self.level_of = {row: level for level in self.levels for row in level.every.tolist()}
        self.sp_target = np.array([loop.sp_default for loop in loops], np.float64)
        self.sp = self.sp_target.copy()
        self.manual, self.op, self.limited, self._requests = np.zeros(n), np.full(n, np.nan), np.zeros(n), np.zeros(n)
        self.changes = 0
        self._low = np.array([loop.sp_low for loop in loops], np.float64)
        self._high = np.array([loop.sp_high for loop in loops], np.float64)
        self._rate_limit = np.array([loop.sp_rate for loop in loops], np.float64)
        self._rate = np.full(n, np.inf)
        self._is_direct = np.array([loop.type == "direct" for loop in loops], np.bool_)
        self._direct = np.flatnonzero(self._is_direct)
        self._direct_output = np.array([loops[row].output for row in self._direct], np.intp)
        self._goes_safe = np.array([loop.on_bad_pv == "safe" for loop in loops], np.bool_)
        self._watched = np.array([max(loop.watched, 0) for loop in loops], np.intp)
        self._needs_value = np.array([loop.watched >= 0 for loop in loops], np.bool_)
        self._needs_value &= self._goes_safe | ~self._is_direct
        self._owner = _owners(table, len(outputs.rows))
        self._owned = np.flatnonzero(self._owner >= 0)
        self._safe_value = outputs.safe
        self._safe_out, self._free_out = np.zeros((2, len(outputs.rows)), np.bool_)
        self._bad, self._blind = np.zeros(n, np.bool_), np.ones(n, np.bool_)
        self._automatic, self._by_hand = np.zeros((2, n), np.bool_)
        self._dirty = True

    def step(self, frame: Frame, outputs: Outputs, dt: float) -> list[Event]:
        """Compute all loops on a judged frame, into the targets of ``outputs``. Tells what was lost or came back."""
        events = self._watch(frame, outputs)
        if self._dirty:
            self._fold()
        targets = outputs.target
        for level in self.levels:
            self._ramp(level, dt)
            if len(level.rows):
                level.control(frame, self.sp, self.manual, self.limited, dt, targets, self._requests)
            direct = level.direct
            targets[level.direct_output] = np.where(self._by_hand[direct], self.manual[direct], self.sp[direct])
        np.copyto(targets, self._safe_value, where=self._safe_out)
        np.copyto(targets, np.nan, where=self._free_out)
        return events

    def track(self, outputs: Outputs) -> None:
        """After the interlocks and limits: what was achieved goes back to the controllers."""
        positions = self._positions(outputs.actual)
        for level in self.levels:
            if len(level.rows):
                self.op[level.rows] = level.track(outputs.actual, positions)
                limited = level.limited()
                if (limited != self.limited[level.rows]).any():
                    self.limited[level.rows] = limited
                    self.changes += 1

    def touch(self) -> None:
        """A loop's mode or state was changed: it is folded into the masks before the next control."""
        self.changes += 1
        self._dirty = True

    def shown_setpoints(self) -> F8:
        """What operators and recipes see as setpoint: what was asked for; of a slave, what its master asks for."""
        shown = self.sp_target.copy()
        for level in self.levels:
            shown[level.cascaded] = self.sp[level.cascaded]
        return shown

    def shown_setpoint(self, row: int) -> float:
        """One loop's setpoint as operators and recipes see it."""
        follows = self.states[row].mode is Mode.CASCADE
        return float(self.sp[row] if follows else self.sp_target[row])

    def followers(self, row: int) -> list[int]:
        """The places of the loops that this loop may drive."""
        return [leg.target for leg in self.table.rows[row].legs if leg.cascade]

    def _positions(self, actual: F8) -> F8:
        """Where the loops stand as slaves: a direct loop at its output, a controller at its setpoint."""
        self.op[self._direct] = actual[self._direct_output]
        return np.where(self._is_direct, self.op, self.sp)

    def _watch(self, frame: Frame, outputs: Outputs) -> list[Event]:
        """Find the loops that lost or got back what they need: a valid value, an output that can be reached."""
        if self._dirty:
            self._fold()
        blind = np.zeros(len(self.table), np.bool_)
        blind[self._owner[self._owned[~outputs.ready[self._owned]]]] = True
        bad = (frame.quality[self._watched] == BAD) & self._needs_value & self._automatic
        changed = np.flatnonzero((blind != self._blind) | (bad != self._bad))
        if not len(changed):
            return []
        self._blind, self._bad = blind, bad
        self.touch()
        positions = self._positions(outputs.actual)
        return [event for row in changed.tolist() if (event := self._react(row, frame, outputs.actual, positions))]

    def _react(self, row: int, frame: Frame, actual: F8, positions: F8) -> Event | None:
        """Suspend or release one loop."""
        loop, state, level = self.table.rows[row], self.states[row], self.level_of[row]
        before = state.suspended
        if loop.type == "pid" and not before and level.bank.running(level.place[row]):
            state.saved_integral = float(level.bank.integral[level.place[row]])
        if self._blind[row]:
            state.suspended = UNREAD if before in WAITING else "an output cannot be reached: holding"
        elif self._bad[row]:
            state.suspended = _no_value(loop, Reason(int(frame.reason[loop.watched])), waits=before in WAITING)
        else:
            state.suspended = ""
            self._release(row, actual, positions)
        if before in WAITING or before == state.suspended:
            return None
        return self._event(row, state.suspended or "works again")

    def _release(self, row: int, actual: F8, positions: F8) -> None:
        """Start from where the outputs are; come back to what was right before the interruption, if that is known."""
        loop, state, level = self.table.rows[row], self.states[row], self.level_of[row]
        if loop.type == "direct":
            self._start_direct(row, float(actual[loop.output]))
        else:
            place = level.place[row]
            level.lost[place] = True
            level.track(actual, positions)
            if state.adopt:
                self.manual[row] = level.bank.achieved[place]
            level.bank.resume(place, state.saved_integral)
        state.adopt, state.saved_integral = False, math.nan

    def _start_direct(self, row: int, found: float) -> None:
        loop, state = self.table.rows[row], self.states[row]
        if state.adopt and state.mode is Mode.MANUAL:
            self.manual[row] = found
        elif state.adopt:
            self.sp_target[row] = min(max(found, loop.sp_low), loop.sp_high)
        self.sp[row] = found

    def _event(self, row: int, text: str) -> Event:
        loop = self.table.rows[row]
        return Event(
            EventType.EQUIPMENT, "Status Change", loop.full_name, f"{loop.title}: {text}", loop.vessel, value=text
        )

    def _ramp(self, level: Level, dt: float) -> None:
        """Move the setpoints of one level to where they should be, no faster than their rate."""
        every = level.every
        goal = self._goals(level.cascaded)[every] if len(level.cascaded) else self.sp_target[every]
        sp, step = self.sp[every], self._rate[every] * max(dt, LEAST_DT)
        self.sp[every] = sp + np.minimum(np.maximum(goal - sp, -step), step)

    def _goals(self, rows: NDArray[np.intp]) -> F8:
        """All setpoints asked for, those of ``rows`` by their masters. A direct loop that follows a master does not go
        below its own setpoint: that is the least that somebody chose.
        """
        goals, request = self.sp_target.copy(), self._requests[rows]
        asked = np.where(self._is_direct[rows], np.maximum(request, goals[rows]), request)
        goals[rows] = np.minimum(np.maximum(asked, self._low[rows]), self._high[rows])
        return goals

    def _fold(self) -> None:
        """Turn modes and suspensions into the masks that every scan uses."""
        self._dirty = False
        mode = np.array([state.mode for state in self.states], np.int8)
        off, claimed = mode == Mode.OFF, np.array([state.claimed for state in self.states], np.bool_)
        self._automatic, self._by_hand = mode >= Mode.AUTO, mode == Mode.MANUAL
        detached = np.array([self._detached(row) for row in range(len(self.table))], np.bool_)
        live = self._automatic & ~(self._blind | self._bad | detached)
        safe = (off & claimed) | (self._bad & self._goes_safe & self._automatic)
        lost = off | safe | self._blind | detached
        self._rate = np.where(live, self._rate_limit, np.inf)
        owner = self._owner[self._owned]
        self._safe_out[self._owned], self._free_out[self._owned] = safe[owner], (off & ~claimed)[owner]
        for level in self.levels:
            level.live, level.manual, level.lost = live[level.rows], self._by_hand[level.rows], lost[level.rows]
            level.cascaded = level.every[mode[level.every] == Mode.CASCADE]

    def _detached(self, row: int) -> bool:
        """Whether a master has nothing left to move: all its legs are slaves, and none of them follows it."""
        legs = self.table.rows[row].legs
        return bool(legs) and all(leg.cascade and self.states[leg.target].mode is not Mode.CASCADE for leg in legs)


def _first_state(loop: Loop) -> LoopState:
    """Before anyone commands it, a loop that starts safe is off, at its safe values; another direct loop keeps what it
    finds, and another controller is off and touches nothing.
    """
    if loop.on_restart == "safe":
        return LoopState(claimed=True, reason="safe until somebody decides", suspended=UNREAD)
    if loop.type == "direct":
        return LoopState(
            Mode.AUTO, claimed=True, adopt=True, reason="keeps the value it was found at", suspended=UNREAD
        )
    return LoopState(suspended=UNREAD)


def _no_value(loop: Loop, reason: Reason, *, waits: bool) -> str:
    """What a loop that ``waits`` since the start, or lost its value, says of that."""
    if waits and reason in {Reason.LINK, Reason.NOT_READ}:
        return UNREAD_VALUE
    action = "outputs at their safe values" if loop.on_bad_pv == "safe" else "output held"
    return f"no valid value ({reason.name.lower().replace('_', ' ')}): {action}"


def _owners(table: LoopTable, outputs: int) -> NDArray[np.intp]:
    """For each output the loop that moves it, or -1."""
    owner = np.full(outputs, -1, np.intp)
    for row, loop in enumerate(table.rows):
        owner[[leg.target for leg in loop.legs if not leg.cascade] if loop.legs else [loop.output]] = row
    return owner
