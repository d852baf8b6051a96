"""Loops: modes, what happens on a bad value, and the order of the cascades.

Per scan only arrays are touched; Python runs over single loops when something about them changed, and what changed is
folded into masks once.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from controller.commands import Event
from controller.frame import BAD, F8, Frame
from controller.model.loops import Loop, LoopTable, OutputTable
from controller.model.tuning import Tuning
from controller.stages.dose_loops import DoseLoops
from controller.stages.level import Level
from controller.stages.limit_marks import LimitMarks
from controller.stages.loop_state import LoopState, Mode
from controller.stages.outputs import Outputs
from controller.stages.setpoints import Setpoints
from controller.stages.signals import Signals
from controller.stages.suspension import UNREAD, Suspensions


class Loops:
    """All loops of the site; arrays have shape ``(loops,)``.

    ``sp_target`` is what was asked for, ``sp`` what the loop works to now, ``remote`` what a program asks for (NaN:
    nothing), ``programmed`` which loops have one, ``resting`` the setpoint that it leaves behind (NaN: the one it has),
    ``manual`` the operator's output, ``op`` what the output achieved, ``limited`` +1 or -1 where a controller is at a
    limit in this scan, ``limits`` where that is shown, ``reached`` what was made of a station's setpoint (NaN: nobody
    told), ``positions`` the setpoints that loops stand at as slaves. ``automatic`` are those in a mode in which they
    act, ``live`` those that may act now. ``tunings`` are those in use. ``changes`` counts everything that is shown of a
    loop besides its numbers, ``touches`` what of it is about modes and suspensions, ``turns`` the scans in which
    ``limited`` changed.
    """

    def __init__(self, table: LoopTable, outputs: OutputTable, tags: int, longest_dt: float = 60.0) -> None:
        loops, n = table.rows, len(table)
        self.table = table
        self.states = [_first_state(loop) for loop in loops]
        self.levels = [Level(table, rows, longest_dt) for rows in table.levels()]
        self.level_of = {row: level for level in self.levels for row in level.every.tolist()}
        self.setpoints, self.signals, self.doses = Setpoints(loops), Signals(table, tags), DoseLoops(table, longest_dt)
        self.sp_target, self.sp, self.remote = self.setpoints.target, self.setpoints.working, self.setpoints.remote
        self.manual, self.op, self.limited = np.zeros(n), np.full(n, np.nan), np.zeros(n)
        self.limits = LimitMarks(n)
        self.reached, self.positions = np.full(n, np.nan), self.sp.copy()
        self.resting, self.programmed = np.full(n, np.nan), np.zeros(n, np.bool_)
        self._stuck, self._leads = np.zeros(n), any(level.leads for level in self.levels)
        self.tunings = [loop.tuning for loop in loops]
        self.changes = self.touches = self.turns = 0
        self._fallback = np.array([loop.fallback for loop in loops], np.float64)
        self._goes_safe = np.array([loop.on_bad_pv == "safe" for loop in loops], np.bool_)
        self._needs_value = np.array([_needs_value(loop) for loop in loops], np.bool_)
        self._watched = np.array([max(loop.watched, 0) for loop in loops], np.intp)
        self._owner = _owners(table, len(outputs.rows))
        self._owned = np.flatnonzero(self._owner >= 0)
        self._safe_value = outputs.safe
        self._safe_out = np.zeros(len(outputs.rows), np.bool_)
        self._safe_rows, self._free_rows = np.zeros((2, 0), np.intp)
        self.automatic, self.live, self._by_hand = np.zeros((3, n), np.bool_)
        self.bad, self.blind = np.zeros(n, np.bool_), np.ones(n, np.bool_)
        self._suspensions = Suspensions(self)
        self._dirty, self._seen = True, b""

    def step(self, frame: Frame, outputs: Outputs, dt: float) -> list[Event]:
        """Compute all loops on a judged frame, into the targets of ``outputs``. Tells what was lost or came back."""
        signals, setpoints = self.signals, self.setpoints
        signals.take(frame, self.sp, self.op)
        self.changes += self.limits.step(self.limited, dt)
        events = self._watch(outputs)
        if self._dirty:
            self._fold()
        targets, requests = outputs.target, setpoints.request
        for level in self.levels:
            setpoints.move(level.every, level.cascaded, level.remote, dt)
            if len(level.rows):
                level.control(signals, self.sp, self.manual, self._stuck, dt, targets, requests)
            if len(level.plain):
                level.plain.control(signals, self.sp, self.manual, targets, requests)
        if len(self.doses):
            off = ~(self.automatic | self._by_hand)
            events += self.doses.step(signals, self.sp, self.manual, self.live, off, self._by_hand, targets, dt)
        if len(self._safe_rows):
            targets[self._safe_rows] = self._safe_value[self._safe_rows]
        if len(self._free_rows):
            targets[self._free_rows] = np.nan
        outputs.stopped[...] = self._safe_out
        return events

    def track(self, outputs: Outputs) -> None:
        """After the interlocks and limits: what was achieved goes back to the controllers."""
        self.locate(outputs.actual)
        for level in self.levels:
            if len(level.rows):
                self.op[level.rows] = level.track(outputs.actual, self.positions, self.sp_target)
                if level.turned():
                    self.limited[level.rows] = level.ends
                    self.turns += 1
                if self._leads and (stuck := level.stuck()) is not level.held:
                    level.held = self._stuck[level.rows] = stuck

    def locate(self, actual: F8) -> None:
        """Find where the loops stand as slaves: a controller at its setpoint, another at what it achieved."""
        self.positions[...] = self.sp
        if len(self.doses):
            self.doses.reach(actual, self.op)
        for level in self.levels:
            if len(level.plain):
                level.plain.reach(self.signals, actual, self.sp, self.reached, self.op, self.positions)

    def touch(self) -> None:
        """A loop's mode or state was changed: it is folded into the masks before the next control."""
        self.changes += 1
        self.touches += 1
        self._dirty = True

    def retune(self, row: int, tuning: Tuning) -> None:
        """Give a controller another tuning, without a bump."""
        level = self.level_of[row]
        self.tunings[row] = tuning
        level.bank.retune(level.place[row], tuning)
        self.changes += 1

    def shown_setpoints(self) -> F8:
        """What operators and recipes see as setpoint: what was asked for; where a master or a program leads, what it
        asks for.
        """
        shown = self.sp_target.copy()
        for level in self.levels:
            for led in (level.cascaded, level.remote):
                if len(led):
                    shown[led] = self.sp[led]
        return shown

    def shown_setpoint(self, row: int) -> float:
        """One loop's setpoint as operators and recipes see it."""
        led = self.states[row].mode >= Mode.CASCADE
        return float(self.sp[row] if led else self.sp_target[row])

    def followers(self, row: int) -> list[int]:
        """The places of the loops that this loop may drive."""
        return list(self.table.rows[row].slaves)

    def _watch(self, outputs: Outputs) -> list[Event]:
        """Find the loops that lost or got back what they need: a valid value, an output that can be reached."""
        if self._dirty:
            self._fold()
        seen = outputs.ready.tobytes() + self.signals.quality[self._watched].tobytes()
        if seen == self._seen:
            return []
        self._seen = seen
        blind = np.zeros(len(self.table), np.bool_)
        blind[self._owner[self._owned[~outputs.ready[self._owned]]]] = True
        bad = (self.signals.quality[self._watched] == BAD) & self._needs_value & self.automatic
        changed = np.flatnonzero((blind != self.blind) | (bad != self.bad))
        if not len(changed):
            return []
        self.blind, self.bad = blind, bad
        self.touch()
        self.locate(outputs.actual)
        return [event for row in changed.tolist() if (event := self._suspensions.react(row, outputs.actual))]

    def _fold(self) -> None:
        """Turn modes and suspensions into the masks that every scan uses."""
        self._dirty, self._seen = False, b""
        mode = np.array([state.mode for state in self.states], np.int8)
        off, claimed = mode <= Mode.OFF, np.array([state.claimed for state in self.states], np.bool_)
        self.automatic, self._by_hand = mode >= Mode.AUTO, mode == Mode.MANUAL
        detached = np.array([self.detached(row) for row in range(len(self.table))], np.bool_)
        self.live = live = self.automatic & ~(self.blind | self.bad | detached)
        safe = (off & claimed) | (self.bad & self._goes_safe & self.automatic)
        lost = off | safe | self.blind | detached
        fallen = self.bad & self.automatic & ~safe & ~np.isnan(self._fallback)
        self.setpoints.live(live, self.automatic & (self.blind | self.bad))
        owner = self._owner[self._owned]
        self._safe_out[self._owned] = safe[owner]
        self._safe_rows, self._free_rows = self._owned[safe[owner]], self._owned[(off & ~claimed)[owner]]
        for level in self.levels:
            level.take_modes(live, self._by_hand, lost)
            level.fall_back(fallen[level.rows], self._fallback[level.rows])
            level.wait_for(~live & (mode == Mode.CASCADE))
            level.cascaded = level.every[mode[level.every] == Mode.CASCADE]
            level.remote = level.every[mode[level.every] == Mode.REMOTE]

    def detached(self, row: int) -> bool:
        """Whether a controller has nothing left to move: all its legs are slaves, and none of them follows it."""
        legs = self.table.rows[row].legs
        return bool(legs) and all(leg.cascade and self.states[leg.target].mode is not Mode.CASCADE for leg in legs)


