"""The last commands of the outputs: a read-back may still show any of them while an output moves."""

from __future__ import annotations

import numpy as np

from controller.frame import F8
from controller.stages.flags import Flags

RECENT = 8
"""Scans whose commands a read-back may still show."""


class Recent:
    """A ring of the commands of :data:`RECENT` scans; ``newest`` are those of the last, NaN where there was none;
    arrays of shape ``(outputs,)``.
    """

    def __init__(self, tolerance: F8) -> None:
        n = len(tolerance)
        self._tolerance = tolerance
        self._ring, self._at = np.full((RECENT, n), np.nan), 0
        self.newest = np.full(n, np.nan)
        self._lowest, self._highest = np.full((2, n), np.nan)
        self._moving, self._spanned, self._without = RECENT, False, b""

    def take(self, commands: F8, claimed: Flags) -> None:
        """Keep the commands of a scan, which are those that are ``claimed``; the array must not be changed afterwards.
        Nothing is to be done once they stood still for so many scans. The first command of an output stands for all
        that might have been before.
        """
        before = self.newest
        self._moving = RECENT if commands.tobytes() != before.tobytes() else self._moving - 1
        if self._moving <= 0:
            return
        self._spanned, self.newest = False, commands
        self._at = (self._at + 1) % RECENT
        self._ring[self._at] = commands
        without = claimed.tobytes()
        if without != self._without:
            self._without = without
            first = np.isnan(before)
            self._ring[:, first] = commands[first]

    def forget(self, rows: Flags) -> None:
        """Nothing is known any more of what ``rows`` were commanded."""
        self._ring[:, rows] = np.nan
        self.newest = np.where(rows, np.nan, self.newest)
        self._spanned, self._without = False, b""

    def outside(self, value: F8) -> Flags:
        """Where a read-back is none of the last commands, nor between them."""
        if not self._spanned:
            self._spanned = True
            self._lowest = np.minimum.reduce(self._ring) - self._tolerance
            self._highest = np.maximum.reduce(self._ring) + self._tolerance
        return np.asarray((value < self._lowest) | (value > self._highest))
