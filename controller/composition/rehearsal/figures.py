"""Distributions, probabilities and bands of what became of many donors. The same part gives the same bytes."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import cast

import numpy as np
from numpy.typing import NDArray

from controller.commands import Json
from controller.composition.rehearsal.alike import alike
from controller.composition.rehearsal.books import GRID_S, AlarmTime, Course
from controller.composition.rehearsal.part import Part
from controller.composition.rehearsal.validity import Left, entry, rank
from controller.composition.rehearsal.yields import Yield
from controller.frame import F8
from simulators.biology.verdicts import FAILURES

QUANTILES = {"p5": 0.05, "p25": 0.25, "p50": 0.50, "p75": 0.75, "p95": 0.95}
BAND = {"p5": 0.05, "p50": 0.50, "p95": 0.95}
DAY_S, MINUTE_S = 86_400.0, 60.0
LOOP_FIGURES = ("in_band", "mean_absolute_error", "saturated", "tv_per_h")


def distribution(values: Sequence[float]) -> dict[str, Json]:
    """Number, mean, extremes and quantiles of the values that are known; only the number where none is."""
    known = np.sort(np.array([value for value in values if math.isfinite(value)], np.float64))
    if not len(known):
        return {"n": 0}
    spread = {name: _number(np.quantile(known, share)) for name, share in QUANTILES.items()}
    # The exact sum does not depend on the order of the donors.
    mean = math.fsum(known.tolist()) / len(known)
    return {"n": len(known), "mean": _number(mean), "min": _number(known[0]), **spread, "max": _number(known[-1])}


def outcomes(courses: Sequence[Course]) -> dict[str, Json]:
    """States that batches ended in, with reasons, and the verdicts on patients' products: the share that fails is of
    those with a verdict, which what still runs has not.
    """
    states = Counter(course.state or "Not begun" for course in courses)
    reasons = Counter(course.reason for course in courses if not course.completed)
    failures = Counter(failure for course in courses for failure in course.failures)
    judged = [course for course in courses if course.judged]
    failed = sum(1 for course in judged if course.failures)
    return {
        "states": _counted(states),
        "not_completed": _counted(reasons),
        "judged": len(judged),
        "failed": failed if judged else None,
        "failed_share": _number(failed / len(judged)) if judged else None,
        "failures": _counted(failures),
        "failures_mean": {name: FAILURES[name] for name in sorted(failures)},
    }


def endings(courses: Sequence[Course], words: Collection[str]) -> dict[str, Json]:
    """Why operations ended, as far as the recipe has ``words`` for it: how many batches for each reason."""
    found: dict[str, Counter[str]] = {}
    for course in courses:
        for operation, because in course.left.items():
            if because in words:
                found.setdefault(operation, Counter())[because] += 1
    return {operation: _counted(counts) for operation, counts in found.items()}


def reached(courses: Sequence[Course]) -> list[Json]:
    """Probability, over all donors, that the target is reached by each day, up to the last that was rehearsed."""
    times = [course.reached_s for course in courses if math.isfinite(course.reached_s)]
    last = max((course.followed_s for course in courses), default=0.0)
    days = range(math.ceil(last / DAY_S) + 1)
    return [
        {"day": day, "probability": _number(sum(time <= day * DAY_S for time in times) / len(courses))} for day in days
    ]


def alarms(courses: Sequence[Course]) -> list[Json]:
    """Every alarm that came: in how many of the batches that began, how often per batch, and for how long (to the end
    of the batch where it was still active then); the commonest first.
    """
    begun = sum(1 for course in courses if course.state)
    found: dict[str, list[AlarmTime]] = {}
    donors: Counter[str] = Counter()
    for course in courses:
        for one in course.alarms:
            found.setdefault(one.name, []).append(one)
        donors.update({one.name for one in course.alarms})
    commonest = sorted(found.items(), key=lambda item: (-donors[item[0]], item[0]))
    return [
        {
            "alarm": name,
            "title": times[0].title,
            "batches_share": _number(donors[name] / begun),
            "per_batch": _number(len(times) / begun),
            "minutes": distribution([(one.until - one.since) / MINUTE_S for one in times]),
            "still_active": sum(one.open for one in times),
        }
        for name, times in commonest
    ]


def loops(courses: Sequence[Course], sides: Mapping[str, str]) -> dict[str, Json]:
    """Time in band and other figures of each loop over each batch, as distributions over those that began. ``sides``
    are of the loops that hold only one: what is beyond their setpoint on the other is in the band.
    """
    names = dict.fromkeys(name for course in courses for name in course.loops)
    found = {name: _loop([course.loops.get(name) for course in courses]) for name in names}
    return {name: {"side": sides.get(name, "both"), **one} for name, one in found.items()}


def consumption(part: Part) -> dict[str, Json]:
    """What each dosing output gave in a batch that began, and the medium that was filled in by hand."""
    begun = [row for row, course in enumerate(part.courses) if course.state]
    medium = distribution([part.courses[row].medium_l for row in begun])
    table: dict[str, Json] = {"medium": {"title": "Medium filled in", "unit": "L", **medium}}
    for column, one in enumerate(part.consumed):
        spread = distribution(part.amounts[begun, column].tolist())
        table[one.name] = {"title": one.title, "unit": one.unit, **spread}
    return table


def forecast(part: Part) -> dict[str, Json]:
    """The band of every trend, at times since the batch began, over the batches that were not over then. What shows
    nothing but another trend, as an output that was followed, says so in ``same_as``.
    """
    tags: dict[str, dict[str, Json]] = {}
    for column, tag in enumerate(part.trended):
        ordered = np.sort(part.trends[:, :, column].astype(np.float64), axis=1)
        known = np.isfinite(ordered).sum(axis=1)
        bands = {name: _series(_quantile(ordered, known, share), tag.decimals) for name, share in BAND.items()}
        tags[tag.name] = {"title": tag.title, "unit": tag.unit, **bands}
    for name, other in alike(tags, {tag.name: tag.told_by for tag in part.trended if tag.told_by}).items():
        tags[name]["same_as"] = other
    running = np.isfinite(part.trends).any(axis=2).sum(axis=1)
    times: list[Json] = [GRID_S * point for point in range(len(part.trends))]
    return {"time_s": times, "running": running.tolist(), "tags": {**tags}}


def glimpses(part: Part) -> dict[str, Json]:
    """The forecast at three moments, at a quarter, a half and three quarters of the time for which half of the batches
    are not over: ``day`` and, by tag, title, unit and a number for each moment; without what was never known.
    """
    running = np.isfinite(part.trends).any(axis=2).sum(axis=1)
    if not running.any():
        return {"day": [], "tags": {}}
    last = int(np.flatnonzero(2 * running >= running[0])[-1])
    points = [round(share * last) for share in (0.25, 0.5, 0.75)]
    tags = cast("dict[str, dict[str, list[Json]]]", forecast(replace(part, trends=part.trends[points]))["tags"])
    for trend in tags.values():
        trend.pop("same_as", None)
    days: list[Json] = [_number(GRID_S * point / DAY_S) for point in points]
    return {"day": days, "tags": {name: {**one} for name, one in tags.items() if one["p50"] != [None] * len(points)}}


def beyond(courses: Sequence[Course]) -> list[Json]:
    """In how many batches the culture was, at some time, beyond what its model knows, by quantity and operation: with
    the range, who says so, and how far the batches went.
    """
    found: dict[tuple[str, str], list[Left]] = {}
    for course in courses:
        for key, left in course.beyond.items():
            found.setdefault(key, []).append(left)
    ordered = sorted(found.items(), key=lambda item: (rank(item[0][0]), -len(item[1]), item[0]))
    return [entry(several, distribution([one.farthest for one in several])) for _, several in ordered]


def yielded(courses: Sequence[Course], told: Sequence[Yield]) -> dict[str, Json]:
    """What completed batches brought, and the doses of patients' products."""
    completed = [course for course in courses if course.completed]
    found: dict[str, Json] = {}
    for one in told:
        spread = distribution([one.of(course.yielded) for course in completed])
        found[one.name] = {"title": one.title, "unit": one.unit, **spread}
    doses = distribution([course.doses for course in completed])
    return {**found, "doses": {"title": "Doses", "unit": "1", **doses}}


