"""What ``biovisor rehearse`` does: find the plant, rehearse, store, and tell."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import cast

import orjson

from controller.cli.shared import table
from controller.commands import Json
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
from controller.composition.simulated import check_simulation
from controller.config.load import LoadedSite, load_class, load_site
from controller.config.problems import Problem, Problems
from controller.recipe.check import LoadedRecipe, load_recipe, wanted_class
from controller.recipe.conditions import check_condition
from controller.units import parse_quantity

DAY_S = 86_400.0
SHORTEST = 6
"""Rows that are shown of a long table."""

Row = Mapping[str, Json]


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
        befell = befalling(args.scenario, site.config.vessels, vessel) if args.scenario else None
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
    shown = orjson.dumps(told, option=orjson.OPT_INDENT_2).decode() + "\n" if args.json else _text(told)
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
    if args.site is not None:
        site = load_site(args.site, conditions=check_condition, simulation=check_simulation)
        return args.site, site, _chosen(args, site, wanted)
    folder, wrong = args.recipe.resolve().parent.parent / "sites", list[Problem]()
    for path in sorted(folder.glob("*.yaml")):
        try:
            site = load_site(path, conditions=check_condition, simulation=check_simulation)
        except Problems as problems:
            wrong += problems.problems
            continue
        if wanted in {kind.vessel_class for kind in site.classes.values()} and args.vessel in {None, *site.classes}:
            return path, site, _chosen(args, site, wanted)
    if wrong:
        raise Problems(wrong)
    vessel = f"{args.vessel} of the class {wanted}" if args.vessel else f"of the class {wanted}"
    raise LookupError(f"no site in {folder} has a vessel {vessel}; name one with --site")


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


def _chosen(args: argparse.Namespace, site: LoadedSite, wanted: str) -> str:
    if args.vessel is None:
        return vessel_of(site, wanted)
    if args.vessel not in site.config.vessels:
        raise LookupError(f"the site {site.config.site} has no vessel {args.vessel}; it has {', '.join(site.classes)}")
    if (kind := site.classes[args.vessel].vessel_class) != wanted:
        raise LookupError(f"{args.vessel} is a {kind}, not a {wanted}")
    return str(args.vessel)


def _text(told: Row) -> str:
    outcome, target = _row(told["outcome"]), _row(told["target"])
    lines = [
        f"{told['recipe_title']} ({told['recipe']} {told['recipe_version']}) on {told['class']}, plant of "
        f"{told['site']} {told['vessel']} (model {told['model']})",
        f"Virtual donors {told['donors']}, seed {told['seed']}, scan period {told['scan_period_s']:g} s",
        *([_scenario(told)] if told["scenario"] else []),
        f"Ended: {_counts(outcome['states'])}",
        *(f"  {count} not completed: {why}" for why, count in _row(outcome["not_completed"]).items()),
        *(f"  {operation} ended: {_counts(counts)}" for operation, counts in _row(told["endings"]).items()),
        *([] if outcome["failed"] is None else [_failed(outcome)]),
        *(f"  {name}: {meaning}" for name, meaning in _row(outcome["failures_mean"]).items()),
        f"Duration of completed batches, d: {_spread(told['duration_d'])}",
        f"Viable cells of completed batches, 10*9: {_spread(_row(told['yield'])['viable_cells_1e9'])}",
        *([f"Target {target['condition']} {_by_day(target['by_day'])}"] if target["condition"] else []),
    ]
    parts = ["\n".join(lines) + "\n", _alarms(told["alarms"]), _loops(told["loops"]), _consumption(told["consumption"])]
    if told["beyond_model"]:
        beyond = _counts(told["beyond_model"])
        parts.append(f"Seen beyond what the model is valid for, looked at every ten minutes, batches: {beyond}\n")
    return "\n".join([*parts, f"{told['scan_note']}\n"] if told["scan_note"] else parts)


def _scenario(told: Row) -> str:
    others = f"; faults of other vessels, left out: {told['faults_of_others']}" if told["faults_of_others"] else ""
    return f"Scenario: {told['scenario']} ({'; '.join(map(str, cast('list[Json]', told['faults'])))}){others}"


def _failed(outcome: Row) -> str:
    share = 100.0 * float(cast("float", outcome["failed_share"]))
    of = f"{outcome['failed']} of {outcome['judged']} with a verdict"
    return f"Products that fail: {of} ({share:.1f} %): {_counts(outcome['failures'])}"


def _alarms(rows: Json) -> str:
    listed = [_row(row) for row in cast("list[Json]", rows)]
    if not listed:
        return "No alarms came.\n"
    body = [
        [str(row["title"]), f"{100 * _number(row['batches_share']):.0f} %", f"{_number(row['per_batch']):.2f}"]
        for row in listed[:SHORTEST]
    ]
    return table([["Alarms to expect", "in batches", "per batch"], *body])


def _loops(rows: Json) -> str:
    body = [
        [name, _spread(_row(one)["in_band"]), f"{_spread(_row(one)['mean_absolute_error'])} {_row(one)['unit']}"]
        for name, one in _row(rows).items()
    ]
    return table([["Loop", "time in band, %", "mean error"], *body])


def _consumption(rows: Json) -> str:
    body = [[str(_row(one)["title"]), f"{_spread(one)} {_row(one)['unit']}"] for one in _row(rows).values()]
    return table([["Consumption", "per batch"], *body])


def _by_day(rows: Json) -> str:
    days = [_row(row) for row in cast("list[Json]", rows)]
    told = ", ".join(f"{day['day']}: {100 * _number(day['probability']):.0f} %" for day in days)
    return f"reached by day {told}"


def _spread(value: Json) -> str:
    one = _row(value)
    if not one["n"]:
        return "none"
    return f"{_number(one['p50']):.4g} ({_number(one['p5']):.4g} .. {_number(one['p95']):.4g})"


def _counts(value: Json) -> str:
    return ", ".join(f"{name.removesuffix('.')} {count}" for name, count in _row(value).items()) or "none"


def _row(value: Json) -> Row:
    return cast("Row", value)


def _number(value: Json) -> float:
    return float(cast("float", value))
