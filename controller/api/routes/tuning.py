"""Tuning of a loop: its sets, and experiments from which new ones come."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Query

from controller.api.answers import ACCEPTED, Answer, Supervisor, loop_info
from controller.api.gateway import Gateway
from controller.api.models import Because, TuneStart, TuningChange
from controller.api.ordering import OPERATOR, order_now, refuse
from controller.api.problems import Error, Problem
from controller.commands import Command, Json, Verb
from controller.units import UnitError, convert_difference, per

router = APIRouter(prefix="/api/v1/vessels/{vessel}/loops/{loop}", tags=["tuning"])

OF_BODY = {
    "integral_time_s": "integral_time",
    "derivative_time_s": "derivative_time",
    "derivative_filter": "derivative_filter",
    "setpoint_weight": "setpoint_weight",
    "derivative_weight": "derivative_weight",
    "tracking_time_s": "tracking_time",
}
"""The fields of a body, and what they are in a command."""


@router.get("/tuning", summary="The tuning in force")
async def tuning(vessel: str, loop: str, gateway: Supervisor) -> Answer:
    """The set in force with its version, who brought it into force and why, and the set that it replaced."""
    info = loop_info(gateway, vessel, loop)
    found = gateway.tuning.tuning(vessel, info.name)
    if found is None:
        raise Problem(404, f"{info.title} has no controller, so it has no tuning.")
    return Answer(found)


@router.put("/tuning", summary="Change the tuning", responses=ACCEPTED)
async def set_tuning(vessel: str, loop: str, body: TuningChange, gateway: Supervisor) -> Answer:
    """A new set, without a bump; what is not given stays. Refused when its gain acts the other way round."""
    info = loop_info(gateway, vessel, loop)
    value: dict[str, Json] = {OF_BODY[name]: getattr(body, name) for name in body.model_fields_set & OF_BODY.keys()}
    try:
        value["gain"] = convert_difference(body.gain, body.gain_unit, per(info.output_unit, info.unit))
    except (UnitError, OverflowError):
        wanted = per(info.output_unit, info.unit)
        error: Error = {"field": "gain_unit", "message": f"must be a unit that converts to {wanted}", "unit": wanted}
        raise refuse(gateway, Verb.TUNING, f"{vessel}.{loop}", vessel, body.reason, [error]) from None
    return await _order(gateway, Verb.TUNING, vessel, loop, value, body)


@router.post("/tuning/undo", summary="Put the replaced tuning back", responses=ACCEPTED)
async def undo(vessel: str, loop: str, body: Because, gateway: Supervisor) -> Answer:
    """The set that the present one replaced, under a new version; a second time brings the present one back."""
    return await _order(gateway, Verb.TUNING, vessel, loop, {"undo": True}, body)


@router.get("/experiment", summary="The newest experiment")
async def experiment(
    vessel: str,
    loop: str,
    gateway: Supervisor,
    samples: Annotated[bool, Query(description="With everything that was recorded.")] = True,
) -> Answer:
    """How far the newest experiment on the loop is or why it ended, and what it recorded: `time` in seconds since it
    began, `pv`, and `op` from each time on.
    """
    info = loop_info(gateway, vessel, loop)
    found = await asyncio.to_thread(lambda: gateway.tuning.experiment(vessel, info.name, samples=samples))
    if found is None:
        raise Problem(404, f"No experiment was made on {info.title} since the supervisor started.")
    return Answer(found)


@router.post("/experiment", summary="Start an experiment", responses=ACCEPTED)
async def start(vessel: str, loop: str, body: TuneStart, gateway: Supervisor) -> Answer:
    """Watches the loop at rest, then moves its output, within limits and alarms; ends by itself, and the loop comes
    back to its mode and output. Refused where the recipe or the state of the loop forbids it.
    """
    given = body.model_dump(exclude_none=True, exclude={"reason", "expected_revision"})
    return await _order(gateway, Verb.TUNE_START, vessel, loop, given, body)


@router.post("/experiment/stop", summary="Stop the experiment", responses=ACCEPTED)
async def stop(vessel: str, loop: str, body: Because, gateway: Supervisor) -> Answer:
    """The output goes back to where it was, and the loop to its mode."""
    return await _order(gateway, Verb.TUNE_STOP, vessel, loop, {}, body)


async def _order(gateway: Gateway, verb: Verb, vessel: str, loop: str, value: dict[str, Json], body: Because) -> Answer:
    """Send a command and wait for what the scan makes of it."""
    loop_info(gateway, vessel, loop)
    command = Command(
        verb, f"{vessel}.{loop}", value, OPERATOR, "api", body.reason, expected_revision=body.expected_revision
    )
    return await order_now(gateway, command)