def donors(part: Part, told: Sequence[Yield]) -> tuple[list[str], list[list[Json]]]:
    """A table of one row for each donor, and its head; ``told`` is what is said of what is in the vessel."""
    names = dict.fromkeys(name for course in part.courses for name in course.loops)
    head = [
        "donor", "state", "reason", "duration_d", "target_reached_d", *(one.name for one in told), "volume_l", "doses",
        "failures", "alarms", "deviations", "beyond_model",
        *(f"{one.name}_{one.unit}" for one in part.consumed), *(f"{name}_in_band_percent" for name in names),
    ]  # fmt: skip
    return head, [_donor(course, part.amounts[row], names, told) for row, course in enumerate(part.courses)]


def _donor(course: Course, amounts: F8, names: Mapping[str, None], told: Sequence[Yield]) -> list[Json]:
    end = course.yielded
    return [
        course.donor, course.state or "Not begun", course.reason, _number(course.ended_s / DAY_S),
        _number(course.reached_s / DAY_S), *(_number(one.of(end)) if end else None for one in told),
        _figure(end, "volume_l"), _number(course.doses), " ".join(course.failures), len(course.alarms),
        course.deviations, "; ".join(left.text for left in course.beyond.values()),
        *(_number(amount) if course.state else None for amount in amounts.tolist()),
        *(_figure(course.loops.get(name), "in_band") for name in names),
    ]  # fmt: skip


def _loop(entries: Sequence[Json]) -> dict[str, Json]:
    unit = next((str(entry["unit"]) for entry in entries if isinstance(entry, dict)), "")
    table: dict[str, Json] = {"unit": unit}
    for name in LOOP_FIGURES:
        values = [_figure(entry, name) for entry in entries]
        table[name] = distribution([value for value in values if value is not None])
    return table


def _figure(entry: Json | Mapping[str, float], name: str) -> float | None:
    value = entry.get(name) if isinstance(entry, Mapping) else None
    return _number(value) if isinstance(value, int | float) else None


def _quantile(ordered: F8, known: NDArray[np.intp], share: float) -> F8:
    """A quantile of each row of sorted values, of which the first ``known`` are numbers."""
    place = share * np.maximum(known - 1, 0)
    rows, below = np.arange(len(ordered)), np.floor(place).astype(np.intp)
    low, high = ordered[rows, below], ordered[rows, np.ceil(place).astype(np.intp)]
    return np.asarray(low + (high - low) * (place - below))


def _series(values: F8, decimals: int) -> list[Json]:
    """Rounded to a digit more than the tag shows; null where nothing is known."""
    return [round(value, decimals + 1) if math.isfinite(value) else None for value in values.tolist()]


def _number(value: float) -> float | None:
    """Eight digits: what goes on paper, and what no rounding of a sum changes."""
    return float(f"{value:.8g}") if math.isfinite(value) else None


def _counted(counts: Counter[str]) -> dict[str, Json]:
    return {name: count for name, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))}
