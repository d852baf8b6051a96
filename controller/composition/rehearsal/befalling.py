"""A scenario as it befalls every donor's vessel: the faults of the site's vessel that is copied, in process time."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from controller.composition.process_faults import Order, in_plant, order_of
from controller.composition.scenario import Vessels, load_scenario
from controller.config.problems import Problem, Problems
from controller.config.source import Document, Tree, read_document


class Befalling(NamedTuple):
    """What goes wrong with every vessel of a rehearsal, by its file. ``others`` is how many faults are left out because
    they are of other vessels of the site.
    """

    title: str
    file: str
    sha256: str
    orders: tuple[Order, ...]
    others: int


def befalling(path: Path, vessels: Vessels, vessel: str) -> Befalling:
    """Read a scenario file for ``vessel`` of a site that has ``vessels``. Times count from the batch's begin.

    Raises :class:`Problems` for everything that is wrong in it, for faults of wires, of which a rehearsal has none,
    and where none of its faults is of that vessel.
    """
    document = read_document(path)
    scenario = load_scenario(document, vessels, vessel)
    others, wrong = 0, list[Problem]()
    for place, entry in enumerate(_entries(document)):
        if entry.get("vessel", vessel) != vessel:
            others += 1
        elif not in_plant(str(entry["fault"])):
            message = f"{entry['fault']} befalls wires only, and a rehearsal has none"
            wrong.append(document.problem(("faults", place, "fault"), message, "try it with `biovisor run --simulate`"))
    own = [order_of(asked) for asked in scenario.requests if asked["vessel"] == vessel]
    if not own:
        wrong.append(document.problem(("faults",), f"no fault is of {vessel}, the vessel that is rehearsed"))
    if wrong:
        raise Problems(wrong)
    return Befalling(scenario.title, document.file, document.sha256, tuple(own), others)


def _entries(document: Document) -> list[dict[str, Tree]]:
    """The faults as they stand in a file that is right."""
    faults = document.at(("faults",))
    return [entry for entry in faults if isinstance(entry, dict)] if isinstance(faults, list) else []
