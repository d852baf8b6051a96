"""The result of a rehearsal as one JSON document, and the files it is stored in. Nothing in them tells when or how fast
it was made: the same command gives the same bytes.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import orjson

from controller.commands import Json
from controller.composition.rehearsal import figures
from controller.composition.rehearsal.report.build import report_html

if TYPE_CHECKING:
    from controller.composition.rehearsal.part import Part
    from controller.composition.rehearsal.rehearsal import Setting
    from controller.config.load import LoadedSite
    from controller.recipe.check import LoadedRecipe

DAY_S = 86_400.0
PRETTY = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
REPRESENTATIVE = "tc_m"
NOTES: Mapping[str, str] = {
    "tc_m": "The T-cell model is representative: its structure is published, its parameters are chosen within "
    "published orders of magnitude. Patients are drawn from published distributions.",
}
USUAL = "Every vessel holds the usual cells of the model; vessels differ, cells do not."
COARSE = (
    "The scan was coarser than on hardware: times in band differ by less than 2 % from those at 1 s, "
    "and mean errors hold more of the probes' noise (docs/explanation/rehearsal.md)."
)


class Rehearsed(NamedTuple):
    """What was rehearsed: files as they were loaded, and how many donors."""

    setting: Setting
    site: LoadedSite
    recipe: LoadedRecipe
    donors: int


def summary(about: Rehearsed, part: Part) -> dict[str, Json]:
    """Everything but the donors' table and the forecast."""
    setting, courses = about.setting, part.courses
    ends = [course.yielded for course in courses]
    completed = [course for course in courses if course.state == "Complete"]
    refused: list[Json] = [{"donor": donor, "why": why} for donor, why in part.refused]
    return {
        **_about(about),
        "outcome": figures.outcomes(courses),
        "duration_d": figures.distribution([course.ended_s / DAY_S for course in completed]),
        "yield": {
            "viable_cells_1e9": figures.distribution([end["vcd"] * end["volume_l"] for end in ends]),
            "viable_density_1e6_per_ml": figures.distribution([end["vcd"] for end in ends]),
            "viability_percent": figures.distribution([end["viability"] for end in ends]),
            "doses": figures.distribution([course.doses for course in courses]),
        },
        "target": {"condition": about.recipe.config.target, "by_day": figures.reached(courses)},
        "alarms": figures.alarms(courses),
        "consumption": figures.consumption(part),
        "loops": figures.loops(courses),
        "deviations_per_batch": figures.distribution([float(course.deviations) for course in courses]),
        "beyond_model": figures.beyond(courses),
        "hands_refused": refused,
        "scan_period_s": setting.period_s,
        "scan_note": "" if setting.period_s <= about.site.config.scan_period.to("s") else COARSE,
    }


def _about(about: Rehearsed) -> dict[str, Json]:
    setting, recipe, kind = about.setting, about.recipe, about.site.classes[about.setting.vessel]
    model = str(about.site.config.vessels[setting.vessel].simulation.get("model", REPRESENTATIVE))
    files: dict[str, Json] = {Path(name).name: sha256 for name, sha256 in sorted(about.site.files.items())}
    return {
        "recipe": recipe.config.recipe,
        "recipe_title": recipe.config.title,
        "recipe_version": recipe.config.version,
        "class": kind.vessel_class,
        "class_version": kind.version,
        "site": about.site.config.site,
        "vessel": setting.vessel,
        "model": model,
        "model_note": NOTES.get(model, USUAL),
        "donors": about.donors,
        "seed": setting.seed,
        "files_sha256": {**files, Path(recipe.document.file).name: recipe.sha256},
    }


def donors_csv(part: Part) -> str:
    """The table of donors."""
    head, rows = figures.donors(part)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(head)
    writer.writerows([["" if cell is None else cell for cell in row] for row in rows])
    return text.getvalue()


def store(folder: Path, told: Mapping[str, Json], part: Part) -> list[Path]:
    """Write ``summary.json``, ``donors.csv``, ``forecast.json`` and ``report.html``, each whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    forecast, table = figures.forecast(part), figures.donors(part)
    contents = {
        "summary.json": orjson.dumps(told, option=PRETTY),
        "donors.csv": donors_csv(part).encode(),
        "forecast.json": orjson.dumps(forecast, option=orjson.OPT_APPEND_NEWLINE),
        "report.html": report_html(told, forecast, table).encode(),
    }
    for name, content in contents.items():
        partial = folder / f".{name}.partial"
        partial.write_bytes(content)
        partial.replace(folder / name)
    return [folder / name for name in contents]