def _first_state(loop: Loop) -> LoopState:
    """Before anyone commands it, a loop that starts safe is off, at its safe values; an actuator or a remote loop keeps
    what it finds, a station its setpoint, and a controller or ratio is off and touches nothing.
    """
    if loop.on_restart == "safe":
        return LoopState(claimed=True, reason="safe until somebody decides", suspended=UNREAD if loop.moves else "")
    if loop.type == "station":
        return LoopState(Mode.AUTO, claimed=True, adopt=bool(loop.gases), reason="keeps its setpoint")
    if loop.type in {"direct", "remote"}:
        return LoopState(
            Mode.AUTO, claimed=True, adopt=True, reason="keeps the value it was found at", suspended=UNREAD
        )
    return LoopState(suspended=UNREAD if loop.moves else "")


def _needs_value(loop: Loop) -> bool:
    """Whether a loop cannot go on without its value: controllers, ratios and doses, and others that then go safe."""
    return loop.watched >= 0 and (loop.type in {"pid", "ratio", "dose"} or loop.on_bad_pv != "hold")


def _owners(table: LoopTable, outputs: int) -> NDArray[np.intp]:
    """For each output the loop that moves it, or -1."""
    owner = np.full(outputs, -1, np.intp)
    for row, loop in enumerate(table.rows):
        owner[list(loop.moves)] = row
    return owner
