"""The record: history, events, commands, recipes."""

from __future__ import annotations

import asyncio
import math
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query

from controller.api.answers import Answer, Supervisor
from controller.api.gateway import Gateway
from controller.api.ordering import read_back_view
from controller.api.problems import Problem
from controller.api.views import newest, unknown
from controller.commands import EventType

router = APIRouter(prefix="/api/v1", tags=["record"])
WINDOW_S = 900.0
LATEST_S = 4e9
LOOK_S = 0.02
"""Long enough to hear what is known already across threads, and no longer."""

Moment = Annotated[str | None, Query(max_length=40, description="UTC seconds, or ISO 8601 with offset.")]


@router.get("/history", summary="Values over time")
async def history(
    gateway: Supervisor,
    tag: Annotated[list[str], Query(max_length=50, description="`BR-101.temperature`, `BR-101.temperature.sp` …")],
    start: Moment = None,
    end: Moment = None,
    points: Annotated[int, Query(ge=1, le=5000)] = 1000,
) -> Answer:
    """Each tag between two times, by default the last 15 minutes, in at most ``points`` points.

    A point that stands for several scans has their mean, lowest, highest and worst quality; times are UTC seconds.
    """
    if not set(tag) <= set(gateway.store.columns):
        raise unknown("tag", sorted(gateway.store.columns))
    until = _seconds("end", end, newest(gateway.publisher).time)
    since = _seconds("start", start, until - WINDOW_S)
    found = await asyncio.to_thread(gateway.store.history, tag, since, until, points)
    units = {name: gateway.publisher.columns[i].get("unit", "") for name, i in gateway.publisher.keys.items()}
    series = [
        {"tag": name, "unit": units.get(name, ""), **{part: getattr(one, part) for part in SERIES}}
        for name, one in found.items()
    ]
    return Answer({"start": since, "end": until, "series": series})


SERIES = ("time", "value", "low", "high", "quality")


@router.get("/events", summary="The journal")
async def events(
    gateway: Supervisor,
    after: Annotated[int | None, Query(ge=0, le=2**53, description="Rows after this number; else the newest.")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    vessel: Annotated[str | None, Query(max_length=100)] = None,
    batch: Annotated[str | None, Query(max_length=100)] = None,
    type: EventType | None = None,
) -> Answer:
    """Rows in journal order, each with its hash; ``next`` is what to give as ``after`` for the rows that follow."""
    rows = await asyncio.to_thread(gateway.store.entries, after, limit, vessel, batch, type)
    return Answer({"events": rows, "next": rows[-1]["number"] if rows else after or 0})


@router.get("/commands/{journal}", summary="What became of a command")
async def command(journal: int, gateway: Supervisor) -> Answer:
    """The command as it was committed, its state, and every event on record about it."""
    found = await asyncio.to_thread(gateway.store.command, journal) if 0 < journal < 2**53 else None
    if found is None:
        raise Problem(404, "The journal holds no command under this number.")
    events = await asyncio.to_thread(gateway.store.answers, journal)
    what = {"verb": found.verb, "target": found.target, "value": found.value, "who": found.who, "reason": found.reason}
    return Answer({"journal": journal, **what, **await _state(gateway, journal), "events": events})


@router.get("/recipes", summary="What can be run here")
async def recipes(gateway: Supervisor) -> Answer:
    """Recipes with their formula's defaults and hard ranges."""
    return Answer({"recipes": [_recipe(recipe) for recipe in gateway.site.recipes.values()]})


async def _state(gateway: Gateway, journal: int) -> dict[str, Any]:
    outcome = await gateway.outcome(journal, LOOK_S)
    if outcome is None:
        return {"state": "accepted"}
    if not outcome.applied:
        return {"state": "refused", "refused_because": outcome.reason, "allowed": list(outcome.allowed)}
    read_back = await gateway.read_back(journal, LOOK_S)
    return {"state": "applied"} if read_back is None else {"state": "read_back", "read_back": read_back_view(read_back)}


def _recipe(recipe: Any) -> dict[str, Any]:
    formula = {
        name: {part: getattr(info, part) for part in ("title", "unit", "value", "low", "high")}
        for name, info in recipe.formula.items()
    }
    head = {part: getattr(recipe, part) for part in ("name", "version", "title", "vessel_class", "operations")}
    return {**head, "formula": formula}


def _seconds(field: str, text: str | None, default: float) -> float:
    if text is None:
        return default
    try:
        seconds = float(text)
    except ValueError:
        seconds = _iso_seconds(text)
    if not 0 <= seconds <= LATEST_S:
        errors = [{"field": field, "message": "must be UTC seconds, or ISO 8601 with an offset"}]
        raise Problem(422, f"{field} must be UTC seconds since 1970, or ISO 8601 with an offset.", errors)
    return seconds


def _iso_seconds(text: str) -> float:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return math.nan
    return moment.timestamp() if moment.tzinfo is not None else math.nan
