"""The integral of a flow since the start of the batch."""

from __future__ import annotations

import numpy as np

from controller.stages.soft.model import Columns, Model, Now, Setup

LONGEST_SCANS = 3.0
"""Scans between two values that are bridged however long they take."""


class Total(Model):
    """Trapezoids over the flow, in the tag's unit per s. A gap up to ``bridge`` (s) is taken as a straight line; one
    that was longer is not counted, and the total is Uncertain until it begins anew. Bad flow holds it.
    """

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        n = setup.n
        self._bridge = np.maximum(setup.parameters["bridge"], LONGEST_SCANS * setup.period_s)
        self._total, self._gap, self._missed, self._last = np.zeros(n), np.zeros(n), np.zeros(n), np.full(n, np.nan)
        self._area, self._counts = np.zeros(n), np.zeros(n, np.bool_)
        self.memory = {"total": self._total, "last": self._last, "gap": self._gap, "missed": self._missed}

    def step(self, now: Now, dt: float) -> None:
        """What has flowed until now."""
        flow, gap, area, counts = now.value["flow"], self._gap, self._area, self._counts
        np.add(gap, dt, out=gap)
        np.add(flow, self._last, out=area)
        np.multiply(area, gap, out=area)
        np.less_equal(gap, self._bridge, out=counts)
        np.logical_and(counts, now.usable, out=counts)
        np.logical_and(counts, np.isfinite(area), out=counts)
        np.add(self._total, 0.5 * area, out=self._total, where=counts)
        if not counts.all():
            known = np.isfinite(self._last)
            self._missed[now.usable & known & ~counts] = 1.0
        np.copyto(self._last, flow, where=now.usable)
        np.copyto(gap, 0.0, where=now.usable)
        now.out[:] = self._total
        if np.count_nonzero(self._missed):
            now.doubt(self._missed > 0.0)

    def rebase(self, columns: Columns) -> None:
        """Count from zero."""
        self._total[columns], self._missed[columns] = 0.0, 0.0

    def resume(self, columns: Columns, outage_s: float) -> None:
        """Nobody saw the flow for a while."""
        self._gap[columns] += outage_s
