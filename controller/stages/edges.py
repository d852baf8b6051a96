"""Edges: the values at which conditions change, watched all at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from controller.frame import Frame


class Edges:
    """Edges of conditions: the tags ``rows`` and the ``limits`` that they are compared with, in the tags' units.

    ``watched`` says for each condition whether these are all that decides it: it cannot change as long as
    :meth:`sides` stays the same.
    """

    def __init__(self, rows: Sequence[int], limits: Sequence[float], watched: Sequence[bool]) -> None:
        self._rows, self._limits = np.array(rows, np.intp), np.array(limits, np.float64)
        self.watched = tuple(watched)

    def sides(self, frame: Frame) -> bytes:
        """On which side of its edge each value is, or on it, and how far it can be trusted."""
        value = frame.value[self._rows]
        parts = (value <= self._limits, value >= self._limits, np.isfinite(value), frame.quality[self._rows])
        return b"".join([part.tobytes() for part in parts])
