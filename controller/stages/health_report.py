"""Loop health as people ask for it: one loop, or a loop on all sister vessels. Never in the scan; on any thread."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Literal

from controller.commands import Json
from controller.frame import F8
from controller.model.site import Site
from controller.stages import oscillation, stiction
from controller.stages.harris import harris_index
from controller.stages.health import Health
from controller.stages.health_books import Picture
from controller.stages.health_figures import Figures, figures
from controller.stages.health_trace import Series

Scope = Literal["batch", "all"]
LEAST_SAMPLES = 128
"""Below so many samples chance looks like a pattern."""

DELAY_SHARE = 0.125
"""Of the integral time: the dead time behind a tuning whose integral time is eight of them, as SIMC's is at most."""

COMPARED = ("mean_absolute_error", "sigma", "in_band", "saturated", "tv_per_h")


class HealthReport:
    """Answers out of the sums and series that the scan keeps in ``health``."""

    def __init__(self, site: Site, health: Health) -> None:
        self._site, self._health = site, health

    def loop(self, vessel: str, name: str) -> Figures:
        """One loop: figures of all time, of the vessel's present or last batch and each of its operations, and what
        the newest series says. Raises ``KeyError`` for an unknown one.
        """
        row = self._site.loops.index[f"{vessel}.{name}"]
        loop, picture, judged_by = self._site.loops.rows[row], self._health.picture, self._health.judged_by[row]
        book = picture.books[vessel]
        return {
            "vessel": vessel,
            "loop": name,
            "title": loop.title,
            "unit": loop.unit,
            "output_unit": loop.op_unit,
            "judged": judged_by.judged,
            "band": judged_by.band,
            "band_from": judged_by.source,
            "tuning": self._health.tuning(row),
            "operation": book.place.operation,
            "all": figures(picture.total(row)),
            "batch": _batch(picture, vessel, row),
            "recent": self._recent(row),
        }

    def compare(self, scope: Scope = "batch", operation: str | None = None) -> list[Figures]:
        """Every loop of every vessel class, on all vessels of that class: figures of all time, or of each vessel's
        present or last batch, or of one ``operation`` in it, and how far the vessels lie apart.
        """
        found: dict[tuple[str, str], list[Json]] = {}
        loops, picture = self._site.loops, self._health.picture
        for vessel in self._site.vessels:
            for row in picture.rows[vessel.name].tolist():
                if self._health.judged_by[row].judged:
                    entry = _of_vessel(picture, vessel.name, row, scope, operation)
                    found.setdefault((vessel.vessel_class, loops.rows[row].name), []).append(entry)
        return [self._compared(kind, name, entries) for (kind, name), entries in found.items()]

    def _compared(self, vessel_class: str, name: str, entries: list[Json]) -> Figures:
        vessel = next(vessel.name for vessel in self._site.vessels if vessel.vessel_class == vessel_class)
        loop = self._site.loops.rows[self._site.loops.index[f"{vessel}.{name}"]]
        return {
            "class": vessel_class,
            "loop": name,
            "title": loop.title,
            "unit": loop.unit,
            "output_unit": loop.op_unit,
            "vessels": entries,
            "spread": {figure: _spread(entries, figure) for figure in COMPARED},
        }

    def _recent(self, row: int) -> Figures:
        """What the newest series of settled control says; ``None`` where it is too short for it."""
        series, known = self._health.trace.read(row), self._health.judged_by[row].delay_s
        delay_s = self._health.integral_time_s(row) * DELAY_SHARE if math.isnan(known) else known
        answer: Figures = {
            "samples": len(series.time),
            "interval_s": _number(series.interval_s),
            "delay_s": delay_s,
            "delay_from": "integral time" if math.isnan(known) else "class",
            "harris": None,
            "oscillation": None,
            "stiction": None,
        }
        return {**answer, **_indices(series, delay_s)} if len(series.time) >= LEAST_SAMPLES else answer


def _batch(picture: Picture, vessel: str, row: int) -> Json:
    book, operations = picture.books[vessel], picture.operations(vessel, row)
    if not operations:
        return None
    listed: list[Json] = [{"operation": name, **figures(sums)} for name, sums in operations.items()]
    running = book.place.batch != ""
    return {"id": book.batch, "running": running, **figures(_sum(operations)), "operations": listed}


def _of_vessel(picture: Picture, vessel: str, row: int, scope: Scope, operation: str | None) -> Figures:
    entry: Figures = {"vessel": vessel, "batch": picture.books[vessel].batch or None}
    if scope == "all" and operation is None:
        return {**entry, "figures": figures(picture.total(row))}
    found = picture.operations(vessel, row)
    chosen = found if operation is None else {name: sums for name, sums in found.items() if name == operation}
    return {**entry, "figures": figures(_sum(chosen)) if chosen else None}


def _sum(parts: Mapping[str, F8]) -> F8:
    first, *others = parts.values()
    return sum(others, start=first)


def _spread(entries: Sequence[Json], figure: str) -> Json:
    """Lowest, middle and highest of one figure over the vessels that have it, and which vessel has the highest."""
    values: dict[str, float] = {}
    for entry in entries:
        found = entry.get("figures") if isinstance(entry, dict) else None
        value = found.get(figure) if isinstance(found, dict) else None
        if isinstance(entry, dict) and isinstance(value, float):
            values[str(entry["vessel"])] = value
    if not values:
        return None
    lowest, highest = min(values, key=values.__getitem__), max(values, key=values.__getitem__)
    return {
        "low": values[lowest],
        "low_vessel": lowest,
        "median": median(values.values()),
        "high": values[highest],
        "high_vessel": highest,
    }


def _indices(series: Series, delay_s: float) -> Figures:
    interval = series.interval_s
    swing = oscillation.find(series.error)
    answer: Figures = {
        "harris": _number(harris_index(series.error, max(round(delay_s / interval), 1))),
        "oscillation": {
            "found": swing.found,
            "period_s": _number(swing.period * interval),
            "regularity": _number(swing.regularity),
            "strength": swing.strength,
            "amplitude": swing.amplitude,
        },
    }
    if swing.found:
        found = stiction.hint(-series.error, series.output, swing.period)
        answer["stiction"] = {
            "verdict": found.verdict,
            "lag": _number(found.lag),
            "height": _number(found.height),
            "shape": _number(found.shape),
        }
    return answer


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None
