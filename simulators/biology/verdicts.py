"""Whether a patient's product may be given: what counts as a failure of manufacturing, as data with its sources.

:func:`verdict` judges one patient from what was collected and what was harvested; it is all that a campaign, a
rehearsal or a notebook needs. Three things make a manufacture fail: there are too few cells to begin with, the product
is not what the limits of release ask for, or it comes too late.

>>> from simulators.biology.donors import patient
>>> verdict(patient(1, 0), Outcome(hours=120.0, cells=5.2, viability=0.91)).passed
True
>>> verdict(patient(1, 0), None).failures
('lost',)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from simulators.biology.donors import Patient
from simulators.parameters import Limit, check, usual

COHORT = "a national cohort of 134 patients given tisagenlecleucel (doi 10.1038/s41408-024-01038-2)"
LABEL = "tisagenlecleucel for lymphoma, 0.6e8 .. 6e8 viable CAR+ T cells"
ACADEMIC = "limits of release of an academic product, ARI-0001 (PMC6319086)"
PUBLISHED_RATES: Mapping[str, float] = {COHORT: 0.037, "a series of 32 patients": 0.094}
"""Shares of manufactures that failed."""
RATE_LOW, RATE_HIGH = 0.03, 0.10
"""Between these lies the share that a believable campaign fails in: the published ones, with room for chance."""
SELECTED = 0.9
"""Share of the other cells that selection and activation take away before the culture begins (chosen)."""


class Release(NamedTuple):
    """What is asked for; units and sources in :data:`LIMITS`."""

    cd3: float
    dose: float
    recovery: float
    viability: float
    purity: float
    transduced: float
    hours: float


LIMITS: Mapping[str, Limit] = {
    "cd3": Limit(0.6, 0.1, 5.0, "10*9", "published: least collection that a manufacture is begun with", "apheresis"),
    "dose": Limit(0.06, 0.005, 0.6, "10*9", f"published: {LABEL}", "from 0.5e6 per kg of a child to the label's most"),
    "recovery": Limit(0.7, 0.3, 1.0, "1", "chosen: washing, filling and samples keep this share", "a share"),
    "viability": Limit(0.70, 0.5, 0.95, "1", f"published: {ACADEMIC}", "a share; commercial products ask for 0.80"),
    "purity": Limit(0.70, 0.5, 0.99, "1", f"published: {ACADEMIC}", "a share of CD3+ cells"),
    "transduced": Limit(
        0.05, 0.01, 0.5, "1", f"chosen: the 0.20 of {ACADEMIC} is above the median of {COHORT}", "a share of CAR+ cells"
    ),
    "hours": Limit(288.0, 120.0, 336.0, "h", "chosen: twelve days of culture", "what recipes prove and allow"),
}
RELEASE = Release(**usual(LIMITS))


class Outcome(NamedTuple):
    """What a culture has come to at harvest: `hours` since its inoculation, viable `cells` in 1e9, `viability` and
    `purity` (of CD3+ cells among the viable) as shares of 1; without a measured purity see :func:`purity`. `sterile` is
    whether no bacteria were ever in it.
    """

    hours: float
    cells: float
    viability: float
    purity: float | None = None
    sterile: bool = True


class Verdict(NamedTuple):
    """A judgement: `failures` names everything that is not as asked for, `doses` is how many least doses there are."""

    failures: tuple[str, ...]
    doses: float

    @property
    def passed(self) -> bool:
        """Whether the product may be given."""
        return not self.failures


FAILURES: Mapping[str, str] = {
    "collection": "fewer CD3+ cells were collected than a manufacture is begun with",
    "lost": "nothing was harvested",
    "dose": "fewer viable CAR+ cells than the least dose",
    "viability": "too many of the harvested cells are dead",
    "purity": "too few of the harvested cells are CD3+",
    "transduced": "too few of the harvested cells are CAR+",
    "late": "harvested later than allowed",
    "contaminated": "there were bacteria in the culture",
}
"""What the words of a verdict mean."""


def purity(patient: Patient, begun: float, cells: float) -> float:
    """Share of CD3+ cells at harvest when `begun` became `cells` (1e9, viable) and what selection left of the others
    neither grew nor died.
    """
    others = begun * (1.0 - patient.purity) / patient.purity * (1.0 - SELECTED)
    return cells / (cells + others)


def verdict(patient: Patient, outcome: Outcome | None, release: Release = RELEASE) -> Verdict:
    """Judge one patient's product; `outcome` is None where nothing was harvested.

    A collection that is too small is a failure whatever became of it. Raises ValueError for limits out of range.
    """
    check(release, LIMITS)
    failures = ("collection",) if patient.cd3 < release.cd3 else ()
    if outcome is None:
        return Verdict(failures or ("lost",), 0.0)
    doses = outcome.cells * patient.transduced * release.recovery / release.dose
    wrong = {
        "dose": doses < 1.0,
        "viability": outcome.viability < release.viability,
        "purity": outcome.purity is not None and outcome.purity < release.purity,
        "transduced": patient.transduced < release.transduced,
        "late": outcome.hours > release.hours,
        "contaminated": not outcome.sterile,
    }
    return Verdict((*failures, *(name for name, is_so in wrong.items() if is_so)), doses)
