"""Making a batch: the formula's values are judged against the recipe's three ranges, every deviation is recorded."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from controller.commands import Command, Event, EventType, Json
from controller.recipe.batch import Batch
from controller.recipe.run import event

if TYPE_CHECKING:
    from controller.config.vessel_class import VesselClassConfig
    from controller.recipe.check import LoadedRecipe
    from controller.recipe.model import Parameter

SLACK = 1e-9
"""A value at the limit, converted from another unit, may differ by a rounding."""


class Refusal(ValueError):
    """A command that is not carried out; ``allowed`` are the alternatives."""

    def __init__(self, reason: str, allowed: tuple[str, ...] = ()) -> None:
        super().__init__(reason)
        self.reason = reason
        self.allowed = allowed


def make_batch(command: Command, key: str, recipe: LoadedRecipe) -> Batch:
    """The batch that a ``batch.create`` command asks for. Raises :class:`Refusal`."""
    identifier = command.value.get("batch")
    if not isinstance(identifier, str) or not identifier:
        raise Refusal("a batch needs an id")
    given = command.value.get("formula") or {}
    if not isinstance(given, dict):
        raise Refusal("formula must hold numbers by name")
    batch = Batch(identifier, command.target, key, recipe.sha256, {})
    batch.formula = {name: one.value.value for name, one in recipe.config.formula.items()}
    for name, value in given.items():
        parameter = recipe.config.formula.get(name)
        if parameter is None:
            raise Refusal(f"the recipe has no parameter {name!r}", tuple(recipe.config.formula))
        batch.formula[name] = finite(value, name)
        batch.deviations += _judged(name, parameter, batch.formula[name], command)
    begin_at = command.value.get("begin_at")
    if begin_at is not None:
        batch.begin_at = _begin(begin_at, recipe, command)
        batch.deviations += _begin_deviation(batch.begin_at, recipe, command)
    return batch


def finite(value: Json, name: str) -> float:
    """A JSON value that is a finite number. Raises :class:`Refusal`."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise Refusal(f"{name} must be a number")
    return float(value)


def _judged(name: str, parameter: Parameter, value: float, command: Command) -> list[dict[str, Json]]:
    """The deviation that a value is: none inside the normal range. Raises :class:`Refusal`."""
    unit = parameter.value.unit
    shown = f"{name} {value:g} {unit}"
    if not _inside(value, parameter.hard.to(unit)):
        raise Refusal(f"{shown} is outside the hard range, {parameter.hard}")
    if _inside(value, parameter.normal.to(unit)):
        return []
    if not command.reason.strip():
        raise Refusal(f"{shown} is outside the normal range, {parameter.normal}: a reason is needed")
    if _inside(value, parameter.proven.to(unit)):
        return [_deviation(name, value, unit, "normal", str(parameter.normal), command)]
    return [_deviation(name, value, unit, "proven", str(parameter.proven), command)]


def _begin(begin_at: Json, recipe: LoadedRecipe, command: Command) -> str:
    operations = tuple(one.operation for one in recipe.config.procedure)
    if not isinstance(begin_at, str) or begin_at not in operations:
        raise Refusal(f"the recipe has no operation {begin_at!r}", operations)
    if begin_at != operations[0] and not command.reason.strip():
        raise Refusal(f"to begin at {begin_at} a reason is needed")
    return begin_at


def _begin_deviation(begin_at: str, recipe: LoadedRecipe, command: Command) -> list[dict[str, Json]]:
    first = recipe.config.procedure[0].operation
    if begin_at == first:
        return []
    return [_deviation("begin_at", begin_at, "", "procedure", f"begins at {first}", command)]


def _deviation(what: str, value: Json, unit: str, outside: str, limit: str, command: Command) -> dict[str, Json]:
    return {
        "what": what,
        "value": value,
        "unit": unit,
        "outside": outside,
        "range": limit,
        "reason": command.reason,
        "who": command.who,
    }


def _inside(value: float, limits: tuple[float, float]) -> bool:
    slack = SLACK * max(1.0, *map(abs, limits))
    return limits[0] - slack <= value <= limits[1] + slack


def inputs_of(command: Command, wanted: Mapping[str, tuple[float, float]]) -> dict[str, float]:
    """The inputs of a ``prompt.answer`` command, by name, each within ``wanted``. Raises :class:`Refusal`."""
    given = command.value.get("inputs") or {}
    if not isinstance(given, dict):
        raise Refusal("inputs must hold numbers by name")
    unknown = [name for name in given if name not in wanted]
    if unknown:
        raise Refusal(f"the prompt has no input {unknown[0]!r}", tuple(wanted))
    values: dict[str, float] = {}
    for name, (low, high) in wanted.items():
        if name not in given:
            raise Refusal(f"{name} is missing")
        values[name] = finite(given[name], name)
        if not _inside(values[name], (low, high)):
            raise Refusal(f"{name} {values[name]:g} is outside {low:g} .. {high:g}")
    return values


def refuse_misfit(recipe: LoadedRecipe, vessel_class: VesselClassConfig, recipes: Mapping[str, LoadedRecipe]) -> None:
    """Raises :class:`Refusal` where a recipe asks for what vessels of a class can't do, or where the class speaks of an
    operation that none of the ``recipes`` has.
    """
    from controller.recipe.check import check_recipe
    from controller.recipe.check_during import misspelt_operations

    problems = check_recipe(recipe, vessel_class)
    if problems:
        raise Refusal(f"the recipe does not fit {vessel_class.vessel_class}: {problems[0].message}")
    misspelt = misspelt_operations(vessel_class, [one.config for one in recipes.values()])
    if misspelt:
        raise Refusal(f"{vessel_class.vessel_class}: {misspelt[0].message}; {misspelt[0].hint}")


def allocated(batch: Batch, recipe: LoadedRecipe, command: Command) -> list[Event]:
    """What is put on record of a batch that ``command`` created."""
    value: dict[str, Json] = {
        "recipe": recipe.config.recipe,
        "version": recipe.config.version,
        "sha256": recipe.sha256,
        "formula": dict(batch.formula),
        "begin_at": batch.begin_at,
    }
    text = f"{batch.id}: {recipe.config.title} on {batch.vessel}"
    events = [answer(batch, command, EventType.CONTROL_RECIPE, "Allocation", text, value)]
    for deviation in batch.deviations:
        text = f"Deviation: {deviation['what']} {deviation['value']} {deviation['unit']}".rstrip()
        text += f", outside the {deviation['outside']} ({deviation['range']})"
        events.append(answer(batch, command, EventType.CONTROL_RECIPE, "Modification", text, dict(deviation)))
    return events


def answer(batch: Batch, command: Command, kind: EventType, subtype: str, text: str, value: Json = None) -> Event:
    """The event that a command on a batch led to."""
    return event(
        batch, kind, subtype, text, value=value, who=command.who, reason=command.reason, command=command.journal
    )
