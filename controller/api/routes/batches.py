"""Batches: making one, commanding it, answering its prompts."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from fastapi import APIRouter

from controller.api.answers import ACCEPTED, Answer, Supervisor, vessel_info
from controller.api.gateway import FormulaInfo, RecipeInfo
from controller.api.models import BatchAction, NewBatch, PromptAnswer
from controller.api.ordering import OPERATOR, amount_in, order_now, refuse
from controller.api.problems import Error
from controller.api.views import View, batch_view, batches, newest, unknown
from controller.commands import Command, Json, Verb
from controller.units import UnitError, parse_quantity

router = APIRouter(prefix="/api/v1/batches", tags=["batches"])


class Action(StrEnum):
    """What a batch can be told."""

    START = "start"
    HOLD = "hold"
    RESTART = "restart"
    STOP = "stop"
    ABORT = "abort"
    PAUSE = "pause"
    RESUME = "resume"
    RESET = "reset"


@router.get("", summary="Every batch")
async def all_batches(gateway: Supervisor) -> Answer:
    """The batches the supervisor knows, with their state, prompts and what they wait for."""
    return Answer({"batches": batches(newest(gateway.publisher))})


@router.get("/{batch}", summary="One batch")
async def one_batch(batch: str, gateway: Supervisor) -> Answer:
    """A batch's state, prompts, formula and what it waits for."""
    return Answer(batch_view(newest(gateway.publisher), batch))


@router.post("", summary="Make a batch", status_code=201, responses={202: ACCEPTED[202]})
async def new_batch(body: NewBatch, gateway: Supervisor) -> Answer:
    """A batch of a recipe on a vessel, Idle; formula values replace the recipe's within its hard ranges."""
    vessel = vessel_info(gateway, body.vessel)
    recipe = gateway.site.recipes.get(body.recipe)
    if recipe is None:
        raise unknown("recipe", sorted(gateway.site.recipes))
    formula, errors = _formula(recipe, body.formula)
    errors += _begin_errors(recipe, body.begin_at)
    if recipe.vessel_class != vessel.vessel_class:
        errors.append(
            {"field": "recipe", "message": f"is written for {recipe.vessel_class}, not {vessel.vessel_class}"}
        )
    if errors:
        raise refuse(gateway, Verb.BATCH_CREATE, vessel.name, vessel.name, body.reason, errors)
    batch = gateway.new_batch(vessel.name)
    value: dict[str, Json] = {"batch": batch, "recipe": recipe.name, "formula": formula, "begin_at": body.begin_at}
    command = Command(Verb.BATCH_CREATE, vessel.name, value, OPERATOR, "api", body.reason)
    answer = await order_now(gateway, command, 201, batch=batch)
    answer.headers["Location"] = f"/api/v1/batches/{batch}"
    return answer


@router.post("/{batch}/{action}", summary="Command a batch", status_code=200, responses=ACCEPTED)
async def command_batch(batch: str, action: Action, body: BatchAction, gateway: Supervisor) -> Answer:
    """Answered with what the scan made of it; refused with the present state and the allowed commands."""
    view = batch_view(newest(gateway.publisher), batch)
    command = Command(Verb(f"batch.{action}"), view["id"], {}, OPERATOR, "api", body.reason)
    return await order_now(gateway, command, batch=view["id"], batch_state=view["state"])


@router.post("/{batch}/prompts/{prompt}", summary="Answer a prompt", status_code=200, responses=ACCEPTED)
async def answer_prompt(batch: str, prompt: str, body: PromptAnswer, gateway: Supervisor) -> Answer:
    """Every input of the prompt, each in any unit that converts, within its range."""
    view = batch_view(newest(gateway.publisher), batch)
    open_prompt = next((item for item in view["prompts"] if item["id"] == prompt), None)
    if open_prompt is None:
        raise unknown("open prompt", [item["id"] for item in view["prompts"]])
    inputs, errors = _inputs(open_prompt, body)
    if errors:
        raise refuse(gateway, Verb.PROMPT_ANSWER, view["id"], view["vessel"], body.reason, errors)
    value: dict[str, Json] = {"prompt": open_prompt["id"], "inputs": inputs}
    command = Command(Verb.PROMPT_ANSWER, view["id"], value, OPERATOR, "api", body.reason)
    return await order_now(gateway, command, batch=view["id"], batch_state=view["state"])


def _formula(recipe: RecipeInfo, given: dict[str, str]) -> tuple[dict[str, Json], list[Error]]:
    numbers: dict[str, Json] = {}
    errors: list[Error] = []
    for name, text in given.items():
        info = recipe.formula.get(name)
        result: float | Error = (
            _unknown_name("formula", list(recipe.formula)) if info is None else _quantity(name, text, info)
        )
        if isinstance(result, dict):
            errors.append(result)
        else:
            numbers[name] = result
    return numbers, errors


def _quantity(name: str, text: str, info: FormulaInfo) -> float | Error:
    try:
        quantity = parse_quantity(text)
    except UnitError:
        return {
            "field": f"formula.{name}",
            "message": f'must be a number with a unit, such as "{info.value:g} {info.unit}"',
        }
    return amount_in(quantity.value, quantity.unit, info.unit, info.low, info.high, f"formula.{name}.")


def _inputs(prompt: View, body: PromptAnswer) -> tuple[dict[str, Json], list[Error]]:
    numbers: dict[str, Json] = {}
    errors: list[Error] = []
    expected: dict[str, dict[str, Any]] = {item["name"]: item for item in prompt["inputs"]}
    if set(body.inputs) - set(expected):
        errors.append(_unknown_name("inputs", list(expected)))
    for name, item in expected.items():
        amount = body.inputs.get(name)
        if amount is None:
            errors.append({"field": f"inputs.{name}", "message": "is missing"})
            continue
        low, high = (
            float("-inf" if item["low"] is None else item["low"]),
            float("inf" if item["high"] is None else item["high"]),
        )
        result = amount_in(amount.value, amount.unit, item["unit"], low, high, f"inputs.{name}.")
        if isinstance(result, dict):
            errors.append(result)
        else:
            numbers[name] = result
    return numbers, errors


def _begin_errors(recipe: RecipeInfo, begin_at: str | None) -> list[Error]:
    if begin_at is None or begin_at in recipe.operations:
        return []
    return [{"field": "begin_at", "message": f"must be one of {', '.join(recipe.operations)}"}]


def _unknown_name(field: str, known: list[str]) -> Error:
    return {"field": field, "message": f"has a name that is not known here; known: {', '.join(known) or 'none'}"}
