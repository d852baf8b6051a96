"""What ``biovisor rehearse`` does: find the plant, rehearse, store, and tell."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import orjson

from controller.cli.rehearsal_text import summary_text
from controller.composition.paths import fresh
from controller.composition.rehearsal import (
    Rehearsed,
    Setting,
    Shown,
    befalling,
    rehearse,
    store,
    summary,
    unbuilt,
    vessel_of,
)
from controller.composition.scenario import with_signals
from controller.composition.simulated import check_simulation
from controller.config.load import LoadedSite, load_class, load_site
from controller.config.problems import Problem, Problems
from controller.recipe.check import LoadedRecipe, load_recipe, wanted_class
from controller.recipe.conditions import check_condition
from controller.units import parse_quantity

DAY_S = 86_400.0


class Refused(Exception):
    """Why nothing was rehearsed, or stored, in words."""


def rehearse_and_store(
    args: argparse.Namespace, processes: int, show: Callable[[Shown], None] | None
) -> tuple[str, str]:
    """Rehearse as told on the command line; gives what is to be printed, and why it could not be stored if it could
    not. Raises :class:`Refused`.
    """
    if why := unbuilt():
        raise Refused(f"biovisor rehearse: {why}")
    try:
        recipe = load_recipe(args.recipe)
    except Problems as problems:
        raise Refused(str(problems)) from problems
    with _room(args.data / "rehearsals", recipe.config.recipe) as folder:
        return _rehearse(args, recipe, processes, show, folder)


@contextlib.contextmanager
def _room(rehearsals: Path, name: str) -> Iterator[Path]:
    """A new folder for the results, there before the work begins; gone again where nothing was put into it."""
    folder = fresh(rehearsals, name)
    made = [one for one in (folder, *folder.parents) if not one.exists()]
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        raise Refused(_unwritten(folder, error)) from error
    try:
        yield folder
    finally:
        for one in made:
            with contextlib.suppress(OSError):  # what holds results is not empty
                one.rmdir()


def _unwritten(folder: Path, error: OSError) -> str:
    return f"biovisor rehearse: {folder} cannot be written: {error.strerror or error}"


def _rehearse(
    args: argparse.Namespace,
    recipe: LoadedRecipe,
    processes: int,
    show: Callable[[Shown], None] | None,
    folder: Path,
) -> tuple[str, str]:
    try:
        path, site, vessel = _plant(args, recipe)
        recipe = load_recipe(recipe.document, site.classes[vessel])
        befell = befalling(args.scenario, with_signals(site.config.vessels), vessel) if args.scenario else None
        faults = befell.orders if befell else ()
        setting = Setting(
            path, vessel, args.recipe, args.seed, args.period, args.longest * DAY_S,
            formula=_formula(recipe, args.formula), faults=faults,
        )  # fmt: skip
        part = rehearse(setting, args.donors, processes, show)
    except Problems as problems:
        raise Refused(str(problems)) from problems
    except (LookupError, ValueError, RuntimeError) as error:
        raise Refused(f"biovisor rehearse: {error.args[0] if error.args else error}") from error
    told = summary(Rehearsed(setting, site, recipe, args.donors, befell), part)
    shown = orjson.dumps(told, option=orjson.OPT_INDENT_2).decode() + "\n" if args.json else summary_text(told)
    try:
        *_, report = store(folder, told, part)
    except OSError as error:
        return shown, f"{_unwritten(folder, error)}\n"
    return shown if args.json else f"{shown}\nReport: {report}\n", ""


def _plant(args: argparse.Namespace, recipe: LoadedRecipe) -> tuple[Path, LoadedSite, str]:
    """The site and its vessel on whose like the recipe is rehearsed. Raises ``LookupError``, :class:`Problems`."""
    wanted = args.vessel_class or wanted_class(recipe.document)
    if Path(wanted).is_file():
        wanted = load_class(Path(wanted)).config.vessel_class
    culture = recipe.config.culture
    if args.site is not None:
        site = load_site(args.site, conditions=check_condition, simulation=check_simulation)
        return args.site, site, _chosen(args.vessel, site, wanted, culture)
    folder, wrong = args.recipe.resolve().parent.parent / "sites", list[Problem]()
    for path in sorted(folder.glob("*.yaml")):
        try:
            site = load_site(path, conditions=check_condition, simulation=check_simulation)
        except Problems as problems:
            wrong += problems.problems
            continue
        with contextlib.suppress(LookupError):
            return path, site, _chosen(args.vessel, site, wanted, culture)
    if wrong:
        raise Problems(wrong)
    vessel = f"{args.vessel} of the class {wanted}" if args.vessel else f"of the class {wanted}"
    simulated = f" simulated with {culture}, for which the recipe is written" if culture and not args.vessel else ""
    raise LookupError(f"no site in {folder} has a vessel {vessel}{simulated}; name one with --site and --vessel")


def _formula(recipe: LoadedRecipe, given: Sequence[str]) -> dict[str, float]:
    """Values for the formula in the recipe's units. Raises ``LookupError`` and ``ValueError``."""
    known, values = recipe.config.formula, dict[str, float]()
    for text in given:
        name, found, value = text.partition("=")
        if not found or name not in known:
            raise LookupError(f"--formula {text}: write NAME=VALUE with one of {', '.join(known)}")
        unit = known[name].value.unit
        values[name] = parse_quantity(value, unit).to(unit)
    return values


def _chosen(vessel: str | None, site: LoadedSite, wanted: str, culture: str | None) -> str:
    """The vessel named or, if none is, the first of the class with the recipe's culture. Raises ``LookupError``."""
    if vessel is None:
        return vessel_of(site, wanted, culture)
    if vessel not in site.config.vessels:
        raise LookupError(f"the site {site.config.site} has no vessel {vessel}; it has {', '.join(site.classes)}")
    if (kind := site.classes[vessel].vessel_class) != wanted:
        raise LookupError(f"{vessel} is a {kind}, not a {wanted}")
    return vessel
