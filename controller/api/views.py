"""The newest scan as answers to single questions: one vessel, one loop, one batch. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from controller.api.problems import Problem
from controller.publish import Publisher, Tick
from controller.publish.encode import REASONS

View = dict[str, Any]
QUALITIES = ("good", "uncertain", "bad")
COLUMN_OF_LOOP = ("pv", "sp", "op")
TOLD_OF_A_TAG = ("name", "title", "unit", "decimals", "low", "high", "model", "inputs", "calibration")


def newest(publisher: Publisher) -> Tick:
    """The newest tick. Raises :class:`Problem` (503) before the first scan."""
    tick = publisher.latest
    if tick is None:
        raise Problem(503, "No scan has been completed yet.")
    return tick


def connection_names(publisher: Publisher) -> list[str]:
    """Those of the newest tick. Raises :class:`Problem` (503) before the first scan."""
    return sorted(str(one["name"]) for one in _list(newest(publisher), "connections"))


def vessel_view(publisher: Publisher, tick: Tick, name: str) -> View:
    """One vessel: its tags with value, quality and age, its loops with their numbers, interlocks, alarms and batch."""
    state = next(vessel for vessel in _list(tick, "vessels") if vessel["name"] == name)
    faults = {fault["tag"]: fault["detail"] for one in _list(tick, "connections") for fault in one.get("faults", [])}
    own = [i for i, column in enumerate(publisher.columns) if column["vessel"] == name and column["kind"] == "tag"]
    return {
        **state,
        "time": tick.time,
        "tags": [_tag(publisher.columns[i], tick, i, faults) for i in own],
        "loops": [loop_view(publisher, tick, loop) for loop in state["loops"]],
        "alarms": [alarm for alarm in _list(tick, "alarms") if alarm["vessel"] == name],
        "waiting_calibrations": [
            {key: one[key] for key in ("name", "id", "in_force")}
            for one in _list(tick, "waiting_calibrations")
            if one["vessel"] == name
        ],
        "batch": next((batch for batch in reversed(_list(tick, "batches")) if batch["vessel"] == name), None),
    }


def loop_of(tick: Tick, vessel: str, loop: str) -> View:
    """A loop as the scan published it; its pv, sp and op are columns."""
    state = next(item for item in _list(tick, "vessels") if item["name"] == vessel)
    return next(dict(item) for item in state["loops"] if item["name"] == loop)


def loop_view(publisher: Publisher, tick: Tick, loop: Mapping[str, Any]) -> View:
    """A loop with numbers in the place of columns, and the setpoint's unit."""
    numbers = {name: _number(tick, loop.get(name)) for name in COLUMN_OF_LOOP}
    column = loop.get("sp")
    return {**loop, **numbers, "unit": "" if column is None else publisher.columns[column].get("unit", "")}


def batches(tick: Tick) -> list[View]:
    """Every batch the scan knows."""
    return _list(tick, "batches")


def batch_view(tick: Tick, batch: str) -> View:
    """One batch. Raises :class:`Problem` (404)."""
    found = next((item for item in batches(tick) if item["id"] == batch), None)
    if found is None:
        raise unknown("batch", [item["id"] for item in batches(tick)])
    return found


def unknown(what: str, known: Sequence[str]) -> Problem:
    """The 404 that names what does exist."""
    names = ", ".join(known) if known else "none"
    return Problem(404, f"There is no such {what}. Known: {names}.", known=list(known))


def _tag(column: Mapping[str, Any], tick: Tick, index: int, faults: Mapping[str, str]) -> View:
    return {
        **{key: column.get(key) for key in TOLD_OF_A_TAG},
        "value": float(tick.value[index]),
        "quality": QUALITIES[tick.quality[index]],
        "reason": REASONS[tick.reason[index]],
        "detail": faults.get(f"{column['vessel']}.{column['name']}", ""),
        "age": float(tick.age[index]),
    }


def _number(tick: Tick, column: int | None) -> float | None:
    return None if column is None else float(tick.value[column])


def _list(tick: Tick, name: str) -> list[View]:
    return cast("list[View]", tick.state.get(name, []))
