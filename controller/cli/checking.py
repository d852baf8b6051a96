"""What ``biovisor check`` does: finds out what each file is, and collects everything that is wrong in all of them."""

from __future__ import annotations

from collections.abc import Sequence
from os.path import normpath
from pathlib import Path

from controller.composition.calibrations import problems as calibration_problems
from controller.composition.scenario import load_scenario
from controller.composition.simulated import check_simulation
from controller.composition.wiring_check import problems as wiring_problems
from controller.config.load import load_class, load_site
from controller.config.problems import Problem, Problems, in_order, nearest
from controller.config.source import Document, read_document
from controller.config.vessel_class import VesselClassConfig
from controller.recipe.check import find_class_file, load_recipe, wanted_class
from controller.recipe.check_during import misspelt_operations
from controller.recipe.conditions import check_condition
from controller.recipe.model import RecipeConfig
from drivers import registry

KEYS = ("site", "vessel_class", "recipe", "scenario")
"""The key that says what a file is; the first that is there counts."""


def check_files(paths: Sequence[Path], data: Path = Path("data")) -> tuple[Problem, ...]:
    """Everything that is wrong in the files, in the vessel classes they name, and in the calibrations that are stored
    for a site in ``data``.
    """
    checker = _FileChecker(data)
    documents = [document for path in paths if (document := checker.read(path)) is not None]
    for key in KEYS:  # classes before the recipes that are written against them
        for document in documents:
            if kind_of(document) == key:
                checker.check(key, document)
    checker.check_operations()
    checker.check_names()
    return in_order(checker.problems)


def kind_of(document: Document) -> str:
    """Which of :data:`KEYS` the file has first; empty when it has none."""
    return next((name for name in document.names(()) if name in KEYS), "")


class _FileChecker:
    def __init__(self, data: Path) -> None:
        self.data = data
        self.problems: list[Problem] = []
        self.classes: dict[str, VesselClassConfig] = {}
        self.files: dict[str, Path] = {}
        self.recipes: list[RecipeConfig] = []
        self.named: dict[str, Document] = {}
        self.again: list[tuple[Document, Document]] = []
        self.seen: set[Path] = set()

    def read(self, path: Path) -> Document | None:
        """The document, if it can be read and says what it is."""
        try:
            document = read_document(path)
        except Problems as problems:
            self.problems += problems.problems
            return None
        if not kind_of(document):
            names = document.names(())
            hint = nearest(names[0], KEYS) if names else ""
            message = "neither a site, a vessel class, a recipe nor a scenario: none of the keys "
            message += f"{', '.join(KEYS)} is there"
            self.problems += [*document.problems, document.problem((), message, hint)]
            return None
        return document

    def check(self, key: str, document: Document) -> None:
        """Check one document of a known kind."""
        path = Path(document.file)
        try:
            if key == "site":
                names = registry.names()
                site = load_site(path, conditions=check_condition, drivers=names, simulation=check_simulation)
                self.classes |= {one.vessel_class: one for one in site.classes.values()}
                for vessel, one in site.classes.items():
                    self.files[one.vessel_class] = Path(normpath(path.parent / site.config.vessels[vessel].class_))
                self.problems += calibration_problems(site, self.data)
                self.problems += wiring_problems(path, site)
            elif key == "vessel_class":
                self.load_class(path)
            elif key == "scenario":
                load_scenario(document)
            else:
                self.name(document)
                self.recipes.append(load_recipe(document, self.class_of(document)).config)
        except Problems as problems:
            self.problems += problems.problems

    def load_class(self, path: Path) -> VesselClassConfig:
        """The class of a file. Raises :class:`Problems`."""
        self.seen.add(path.resolve())
        config = load_class(path, conditions=check_condition).config
        self.classes[config.vessel_class] = config
        self.files[config.vessel_class] = path
        return config

    def name(self, document: Document) -> None:
        """Keep the name of a recipe, and whether another file has it."""
        first = self.named.setdefault(str(document.at(("recipe",))), document)
        if Path(first.file).resolve() != Path(document.file).resolve():
            self.again.append((document, first))

    def check_names(self) -> None:
        """Two recipes of one name: a site takes the first that it finds, and leaves the other out."""
        for document, first in self.again:
            message = f"the recipe {document.at(('recipe',))!r} is in {first.file} too: only one of them is used"
            self.problems.append(document.problem(("recipe",), message, "a recipe of your own needs a name of its own"))

    def check_operations(self) -> None:
        """What no class and no recipe knows alone: whether the classes name the recipes' operations as they are."""
        for name, vessel_class in self.classes.items():
            misspelt = misspelt_operations(vessel_class, self.recipes)
            if misspelt:
                document = read_document(self.files[name])
                self.problems += [document.problem(one.path, one.message, one.hint) for one in misspelt]

    def class_of(self, document: Document) -> VesselClassConfig | None:
        """The class a recipe is written against; a problem when it is nowhere."""
        name = wanted_class(document)
        if not name or name in self.classes:
            return self.classes.get(name)
        path = find_class_file(Path(document.file), name)
        if path is None:
            message = f"the vessel class {name!r} is not among the checked files, nor in ../classes beside the recipe"
            self.problems.append(
                document.problem(("vessel_class",), message, "check the recipe together with its class")
            )
            return None
        if path.resolve() in self.seen:
            return None  # its own problems are known already
        try:
            return self.load_class(path)
        except Problems as problems:
            self.problems += problems.problems
            return None
