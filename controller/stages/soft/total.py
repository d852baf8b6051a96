"""The integral of a flow since the start of the batch."""

from __future__ import annotations

from controller.stages.soft.arithmetic import Real, Truth, every, filled, finite, maximum, negated, some, where
from controller.stages.soft.model import Model, Now, Setup

LONGEST_SCANS = 3.0
"""Scans between two values that are bridged however long they take."""


class Total(Model[Real]):
    """Trapezoids over the flow, in the tag's unit per s. A gap up to ``bridge`` (s) is taken as a straight line; one
    that was longer is not counted, and the total is Uncertain until it begins anew. Bad flow holds it.
    """

    def __init__(self, setup: Setup[Real]) -> None:
        super().__init__(setup)
        self._bridge: Real = maximum(setup.parameters["bridge"], LONGEST_SCANS * setup.period_s)
        for name, value in {"total": 0.0, "last": float("nan"), "gap": 0.0, "missed": 0.0}.items():
            self.memory[name] = filled(setup.none, value)

    def step(self, now: Now[Real], dt: float) -> Real:
        """What has flowed until now."""
        memory, flow, usable = self.memory, now.value["flow"], now.usable
        last, missed = memory["last"], memory["missed"]
        gap = memory["gap"] + dt
        area: Real = (flow + last) * gap
        counts = (gap <= self._bridge) & usable & finite(area)
        total: Real = where(counts, memory["total"] + 0.5 * area, memory["total"])
        if not every(counts):
            missed = where(usable & finite(last) & negated(counts), 1.0, missed)
        memory.update(total=total, last=where(usable, flow, last), gap=where(usable, 0.0, gap), missed=missed)
        if some(missed != 0.0):
            now.doubt(missed > 0.0)
        return total

    def rebase(self, chosen: Truth) -> None:
        """Count from zero."""
        for name in ("total", "missed"):
            self.memory[name] = where(chosen, 0.0, self.memory[name])

    def resume(self, chosen: Truth, outage_s: float) -> None:
        """Nobody saw the flow for a while."""
        self.memory["gap"] = where(chosen, self.memory["gap"] + outage_s, self.memory["gap"])
