"""Loading a site with its vessel classes: everything that is wrong in any of the files, at once."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from controller.config.bind import Bound, bind
from controller.config.calibrated import Calibrated, from_site
from controller.config.checker import ConditionCheck
from controller.config.crosscheck import SiteChecker, check_class
from controller.config.problems import Problem, Problems
from controller.config.simulation_words import SimulationCheck
from controller.config.site import SiteConfig
from controller.config.source import Document, read_document
from controller.config.vessel_class import VesselClassConfig


class LoadedSite(NamedTuple):
    """A site without mistakes. ``classes`` are by vessel; ``files`` give the SHA-256 of every file that was read.
    ``calibrations``, by vessel and name, go before those of the site file.
    """

    config: SiteConfig
    classes: Mapping[str, VesselClassConfig]
    files: Mapping[str, str]
    calibrations: Mapping[tuple[str, str], Calibrated] = MappingProxyType({})

    def calibration(self, vessel: str, name: str) -> Calibrated | None:
        """The calibration in force: the stored one, or else the site file's, or none."""
        in_file = self.config.vessels[vessel].calibration.get(name)
        return self.calibrations.get((vessel, name)) or (from_site(in_file) if in_file else None)


class LoadedClass(NamedTuple):
    """A vessel class without mistakes, and the SHA-256 of its file."""

    config: VesselClassConfig
    file: str
    sha256: str


def load_site(
    path: Path,
    *,
    conditions: ConditionCheck | None = None,
    drivers: Collection[str] | None = None,
    simulation: SimulationCheck | None = None,
) -> LoadedSite:
    """Read a site file and the class files it names. ``conditions`` checks the interlocks' texts, ``drivers`` are the
    names that exist and ``simulation`` judges simulated vessels, when given. Raises :class:`Problems` with everything
    that is wrong in all of the files.
    """
    loader = _Loader(conditions)
    bound = bind(loader.read(path), SiteConfig)
    classes = loader.classes_of(bound, path.parent)
    if bound.model is not None:
        SiteChecker(bound, bound.model, classes).run(drivers, simulation)
    problems = [*bound.problems, *loader.problems]
    if problems or bound.model is None:
        raise Problems(problems)
    return LoadedSite(bound.model, classes, loader.files)


def load_class(path: Path, *, conditions: ConditionCheck | None = None) -> LoadedClass:
    """Read a vessel class file. Raises :class:`Problems` with everything that is wrong in it."""
    document = read_document(path)
    bound = bind(document, VesselClassConfig)
    check_class(bound, conditions)
    return LoadedClass(bound.complete(), document.file, document.sha256)


class _Loader:
    """Reads each file once; collects the problems of the class files."""

    def __init__(self, conditions: ConditionCheck | None) -> None:
        self.conditions = conditions
        self.files: dict[str, str] = {}
        self.problems: list[Problem] = []
        self._classes: dict[Path, VesselClassConfig | None] = {}

    def read(self, path: Path) -> Document:
        """Read a file and remember its hash. Raises :class:`Problems`."""
        document = read_document(path)
        self.files[document.file] = document.sha256
        return document

    def classes_of(self, bound: Bound[SiteConfig], directory: Path) -> dict[str, VesselClassConfig]:
        """The class of each vessel; vessels whose class can't be used are left out."""
        classes: dict[str, VesselClassConfig] = {}
        for name, vessel in (bound.model.vessels if bound.model else {}).items():
            path = Path(os.path.normpath(directory / vessel.class_))
            if not path.is_file():
                bound.problem(
                    ("vessels", name, "class"), f"class: there is no file {path}", "relative to the site file"
                )
                continue
            vessel_class = self._class(path)
            if vessel_class is not None:
                classes[name] = vessel_class
        return classes

    def _class(self, path: Path) -> VesselClassConfig | None:
        key = path.resolve()
        if key not in self._classes:
            try:
                bound = bind(self.read(path), VesselClassConfig)
            except Problems as problems:
                self.problems += problems.problems
                self._classes[key] = None
            else:
                check_class(bound, self.conditions)
                self.problems += bound.problems
                self._classes[key] = bound.model
        return self._classes[key]
