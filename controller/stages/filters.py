"""First-order filters of readings."""

from __future__ import annotations

import numpy as np

from controller.frame import BAD, Frame
from controller.model.tags import TagTable
from controller.stages.flags import any_bad, any_of


class Filters:
    """Smooths the tags that have a filter, in place. Starts afresh after a Bad value."""

    def __init__(self, tags: TagTable) -> None:
        rows = [row for row, tag in enumerate(tags.tags) if tag.filter_s > 0.0]
        self._rows = np.array(rows, np.intp)
        self._time_constant = tags.column(tags.tags[row].filter_s for row in rows)
        self._smooth = np.full(len(rows), np.nan)
        self._share, self._share_dt, self._starting = np.zeros(len(rows)), np.nan, True

    def __len__(self) -> int:
        return len(self._rows)

    def step(self, frame: Frame, dt: float) -> None:
        """First order, exact for a value that was constant in the ``dt`` seconds since the last scan."""
        rows, smooth = self._rows, self._smooth
        if dt != self._share_dt:
            self._share, self._share_dt = -np.expm1(-max(dt, 0.0) / self._time_constant), dt
        value, quality = frame.value[rows], frame.quality[rows]
        if not (self._starting or any_bad(quality)):
            smooth += self._share * (value - smooth)
            frame.value[rows] = smooth
            return
        good = quality < BAD
        np.copyto(smooth, value, where=good & np.isnan(smooth))
        smooth += self._share * (value - smooth)
        smooth[~good] = np.nan
        self._starting = any_of(np.isnan(smooth))
        frame.value[rows] = np.where(good, smooth, value)
