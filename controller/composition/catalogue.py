"""The recipes that can be run here, and the frozen copy of each that ever was.

What reads recipes is imported with the first recipe: usually after the first scan, which does without.
"""

from __future__ import annotations

import hashlib
import logging
import os
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
    """Recipes by name, for new batches; and by hash those that batches of the last run were made from.

    ``frozen`` keeps the file of every recipe that was added, by its hash: a batch comes back after a restart with
    exactly the recipe that it was made from, whatever was done to the file since. Without a folder nothing is kept.

    ``recipes`` is never changed, only replaced, so that another thread that holds it has nothing to fear.
    """

    def __init__(self, frozen: Path | None, classes: Mapping[str, VesselClassConfig]) -> None:
        self.recipes: Mapping[str, LoadedRecipe] = {}
        self.thawed: dict[str, LoadedRecipe] = {}
        self._frozen = frozen
        self._classes = {kind.vessel_class: kind for kind in classes.values()}

    def add(self, path: Path, vessel_class: VesselClassConfig) -> LoadedRecipe:
        """Load a recipe for vessels of a class and freeze a copy; it takes the place of another of its name.

        Raises :class:`Problems`, also when the copy cannot be kept: its batches could not come back.
        """
        recipe = self._load(path, vessel_class)
        self.recipes = {**self.recipes, recipe.config.recipe: recipe}
        return recipe

    def add_folder(self, site: Path) -> None:
        """Take the recipes beside a site file (``../recipes``) that fit a vessel class; say which do not. Of two with
        one name the first counts.
        """
        from controller.recipe.check import load_recipe

        found: dict[str, LoadedRecipe] = {}
        for path in sorted((site.resolve().parent.parent / "recipes").glob("*.yaml")):
            try:
                vessel_class = self._classes.get(load_recipe(path).config.vessel_class)
                recipe = self._load(path, vessel_class) if vessel_class is not None else None
            except Problems as problems:
                log.warning("%s is left out: %s", path, problems)
                continue
            if recipe is not None and found.setdefault(recipe.config.recipe, recipe) is not recipe:
                log.warning("%s is left out: there is another recipe %s", path, recipe.config.recipe)
        self.recipes = {**self.recipes, **found}

    def thaw(self, scan_state: Mapping[str, Json]) -> list[str]:
        """Load the frozen copies that the batches of a stored scan were made from; gives what is wrong with those that
        cannot be used any more.
        """
        wrong: list[str] = []
        if self._frozen is None:
            return wrong
        for name, sha256 in sorted(set(batches_of(scan_state))):
            try:
                self.thawed[sha256] = self._thaw(self._copy(self._frozen, sha256), sha256)
            except (Problems, LookupError) as error:
                wrong.append(f"the recipe {name} of a stored batch cannot be used: {error}")
        return wrong

    def _thaw(self, copy: Path, sha256: str) -> LoadedRecipe:
        from controller.recipe.check import load_recipe

        recipe = load_recipe(copy)
        if recipe.sha256 != sha256:
            raise LookupError(f"{copy} was changed")
        wanted = recipe.config.vessel_class
        if wanted not in self._classes:
            raise LookupError(f"no vessel here is a {wanted}")
        return load_recipe(recipe.document, self._classes[wanted])

    def _load(self, path: Path, vessel_class: VesselClassConfig) -> LoadedRecipe:
        from controller.recipe.check import load_recipe

        recipe = load_recipe(path, vessel_class)
        if self._frozen is not None:
            try:
                freeze_file(path, self._copy(self._frozen, recipe.sha256))
            except OSError as error:
                raise Problems([recipe.document.problem((), f"its copy cannot be kept: {error}")]) from error
        return recipe

    @staticmethod
    def _copy(frozen: Path, sha256: str) -> Path:
        return frozen / f"{sha256}.yaml"


def freeze_file(path: Path, copy: Path) -> None:
    """Keep a recipe's bytes under its hash, on the disk before anything relies on them. Raises ``OSError``, also when
    the file was changed since its hash was taken.
    """
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != copy.stem:
        raise OSError(f"{path} was changed while it was read")
    if copy.is_file() and copy.read_bytes() == content:
        return
    copy.parent.mkdir(parents=True, exist_ok=True)
    partial = copy.with_suffix(".partial")
    with partial.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    partial.replace(copy)


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
