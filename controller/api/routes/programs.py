"""The program that leads a loop's setpoint, and the bottle that it delivers from."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from controller.api.answers import ACCEPTED, Answer, Supervisor, loop_info
from controller.api.gateway import Gateway, LoopInfo, ParameterInfo, ProgramInfo
from controller.api.models import BottleChange, ProgramChange
from controller.api.ordering import OPERATOR, Prefer, amount_in, order_change, refuse, wait_s
from controller.api.problems import Error, Problem
from controller.api.routes.loops import check_revision
from controller.api.views import View, loop_of, newest
from controller.commands import Command, Json, Verb
from controller.units import UnitError, convert, parse_quantity

router = APIRouter(prefix="/api/v1/vessels/{vessel}/loops/{loop}", tags=["loops"])
NUMBERS = ("wanted", "hours", "total", "left", "factor")


@router.get("/program", summary="The program that leads the setpoint, and what was delivered")
async def program(vessel: str, loop: str, gateway: Supervisor) -> Answer:
    """The program with its parameters, its time, what it wants and waits for; the total, the bottle and the pump's
    factor; and the programs that may lead this loop.
    """
    info = feed_info(gateway, vessel, loop)
    tick = newest(gateway.publisher)
    view = loop_of(tick, vessel, loop)
    feed: View = view.get("feed") or {}
    keys = gateway.publisher.keys
    places = {name: keys.get(f"{vessel}.{loop}.{name}") for name in NUMBERS}
    numbers = {name: None if place is None else float(tick.value[place]) for name, place in places.items()}
    told = {name: feed.get(name) for name in ("program", "state", "waits", "parameters", "bottle", "amount_unit")}
    known = {name: _shown(one) for name, one in info.programs.items()}
    state = {name: view.get(name) for name in ("mode", "held_by", "revision")}
    return Answer({**told, **numbers, "unit": info.unit, "programs": known, **state})


@router.put("/program", summary="Begin a program, or end it", status_code=202, responses=ACCEPTED)
async def set_program(
    vessel: str, loop: str, body: ProgramChange, gateway: Supervisor, prefer: Prefer = None
) -> Answer:
    """Accepted once the journal holds it. The loop goes to mode remote and is led from the next scan on; ``null`` ends
    the program, and the loop goes to automatic at the setpoint it has.
    """
    info = feed_info(gateway, vessel, loop)
    value: dict[str, Json] = {"program": body.program}
    errors: list[Error] = []
    if body.program is not None:
        errors = _unknown_program(info, body.program)
        if not errors:
            parameters, errors = _parameters(info.programs[body.program], body)
            value["parameters"] = parameters
    return await _order(gateway, Verb.PROGRAM, f"{vessel}.{loop}", value, errors, body, prefer)


@router.put("/bottle", summary="Tell that a bottle is connected", status_code=202, responses=ACCEPTED)
async def set_bottle(vessel: str, loop: str, body: BottleChange, gateway: Supervisor, prefer: Prefer = None) -> Answer:
    """Accepted once the journal holds it. A full bottle, or one with so much in it."""
    info = feed_info(gateway, vessel, loop)
    if info.bottle is None:
        raise Problem(404, "This loop has no bottle.")
    value: dict[str, Json] = {"volume": None}
    errors: list[Error] = []
    if body.value is None and body.unit is not None:
        errors = [{"field": "value", "message": "is missing; a full bottle has no unit"}]
    elif body.value is not None:
        number = amount_in(body.value, body.unit or "", info.amount_unit, 0.0, info.bottle, "")
        errors = [number] if isinstance(number, dict) else []
        value = {"volume": None if isinstance(number, dict) else number}
    return await _order(gateway, Verb.BOTTLE, f"{vessel}.{loop}", value, errors, body, prefer)


def feed_info(gateway: Gateway, vessel: str, loop: str) -> LoopInfo:
    """A loop with programs or a bottle. Raises :class:`Problem` (404)."""
    info = loop_info(gateway, vessel, loop)
    if not info.programs and info.bottle is None:
        raise Problem(404, "This loop has no programs and no bottle.")
    return info


async def _order(
    gateway: Gateway,
    verb: Verb,
    target: str,
    value: dict[str, Json],
    errors: list[Error],
    body: ProgramChange | BottleChange,
    prefer: str | None,
) -> Answer:
    vessel, _, loop = target.partition(".")
    if errors:
        raise refuse(gateway, verb, target, vessel, body.reason, errors)
    check_revision(gateway, verb, vessel, loop, body.expected_revision)
    command = Command(verb, target, value, OPERATOR, "api", body.reason, expected_revision=body.expected_revision)
    return await order_change(gateway, command, wait_s(prefer))


def _unknown_program(info: LoopInfo, name: str) -> list[Error]:
    if name in info.programs:
        return []
    known = list(info.programs)
    return [{"field": "program", "message": f"must be one of {', '.join(known) or 'none'}, or null", "allowed": known}]


def _parameters(info: ProgramInfo, body: ProgramChange) -> tuple[dict[str, Json], list[Error]]:
    """The parameters in the program's units, and what is wrong with them."""
    values: dict[str, Json] = {}
    errors: list[Error] = []
    for name, given in body.parameters.items():
        one = info.parameters.get(name)
        if one is None:
            known = ", ".join(info.parameters)
            errors.append({"field": "parameters", "message": f"has a name that is not known here; known: {known}"})
            continue
        value = _value(f"parameters.{name}", one, given)
        if isinstance(value, dict):
            errors.append(value)
        else:
            values[name] = value
    missing = [name for name, one in info.parameters.items() if one.needed and name not in body.parameters]
    errors += [{"field": f"parameters.{name}", "message": "is missing"} for name in missing]
    return values, errors


def _value(field: str, one: ParameterInfo, given: str | dict[str, str]) -> float | str | list[Json] | Error:
    if one.points:
        return _points(field, one, given)
    if not isinstance(given, str):
        return {"field": field, "message": "must be a text, not a table"}
    if one.choices:
        wrong: Error = {"field": field, "message": f"must be {' or '.join(one.choices)}", "allowed": list(one.choices)}
        return given if given in one.choices else wrong
    return _number(field, one, given)


def _number(field: str, one: ParameterInfo, text: str) -> float | Error:
    try:
        quantity = parse_quantity(text)
    except UnitError:
        return {"field": field, "message": f'must be a number with a unit, such as "{one.low:g} {one.unit}"'}
    return amount_in(quantity.value, quantity.unit, one.unit, one.low, one.high, f"{field}.")


def _points(field: str, one: ParameterInfo, given: str | dict[str, str]) -> list[Json] | Error:
    """The points of a table, in the order of their hours."""
    if not isinstance(given, dict) or not given:
        return {"field": field, "message": f'must be a table, such as {{"0 h": "{one.low:g} {one.unit}"}}'}
    points: list[tuple[float, float]] = []
    for time, text in given.items():
        rate = _number(field, one, text)
        if isinstance(rate, dict):
            return rate
        try:
            quantity = parse_quantity(time)
            points.append((convert(quantity.value, quantity.unit, "h"), rate))
        except UnitError:
            return {"field": field, "message": "must have times with a unit, such as 12 h"}
    return [[hour, rate] for hour, rate in sorted(points)]


def _shown(info: ProgramInfo) -> dict[str, Any]:
    names = ("title", "unit", "low", "high", "default", "needed")
    parameters = {
        name: {**{key: getattr(one, key) for key in names}, "choices": list(one.choices)}
        for name, one in info.parameters.items()
    }
    return {"title": info.title, "parameters": parameters}
