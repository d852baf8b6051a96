"""Checks of the header and the formula: units, nested ranges, names, what the class can do."""

from __future__ import annotations

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
    unit = parameter.value.unit
    outer: tuple[str, float, float] | None = None
    for key in ("hard", "proven", "normal"):
        try:
            low, high = getattr(parameter, key).to(unit)
        except UnitError as error:
            check.problem((*path, key), f"{key}: {error.message}", error.hint)
            continue
        if outer is not None and not _inside(low, high, outer):
            check.problem((*path, key), f"{key}: {getattr(parameter, key)} reaches beyond the {outer[0]} range")
        outer = (key, low, high)
        if not _inside(parameter.value.value, parameter.value.value, outer):
            check.problem((*path, "value"), f"value: {parameter.value} is outside the {key} range")
            return


def _inside(low: float, high: float, outer: tuple[str, float, float]) -> bool:
    slack = SLACK * max(1.0, abs(outer[1]), abs(outer[2]))
    return outer[1] - slack <= low and high <= outer[2] + slack
