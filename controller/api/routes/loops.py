"""Setpoint, mode and output of a loop."""

from __future__ import annotations

from fastapi import APIRouter

from controller.api.answers import ACCEPTED, Answer, Supervisor, loop_info
from controller.api.gateway import Gateway
from controller.api.models import ModeChange, OutputChange, SetpointChange
from controller.api.ordering import OPERATOR, Prefer, amount_in, order_change, refuse, wait_s
from controller.api.problems import Error, Problem
from controller.api.views import loop_of, loop_view, newest
from controller.commands import Command, Event, EventType, Json, Verb

router = APIRouter(prefix="/api/v1/vessels/{vessel}/loops/{loop}", tags=["loops"])


@router.get("/setpoint", summary="The setpoint and its limits")
async def setpoint(vessel: str, loop: str, gateway: Supervisor) -> Answer:
    """The setpoint that is in force, its limits, and the revision to name in a change."""
    info = loop_info(gateway, vessel, loop)
    tick = newest(gateway.publisher)
    view = loop_view(gateway.publisher, tick, loop_of(tick, vessel, loop))
    limits = {"low": info.low, "high": info.high, "confirm_step": info.confirm_step}
    state = {name: view.get(name) for name in ("mode", "held_by", "revision")}
    return Answer({"value": view["sp"], "unit": info.unit, **limits, **state})


@router.put("/setpoint", summary="Change the setpoint", status_code=202, responses=ACCEPTED)
async def set_setpoint(
    vessel: str, loop: str, body: SetpointChange, gateway: Supervisor, prefer: Prefer = None
) -> Answer:
    """Accepted once the journal holds it. Refused outside the limits of the vessel's class."""
    info = loop_info(gateway, vessel, loop)
    number = amount_in(body.value, body.unit, info.unit, info.low, info.high, "")
    return await _change(gateway, Verb.SETPOINT, f"{vessel}.{loop}", _value(number), body, prefer)


@router.put("/output", summary="Change the output by hand", status_code=202, responses=ACCEPTED)
async def set_output(vessel: str, loop: str, body: OutputChange, gateway: Supervisor, prefer: Prefer = None) -> Answer:
    """Accepted once the journal holds it; acts in manual mode only."""
    info = loop_info(gateway, vessel, loop)
    number = amount_in(body.value, body.unit, info.output_unit, info.output_low, info.output_high, "")
    return await _change(gateway, Verb.OUTPUT, f"{vessel}.{loop}", _value(number), body, prefer)


@router.put("/mode", summary="Change the mode", status_code=202, responses=ACCEPTED)
async def set_mode(vessel: str, loop: str, body: ModeChange, gateway: Supervisor, prefer: Prefer = None) -> Answer:
    """Accepted once the journal holds it. Refused when the loop does not have this mode."""
    modes = loop_info(gateway, vessel, loop).modes
    value: dict[str, Json] | Error = {"mode": body.mode}
    wrong = body.mode not in modes
    errors = (
        [{"field": "mode", "message": f"must be one of {', '.join(modes)}", "allowed": list(modes)}] if wrong else []
    )
    return await _change(gateway, Verb.MODE, f"{vessel}.{loop}", (value, errors), body, prefer)


Checked = tuple[dict[str, Json], list[Error]]
"""A command's value, and what is wrong with it."""


def _value(number: float | Error) -> Checked:
    return ({}, [number]) if isinstance(number, dict) else ({"value": number}, [])


async def _change(
    gateway: Gateway,
    verb: Verb,
    target: str,
    checked: Checked,
    body: SetpointChange | OutputChange | ModeChange,
    prefer: str | None,
) -> Answer:
    value, errors = checked
    vessel, loop = target.split(".", 1)
    if errors:
        raise refuse(gateway, verb, target, vessel, body.reason, errors)
    check_revision(gateway, verb, vessel, loop, body.expected_revision)
    command = Command(verb, target, value, OPERATOR, "api", body.reason, expected_revision=body.expected_revision)
    return await order_change(gateway, command, wait_s(prefer))


def check_revision(gateway: Gateway, verb: Verb, vessel: str, loop: str, expected: int | None) -> None:
    """Refuse at once what is already outdated; the scan has the last word on it. Raises :class:`Problem` (409)."""
    revision = loop_of(newest(gateway.publisher), vessel, loop).get("revision")
    if expected is None or expected == revision:
        return
    text = f"the loop is at revision {revision} and has been changed since"
    event = Event(EventType.OPERATOR, "Modification", f"{vessel}.{loop}", f"{verb} refused: {text}", vessel)
    gateway.note(event)
    raise Problem(409, f"Refused, nothing changes: {text}. Look at it again.", revision=revision)
