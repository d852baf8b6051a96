"""Frozen: readings that should be noisy and are the same to the bit for too long: what gives them hangs."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from controller.commands import Json
from controller.frame import BAD, F8, U1, Frame
from controller.model.tags import LEAST_STILL_SCANS, TagTable
from controller.stages.flags import Flags, any_bad, any_of
from controller.stages.stored import is_number
from drivers.contract import Reason

LONGEST_DT_SCANS = 10.0
"""Between two scans that are further apart nobody saw whether a value moved."""

MOVES_UNTIL_BELIEVED = 3
"""So often a frozen value must move: one bit that changes now and then is no noise."""

SOON_S, SOON_SCANS = 60.0, 10.0
"""Each of these moves within so long of the one before, whichever is longer; never within longer than it may stand."""


class Frozen:
    """Judges the tags that say how long they may stand still; arrays have one entry for each, in the tags' order.

    ``flags`` says which are frozen. The time counts anew with every other value; while a value is Bad, and between
    scans that are far apart, it stops. ``seldom_s`` is the longest time between two scans that nothing disturbs.
    Until the time can be over for one of them, and while none is frozen, a scan only compares.
    """

    def __init__(self, tags: TagTable, seldom_s: float) -> None:
        rows = [row for row, tag in enumerate(tags.tags) if np.isfinite(tag.frozen_s)]
        declared = [tags.tags[row] for row in rows]
        self._names = [tag.full_name for tag in declared]
        self._rows = np.array(rows, np.intp)
        after = np.array([tag.frozen_s for tag in declared], np.float64)
        self._after = np.maximum(after, LEAST_STILL_SCANS * seldom_s)
        self._soon = np.minimum(self._after, max(SOON_S, SOON_SCANS * seldom_s))
        self._quality = np.array([tag.frozen_quality for tag in declared], np.uint8)
        self._value = np.full(len(rows), np.nan)
        self._still = np.zeros(len(rows))
        self._moves = np.zeros(len(rows), np.intp)
        self._last_s, self._longest_dt = np.nan, LONGEST_DT_SCANS * seldom_s
        self._left_s, self._some = 0.0, False
        self.flags: Flags = np.zeros(len(rows), np.bool_)

    def step(self, frame: Frame, now_s: float) -> None:
        """Mark what is frozen in a frame that is judged otherwise already; ``now_s`` is process time."""
        if not len(self._rows):
            return
        value, quality = frame.value[self._rows], frame.quality[self._rows]
        passed = 0.0 if np.isnan(self._last_s) else min(now_s - self._last_s, self._longest_dt)
        self._last_s = now_s
        # NaN differs from itself: the first value that is read has moved.
        moved = value != self._value
        if any_bad(quality):
            usable = quality < BAD
            self._still[usable] += passed
            moved &= usable
            value = np.where(usable, value, self._value)
        else:
            self._still += passed
        if self._some:
            self._thaw(moved)
        np.copyto(self._still, 0.0, where=moved)
        self._value = value
        self._left_s -= passed
        if self._left_s < 0.0 or self._some:
            self._judge(frame, quality)

    def _thaw(self, moved: Flags) -> None:
        """Believe again what moved often enough, before the time since the last move is forgotten."""
        run = np.where(self._still <= self._soon, self._moves, 0) + 1
        np.copyto(self._moves, run, where=moved)
        self.flags = self.flags & (self._moves < MOVES_UNTIL_BELIEVED)

    def _judge(self, frame: Frame, quality: U1) -> None:
        left: F8 = self._after - self._still
        begins = (left < 0.0) & ~self.flags
        self._moves[begins] = 0
        self.flags = self.flags | begins
        self._left_s, self._some = float(np.min(left)), any_of(self.flags)
        worse = self.flags & (quality < self._quality)
        if any_of(worse):
            frame.quality[self._rows[worse]] = self._quality[worse]
            frame.reason[self._rows[worse]] = Reason.FROZEN

    def state(self) -> dict[str, Json]:
        """Of every tag that was read: its value, for how many seconds it stood still, whether it is frozen; by name."""
        kept = zip(self._names, self._value.tolist(), self._still.tolist(), self.flags.tolist(), strict=True)
        return {name: [value, still, frozen] for name, value, still, frozen in kept if np.isfinite(value)}

    def restore(self, state: Mapping[str, Json]) -> None:
        """Take over what :meth:`state` gave, before the first step. How long nothing ran counts neither way."""
        for place, name in enumerate(self._names):
            entry = state.get(name)
            if not isinstance(entry, list) or len(entry) != 3:
                continue
            value, still, frozen = entry
            if is_number(value) and is_number(still) and still >= 0.0 and isinstance(frozen, bool):
                self._value[place], self._still[place], self.flags[place] = value, still, frozen
        self._moves[:] = 0
        self._some = any_of(self.flags)
