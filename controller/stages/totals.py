"""Totals from the counters of instruments, counted from the start of a batch."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from controller.commands import Json
from controller.frame import BAD, Frame
from controller.model.tags import TagTable
from controller.stages.flags import any_bad, any_of


class Totals:
    """Turns the counters of rebased tags into totals, in place."""

    def __init__(self, tags: TagTable) -> None:
        rows = [row for row, tag in enumerate(tags.tags) if tag.rebased]
        self._rows = np.array(rows, np.intp)
        self._names = [tags.tags[row].full_name for row in rows]
        self._vessels = [tags.tags[row].vessel for row in rows]
        self._counter = np.full(len(rows), np.nan)
        self._total = np.zeros(len(rows))
        self._fell, self._counting = np.zeros(len(rows), np.bool_), False
        self._age = np.zeros(len(rows))

    def __len__(self) -> int:
        return len(self._rows)

    def step(self, frame: Frame, dt: float) -> None:
        """Sum up what the counters moved in ``dt`` s. A counter that fell has been reset, if it is still low in the
        next reading: a single low reading is garbage, in however many scans it is seen, and must not be counted twice.
        """
        rows = self._rows
        counter, quality = frame.value[rows], frame.quality[rows]
        moved = counter - self._counter
        if self._counting and not (any_of(moved < 0.0) or any_bad(quality)):
            self._total += moved
            self._counter = counter
            frame.value[rows] = self._total
            return
        good = quality < BAD
        np.copyto(self._counter, counter, where=good & np.isnan(self._counter))
        moved = counter - self._counter
        fell = good & (moved < 0.0)
        age = frame.age[rows]
        reset = fell & self._fell & (age < self._age + 0.5 * dt)
        moved = np.where(reset, counter, moved)
        counted = good & (~fell | reset)
        self._total[counted] += moved[counted]
        self._counter[counted] = counter[counted]
        self._age = age
        self._fell = np.where(good, fell & ~reset, self._fell)
        self._counting = not any_of(self._fell | np.isnan(self._counter))
        frame.value[rows] = self._total

    def rebase(self, vessel: str) -> None:
        """Totals of ``vessel`` start again from zero."""
        for place, name in enumerate(self._vessels):
            if name == vessel:
                self._total[place] = 0.0

    def state(self) -> dict[str, Json]:
        """Totals and the counters they were last computed from, by tag."""
        return {
            name: [total, None if np.isnan(counter) else counter]
            for name, total, counter in zip(self._names, self._total.tolist(), self._counter.tolist(), strict=True)
        }

    def restore(self, state: Mapping[str, Json]) -> None:
        """Take over what :meth:`state` gave: what was delivered in between counts."""
        self._counting = False
        for place, name in enumerate(self._names):
            match state.get(name):
                case [int() | float() as total, int() | float() | None as counter]:
                    self._total[place] = total
                    self._counter[place] = np.nan if counter is None else counter
