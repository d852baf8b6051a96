"""The summary of a rehearsal as the command line tells it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from controller.cli.shared import table
from controller.commands import Json
from controller.units import in_text, unit_text

SHORTEST = 6
"""Rows that are shown of a long table."""

LARGE = 1000.0
"""Numbers from here on are shown without decimals, and never with a power of ten."""
WHOLE = "Over the whole of each batch, warming up and cooling down included.\n"
BRACKETS = "Figures are medians; 5 and 95 % of the batches are below those in brackets."

Row = Mapping[str, Json]


def summary_text(told: Row) -> str:
    """A summary in words and tables; of long tables the first rows."""
    outcome, target = _row(told["outcome"]), _row(told["target"])
    lines = [
        f"{told['recipe_title']} ({told['recipe']} {told['recipe_version']}) on {told['class']}, plant of "
        f"{told['site']} {told['vessel']} (model {told['model']})",
        f"Virtual donors {told['donors']}, seed {told['seed']}, scan period {told['scan_period_s']:g} s. {BRACKETS}",
        *([_scenario(told)] if told["scenario"] else []),
        f"Ended: {_counts(outcome['states'])}",
        *(f"  {count} not completed: {why}" for why, count in _row(outcome["not_completed"]).items()),
        *(f"  {operation} ended: {_counts(counts)}" for operation, counts in _row(told["endings"]).items()),
        *([] if outcome["failed"] is None else [_failed(outcome)]),
        *(f"  {name}: {meaning}" for name, meaning in _row(outcome["failures_mean"]).items()),
        f"Duration of completed batches, d: {_spread(told['duration_d'])}",
        *yields_text(_row(told["yield"])),
        *([f"Target {in_text(str(target['condition']))} {_by_day(target['by_day'])}"] if target["condition"] else []),
    ]
    parts = [
        "\n".join(lines) + "\n",
        _alarms(told["alarms"]),
        loops_text(told["loops"]),
        consumption_text(told["consumption"]),
        *([forecast_text(_row(told["forecast_at"]))] if _row(told["forecast_at"])["tags"] else []),
    ]
    if told["beyond_model"]:
        parts.append(beyond_text(told["beyond_model"]))
    return "\n".join([*parts, f"{told['scan_note']}\n"] if told["scan_note"] else parts)


def yields_text(rows: Row) -> list[str]:
    """What batches brought; what is not known of any, such as the doses of a culture without patients, is left out,
    but for the first.
    """
    told = [value for place, value in enumerate(rows.values()) if _row(value)["n"] or not place]
    return [f"{_row(value)['title']} of completed batches{_comma(_row(value))}: {_spread(value)}" for value in told]


def _comma(row: Row) -> str:
    """A unit after a comma; "" for a number without one, and where the title says the same: pH."""
    unit = _unit(row)
    return f", {unit}" if unit and unit != row["title"] else ""


def _scenario(told: Row) -> str:
    others = f"; faults of other vessels, left out: {told['faults_of_others']}" if told["faults_of_others"] else ""
    faults = in_text("; ".join(map(str, cast("list[Json]", told["faults"]))))
    return f"Scenario: {told['scenario']} ({faults}){others}"


def _failed(outcome: Row) -> str:
    share = 100.0 * float(cast("float", outcome["failed_share"]))
    of = f"{outcome['failed']} of {outcome['judged']} with a verdict"
    return f"Products that fail: {of} ({share:.1f} %): {_counts(outcome['failures'])}"


def _alarms(rows: Json) -> str:
    listed = [_row(row) for row in cast("list[Json]", rows)]
    if not listed:
        return "No alarms came.\n"
    body = [
        [str(row["title"]), f"{100 * _number(row['batches_share']):.0f} %", f"{_number(row['per_batch']):.2f}"]
        for row in listed[:SHORTEST]
    ]
    return table([["Alarms to expect", "in batches", "per batch"], *body])


def loops_text(rows: Json) -> str:
    """Times in band as a table."""
    table_rows, notes = [["Loop", "time in band, %", "mean error"]], list[str]()
    for name, one in ((name, _row(one)) for name, one in _row(rows).items()):
        if one["side"] == "both":
            error = f"{_spread(one['mean_absolute_error'])} {_unit(one)}"
        else:
            error = "-"
            notes.append(
                f"{name}: only what is {one['side']} its setpoint counts; on the other side it holds nothing.\n"
            )
        table_rows.append([name, _spread(one["in_band"]), error])
    return table(table_rows) + WHOLE + "".join(notes)


def consumption_text(rows: Json) -> str:
    """What pumps and gases gave, as a table."""
    body = [[str(_row(one)["title"]), f"{_spread(one)} {_unit(_row(one))}"] for one in _row(rows).values()]
    return table([["Consumption", "per batch"], *body])


def forecast_text(row: Row) -> str:
    """The band of every trend at some moments, as a table."""
    days = cast("list[float]", row["day"])
    body = [[f"{one['title']}{_comma(one)}", *_moments(one)] for one in map(_row, _row(row["tags"]).values())]
    note = "Of the batches that were not over then. The band of every ten minutes is in the report.\n"
    return table([["Forecast", *(f"day {day:.2g}" for day in days)], *body]) + note


def _moments(trend: Row) -> list[str]:
    bands = (cast("list[float | None]", trend[name]) for name in ("p5", "p50", "p95"))
    return [
        "-"
        if low is None or middle is None or high is None
        else f"{_figure(middle)} ({_figure(low)} .. {_figure(high)})"
        for low, middle, high in zip(*bands, strict=True)
    ]


def beyond_text(rows: Json) -> str:
    """What left the range of the culture's model, as a table."""
    body = [
        [
            str(row["title"]), f"{row['low']:g} .. {row['high']:g} {_unit(row)}",
            _spread(row["farthest"]) if _row(row["farthest"])["n"] else "not known",
            str(row["operation"]), str(row["batches"]),
        ]
        for row in map(_row, cast("list[Json]", rows))
    ]  # fmt: skip
    head = ["Beyond what the model is valid for", "valid", "farthest", "in", "batches"]
    return table([head, *body]) + "Cultures are looked at every ten minutes. Whose ranges these are is in the report.\n"


def _by_day(rows: Json) -> str:
    days = [_row(row) for row in cast("list[Json]", rows)]
    told = ", ".join(f"{day['day']}: {100 * _number(day['probability']):.0f} %" for day in days)
    return f"reached by day {told}"


def _spread(value: Json) -> str:
    one = _row(value)
    if not one["n"]:
        return "none"
    low, middle, high = (_figure(_number(one[name])) for name in ("p5", "p50", "p95"))
    return f"{middle} ({low} .. {high})"


def _figure(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= LARGE else f"{value:.4g}"


def _counts(value: Json) -> str:
    return ", ".join(f"{name.removesuffix('.')} ({count})" for name, count in _row(value).items()) or "none"


def _unit(row: Row) -> str:
    return unit_text(str(row["unit"]))


def _row(value: Json) -> Row:
    return cast("Row", value)


def _number(value: Json) -> float:
    return float(cast("float", value))
