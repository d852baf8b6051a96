"""The step test: the output makes one step, and the PV is watched until it rests again or has gone far enough."""

from __future__ import annotations

import math

import numpy as np

from controller.stages.experiment import REST_SCANS, Experiment, Guards

LAST_PART = 0.25
"""The share of the time since the step over which the PV must have stood still."""
STILL = 0.02
"""A share of the whole movement: less than this between the halves of the last part, and known as well as this, is
standing still.
"""
LEAST_SCANS, LOOK_EVERY = 40, 10


class StepTest(Experiment):
    """``amplitude`` in output units, its sign the direction. ``travel`` in PV units is far enough: a process that
    integrates never rests.
    """

    method = "step"

    def __init__(
        self, base: float, sense: float, guards: Guards, amplitude: float, travel: float = math.inf,
        rest_scans: int = REST_SCANS,
    ) -> None:  # fmt: skip
        super().__init__(base, sense, guards, rest_scans)
        self._amplitude, self.height, self.travel = amplitude, 0.0, travel
        self._from = 0.0
        self._scans = 0
        self._make_room()

    def begin(self) -> None:
        """The step is now."""
        self._make_room()
        self._from = self.elapsed

    def move(self, pv: float) -> float:
        """Stay, and see whether there is more to see."""
        self._scans += 1
        if abs(pv - self.reference) >= self.travel:
            self.finish(f"the PV moved by {abs(pv - self.reference):.3g}")
        elif self._scans > LEAST_SCANS and self._scans % LOOK_EVERY == 0 and self._rests():
            self.finish("the PV rests again")
        return self.base + self.height

    def _rests(self) -> bool:
        """Whether the two halves of the last part of the record have the same mean, and that is not where it began."""
        time, pv = self.record.time, self.record.pv
        since = self.elapsed - self._from
        first = int(np.searchsorted(time, self.elapsed - LAST_PART * since))
        middle = int(np.searchsorted(time, self.elapsed - LAST_PART / 2.0 * since))
        if middle - first < LEAST_SCANS // 8:
            return False
        before, after = float(pv[first:middle].mean()), float(pv[middle:].mean())
        doubt = self.noise * math.sqrt(2.0 / (middle - first))
        moved = abs(after - self.reference)
        return moved > self.least and max(doubt, abs(after - before)) < STILL * moved

    def _make_room(self) -> None:
        """How far the step may go from where the output rests."""
        guards = self.guards
        self.height = self.room(self._amplitude)
        if abs(self.height) < abs(self._amplitude) / 2.0:
            self.stop(f"no room: the output is at {self.base:.6g} within {guards.low:.6g} .. {guards.high:.6g}")
