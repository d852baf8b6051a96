"""Loading a recipe: everything that is wrong with it, at once, with file, line and column."""

from __future__ import annotations

import pathlib
from dataclasses import dataclass

from controller.config.bind import Bound, bind, open_document
from controller.config.problems import Problem, in_order
from controller.config.source import Document
from controller.config.vessel_class import VesselClassConfig
from controller.recipe.check_flow import check_flow
from controller.recipe.check_formula import check_class, check_formula
from controller.recipe.check_phases import check_phases
from controller.recipe.checker import RecipeChecker
from controller.recipe.model import RecipeConfig


@dataclass(frozen=True, slots=True)
class LoadedRecipe:
    """A recipe without mistakes, and the document it comes from. ``sha256`` is its identity: of the file's bytes."""

    config: RecipeConfig
    document: Document

    @property
    def sha256(self) -> str:
        """The hash of the file."""
        return self.document.sha256


def load_recipe(source: pathlib.Path | str | Document, vessel_class: VesselClassConfig | None = None) -> LoadedRecipe:
    """The recipe of a file (a path), of a text, or of a document that was read already, checked against a class.

    Without ``vessel_class`` only what no class could put right is found. Raises :class:`Problems` with everything.
    """
    document = open_document(source)
    bound = _checked(document, vessel_class)
    return LoadedRecipe(bound.complete(), document)


def check_recipe(recipe: LoadedRecipe, vessel_class: VesselClassConfig) -> list[Problem]:
    """What is wrong with a recipe on vessels of a class; empty when it can run there."""
    return list(in_order(_checked(recipe.document, vessel_class).problems))


def wanted_class(document: Document) -> str:
    """The name of the vessel class that a recipe is for, whatever else is wrong with it; empty when it doesn't say."""
    name = document.at(("vessel_class",))
    return name if isinstance(name, str) else ""


def find_class_file(recipe: pathlib.Path, name: str) -> pathlib.Path | None:
    """The class file that belongs to a recipe file: ``../classes/<name>.yaml`` from where the recipe is."""
    path = recipe.resolve().parent.parent / "classes" / f"{name}.yaml"
    return path if name and path.is_file() else None


def _checked(document: Document, vessel_class: VesselClassConfig | None) -> Bound[RecipeConfig]:
    bound = bind(document, RecipeConfig)
    if bound.model is None:
        return bound
    check = RecipeChecker(bound, bound.model, vessel_class)
    check_formula(check)
    check_flow(check)
    if vessel_class is not None:
        check_class(check, vessel_class)
        check_phases(check, vessel_class)
    return bound
