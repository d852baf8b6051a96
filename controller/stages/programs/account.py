"""The account of every feed: what was delivered in the batch, by the device's own counter where it has one."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from controller.commands import Json
from controller.frame import BAD, F8, Frame
from controller.model.programs import FeedTable
from controller.stages.flags import all_of
from controller.stages.programs.run import number


class Account:
    """Amounts of all feeds, arrays of shape ``(feeds,)``. ``total`` is what was delivered since the batch began, at the
    best that is known of the pump.
    """

    def __init__(self, table: FeedTable) -> None:
        n = len(table)
        self._table = table
        self.total = np.zeros(n)
        self._counting = np.array([row for row, feed in enumerate(table.rows) if feed.total >= 0], np.intp)
        self._tag = np.array([table.rows[row].total for row in self._counting], np.intp)
        self._counter, self._ahead = np.full(len(self._counting), np.nan), np.zeros(len(self._counting))
        self._amounts, self._dt_h = np.zeros(n), math.nan
        self._place = {row: place for place, row in enumerate(self._counting.tolist())}

    def pumped(self, output: F8, dt_h: float) -> F8:
        """The amounts that pumps should have given in the last ``dt_h`` hours at what their outputs achieved."""
        if dt_h != self._dt_h:
            self._amounts, self._dt_h = self._table.hourly * dt_h, dt_h
        return np.asarray(np.fmax(output, 0.0) * self._amounts)

    def counted(self, frame: Frame, pumped: F8, reached: NDArray[np.bool_]) -> F8:
        """The same by the devices' counters where they have one. While a counter cannot be read, what the pump should
        have given is booked ahead, if it can be ``reached``; the next value puts that right. A counter that falls was
        set back; nothing is known of what it counted before.
        """
        if not len(self._counting):
            return pumped
        counter, amounts = frame.value[self._tag], pumped.copy()
        known = (frame.quality[self._tag] < BAD) & np.isfinite(counter)
        moved = counter - self._counter
        moved = np.where(moved >= 0.0, moved - self._ahead, 0.0)
        if all_of(known):
            self._counter, self._ahead = counter, np.zeros(len(counter))
            amounts[self._counting] = moved
            return amounts
        expected = np.where(reached, pumped, 0.0)[self._counting]
        self._ahead = np.where(known, 0.0, self._ahead + expected)
        np.copyto(self._counter, counter, where=known)
        amounts[self._counting] = np.where(known, moved, expected)
        return amounts

    def book(self, amounts: F8) -> None:
        """Add what was delivered; a correction takes back no more than there is."""
        self.total = np.maximum(self.total + amounts, 0.0)

    def rebase(self, vessel: str) -> None:
        """A batch begins: totals of ``vessel`` start from zero."""
        for row, feed in enumerate(self._table.rows):
            if feed.vessel == vessel:
                self.total[row] = 0.0

    def state(self, row: int) -> dict[str, Json]:
        """One feed's total, the counter that it was computed from, and what was booked ahead of it."""
        place = self._place.get(row)
        counter, ahead = (math.nan, 0.0) if place is None else (float(self._counter[place]), float(self._ahead[place]))
        return {
            "total": float(self.total[row]),
            "counter": counter if math.isfinite(counter) else None,
            "ahead": ahead,
        }

    def restore(self, row: int, state: Mapping[str, Json]) -> None:
        """Take over what :meth:`state` gave: what a device counted in between counts."""
        self.total[row] = max(number(state.get("total"), 0.0), 0.0)
        if row in self._place:
            self._counter[self._place[row]] = number(state.get("counter"), math.nan)
            self._ahead[self._place[row]] = number(state.get("ahead"), 0.0)
