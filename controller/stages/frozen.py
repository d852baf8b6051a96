"""Frozen: readings that should be noisy and are the same to the bit for too long: what gives them hangs."""

from __future__ import annotations

import numpy as np

from controller.frame import BAD, Frame
from controller.model.tags import TagTable
from controller.stages.flags import Flags, any_of
from drivers.contract import Reason

LEAST_SCANS = 30
"""Nothing is called frozen before the time of so many: a coarse reading is now and then the same several times."""


class Frozen:
    """Judges the tags that say how long they may stand still; arrays have one entry for each, in the tags' order.

    ``flags`` says which are frozen. The time counts anew with every other value, and while a value is Bad. A longest
    time that is not over for any of them is known in advance: until then a scan only compares.
    """

    def __init__(self, tags: TagTable, shortest_s: float, longest_dt: float) -> None:
        rows = [row for row, tag in enumerate(tags.tags) if np.isfinite(tag.frozen_s)]
        declared = [tags.tags[row] for row in rows]
        self._rows = np.array(rows, np.intp)
        self._after = np.maximum(np.array([tag.frozen_s for tag in declared], np.float64), shortest_s)
        self._quality = np.array([tag.frozen_quality for tag in declared], np.uint8)
        self._value = np.full(len(rows), np.nan)
        self._since = np.zeros(len(rows))
        self._due, self._last_s, self._longest_dt = 0.0, np.nan, longest_dt
        self.flags: Flags = np.zeros(len(rows), np.bool_)

    def step(self, frame: Frame, now_s: float) -> None:
        """Mark what is frozen in a frame that is judged otherwise already; ``now_s`` is process time."""
        if not len(self._rows):
            return
        value, quality = frame.value[self._rows], frame.quality[self._rows]
        if (unseen := now_s - self._last_s - self._longest_dt) > 0.0:
            self._since += unseen
        # NaN differs from itself: what was never read does not stand still.
        np.copyto(self._since, now_s, where=(value != self._value) | (quality >= BAD))
        self._value, self._last_s = value, now_s
        if now_s <= self._due:
            return
        still = now_s - self._since
        self.flags = still > self._after
        self._due = now_s + max(float(np.min(self._after - still)), 0.0)
        if any_of(self.flags):
            worse = self.flags & (quality < self._quality)
            frame.quality[self._rows[worse]] = self._quality[worse]
            frame.reason[self._rows[worse]] = Reason.FROZEN
