"""Donors and patients: a population to draw from, each member by itself.

What is collected and transduced follows a national cohort of 134 patients (published); how the cells then grow is
chosen. Every member has a generator of its own, made of the population's seed and the member's number, so that a draw
depends neither on how many are drawn nor on their order. Lognormal: median and standard deviation of the logarithm.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np

from simulators.biology.tc_m import DONOR, Donor
from simulators.numeric import Array, exp, gathered, log, sqrt

CD3, CD3_SPREAD = 2.6, 0.91
"""CD3+ cells collected, 1e9: lognormal (published median; spread from the quartiles 1.2 and 4.1)."""
NUCLEATED, NUCLEATED_SPREAD = 5.6, 0.74
"""Nucleated cells collected, 1e9: lognormal (published median; spread from the quartiles 3.1 and 8.4)."""
TOGETHER = 0.9
"""Correlation of the two logarithms; it gives the CD3 purity a mean of 0.48 and a deviation of 0.18 (chosen)."""
TRANSDUCED, TRANSDUCED_SPREAD = 0.174, 0.49
"""Share transduced: lognormal (published median; spread from the quartiles 0.12 and 0.231)."""
BLASTS_GOOD, BLASTS_BAD, BLASTS_SPREAD = 0.046, 0.176, 0.6
"""Circulating blasts of good and of bad donors (published medians); each half of all, and their spread (chosen)."""
MOST_BLASTS = 0.9
MUMAX_SPREAD, MUMAX_LOW, MUMAX_HIGH, MUMAX_BLASTS = 0.18, 0.022, 0.055, -0.4
"""Growth: lognormal about the usual donor, truncated (1/h); correlation with the logarithm of the blasts (chosen)."""
TLAG_SPREAD, TLAG_LOW, TACT_SPREAD, TACT_LOW = 6.0, 12.0, 36.0, 120.0
"""Lag and exhaustion: normal about the usual donor, truncated below, h (chosen)."""
LOST, LOST_SPREAD, LEAST_VIABLE = 0.08, 0.6, 0.60
"""Cells dead after thawing: lognormal, and the viability that is the least (chosen)."""
METABOLIC_SPREAD, MOST_LACTATE = 0.15, 2.0
"""Glucose uptake and lactate from it: lognormal about the usual donor (chosen); mol/mol at most."""


class Patient(NamedTuple):
    """Who cells come from. Counts in 1e9 cells; `blasts`, `transduced` and `viability` after thawing are shares."""

    cd3: float
    nucleated: float
    blasts: float
    transduced: float
    viability: float
    donor: Donor[float]

    @property
    def purity(self) -> float:
        """Share of CD3+ cells in what was collected."""
        return self.cd3 / self.nucleated


def patient(seed: int, number: int) -> Patient:
    """Member `number` (from 0) of the population that `seed` stands for."""
    normal = np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=(number,)))).standard_normal
    nucleated, cd3 = _collected(normal)
    blasts, standard = _blasts(normal)
    transduced = _within(lambda: TRANSDUCED * exp(TRANSDUCED_SPREAD * normal()), 0.0, 1.0)
    lost = LOST * exp(LOST_SPREAD * normal())
    return Patient(cd3, nucleated, blasts, transduced, max(1.0 - lost, LEAST_VIABLE), _donor(normal, standard))


def patients(seed: int, count: int) -> list[Patient]:
    """The first `count` members of the population."""
    return [patient(seed, number) for number in range(count)]


def together(donors: Iterable[Donor[float]]) -> Donor[Array]:
    """The parameters of many donors, an array each."""
    return Donor._make(gathered(list(donors)))


Normal = Callable[[], float]


def _within(draw: Callable[[], float], low: float, high: float) -> float:
    """Drawn again until within the limits."""
    while not low <= (value := draw()) <= high:
        pass
    return value


def _collected(normal: Normal) -> tuple[float, float]:
    """Nucleated and CD3+ cells, of which there are not more; both are drawn again where there would be."""
    while True:
        size, purity = normal(), normal()
        nucleated = NUCLEATED * exp(NUCLEATED_SPREAD * size)
        cd3 = CD3 * exp(CD3_SPREAD * (TOGETHER * size + sqrt(1.0 - TOGETHER * TOGETHER) * purity))
        if cd3 <= nucleated:
            return nucleated, cd3


def _blasts(normal: Normal) -> tuple[float, float]:
    """Share of blasts, and the logarithm of it less its mean over its standard deviation."""
    median = BLASTS_GOOD if normal() < 0.0 else BLASTS_BAD
    blasts = _within(lambda: median * exp(BLASTS_SPREAD * normal()), 0.0, MOST_BLASTS)
    apart = 0.5 * log(BLASTS_BAD / BLASTS_GOOD)
    middle = 0.5 * (log(BLASTS_BAD) + log(BLASTS_GOOD))
    return blasts, (log(blasts) - middle) / sqrt(BLASTS_SPREAD * BLASTS_SPREAD + apart * apart)


def _donor(normal: Normal, blasts: float) -> Donor[float]:
    """How the cells grow, for blasts in standard deviations from the mean."""
    own = sqrt(1.0 - MUMAX_BLASTS * MUMAX_BLASTS)

    def scattered(usual: float, spread: float) -> float:
        return usual * exp(spread * normal())

    return DONOR._replace(
        mumax=_within(
            lambda: DONOR.mumax * exp(MUMAX_SPREAD * (MUMAX_BLASTS * blasts + own * normal())), MUMAX_LOW, MUMAX_HIGH
        ),
        tlag=_within(lambda: DONOR.tlag + TLAG_SPREAD * normal(), TLAG_LOW, np.inf),
        tact=_within(lambda: DONOR.tact + TACT_SPREAD * normal(), TACT_LOW, np.inf),
        q_glucose=scattered(DONOR.q_glucose, METABOLIC_SPREAD),
        y_lactate=_within(lambda: scattered(DONOR.y_lactate, METABOLIC_SPREAD), 0.0, MOST_LACTATE),
    )
