"""Estimate: filters, totals and calculated tags. The quality of a result is that of its worst input."""

from __future__ import annotations

from collections.abc import Mapping

from controller.commands import Json
from controller.frame import Frame
from controller.model.tags import TagTable
from controller.stages.filters import Filters
from controller.stages.soft.sensors import SoftSensors
from controller.stages.totals import Totals


class Estimator:
    """Works on validated frames in place, which are meant to come every ``period_s``. What counts from the start of a
    batch counts from the last :meth:`rebase` of its vessel.
    """

    def __init__(self, tags: TagTable, period_s: float = 1.0) -> None:
        self._filters, self._totals, self._soft = Filters(tags), Totals(tags), SoftSensors(tags, period_s)

    def step(self, frame: Frame, dt: float) -> None:
        """Replace readings by estimates; ``dt`` seconds since the last scan."""
        if len(self._filters):
            self._filters.step(frame, dt)
        if len(self._totals):
            self._totals.step(frame, dt)
        if len(self._soft):
            self._soft.step(frame, max(dt, 0.0))

    def rebase(self, vessel: str) -> None:
        """A batch begins on ``vessel``: totals start again from zero, and what models remember of other cells goes."""
        self._totals.rebase(vessel)
        self._soft.rebase(vessel)

    def state(self) -> dict[str, Json]:
        """What totals and models remember, by tag."""
        return {**self._totals.state(), **self._soft.state()}

    def restore(self, state: Mapping[str, Json], outage_s: float = 0.0) -> None:
        """Take over what :meth:`state` gave, after nothing was seen for ``outage_s``."""
        self._totals.restore(state)
        self._soft.restore(state, outage_s)
