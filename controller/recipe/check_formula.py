"""Checks of the header and the formula: units, nested ranges, names, what the class can do."""

from __future__ import annotations

from typing import NamedTuple

from controller.config.problems import Path, nearest
from controller.config.vessel_class import VesselClassConfig
from controller.recipe.checker import RecipeChecker
from controller.recipe.model import Parameter
from controller.recipe.symbols import ELAPSED, class_symbols
from controller.recipe.tokens import WORDS
from controller.recipe.vocabulary import END, HOLD
from controller.units import UnitError

RESERVED = WORDS | {ELAPSED, HOLD, END}
"""Names with a meaning of their own."""

SLACK = 1e-9
"""Limits that are equal in different units may differ by a rounding."""


def check_formula(check: RecipeChecker) -> None:
    """Every parameter's ranges lie inside each other, and its name means nothing else."""
    taken = class_symbols(check.vessel_class) if check.vessel_class else {}
    for name, parameter in check.config.formula.items():
        path: Path = ("formula", name)
        if name in RESERVED:
            check.problem(path, f"{name!r} is a word of the language", "give the parameter another name", at_key=True)
        if name in taken:
            check.problem(path, f"{name!r} is a tag already", "give the parameter another name", at_key=True)
        _ranges(check, path, parameter)


def check_class(check: RecipeChecker, vessel_class: VesselClassConfig) -> None:
    """The recipe is for this class, and the class has what the recipe requires."""
    name = vessel_class.vessel_class
    if check.config.vessel_class != name:
        check.problem(("vessel_class",), f"the class is {name!r}, the recipe is for {check.config.vessel_class!r}")
    able = [*vessel_class.measurements, *vessel_class.calculated, *vessel_class.outputs, *vessel_class.loops]
    for index, required in enumerate(check.config.requires):
        if required not in able:
            message = f"class {name} has no {required!r}, which the recipe requires"
            check.problem(("requires", index), message, nearest(required, able))


def _ranges(check: RecipeChecker, path: Path, parameter: Parameter) -> None:
    alone = _alone(parameter)
    unit = alone.others if alone else parameter.value.unit
    try:
        value = parameter.value.to(unit)
    except UnitError as error:
        check.problem((*path, "value"), f"value: {error.message}", f"the ranges are in {unit}")
        return
    outer: tuple[str, float, float] | None = None
    for key in ("hard", "proven", "normal"):
        asked = getattr(parameter, key)
        try:
            low, high = asked.to(unit)
        except UnitError as error:
            check.problem((*path, key), f"{key}: {error.message}", error.hint)
            continue
        if outer is not None and not _inside(low, high, outer):
            message = f"{asked} reaches beyond the {outer[0]} range, {getattr(parameter, outer[0])}"
            _complain(check, path, message, (key, outer[0]), alone)
        outer = (key, low, high)
        if not _inside(value, value, outer):
            _complain(check, path, f"{parameter.value} is outside the {key} range, {asked}", ("value", key), alone)
            return


class Alone(NamedTuple):
    """The one of a parameter's value and ranges that is in another unit than all the others."""

    key: str
    unit: str
    others: str


def _alone(parameter: Parameter) -> Alone | None:
    units = {"value": {parameter.value.unit}}
    for key in ("hard", "proven", "normal"):
        asked = getattr(parameter, key)
        units[key] = {asked.low.unit, asked.high.unit}
    for key, own in units.items():
        others = set[str]().union(*(unit for other, unit in units.items() if other != key))
        if len(others) == 1 and own != others:
            return Alone(key, " and ".join(sorted(own)), *others)
    return None


def _complain(check: RecipeChecker, path: Path, message: str, about: tuple[str, str], alone: Alone | None) -> None:
    """Tell what does not lie inside of what, where the likeliest mistake is: at a lone unit, if there is one."""
    if alone is None or alone.key not in about:
        check.problem((*path, about[0]), f"{about[0]}: {message}")
        return
    hint = f"the unit of {alone.key}, {alone.unit}, is not that of the others, {alone.others}: is it meant?"
    check.problem((*path, alone.key), f"{about[0]}: {message}", hint)


def _inside(low: float, high: float, outer: tuple[str, float, float]) -> bool:
    slack = SLACK * max(1.0, abs(outer[1]), abs(outer[2]))
    return outer[1] - slack <= low and high <= outer[2] + slack
