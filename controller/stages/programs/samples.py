"""Which counted samples belong to the batch: the count of the batch before must not feed this one."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from controller.frame import F8
from controller.model.programs import FeedTable
from controller.stages.flags import any_of

UNSEEN = math.inf
"""A batch began and the number of the newest sample was not known: it becomes the one before, once it is."""


class Samples:
    """For every feed the newest sample before its batch, shape ``(feeds,)``; NaN where no batch began."""

    def __init__(self, table: FeedTable) -> None:
        self._table = table
        self._place = np.array([feed.sample for feed in table.rows], np.intp)
        self.before = np.full(len(table), np.nan)

    @property
    def waiting(self) -> bool:
        """Whether a batch began whose sample before is not known yet."""
        return any_of(np.isinf(self.before))

    def fresh(self, values: F8) -> NDArray[np.bool_]:
        """Whose sample is of this batch; ``values`` are those of all signals, NaN where not valid, the last one always.

        A vessel that does not number its samples, or on which no batch began, is asked no further.
        """
        number = values[self._place]
        waiting = np.isinf(self.before) & np.isfinite(number)
        if waiting.any():
            np.copyto(self.before, number, where=waiting)
        return np.asarray((self._place < 0) | np.isnan(self.before) | (number > self.before))

    def rebase(self, vessel: str) -> None:
        """A batch begins on ``vessel``."""
        for row, feed in enumerate(self._table.rows):
            if feed.vessel == vessel:
                self.before[row] = UNSEEN
