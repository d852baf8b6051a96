"""The recipes that can be run here, and the frozen copy of each that ever was.

What reads recipes is imported with the first recipe: usually after the first scan, which does without.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, cast

from controller.commands import Json
from controller.config.problems import Problems

if TYPE_CHECKING:
    from controller.config.vessel_class import VesselClassConfig
    from controller.recipe.check import LoadedRecipe

log = logging.getLogger("biovisor.recipes")


class Catalogue:
    """Recipes by name, in a mapping that the engine shares.

    ``frozen`` keeps the file of every recipe that was added, by its hash: a batch comes back after a restart with
    exactly the recipe that it was made from, whatever was done to the file since. Without a folder nothing is kept.
    """

    def __init__(self, frozen: Path | None, classes: Mapping[str, VesselClassConfig]) -> None:
        self.recipes: dict[str, LoadedRecipe] = {}
        self._frozen = frozen
        self._classes = {kind.vessel_class: kind for kind in classes.values()}

    def add(self, path: Path, vessel_class: VesselClassConfig) -> LoadedRecipe:
        """Load a recipe for vessels of a class and freeze a copy. Raises :class:`Problems`."""
        from controller.recipe.check import load_recipe

        recipe = load_recipe(path, vessel_class)
        if self._frozen is not None:
            self._freeze(path, self._copy(self._frozen, recipe.sha256))
        self.recipes[recipe.config.recipe] = recipe
        return recipe

    def add_folder(self, site: Path) -> None:
        """Add every recipe beside a site file (``../recipes``) that fits a vessel class; say which do not."""
        from controller.recipe.check import load_recipe

        for path in sorted((site.resolve().parent.parent / "recipes").glob("*.yaml")):
            for vessel_class in self._classes.values():
                try:
                    recipe = load_recipe(path)
                    if (
                        recipe.config.recipe not in self.recipes
                        and recipe.config.vessel_class == vessel_class.vessel_class
                    ):
                        self.add(path, vessel_class)
                except Problems as problems:
                    log.warning("%s is left out: %s", path, problems)

    def thaw(self, scan_state: Mapping[str, Json]) -> None:
        """Load the frozen copies that the batches of a stored scan were made from. Raises :class:`Problems`."""
        if self._frozen is None:
            return
        for name, sha256 in batches_of(scan_state):
            from controller.recipe.check import load_recipe

            recipe = load_recipe(self._copy(self._frozen, sha256))
            self.recipes[name] = load_recipe(recipe.document, self._classes[recipe.config.vessel_class])

    @staticmethod
    def _freeze(path: Path, copy: Path) -> None:
        copy.parent.mkdir(parents=True, exist_ok=True)
        if not copy.exists():
            partial = copy.with_suffix(".partial")
            partial.write_bytes(path.read_bytes())
            partial.replace(copy)

    @staticmethod
    def _copy(frozen: Path, sha256: str) -> Path:
        return frozen / f"{sha256}.yaml"


def batches_of(state: Json | Mapping[str, Json]) -> Iterator[tuple[str, str]]:
    """Name and hash of the recipe of every batch in a stored state, wherever in it they are."""
    if isinstance(state, Mapping):
        if isinstance(state.get("recipe"), str) and isinstance(state.get("sha256"), str):
            yield cast("str", state["recipe"]), cast("str", state["sha256"])
        for value in state.values():
            yield from batches_of(value)
    elif isinstance(state, list):
        for value in state:
            yield from batches_of(value)
