"""Operations that a vessel class names: an alarm of a misspelt one would never count, without a word."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from typing import NamedTuple

from controller.config.problems import Path
from controller.config.vessel_class import VesselClassConfig
from controller.recipe.model import RecipeConfig

NEAR = 0.8
"""How alike two names must be for one to be a slip of the other: a wrong, missing or swapped letter in five or more."""
NUMBERS = re.compile(r"_?[0-9]+")
"""Names that differ by their numbers only are no slips: ``feed_1``, ``feed_2``."""


class Misspelt(NamedTuple):
    """Where a class names an operation that no recipe has, and what was probably meant."""

    path: Path
    message: str
    hint: str


def misspelt_operations(vessel_class: VesselClassConfig, recipes: Iterable[RecipeConfig]) -> list[Misspelt]:
    """Operations in the alarms' ``during`` that none of the ``recipes`` has, but nearly: those of other classes do not
    count. A name that is like none of theirs is taken for one of a recipe that is not here.
    """
    name = vessel_class.vessel_class
    operations = {one.operation: None for recipe in recipes if recipe.vessel_class == name for one in recipe.procedure}
    return list(_misspelt(vessel_class, [*operations]))


def _misspelt(vessel_class: VesselClassConfig, operations: list[str]) -> Iterator[Misspelt]:
    for name, alarm in vessel_class.alarms.items():
        for place, during in enumerate(alarm.during):
            near = [] if during in operations else get_close_matches(during, operations, n=2, cutoff=NEAR)
            near = [one for one in near if NUMBERS.sub("", one) != NUMBERS.sub("", during)]
            if near:
                message = f"the alarm {name} counts during {during!r}, an operation that no recipe here has"
                yield Misspelt(("alarms", name, "during", place), message, f"did you mean {' or '.join(near)}?")
