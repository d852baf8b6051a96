"""Alarms: limits with deadband and delays, all of them at once; Python runs only where something changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from controller.commands import Event, EventType, Json
from controller.frame import BAD, F8, Frame
from controller.model.guards import Alarm
from controller.stages.flags import Flags, any_of, rows_where
from drivers.contract import UNTOLD

KEEP_RETURNED_S = 600.0
"""Process time for which an alarm that returned stays in the list."""

FORGET_EVERY_S = 1.0
SIGN = {"above": 1.0, "below": -1.0}
NEAR = 1e-9
"""Share of a limit within which it is looked at closely whether a value is beyond it."""
EXPECTED = np.array(sorted(UNTOLD), np.uint8)
STATES = ("undecided", "held", "blocked", "told", "idle", "frozen")
"""Sides of alarms that are about a state and not about a value."""


class Alarms:
    """State of all alarms, arrays of shape ``(alarms,)``; times are process seconds. ``changes`` counts what
    :meth:`view` shows. An alarm on a value that is Bad keeps its state: the bad value has its own alarm, which comes
    after ``least_bad_s`` or later. Of a value that was never read it comes ``grace_s`` after the first step or later.

    While no alarm is turning, each of them has a region in which its value changes nothing: as long as all values are
    in theirs, and qualities and states stay the same, there is nothing to do.
    """

    def __init__(self, alarms: Sequence[Alarm], least_bad_s: float = 0.0, grace_s: float = 0.0) -> None:
        n = len(alarms)
        self._alarms = tuple(alarms)
        self._tag = np.array([max(alarm.tag, 0) for alarm in alarms], np.intp)
        self._sign = np.array([SIGN.get(alarm.side, np.nan) for alarm in alarms], np.float64)
        self._bad = np.array([alarm.side == "bad" for alarm in alarms], np.bool_)
        self._about_state = np.array([alarm.side in STATES for alarm in alarms], np.bool_)
        self._about = [_about(alarms, side) for side in STATES]
        self._unread = self._bad.copy()
        self._grace_s, self._grace_until = grace_s, np.nan
        self._limit = np.array([alarm.limit for alarm in alarms], np.float64)
        self._deadband = np.array([alarm.deadband for alarm in alarms], np.float64)
        delays = [max(alarm.on_delay, least_bad_s if alarm.side == "bad" else 0.0) for alarm in alarms]
        self._on_delay = np.array(delays, np.float64)
        self._off_delay = np.array([alarm.off_delay for alarm in alarms], np.float64)
        self._operation: Mapping[str, str] = {}
        self._during: dict[str, list[int]] = {}
        for row, alarm in enumerate(alarms):
            if alarm.during:
                self._during.setdefault(alarm.vessel, []).append(row)
        self._enabled = np.array([not alarm.during for alarm in alarms], np.bool_)
        self._active = np.zeros(n, np.bool_)
        self._turning_since = np.full(n, np.nan)
        self._since = np.full(n, np.nan)
        self._returned_at = np.full(n, np.nan)
        self._forget_at = 0.0
        self._value = np.full(n, np.nan)
        self._quiet, self._seen = False, b""
        self._least, self._most = np.full((2, n), np.nan)
        self.changes = 0

    def step(self, frame: Frame, operations: Mapping[str, str], now_s: float, *states: Flags) -> list[Event]:
        """Judge all alarms. ``operations`` names the running operation of each vessel that has one, and must not be
        changed afterwards. ``states`` are, as far as there are alarms about them: the interlocks that cannot be
        decided, shape ``(interlocks,)``, the outputs held by dose guards, ``(outputs,)``, the dose loops that are
        blocked, ``(loops,)``, what feeds complain of, loops whose output lacks its effect, and values that are
        frozen.
        """
        if operations is not self._operation and operations != self._operation:
            self._operation = operations
            self._enable()
            self._quiet = False
        if any_of(self._unread):
            self._start(frame, now_s)
        value, quality = frame.value[self._tag], frame.quality[self._tag]
        seen = b"".join([quality.tobytes(), *[state.tobytes() for state in states]])
        if self._quiet and seen == self._seen and not any_of((value < self._least) | (value > self._most)):
            self._forget(now_s)
            return []
        self._seen = seen
        value[self._about_state] = np.nan
        events = self._judge(value, quality == BAD, states, now_s)
        self._forget(now_s)
        return events

    def _judge(self, value: F8, bad_value: Flags, states: Sequence[Flags], now_s: float) -> list[Event]:
        """Time the alarms that are turning, and turn those that are due."""
        turning = self._turning(value, bad_value, states)
        self._turning_since[~turning] = np.nan
        self._quiet = not any_of(turning)
        if self._quiet:
            self._find_regions(bad_value)
            return []
        np.copyto(self._turning_since, now_s, where=turning & np.isnan(self._turning_since))
        delay = np.where(self._active, self._off_delay, self._on_delay)
        turned = turning & ((now_s - self._turning_since >= delay) | ~self._enabled) & ~self._unread
        return [self._turn(row, float(value[row]), now_s) for row in rows_where(turned).tolist()]

    def _find_regions(self, bad_value: Flags) -> None:
        """Between which values no alarm begins to turn: a little less than that, for what is near is looked at."""
        back = self._deadband - NEAR * (np.abs(self._limit) + self._deadband)
        watched = self._enabled & ~(bad_value | np.isnan(self._sign))
        above, below = watched & (self._sign > 0.0), watched & (self._sign < 0.0)
        self._least, self._most = np.full((2, len(watched)), [[-np.inf], [np.inf]])
        np.copyto(self._most, self._limit, where=above & ~self._active)
        np.copyto(self._least, self._limit - back, where=above & self._active)
        np.copyto(self._least, self._limit, where=below & ~self._active)
        np.copyto(self._most, self._limit + back, where=below & self._active)

    def _enable(self) -> None:
        for vessel, rows in self._during.items():
            operation = self._operation.get(vessel, "")
            self._enabled[rows] = [operation in self._alarms[row].during for row in rows]

    def _start(self, frame: Frame, now_s: float) -> None:
        """Find the alarms about values that were never read, as long as the start may take its time."""
        if np.isnan(self._grace_until):
            self._grace_until = now_s + self._grace_s
        reason = frame.reason[self._tag]
        self._unread &= np.isin(reason, EXPECTED) & (now_s < self._grace_until)

    def _turning(self, value: F8, bad_value: Flags, states: Sequence[Flags]) -> Flags:
        """Where the condition is the opposite of the alarm's state: nowhere that a value decides which is Bad."""
        beyond = (value - self._limit) * self._sign
        beyond[bad_value] = np.nan
        beyond[self._bad] = np.where(bad_value[self._bad], 1.0, -1.0)
        for (alarms, about), state in zip(self._about, states, strict=False):
            beyond[alarms] = np.where(state[about], 1.0, -1.0)
        turning = np.where(self._active, beyond <= -self._deadband, beyond > 0.0)
        return np.asarray(np.where(self._enabled, turning, self._active))

    def _turn(self, row: int, value: float, now_s: float) -> Event:
        active = not self._active[row]
        self._active[row] = active
        self._turning_since[row] = np.nan
        if active:
            self._since[row] = now_s
        self._returned_at[row] = np.nan if active else now_s
        self._value[row] = value
        self.changes += 1
        alarm = self._alarms[row]
        state = "active" if active else "returned"
        shown = "" if np.isnan(value) else f" at {value:.6g} {alarm.unit}"
        return Event(
            EventType.ALARM,
            "State Change",
            alarm.full_name,
            f"{alarm.title}: {state}{shown}",
            alarm.vessel,
            value=state,
            unit=alarm.unit,
            reason=alarm.consequence if active else "",
        )

    def _forget(self, now_s: float) -> None:
        """Take alarms off the list that returned long ago."""
        if now_s <= self._forget_at:
            return
        old = now_s - self._returned_at > KEEP_RETURNED_S
        self._forget_at = now_s + FORGET_EVERY_S
        if any_of(old):
            self._returned_at[old] = np.nan
            self._since[old] = np.nan
            self.changes += 1

    def view(self) -> list[dict[str, Json]]:
        """Active and lately returned alarms, the most urgent and then the oldest first; ``since`` is process time and
        ``value`` the value at the last change.
        """
        listed = np.flatnonzero(~np.isnan(self._since)).tolist()
        listed.sort(key=lambda row: (not self._active[row], self._alarms[row].priority, self._since[row]))
        return [self._entry(row) for row in listed]

    def _entry(self, row: int) -> dict[str, Json]:
        alarm, value = self._alarms[row], float(self._value[row])
        return {
            "id": alarm.full_name,
            "vessel": alarm.vessel,
            "tag": alarm.tag_name,
            "title": alarm.title,
            "priority": alarm.priority,
            "state": "active" if self._active[row] else "returned",
            "since": float(self._since[row]),
            "value": None if np.isnan(value) else value,
            "unit": alarm.unit,
            "consequence": alarm.consequence,
            "cause": alarm.cause,
            "action": alarm.action,
            "respond_within": alarm.respond_within,
        }

    def state(self) -> dict[str, Json]:
        """Active alarms and since when, in process seconds."""
        return {self._alarms[row].full_name: float(self._since[row]) for row in np.flatnonzero(self._active).tolist()}

    def restore(self, state: Mapping[str, Json], shift_s: float) -> None:
        """Take over what :meth:`state` gave; ``shift_s`` leads from its process time to that of now."""
        for row, alarm in enumerate(self._alarms):
            since = state.get(alarm.full_name)
            if isinstance(since, int | float):
                self._active[row] = True
                self._since[row] = since + shift_s
        self._quiet = False
        self.changes += 1


def _about(alarms: Sequence[Alarm], side: str) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The alarms of a side that is a state, and the place in that state's flags that each of them is about."""
    rows = [row for row, alarm in enumerate(alarms) if alarm.side == side]
    about = [max(alarms[row].interlock, alarms[row].output, alarms[row].loop, alarms[row].flag) for row in rows]
    return np.array(rows, np.intp), np.array(about, np.intp)
