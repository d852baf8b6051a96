"""What the HTTP interface knows of a site before anything runs: vessels, loops with limits, recipes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from controller.api.gateway import (
    FormulaInfo,
    LoopInfo,
    ParameterInfo,
    ProgramInfo,
    RecipeInfo,
    SiteInfo,
    VesselInfo,
)
from controller.stages.orders import modes

if TYPE_CHECKING:
    from controller.model.loops import Loop
    from controller.model.programs import Program
    from controller.model.site import Site
    from controller.recipe.model import RecipeConfig


def site_info(site: Site, recipes: Mapping[str, RecipeConfig], *, simulated: bool) -> SiteInfo:
    """The site as the interface describes it; ``recipes`` by name."""
    vessels = {
        vessel.name: VesselInfo(
            vessel.name,
            vessel.title,
            vessel.vessel_class,
            {loop.name: loop_info(site, loop) for loop in site.loops.rows if loop.vessel == vessel.name},
            frozenset(
                site.tags.tags[output.tag].name
                for output in site.outputs.rows
                if output.guard and site.tags.tags[output.tag].vessel == vessel.name
            ),
        )
        for vessel in site.vessels
    }
    return SiteInfo(site.name, site.title, simulated, vessels, {name: recipe_info(r) for name, r in recipes.items()})


def loop_info(site: Site, loop: Loop) -> LoopInfo:
    """One loop's limits and modes."""
    row = site.feeds.index.get(loop.full_name)
    feed = None if row is None else site.feeds.rows[row]
    return LoopInfo(
        name=loop.name,
        title=loop.title,
        unit=loop.unit,
        low=loop.sp_low,
        high=loop.sp_high,
        output_unit=loop.op_unit,
        output_low=loop.op_low,
        output_high=loop.op_high,
        modes=tuple(modes(site.loops, site.loops.index[loop.full_name], programmed=bool(feed and feed.programs))),
        confirm_step=None if math.isnan(loop.confirm_step) else loop.confirm_step,
        programs={name: program_info(one) for name, one in feed.programs.items()} if feed else {},
        amount_unit=feed.amount if feed else "",
        bottle=feed.bottle.volume if feed and feed.bottle else None,
    )


def program_info(program: Program) -> ProgramInfo:
    """One program's parameters and their limits."""
    parameters = {
        one.name: ParameterInfo(
            one.title, one.unit, one.low, one.high, one.choices[0] if one.choices else one.default,
            one.needed, one.choices, one.points,
        )
        for one in program.parameters
    }  # fmt: skip
    return ProgramInfo(program.title, parameters)


def recipe_info(recipe: RecipeConfig) -> RecipeInfo:
    """One recipe's formula and operations."""
    formula = {
        name: FormulaInfo(entry.title, entry.value.unit, entry.value.value, *entry.hard.to(entry.value.unit))
        for name, entry in recipe.formula.items()
    }
    operations = tuple(operation.operation for operation in recipe.procedure)
    return RecipeInfo(recipe.recipe, recipe.version, recipe.title, recipe.vessel_class, formula, operations)
