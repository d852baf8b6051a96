"""Tuning as people ask for it: the sets of a loop, and its newest experiment. Never in the scan; on any thread."""

from __future__ import annotations

import math

from controller.commands import Json
from controller.model.site import Site
from controller.stages.experiment import Report
from controller.stages.tuner import Tuner
from controller.stages.tuning_sets import TuningSets
from controller.units import per

Figures = dict[str, Json]


class TuningReport:
    """Answers out of what the scan keeps in ``sets`` and ``tuner``."""

    def __init__(self, site: Site, sets: TuningSets, tuner: Tuner) -> None:
        self._site, self._sets, self._tuner = site, sets, tuner

    def tuning(self, vessel: str, name: str) -> Figures | None:
        """The set in force and the one it replaced, gains in ``gain_unit``, times in seconds; ``None`` for a loop
        without a controller. Raises ``KeyError`` for an unknown one.
        """
        row = self._site.loops.index[f"{vessel}.{name}"]
        loop, shown = self._site.loops.rows[row], self._sets.view(row)
        if shown is None:
            return None
        head: Figures = {
            "vessel": vessel,
            "loop": name,
            "title": loop.title,
            "unit": loop.unit,
            "output_unit": loop.op_unit,
            "gain_unit": per(loop.op_unit, loop.unit),
            "output_low": loop.op_low,
            "output_high": loop.op_high,
            "scan_period_s": self._site.scan_period_s,
            "scheduled": loop.schedule is not None,
        }
        return {**head, **shown}

    def experiment(self, vessel: str, name: str, *, samples: bool = True) -> Figures | None:
        """The newest experiment on a loop since the start of this program, with its ``samples`` if wanted; ``None``
        without one. Raises ``KeyError`` for an unknown loop.
        """
        row = self._site.loops.index[f"{vessel}.{name}"]
        report = self._tuner.reports.get(self._site.loops.rows[row].full_name)
        if report is None:
            return None
        return {**_head(report), "samples": _samples(report) if samples else None}


def _head(report: Report) -> Figures:
    return {
        "method": report.method,
        "stage": report.stage.value,
        "reason": report.reason,
        "elapsed_s": report.elapsed,
        "cycles": report.cycles,
        "base": report.base,
        "noise": _known(report.noise),
        "reference": _known(report.reference),
        "count": len(report.time),
    }


def _samples(report: Report) -> Figures:
    return {"time": report.time.tolist(), "pv": report.pv.tolist(), "op": report.op.tolist()}


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None
