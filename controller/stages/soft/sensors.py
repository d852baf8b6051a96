"""All soft sensors of the site, in the order of what depends on what."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from controller.commands import Json
from controller.frame import Frame
from controller.model.calculation import in_order, origins
from controller.model.tags import TagTable
from controller.stages.soft.level import Level
from controller.stages.soft.model import REASON_BITS, Model

REASON_MASK = (1 << REASON_BITS) - 1


class SoftSensors:
    """Fills in every calculated tag of a frame. Works on whole arrays; each level of dependency once per scan, which is
    meant to come every ``period_s``.
    """

    def __init__(self, tags: TagTable, period_s: float = 1.0) -> None:
        self._calculations = {row: tag.calculation for row, tag in enumerate(tags.tags) if tag.calculation is not None}
        self._names = {row: tags.tags[row].full_name for row in self._calculations}
        depends = {row: [one.row for one in made.inputs] for row, made in self._calculations.items()}
        self._levels = [
            Level(tags, {row: self._calculations[row] for row in rows}, period_s) for rows in in_order(depends)
        ]
        self._columns = {row: place for level in self._levels for row, place in level.columns.items()}
        self._rows = np.array(list(self._columns), np.intp)
        sources = [origins(row, depends) for row in self._columns]
        self._sources = np.array([row for rows in sources for row in rows], np.intp)
        self._starts = np.cumsum([0, *map(len, sources[:-1])]).astype(np.intp)
        self._vessels: dict[str, list[tuple[Model, list[int]]]] = {}
        for row, (model, column) in self._columns.items():
            self._vessels.setdefault(tags.tags[row].vessel, []).append((model, [column]))

    def __len__(self) -> int:
        return len(self._rows)

    def step(self, frame: Frame, dt: float) -> None:
        """Calculate every tag; ``dt`` s since the last scan. A result is as old as the oldest measurement in it."""
        rows = self._rows
        code = np.left_shift(frame.quality, REASON_BITS)
        np.bitwise_or(code, frame.reason, out=code)
        # What cannot be divided or has no logarithm is found by its result.
        with np.errstate(all="ignore"):
            for level in self._levels:
                level.step(frame, code, dt)
        found = code[rows]
        frame.quality[rows] = found >> REASON_BITS
        frame.reason[rows] = found & REASON_MASK
        frame.age[rows] = np.maximum.reduceat(frame.age[self._sources], self._starts)

    def rebase(self, vessel: str) -> None:
        """A batch begins on ``vessel``."""
        for model, columns in self._vessels.get(vessel, ()):
            model.rebase(np.array(columns, np.intp))

    def state(self) -> dict[str, Json]:
        """What the models remember, by tag, with the name and version of the model that remembers it."""
        return {
            self._names[row]: {"model": self._calculations[row].name, **memory}
            for row, (model, column) in self._columns.items()
            if (memory := model.state(column))
        }

    def restore(self, state: Mapping[str, Json], outage_s: float) -> None:
        """Take over what :meth:`state` gave, ``outage_s`` ago; what another version remembered is left."""
        for row, (model, column) in self._columns.items():
            memory = state.get(self._names[row])
            if isinstance(memory, dict) and memory.get("model") == self._calculations[row].name:
                try:
                    model.restore(column, memory)
                except ValueError:
                    continue  # the class file was changed: the model begins anew
                model.resume(np.array([column], np.intp), outage_s)
