"""All soft sensors of the site, in the order of what depends on what."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from controller.commands import Json
from controller.frame import Frame
from controller.model.calculation import in_order, origins
from controller.model.tags import TagTable
from controller.stages.soft.model import Model
from controller.stages.soft.singly import Singly
from controller.stages.soft.together import Together, grouped

FEW = 3
"""Tags of one make, on the average, up to which each is calculated by itself: floats are then quicker than arrays."""


class SoftSensors:
    """Fills in every calculated tag of a frame, once per scan, which is meant to come every ``period_s``."""

    def __init__(self, tags: TagTable, period_s: float = 1.0) -> None:
        every = {row: tag.calculation for row, tag in enumerate(tags.tags) if tag.calculation is not None}
        depends = {row: [one.row for one in made.inputs] for row, made in every.items()}
        order = in_order(depends)
        levels = [grouped({row: every[row] for row in rows}) for rows in order]
        few = len(every) <= FEW * sum(map(len, levels))
        self._work: Singly | Together = (
            Singly(tags, {row: every[row] for rows in order for row in rows}, period_s)
            if few
            else Together(tags, every, levels, period_s)
        )
        columns: Mapping[int, tuple[Model[Any], int]] = self._work.columns
        self._columns, self._rows = columns, np.array([*columns], np.intp)
        self._names = {row: tags.tags[row].full_name for row in columns}
        self._models = {row: every[row].name for row in columns}
        sources = [origins(row, depends) for row in columns]
        self._sources = np.array([row for rows in sources for row in rows], np.intp)
        self._starts = np.cumsum([0, *map(len, sources[:-1])]).astype(np.intp)
        self._vessels: dict[str, list[tuple[Model[Any], int]]] = {}
        for row, place in columns.items():
            self._vessels.setdefault(tags.tags[row].vessel, []).append(place)

    def __len__(self) -> int:
        return len(self._rows)

    def step(self, frame: Frame, dt: float) -> None:
        """Calculate every tag; ``dt`` s since the last scan. A result is as old as the oldest measurement in it."""
        self._work.step(frame, dt)
        frame.age[self._rows] = np.maximum.reduceat(frame.age[self._sources], self._starts)

    def rebase(self, vessel: str) -> None:
        """A batch begins on ``vessel``."""
        for model, column in self._vessels.get(vessel, ()):
            model.rebase(model.only(column))

    def state(self) -> dict[str, Json]:
        """What the models remember, by tag, with the name and version of the model that remembers it."""
        return {
            self._names[row]: {"model": self._models[row], **memory}
            for row, (model, column) in self._columns.items()
            if (memory := model.memory.state(column))
        }

    def restore(self, state: Mapping[str, Json], outage_s: float) -> None:
        """Take over what :meth:`state` gave, ``outage_s`` ago; what another version remembered is left."""
        for row, (model, column) in self._columns.items():
            memory = state.get(self._names[row])
            if isinstance(memory, dict) and memory.get("model") == self._models[row]:
                try:
                    model.memory.restore(column, memory)
                except ValueError:
                    continue  # the class file was changed: the model begins anew
                model.resume(model.only(column), outage_s)
