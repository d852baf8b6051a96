"""Figures of a loop's health, made from sums: what people read."""

from __future__ import annotations

import math
from dataclasses import asdict

from controller.commands import Json
from controller.frame import F8
from controller.model.tuning import Schedule, Tuning
from controller.stages.health_sums import Row

LEAST_HALVES = 10
LEAST_ALIKE = 0.5
HOUR_S = 3600.0

Figures = dict[str, Json]


def figures(sums: F8) -> Figures:
    """What a loop's sums, shape ``(rows of sums,)``, mean. Seconds; errors in the loop's unit, of the PV around the
    setpoint it works to; ``None`` for what can't be said, because the loop did not control.
    """
    value = sums.tolist()
    controlled, automatic, elapsed = value[Row.CONTROLLED], value[Row.AUTOMATIC], value[Row.ELAPSED]
    result: Figures = {
        "elapsed_s": elapsed,
        "controlled_s": controlled,
        "not_automatic_s": max(elapsed - value[Row.UNSEEN] - automatic, 0.0),
        "bad_pv_s": max(automatic - controlled, 0.0),
        "unseen_s": value[Row.UNSEEN],
        "iae": value[Row.ABSOLUTE],
        "itae": value[Row.TIMED],
        "tv": value[Row.TRAVEL],
    }
    return {**result, **_rates(value, controlled), "oscillation": _oscillation(value)}


def _rates(value: list[float], controlled: float) -> Figures:
    """Figures per controlled time, which can be compared however long it was."""
    names = ("offset", "mean_absolute_error", "sigma", "tv_per_h", "in_band", "saturated", "saturated_high")
    if controlled <= 0.0:
        return dict.fromkeys(names)
    mean = value[Row.ERROR] / controlled
    at_limit = value[Row.HIGH] + value[Row.LOW]
    return {
        "offset": mean,
        "mean_absolute_error": value[Row.ABSOLUTE] / controlled,
        "sigma": math.sqrt(max(value[Row.SQUARED] / controlled - mean * mean, 0.0)),
        "tv_per_h": value[Row.TRAVEL] / controlled * HOUR_S,
        "in_band": percent(controlled - value[Row.OUTSIDE], controlled),
        "saturated": percent(at_limit, controlled),
        "saturated_high": percent(value[Row.HIGH], controlled),
    }


def percent(part: float, whole: float) -> float:
    """``part`` of ``whole``, 0 to 100, whatever roundings there were."""
    return 100.0 * min(max(part / whole, 0.0), 1.0)


def _oscillation(value: list[float]) -> Figures:
    """How regularly the error swung: the share of half swings that are like the one before on the same side."""
    halves, alike = round(value[Row.HALVES]), round(value[Row.ALIKE])
    share = alike / halves if halves else 0.0
    return {
        "found": halves >= LEAST_HALVES and share >= LEAST_ALIKE,
        "half_swings": halves,
        "alike": percent(share, 1.0),
        "period_s": 2.0 * value[Row.ALIKE_S] / alike if alike else None,
    }


def tuning_view(tuning: Tuning | None, schedule: Schedule | None = None) -> Figures | None:
    """A tuning set as it goes on record, with its ``schedule`` by which gain and times vary, but for the place of its
    signal in this site's tables; what is infinite is ``None``, and so is the tuning of a loop without a controller.
    """
    if tuning is None:
        return None
    shown = {name: _finite(value) for name, value in asdict(tuning).items()}
    points = {name: part for name, part in asdict(schedule).items() if name != "signal"} if schedule else None
    return {**shown, "schedule": _finite(points)}


def _finite(value: object) -> Json:
    if isinstance(value, dict):
        return {str(name): _finite(part) for name, part in value.items()}
    if isinstance(value, tuple):
        return [_finite(part) for part in value]
    return value if isinstance(value, int | float) and math.isfinite(value) else None
