"""What is said of a donor's batch when it is over: its loops, what is in the vessel, and whether a patient may have it.

Everything is taken in the scan in which the batch ends: what happens to the vessel later must not count.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from controller.commands import Json
from controller.stages.health_figures import figures
from simulators.biology.verdicts import Outcome, purity, verdict

if TYPE_CHECKING:
    from controller.composition.rehearsal.books import Course
    from controller.model.site import Site
    from controller.stages.health import Health
    from simulators.fleet import Fleet

HOUR_S = 3600.0
BACTERIA = "bacteria"
"""The quantity of which any is beyond what the model of a culture knows."""


def loop_figures(site: Site, health: Health, vessel: str) -> dict[str, Json]:
    """The figures of each judged loop of a vessel over its batch so far."""
    told: dict[str, Json] = {}
    for row in health.picture.rows[vessel].tolist():
        loop, parts = site.loops.rows[row], health.picture.operations(vessel, row)
        if health.judged_by[row].judged and parts:
            told[loop.name] = {**figures(np.sum([*parts.values()], axis=0)), "unit": loop.unit}
    return told


def contents(fleet: Fleet, column: int) -> dict[str, float]:
    """What is in a vessel now; of one that was harvested: what was in it then."""
    if column in fleet.at_harvest:
        return fleet.at_harvest[column]
    return {name: float(values[column]) for name, values in fleet.truth().items()}


def judge(course: Course, fleet: Fleet, column: int) -> None:
    """Say whether the patient may be given the product: of a batch that is over, or that could not be made.

    There is no verdict where the model knows no patients, where no cells were in the vessel, and on what still runs.
    """
    if not fleet.patients or not course.over or (course.state and column not in fleet.begun):
        return
    judged = verdict(fleet.patients[column], _outcome(course, fleet, column))
    course.judged, course.failures, course.doses = True, list(judged.failures), judged.doses


def _outcome(course: Course, fleet: Fleet, column: int) -> Outcome | None:
    if not course.completed or column not in fleet.at_harvest:
        return None
    end, begun = course.yielded, fleet.begun[column]
    cells = end["vcd"] * end["volume_l"]
    hours = (end["process_s"] - begun.process_s) / HOUR_S
    sterile = all(quantity != BACTERIA for quantity, _ in course.beyond)
    return Outcome(hours, cells, 0.01 * end["viability"], purity(fleet.patients[column], begun.cells, cells), sterile)
