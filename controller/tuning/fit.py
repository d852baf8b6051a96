"""Process models from the record of an experiment, by least squares."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from controller.frame import F8
from controller.tuning.held_input import HeldInput
from controller.tuning.kinds import FIRST, OTHERS, Kind
from controller.tuning.process import Process
from controller.tuning.search import Place, Search

SEARCHED, FITTED = 1000, 2500
"""So many samples are enough for the coarse search, and for a fit: longer records are averaged in blocks."""
BOTH_WAYS = 0.25
"""Of the larger swing: less than this on the other side is noise of the output while the loop rested."""
SHORT = 0.2
"""A block is at most this share of the dead time."""
LAGS, DELAYS = 20, 16
LEAST_SAMPLES = 30
SIGNIFICANT = 50.0
"""What a model explains over what it leaves over, per sample left: less could be chance (an F statistic)."""
LONGEST_LAG = 3.0
"""In durations of the experiment: a longer lag cannot be told from an integrator."""


@dataclass(frozen=True, slots=True)
class Fit:
    """A model and how well it follows. ``residual`` is the standard deviation of what it leaves over, in PV units,
    ``explained`` the share of the variance that it explains, ``score`` Akaike's criterion (lower is better, every
    parameter costs). ``doubt`` is the standard error of the dead time in the first-order model of the same record, in
    seconds: how well anything that fast is known at all.
    """

    kind: str
    process: Process
    residual: float
    explained: float
    score: float
    doubt: float


@dataclass(frozen=True, slots=True)
class Samples:
    """A record: ``time`` in seconds, ``pv``, and ``op`` from each time on as deviation from rest, of shape
    ``(samples,)``; ``period`` is the time between scans.
    """

    time: F8
    pv: F8
    op: F8
    period: float

    @property
    def length(self) -> float:
        """How long it lasted."""
        return float(self.time[-1] - self.time[0])

    @property
    def swings(self) -> bool:
        """Whether the output went both ways: after one step alone nobody can tell a load from it."""
        low, high = float(self.op.min()), float(self.op.max())
        return min(-low, high) > BOTH_WAYS * max(-low, high)

    def search(self, kind: Kind, block: int = 1) -> Search:
        """A search in the means of so many samples each."""
        count = len(self.time) // block * block
        at, pv = (of[:count].reshape(-1, block).mean(axis=1) for of in (self.time, self.pv))
        limits = self.period / 10.0, LONGEST_LAG * self.length
        return Search(kind, HeldInput(self.time, self.op), at, pv, *limits, loaded=self.swings)

    def block(self, shortest: float, enough: int) -> int:
        """How many samples to take together: so that ``enough`` remain, but a block stays short beside ``shortest``."""
        most = SHORT * shortest * len(self.time) / max(self.length, self.period)
        return max(1, int(min(len(self.time) / enough, most)))


def fit_models(samples: Samples) -> list[Fit]:
    """Models of all kinds, the best one first. Raises ``ValueError`` for a record from which nothing can be learned."""
    if len(samples.time) < LEAST_SAMPLES or not np.ptp(samples.op) > 0.0:
        raise ValueError("the record is too short, or the output did not move in it")
    found = _coarse(samples)
    block = samples.block(float(found[0]), FITTED)
    search = samples.search(FIRST, block)
    first = search.refine(found)
    delay, lag = np.exp(first.logs).tolist()
    doubt = math.sqrt(float(search.spread(first)[0, 0])) * delay
    fits = [_fit(FIRST, search, first, doubt)]
    for kind in OTHERS:
        search = samples.search(kind, block)
        best = min((search.refine(start) for start in kind.begin(delay, lag)), key=lambda place: place.cost)
        fits.append(_fit(kind, search, best, doubt))
    fits.sort(key=lambda fit: fit.score)
    explained = fits[0].explained
    if explained * search.size[0] < SIGNIFICANT * (1.0 - explained):
        raise ValueError(f"the PV did not answer: the best model explains {100.0 * explained:.1f} % of how it moved")
    return fits


def _coarse(samples: Samples) -> F8:
    """Dead time and lag of the best first-order model on a grid."""
    search = samples.search(FIRST, max(1, len(samples.time) // SEARCHED))
    delays = np.geomspace(samples.period, samples.length / 3.0, DELAYS)
    lags = np.geomspace(samples.period / 2.0, LONGEST_LAG * samples.length, LAGS)
    places = [search.place(np.log(np.array([delay, lag]))) for delay in delays for lag in lags]
    return np.asarray(np.exp(min(places, key=lambda place: place.cost).logs))


def _fit(kind: Kind, search: Search, best: Place, doubt: float) -> Fit:
    count, total = search.size
    tiny = max(total, 1.0) * 1e-24
    return Fit(
        kind.name,
        kind.process(best.gain, np.exp(best.logs)),
        math.sqrt(best.cost / count),
        1.0 - best.cost / total if total > 0.0 else 0.0,
        count * math.log((best.cost + tiny) / count) + 2.0 * kind.parameters,
        doubt,
    )
