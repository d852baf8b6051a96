"""Estimate: filters, totals and calculated tags. The quality of a result is that of its input."""

from __future__ import annotations

import numpy as np

from controller.commands import Json
from controller.frame import BAD, Frame
from controller.model.tags import TagTable


class Estimator:
    """Works on validated frames in place. ``rebased`` tags count from the last :meth:`rebase` of their vessel."""

    def __init__(self, tags: TagTable) -> None:
        rows = tags.tags
        self._names = [tag.full_name for tag in rows]
        self._filtered = np.array([row for row, tag in enumerate(rows) if tag.filter_s > 0.0], np.intp)
        self._time_constant = tags.column(rows[row].filter_s for row in self._filtered)
        self._smooth = np.full(len(self._filtered), np.nan)
        self._totals = np.array([row for row, tag in enumerate(rows) if tag.rebased], np.intp)
        self._vessels = [rows[row].vessel for row in self._totals]
        self._counter = np.full(len(self._totals), np.nan)
        self._total = np.zeros(len(self._totals))
        self._fell = np.zeros(len(self._totals), np.bool_)
        self._calculated = np.array([row for row, tag in enumerate(rows) if tag.kind == "calculated"], np.intp)
        self._source = np.array([rows[row].source for row in self._calculated], np.intp)
        self._scale = tags.column(rows[row].scale for row in self._calculated)

    def step(self, frame: Frame, dt: float) -> None:
        """Replace readings by estimates; ``dt`` seconds since the last scan."""
        if len(self._filtered):
            self._filter(frame, dt)
        if len(self._totals):
            self._count(frame)
        if len(self._calculated):
            self._calculate(frame)

    def rebase(self, vessel: str) -> None:
        """Totals of ``vessel`` start again from zero: a batch begins."""
        for place, name in enumerate(self._vessels):
            if name == vessel:
                self._total[place] = 0.0

    def state(self) -> dict[str, Json]:
        """Totals and the counters they were last computed from, by tag."""
        return {
            self._names[row]: [total, None if np.isnan(counter) else counter]
            for row, total, counter in zip(self._totals, self._total.tolist(), self._counter.tolist(), strict=True)
        }

    def restore(self, state: dict[str, Json]) -> None:
        """Take over what :meth:`state` gave: what was delivered in between counts."""
        for place, row in enumerate(self._totals):
            match state.get(self._names[row]):
                case [int() | float() as total, int() | float() | None as counter]:
                    self._total[place] = total
                    self._counter[place] = np.nan if counter is None else counter

    def _filter(self, frame: Frame, dt: float) -> None:
        """First order, exact for a value that was constant since the last scan; starts afresh after Bad."""
        rows = self._filtered
        value, good = frame.value[rows], frame.quality[rows] < BAD
        smooth = self._smooth
        np.copyto(smooth, value, where=good & np.isnan(smooth))
        smooth += -np.expm1(-max(dt, 0.0) / self._time_constant) * (value - smooth)
        smooth[~good] = np.nan
        frame.value[rows] = np.where(good, smooth, value)

    def _count(self, frame: Frame) -> None:
        """Sum up a device's counter. A counter that fell has been reset, if it is still low in the next scan: a single
        low reading is garbage, and must not be counted twice.
        """
        rows = self._totals
        counter, good = frame.value[rows], frame.quality[rows] < BAD
        np.copyto(self._counter, counter, where=good & np.isnan(self._counter))
        moved = counter - self._counter
        fell = good & (moved < 0.0)
        reset = fell & self._fell
        moved = np.where(reset, counter, moved)
        counted = good & (~fell | reset)
        self._total[counted] += moved[counted]
        self._counter[counted] = counter[counted]
        self._fell = np.where(good, fell & ~reset, self._fell)
        frame.value[rows] = self._total

    def _calculate(self, frame: Frame) -> None:
        rows, source = self._calculated, self._source
        frame.value[rows] = frame.value[source] * self._scale
        frame.quality[rows] = frame.quality[source]
        frame.reason[rows] = frame.reason[source]
        frame.age[rows] = frame.age[source]
