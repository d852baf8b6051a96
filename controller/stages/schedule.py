"""Gain schedules: a controller's tuning follows a signal, such as kLa or the buffer capacity of the culture."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from controller.frame import BAD, F8
from controller.model.loops import Loop
from controller.model.tuning import Schedule
from controller.stages.pid import PidBank
from controller.stages.signals import Signals

LEAST = 2e-3
"""Relative change of a gain below which the tuning stays: a scan with nothing to change costs two operations."""


class Schedules:
    """The schedules of some controllers of a level; ``rows`` are places in its bank.

    Gains are interpolated on a logarithmic scale where all of a schedule's gains have one sign, since processes change
    by factors; times likewise.
    """

    def __init__(self, loops: Sequence[Loop]) -> None:
        found = [(row, loop.schedule) for row, loop in enumerate(loops) if loop.schedule is not None]
        self.rows = np.array([row for row, _ in found], np.intp)
        self._schedules = [schedule for _, schedule in found]
        self._signals = np.array([schedule.signal for schedule in self._schedules], np.intp)
        self._seen = np.full(len(found), np.nan)
        self._values = np.array([_tuning(schedule, np.nan) for schedule in self._schedules]).reshape(-1, 3)

    def apply(self, signals: Signals, bank: PidBank) -> None:
        """Bring the tunings of the bank to where their signals are; a Bad signal leaves them."""
        value = signals.value[self._signals]
        moved = ~(np.abs(value - self._seen) <= LEAST * np.abs(self._seen))
        if not moved.any():
            return
        moved &= (signals.quality[self._signals] < BAD) & np.isfinite(value)
        places = np.flatnonzero(moved)
        if not len(places):
            return
        self._seen[places] = value[places]
        for place in places.tolist():
            self._values[place] = _tuning(self._schedules[place], float(value[place]))
        gain, integral_time, derivative_time = self._values[places].T
        bank.reschedule(self.rows[places], gain, integral_time, derivative_time)

    def looked_at(self) -> F8:
        """The values of the signals by which the tunings are those that they are, NaN before the first good one."""
        return self._seen.copy()

    def current(self, row: int) -> tuple[float, float, float] | None:
        """Gain, integral and derivative time that a controller has now from its schedule; ``None`` without one."""
        place = np.flatnonzero(self.rows == row)
        if not len(place) or np.isnan(self._seen[place[0]]):
            return None
        gain, integral_time, derivative_time = self._values[place[0]].tolist()
        return gain, integral_time, derivative_time


def _tuning(schedule: Schedule, value: float) -> tuple[float, float, float]:
    if np.isnan(value):
        return schedule.gain[0], schedule.integral_time[0], schedule.derivative_time[0]
    columns = (schedule.gain, schedule.integral_time, schedule.derivative_time)
    gain, integral_time, derivative_time = (_between(value, schedule.at, np.asarray(column)) for column in columns)
    return gain, integral_time, derivative_time


def _between(value: float, at: Sequence[float], column: F8) -> float:
    """Interpolated, by factors where that can be: infinite times and zeros are taken from the nearest point."""
    if (column == column[0]).all():
        return float(column[0])
    if not np.isfinite(column).all() or (column == 0.0).any() or (np.sign(column) != np.sign(column[0])).any():
        return float(column[int(np.argmin(np.abs(np.asarray(at) - value)))])
    scale = np.log(np.abs(column))
    position = (np.log(value), np.log(at)) if min(at) > 0.0 < value else (value, at)
    return float(np.sign(column[0]) * np.exp(np.interp(position[0], position[1], scale)))
