"""What makes a value rise besides hunger: its controller changes its actuator or its aim, or something else is fed."""

from __future__ import annotations

import numpy as np

from controller.frame import F8
from controller.model.programs import FeedTable
from controller.stages.loops import Loops


class Disturbances:
    """Watches the controllers of what programs watch, and the feeds themselves."""

    def __init__(self, table: FeedTable, loops: Loops) -> None:
        self._table, self._loops = table, loops
        watched = {program.control for feed in table.rows for program in feed.programs.values()} - {-1}
        self._rows = np.array(sorted(watched), np.intp)
        legs = [loops.table.rows[row].legs for row in self._rows]
        ends = np.full((len(legs), max((len(one) for one in legs), default=0)), np.inf)
        for place, one in enumerate(legs):
            ends[place, : len(one)] = [leg.high for leg in one]
        self._ends = ends
        self._leg, self._aim, self._mode = np.full((3, len(legs)), np.nan)
        self._fed = np.zeros(len(table), np.bool_)

    def step(self) -> tuple[F8, F8]:
        """What was disturbed since the last call: loops, with one place more for what no loop controls, and feeds, by
        how many others have begun on their vessel.
        """
        return self._moved(), self._begun()

    def _moved(self) -> F8:
        """1 for every controller that went to another leg, another setpoint or another mode."""
        loops, rows = self._loops, self._rows
        leg = (loops.op[rows, None] > self._ends).sum(axis=1).astype(np.float64)
        aim = loops.sp_target[rows]
        mode = np.array([loops.states[row].mode for row in rows], np.float64)
        changed = ((leg != self._leg) | (aim != self._aim) | (mode != self._mode)) & ~np.isnan(self._mode)
        self._leg, self._aim, self._mode = leg, aim, mode
        moved = np.zeros(len(loops.table) + 1)
        moved[rows] = changed
        return moved

    def _begun(self) -> F8:
        fed = self._loops.op[self._table.loop] > 0.0
        begun = (fed & ~self._fed).astype(np.float64)
        self._fed = fed
        vessel = self._table.vessel
        return np.asarray(np.bincount(vessel, begun, minlength=len(vessel))[vessel] - begun)
