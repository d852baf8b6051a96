"""Gain schedules: a controller's tuning follows a signal, such as kLa or the buffer capacity of the culture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from controller.frame import BAD, F8
from controller.model.loops import Loop
from controller.model.tuning import Schedule
from controller.stages.flags import all_of, any_of, rows_where
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
        self._seen, self._near = np.full((2, len(found)), np.nan)
        first = [(one.gain[0], one.integral_time[0], one.derivative_time[0]) for one in self._schedules]
        self._values = np.array(first, np.float64).reshape(-1, 3)
        # Vessels of one class have the same schedules, but for the signal: these are looked up together.
        shapes = [replace(one, signal=0) for one in self._schedules]
        self._curves = [_Curve(shape) for shape in dict.fromkeys(shapes)]
        numbers = {shape: number for number, shape in enumerate(dict.fromkeys(shapes))}
        self._curve = np.array([numbers[shape] for shape in shapes], np.intp)

    def apply(self, signals: Signals, bank: PidBank) -> None:
        """Bring the tunings of the bank to where their signals are; a Bad signal leaves them."""
        value = signals.value[self._signals]
        moved = ~(np.abs(value - self._seen) <= self._near)
        if not any_of(moved):
            return
        moved &= (signals.quality[self._signals] < BAD) & np.isfinite(value)
        places = rows_where(moved)
        if not len(places):
            return
        self._seen[places] = value[places]
        self._near = LEAST * np.abs(self._seen)
        numbers = self._curve[places]
        for number in set(numbers.tolist()):
            mine = places[numbers == number]
            self._values[mine] = self._curves[number].at(value[mine]).T
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


class _Curve:
    """Gain, integral and derivative time over the values of a signal, for many loops with the same points."""

    def __init__(self, schedule: Schedule) -> None:
        self._points = np.asarray(schedule.at, np.float64)
        self._by_factors = bool(self._points.min() > 0.0)
        with np.errstate(all="ignore"):
            self._logarithms = np.log(self._points)
        self._columns = [
            _Column(np.asarray(column, np.float64))
            for column in (schedule.gain, schedule.integral_time, schedule.derivative_time)
        ]

    def at(self, value: F8) -> F8:
        """The tunings at values of shape ``(n,)``, shape ``(3, n)``."""
        tunings = np.empty((3, len(value)))
        if not self._by_factors:
            self._fill(tunings, value, value, self._points)
            return tunings
        positive = value > 0.0
        if all_of(positive):
            self._fill(tunings, value, np.log(value), self._logarithms)
            return tunings
        for where, by_factors in ((positive, True), (~positive, False)):
            part, mine = np.empty((3, int(where.sum()))), value[where]
            if len(mine):
                position, points = (np.log(mine), self._logarithms) if by_factors else (mine, self._points)
                self._fill(part, mine, position, points)
                tunings[:, where] = part
        return tunings

    def _fill(self, tunings: F8, value: F8, position: F8, points: F8) -> None:
        for row, column in zip(tunings, self._columns, strict=True):
            if column.scale is not None:
                np.multiply(column.sign, np.exp(np.interp(position, points, column.scale)), out=row)
            elif column.constant:
                row[:] = column.numbers[0]
            else:
                row[:] = column.numbers[np.abs(self._points[:, None] - value).argmin(axis=0)]


class _Column:
    """A gain or a time over the points of a schedule: interpolated by factors where that can be, on the ``scale`` of
    logarithms; infinite times and zeros are taken from the nearest point.
    """

    def __init__(self, numbers: F8) -> None:
        self.numbers, self.sign = numbers, float(np.sign(numbers[0]))
        self.constant = bool((numbers == numbers[0]).all())
        whole = np.isfinite(numbers).all() and (numbers != 0.0).all() and (np.sign(numbers) == self.sign).all()
        self.scale = np.log(np.abs(numbers)) if whole and not self.constant else None
