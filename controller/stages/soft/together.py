"""Calculated tags in arrays: those of one make are one model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from controller.frame import Frame
from controller.model.calculation import Calculation
from controller.model.tags import TagTable
from controller.stages.soft.level import Level
from controller.stages.soft.model import REASON_BITS, REASON_MASK

Groups = Sequence[Sequence[int]]
"""Rows of tags of which each group is one model."""


class Together:
    """The tags ``calculations`` by row, in ``levels``, each of which depends on those before."""

    def __init__(
        self, tags: TagTable, calculations: Mapping[int, Calculation], levels: Sequence[Groups], period_s: float
    ) -> None:
        self._levels = [Level(tags, calculations, groups, period_s) for groups in levels]
        self.columns = {row: place for level in self._levels for row, place in level.columns.items()}
        self._rows = np.array([*self.columns], np.intp)

    @np.errstate(all="ignore")
    def step(self, frame: Frame, dt: float) -> None:
        """Calculate every tag; ``dt`` s since the last scan."""
        code = np.left_shift(frame.quality, REASON_BITS)
        np.bitwise_or(code, frame.reason, out=code)
        for level in self._levels:
            level.step(frame, code, dt)
        found = code[self._rows]
        frame.quality[self._rows] = found >> REASON_BITS
        frame.reason[self._rows] = found & REASON_MASK


def grouped(calculations: Mapping[int, Calculation]) -> Groups:
    """The rows of what one model object can calculate: the same model, inputs and options."""
    groups: dict[tuple[object, ...], list[int]] = {}
    for row, one in calculations.items():
        key = (one.name, *(given.name for given in one.inputs), *one.parameters, *sorted(one.options.items()))
        groups.setdefault(key, []).append(row)
    return list(groups.values())
