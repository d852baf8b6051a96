"""The result of a rehearsal as one JSON document, and the files it is stored in. Nothing in them tells when or how fast
it was made: the same command gives the same bytes.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import orjson

from controller.commands import Json
from controller.composition.rehearsal import figures
from controller.composition.rehearsal.clones import model_of
from controller.composition.rehearsal.report.build import report_html
from controller.composition.rehearsal.yields import yields_of

if TYPE_CHECKING:
    from controller.composition.rehearsal.befalling import Befalling
    from controller.composition.rehearsal.part import Part
    from controller.composition.rehearsal.rehearsal import Setting
    from controller.config.load import LoadedSite
    from controller.recipe.check import LoadedRecipe

DAY_S = 86_400.0
PRETTY = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
NOTES: Mapping[str, str] = {
    "tc_m": "The T-cell model is representative: its structure is published, its parameters are chosen within "
    "published orders of magnitude. Patients are drawn from published distributions.",
}
USUAL = "Every vessel holds the usual cells of the model; vessels differ, cells do not."
MEASURED: Mapping[tuple[str, str], float] = {("car-t-expansion", "stirred-tank-2l"): 20.0}
"""The longest scan period, s, at which the loops of a recipe on a class were compared with those at 1 s."""
WITHIN = "With this recipe and class, times in band are within 2 % of those at 1 s (docs/explanation/rehearsal.md)."
UNKNOWN = "What that changes was not measured for this recipe and class: compare a few donors with --period 1."
COARSE = "Mean errors hold more of the probes' noise, and what is short is timed no finer."


class Rehearsed(NamedTuple):
    """What was rehearsed: files as they were loaded, how many donors, and what went wrong on purpose."""

    setting: Setting
    site: LoadedSite
    recipe: LoadedRecipe
    donors: int
    befell: Befalling | None = None


def summary(about: Rehearsed, part: Part) -> dict[str, Json]:
    """Everything but the donors' table and the forecast."""
    setting, courses = about.setting, part.courses
    completed = [course for course in courses if course.completed]
    refused: list[Json] = [{"donor": donor, "why": why} for donor, why in part.refused]
    return {
        **_about(about),
        "outcome": figures.outcomes(courses),
        "endings": figures.endings(courses, _words(about.recipe)),
        "duration_d": figures.distribution([course.ended_s / DAY_S for course in completed]),
        "yield": figures.yielded(courses, yields_of(_model(about))),
        "target": {"condition": _target(about), "by_day": figures.reached(courses)},
        "alarms": figures.alarms(courses),
        "consumption": figures.consumption(part),
        "loops": figures.loops(courses, _sides(about)),
        "forecast_at": figures.glimpses(part),
        "deviations_per_batch": figures.distribution([float(course.deviations) for course in courses]),
        "beyond_model": figures.beyond(courses),
        "hands_refused": refused,
        "scan_period_s": setting.period_s,
        "scan_note": _scan_note(about),
    }


def _about(about: Rehearsed) -> dict[str, Json]:
    setting, recipe, kind = about.setting, about.recipe, about.site.classes[about.setting.vessel]
    model = _model(about)
    files: dict[str, Json] = {_short(name): sha256 for name, sha256 in sorted(about.site.files.items())}
    return {
        "recipe": recipe.config.recipe,
        "recipe_title": recipe.config.title,
        "recipe_version": recipe.config.version,
        "class": kind.vessel_class,
        "class_version": kind.version,
        "site": about.site.config.site,
        "vessel": setting.vessel,
        "model": model,
        "model_note": _note(model, recipe.config.culture),
        "donors": about.donors,
        "seed": setting.seed,
        "formula": {**setting.formula},
        **_scenario(about.befell),
        "files_sha256": {
            **files,
            _short(recipe.document.file): recipe.sha256,
            **({_short(about.befell.file): about.befell.sha256} if about.befell else {}),
        },
    }


def _model(about: Rehearsed) -> str:
    return model_of(about.site, about.setting.vessel)


def _note(model: str, wanted: str | None) -> str:
    """What to know of the culture: of its model, and that the recipe is written for another if it is."""
    other = f"The recipe is written for {wanted}, the vessel holds {model}. " if wanted not in {None, model} else ""
    return other + NOTES.get(model, USUAL)


def _scenario(befell: Befalling | None) -> dict[str, Json]:
    """The scenario's title, "" for none, the faults that each vessel had, and how many others had none of."""
    if befell is None:
        return {"scenario": "", "faults": [], "faults_of_others": 0}
    return {
        "scenario": befell.title,
        "faults": [f"{order.text}, from {order.start_s:g} s" for order in befell.orders],
        "faults_of_others": befell.others,
    }


def _sides(about: Rehearsed) -> dict[str, str]:
    """On which side of its setpoint a loop holds its PV, of those that hold only one."""
    loops = about.site.classes[about.setting.vessel].loops
    return {name: loop.when for name, loop in loops.items() if loop.type == "dose"}


def _words(recipe: LoadedRecipe) -> set[str]:
    """What a recipe says of why an operation ends."""
    transitions = (one for operation in recipe.config.procedure for one in operation.until)
    return {one.because for one in transitions if one.because is not None}


def _target(about: Rehearsed) -> str | None:
    """The target as the recipe has it, and the values of the formula in it."""
    config, given = about.recipe.config, about.setting.formula
    if config.target is None:
        return None
    named = [name for name in config.formula if name in config.target.replace("(", " ").replace(")", " ").split()]
    values = [
        f"{name} = {given.get(name, config.formula[name].value.value):g} {config.formula[name].value.unit}"
        for name in named
    ]
    return f"{config.target} ({', '.join(values)})" if values else config.target


def _short(file: str) -> str:
    """A file by its folder and name, wherever the folder is."""
    return "/".join(Path(file).parts[-2:])


def _scan_note(about: Rehearsed) -> str:
    """What a coarser scan than on hardware means for the figures; "" where it is none."""
    usual, period = about.site.config.scan_period.to("s"), about.setting.period_s
    if period <= usual:
        return ""
    known = MEASURED.get((about.recipe.config.recipe, about.site.classes[about.setting.vessel].vessel_class), 0.0)
    told = WITHIN if period <= known else UNKNOWN
    return f"The scan came every {period:g} s instead of every {usual:g} s. {told} {COARSE}"


def donors_csv(head: Sequence[str], rows: Sequence[Sequence[Json]]) -> str:
    """The table of donors."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(head)
    writer.writerows([["" if cell is None else cell for cell in row] for row in rows])
    return text.getvalue()


def store(folder: Path, told: Mapping[str, Json], part: Part) -> list[Path]:
    """Write ``summary.json``, ``donors.csv``, ``forecast.json`` and ``report.html``, each whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    forecast, table = figures.forecast(part), figures.donors(part, yields_of(str(told["model"])))
    contents = {
        "summary.json": orjson.dumps(told, option=PRETTY),
        "donors.csv": donors_csv(*table).encode(),
        "forecast.json": orjson.dumps(forecast, option=orjson.OPT_APPEND_NEWLINE),
        "report.html": report_html(told, forecast, table).encode(),
    }
    for name, content in contents.items():
        partial = folder / f".{name}.partial"
        try:
            partial.write_bytes(content)
            partial.replace(folder / name)
        except OSError:
            partial.unlink(missing_ok=True)
            raise
    return [folder / name for name in contents]
