"""The frame: everything one scan knows about the plant, as arrays over all tags of the site."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

F8 = NDArray[np.float64]
U1 = NDArray[np.uint8]

GOOD, UNCERTAIN, BAD = 0, 1, 2


@dataclass(slots=True)
class Frame:
    """One scan's values. All arrays have shape ``(tags,)`` in the order of the site's tag table.

    ``value`` is in the tag's unit, NaN where nothing is known; ``quality`` and ``reason`` are the numbers of
    :class:`drivers.contract.Quality` and :class:`drivers.contract.Reason`; ``age`` is seconds of process time
    since the device gave the value.
    """

    value: F8
    quality: U1
    reason: U1
    age: F8

    @classmethod
    def never_read(cls, tags: int) -> Frame:
        """A frame in which no tag has ever been read: Bad, NaN."""
        return cls(
            np.full(tags, np.nan), np.full(tags, BAD, np.uint8), np.full(tags, 9, np.uint8), np.full(tags, np.inf)
        )

    def copy(self) -> Frame:
        """An independent copy."""
        return Frame(self.value.copy(), self.quality.copy(), self.reason.copy(), self.age.copy())
