"""Outputs that are never on together: acid and base, nitrogen and oxygen, cooling and heating.

Their legs meet where both are at rest, so control never asks for both. But a pulse under way, or an actuator that may
only move slowly, outlasts its leg: then the other one waits.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from controller.frame import F8
from controller.model.loops import OutputTable
from controller.stages.flags import Flags, any_of

Rows = NDArray[np.intp]


class Rivals:
    """The pairs of ``table.rivals``; arrays over all outputs have shape ``(outputs,)``."""

    def __init__(self, table: OutputTable) -> None:
        pairs = np.array(table.rivals, np.intp).reshape(-1, 2).T
        self._one, self._other = pairs
        self._one_rest, self._other_rest = table.low[self._one], table.low[self._other]

    def __len__(self) -> int:
        return len(self._one)

    def late(self, target: F8, held: Flags, written: F8) -> Rows:
        """The outputs that have to wait, because their rival is still on although nothing is asked of it any more; of
        one that is ``held`` on, the rival.
        """
        both = (written[self._one] > self._one_rest) & (written[self._other] > self._other_rest)
        if not any_of(both):
            return np.zeros(0, np.intp)
        one_ends = target[self._one] <= self._one_rest
        other_ends = target[self._other] <= self._other_rest
        waits = np.where(one_ends, self._other, self._one)
        late = np.where(one_ends ^ held[waits], self._other, self._one)
        return np.asarray(late[both & (one_ends | other_ends)])
