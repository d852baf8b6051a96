"""From a checked wish to an answer: submit through the door, wait as long as the client wants, say what came of it."""

from __future__ import annotations

import re
from typing import Annotated, Any

from fastapi import Header

from controller.api.answers import Answer
from controller.api.gateway import Gateway, ReadBack
from controller.api.problems import Error, Problem
from controller.clock import wall_ns
from controller.commands import Command, Event, EventType, Outcome, Verb
from controller.units import UnitError, convert

OPERATOR = "operator"
"""Who acts, as long as there are no accounts."""

SCAN_WAIT_S = 5.0
"""How long a command to a batch or about tuning waits for the scan's outcome; a command is worth nothing later."""

MAX_WAIT_S = 30.0

Prefer = Annotated[
    str | None, Header(description="`wait=N`: answer only when the device has read it back, or after N seconds.")
]


def wait_s(prefer: str | None) -> float:
    """The seconds in a ``Prefer: wait=N`` header (RFC 7240), at most ``MAX_WAIT_S``; 0 without one."""
    found = re.search(r"(?:^|[,;\s])wait=(\d{1,6})\b", prefer or "")
    return min(MAX_WAIT_S, float(found.group(1))) if found else 0.0


def accepted(journal: int, state: str, **more: Any) -> dict[str, Any]:
    """The body of every answer to a command."""
    return {"accepted": True, "journal": journal, "command": f"/api/v1/commands/{journal}", "state": state, **more}


def unrecorded(gateway: Gateway, **more: Any) -> Answer:
    """The answer to a command that acts although it is not on record yet."""
    why = gateway.store.health().detail or "the journal did not take it in time"
    body = {"accepted": True, "journal": None, "command": None, "state": "accepted", **more}
    return Answer({**body, "detail": f"not yet on record: {why}"}, 202)


def read_back_view(read_back: ReadBack) -> dict[str, Any]:
    """What the device says, without the noise of a conversion in its last digits."""
    return {"value": float(f"{read_back.value:.12g}"), "unit": read_back.unit, "time": read_back.time}


def conflict(outcome: Outcome, journal: int, **more: Any) -> Problem:
    """The scan's refusal as a 409 problem."""
    return Problem(
        409,
        outcome.reason or "The present state does not allow it.",
        allowed=list(outcome.allowed),
        journal=journal,
        command=f"/api/v1/commands/{journal}",
        **more,
    )


async def order_change(gateway: Gateway, command: Command, wait: float) -> Answer:
    """Change a loop: 202 once committed; with ``wait``, 200 when the device has read it back within that time.

    Raises :class:`Problem` (409) when the scan refuses it within that time.
    """
    journal = await gateway.submit(command)
    if journal == 0:
        return unrecorded(gateway)
    deadline = wall_ns() + round(wait * 1e9)
    outcome = await gateway.outcome(journal, wait) if wait else None
    if outcome is None:
        return Answer(accepted(journal, "accepted"), 202)
    if not outcome.applied:
        raise conflict(outcome, journal)
    read_back = await gateway.read_back(journal, max(0.0, (deadline - wall_ns()) / 1e9))
    if read_back is None:
        return Answer(accepted(journal, "applied"), 202)
    return Answer(accepted(journal, "read_back", read_back=read_back_view(read_back)), 200)


async def order_now(gateway: Gateway, command: Command, status: int = 200, **more: Any) -> Answer:
    """Send a command and wait for the scan: ``status`` when it acted, 202 when the scan has not said so in time.

    Raises :class:`Problem` (409) when the scan refuses it.
    """
    journal = await gateway.submit(command)
    if journal == 0:
        return unrecorded(gateway, **more)
    outcome = await gateway.outcome(journal, SCAN_WAIT_S)
    if outcome is None:
        return Answer(accepted(journal, "accepted", **more), 202)
    if not outcome.applied:
        raise conflict(outcome, journal, **more)
    return Answer(accepted(journal, "applied", **more), status)


def amount_in(value: float, unit: str, wanted: str, low: float, high: float, field: str) -> float | Error:
    """``value`` converted to the unit ``wanted`` when it lies in ``[low, high]`` of it, otherwise what is wrong."""
    try:
        number = convert(value, unit, wanted)
    except (UnitError, OverflowError):
        return {"field": f"{field}unit", "message": f"must be a unit that converts to {wanted}", "unit": wanted}
    if not low <= number <= high:
        limits = {"low": low, "high": high, "unit": wanted}
        return {"field": f"{field}value", "message": f"must lie between {low:g} and {high:g} {wanted}", **limits}
    return number


def refuse(gateway: Gateway, verb: Verb, target: str, vessel: str, reason: str, errors: list[Error]) -> Problem:
    """Put a refused wish on record and give the 422 that says why."""
    why = "; ".join(f"{error['field']} {error['message']}" for error in errors)
    text = f"{verb} refused: {why}"
    gateway.note(Event(EventType.OPERATOR, "Modification", target, text, vessel, who=OPERATOR, reason=reason))
    return Problem(422, f"Refused, nothing changes: {why}.", errors)
