"""The donors of a rehearsal: their names, and what the recipe is told of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from controller.units import convert

if TYPE_CHECKING:
    from controller.recipe.model import PhaseConfig, RecipeConfig
    from simulators.biology.donors import Patient

CELLS_PER_ML, DENSITY = 1e-3, "10*6/mL"
"""1e9 cells in a mL of that density."""


class Inoculum(NamedTuple):
    """The parameter of the formula that says how dense the cells for the inoculation are, and the mL that are usual."""

    parameter: str
    volume_ml: float


def donor_name(number: int) -> str:
    """The vessel and the batch of a donor, counted from 0."""
    return f"D{number + 1:04d}"


def inoculum(recipe: RecipeConfig) -> Inoculum | None:
    """Where a recipe takes in how many cells a patient has: a parameter marked ``patient`` that an inoculation uses."""
    for phase in (phase for operation in recipe.procedure for phase in operation.do):
        amounts = phase.simulate.get("inoculate", {})
        parameter = recipe.formula.get(amounts.get("density", ""))
        if parameter is not None and parameter.patient and (volume := _usual_ml(phase, amounts["volume"])) is not None:
            return Inoculum(amounts["density"], volume)
    return None


def particulars(
    recipe: RecipeConfig, patients: Sequence[Patient], formula: Mapping[str, float] = MappingProxyType({})
) -> list[dict[str, float]]:
    """What differs from donor to donor: a patient with fewer cells than the recipe, or ``formula``, takes brings all.

    The value may lie outside what the recipe allows: then no batch can be made of it.
    """
    where = inoculum(recipe)
    if where is None:
        return [{} for _ in patients]
    parameter = recipe.formula[where.parameter]
    wanted = formula.get(where.parameter, parameter.value.value)
    told = []
    for one in patients:
        had = convert(one.cd3 * one.viability / (where.volume_ml * CELLS_PER_ML), DENSITY, parameter.value.unit)
        told.append({} if had >= wanted else {where.parameter: had})
    return told


def _usual_ml(phase: PhaseConfig, volume: str) -> float | None:
    asked = phase.inputs.get(volume)
    return asked.default.to("mL") if asked is not None and asked.default is not None else None
