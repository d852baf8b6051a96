"""Gravimetric correction: what a bottle on a balance has lost tells what its pump really gives.

The weight and the mass that the pump should have given pass through the same filter, so that their lags cancel. Over
every window in which enough was given, their ratio corrects the pump's factor by a Kalman filter of one state (Kalman,
J. Basic Eng. 82 (1960) 35): fast while little is known, slowly afterwards. A step of the weight that no pump makes is a
bump or a bottle that is changed: it is no delivery, and nothing is learnt until the balance is at rest again.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from controller.commands import Json
from controller.frame import BAD, F8, Frame
from controller.model.programs import FeedTable
from controller.stages.programs.run import number

FILTER_S = 60.0
"""Time constant of the filter of a weight: pumps pulse, and balances swing."""
LEAST, MOST = 0.8, 1.2
"""A factor outside is not believed: the calibration, not the correction, is to put that right."""
CREDIBLE = 1.6
"""A window whose ratio is beyond this, or its inverse, says that something else happened."""
LARGEST_STEP = 0.05
"""The most by which one window changes the factor."""
WINDOW_BUMPS = 2.0
"""A window closes when so many times ``bump`` should have been given; so much weight is known to a few percent."""
DRY_BUMPS = 1.0
"""So many times ``bump`` should have been given, and less than :data:`DRY_SHARE` of it has gone: nothing flows."""
DRY_SHARE = 0.25
REST_S = 180.0
"""How long a weight must be at rest, at the start and after a step, before it is believed: three times the filter."""
STRANGE = 3
"""Readings in a row that make a step: one alone is garbage."""
FIRST_VARIANCE, WEAR_VARIANCE = 0.1**2, 0.004**2
"""Of the factor before anything was weighed, and what each window adds: tubing wears."""
NOISE = 0.05
"""Standard deviation of a filtered weight, as a share of ``bump``."""


class Weighed(NamedTuple):
    """What a scan learnt of one feed: a ``step`` of the bottle in g, a ``window`` of g lost (and what was expected of
    the pump as it is corrected), or that nothing flows.
    """

    row: int
    step: float = 0.0
    window: float = math.nan
    expected: float = math.nan
    ratio: float = math.nan
    dry: bool = False


class Balances:
    """The balances under the bottles of all feeds; arrays of shape ``(balances,)``. ``factor``, of shape ``(feeds,)``,
    is what a pump gives over what it should give, 1 without a balance; ``variance`` how far that may be wrong, squared;
    ``learnt`` counts the windows. ``weight`` are the filtered weights in g, NaN while not known or not at rest.
    """

    def __init__(self, table: FeedTable) -> None:
        bottles = [(row, feed.bottle) for row, feed in enumerate(table.rows) if feed.bottle and feed.bottle.weight >= 0]
        n = len(bottles)
        self.rows = np.array([row for row, _ in bottles], np.intp)
        self.factor = np.ones(len(table))
        self.variance, self.learnt = np.full(len(table), FIRST_VARIANCE), np.zeros(len(table), np.int64)
        self._tag = np.array([bottle.weight for _, bottle in bottles], np.intp)
        self._scale = np.array([bottle.weight_scale for _, bottle in bottles], np.float64)
        self._density = np.array([bottle.density for _, bottle in bottles], np.float64)
        self._bump = np.array([bottle.bump for _, bottle in bottles], np.float64)
        self._smooth = np.full(n, np.nan)
        self._given, self._given_smooth = np.zeros((2, n))
        self._window, self._window_given, self._dry, self._dry_given = np.full((4, n), np.nan)
        self._strange, self._rest_s, self._before = np.zeros(n), np.zeros(n), np.full(n, np.nan)

    @property
    def weight(self) -> F8:
        """The filtered weights, NaN where not at rest."""
        return np.where(self._rest_s > 0.0, np.nan, self._smooth)

    def step(self, frame: Frame, nominal: F8, dt: float) -> list[Weighed]:
        """Take a scan's weights and the ``nominal`` amounts that the feeds' pumps should have given in ``dt`` s."""
        if not len(self.rows):
            return []
        value = np.where(frame.quality[self._tag] < BAD, frame.value[self._tag] * self._scale, np.nan)
        self._given += nominal[self.rows] * self._density
        good = np.isfinite(value)
        begin = good & np.isnan(self._smooth)
        if begin.any():
            self._begin(begin, value, dt)
        told = self._steps(value, good, dt)
        self._filter(value, good & (self._strange == 0.0), dt)
        resting = good & (self._rest_s <= 0.0)
        given = self._given_smooth - self._window_given
        full = resting & (given >= WINDOW_BUMPS * self._bump)
        idle = resting & (self._given_smooth - self._dry_given >= DRY_BUMPS * self._bump)
        told += [self._is_dry(place) for place in np.flatnonzero(idle).tolist()]
        told += [self._close(place) for place in np.flatnonzero(full).tolist()]
        return [one for one in told if one is not None]

    def _begin(self, places: NDArray[np.bool_], value: F8, dt: float) -> None:
        """Start the filters from what is seen now; it is not believed before it was at rest."""
        np.copyto(self._smooth, value, where=places)
        np.copyto(self._given_smooth, self._given, where=places)
        np.copyto(self._rest_s, REST_S + dt, where=places)

    def _steps(self, value: F8, good: NDArray[np.bool_], dt: float) -> list[Weighed | None]:
        """Find the weights that jumped, and those that are at rest again: what the step was is told then."""
        expected = self._smooth - (self._given - self._given_smooth)
        jumped = good & (np.abs(value - expected) > self._bump)
        self._strange = np.where(jumped, self._strange + 1.0, np.where(good, 0.0, self._strange))
        moved = self._strange >= STRANGE
        told: list[Weighed | None] = []
        if moved.any():
            np.copyto(self._before, expected + self._given, where=moved & np.isnan(self._before))
            self._strange[moved] = 0.0
            self._begin(moved, value, dt)
        waiting = self._rest_s > 0.0
        if waiting.any():
            lost = waiting & ~good
            self._rest_s = np.where(waiting & good, np.maximum(self._rest_s - max(dt, 0.0), 0.0), self._rest_s)
            settled = waiting & ~lost & (self._rest_s <= 0.0)
            told += [self._settle(place) for place in np.flatnonzero(settled).tolist()]
        return told

    def _settle(self, place: int) -> Weighed | None:
        """At rest: the windows begin from this weight. What it would be without a step tells how large that was."""
        before = float(self._before[place] - self._given_smooth[place])
        self._before[place] = np.nan
        self._window[place] = self._dry[place] = self._smooth[place]
        self._window_given[place] = self._dry_given[place] = self._given_smooth[place]
        return None if math.isnan(before) else Weighed(int(self.rows[place]), step=float(self._smooth[place]) - before)

    def _filter(self, value: F8, believed: NDArray[np.bool_], dt: float) -> None:
        share = -math.expm1(-max(dt, 0.0) / FILTER_S)
        self._smooth = np.where(believed, self._smooth + share * (value - self._smooth), self._smooth)
        moved = self._given_smooth + share * (self._given - self._given_smooth)
        self._given_smooth = np.where(believed, moved, self._given_smooth)

    def _is_dry(self, place: int) -> Weighed | None:
        """Whether nothing flows; the next look begins here."""
        given = float(self._given_smooth[place] - self._dry_given[place])
        lost = float(self._dry[place] - self._smooth[place])
        self._dry[place], self._dry_given[place] = self._smooth[place], self._given_smooth[place]
        return Weighed(int(self.rows[place]), dry=True) if lost < DRY_SHARE * given else None

    def _close(self, place: int) -> Weighed:
        """Learn from a window, and begin the next."""
        row = int(self.rows[place])
        given = float(self._given_smooth[place] - self._window_given[place])
        lost = float(self._window[place] - self._smooth[place])
        self._window[place], self._window_given[place] = self._smooth[place], self._given_smooth[place]
        ratio, density = lost / given, float(self._density[place])
        expected = given * float(self.factor[row]) / density
        if not 1.0 / CREDIBLE < ratio < CREDIBLE:
            return Weighed(row, ratio=ratio)
        self._learn(row, ratio, NOISE * float(self._bump[place]) * math.sqrt(2.0) / given)
        return Weighed(row, window=lost / density, expected=expected, ratio=ratio)

    def _learn(self, row: int, ratio: float, deviation: float) -> None:
        variance = float(self.variance[row]) + WEAR_VARIANCE
        gain, error = variance / (variance + deviation**2), ratio - float(self.factor[row])
        # A step that is cut short has taken less from the window, and leaves so much more in doubt.
        gain = min(gain, LARGEST_STEP / max(abs(error), LARGEST_STEP))
        self.factor[row] = min(max(float(self.factor[row]) + gain * error, LEAST), MOST)
        self.variance[row] = (1.0 - gain) * variance
        self.learnt[row] += 1

    def state(self, row: int) -> dict[str, Json]:
        """One feed's factor and how well it is known."""
        return {
            "factor": float(self.factor[row]),
            "variance": float(self.variance[row]),
            "learnt": int(self.learnt[row]),
        }

    def restore(self, row: int, state: Mapping[str, Json]) -> None:
        """Take over a factor, within its bounds; weighing begins anew."""
        self.factor[row] = min(max(number(state.get("factor"), 1.0), LEAST), MOST)
        self.variance[row] = max(number(state.get("variance"), FIRST_VARIANCE), 0.0)
        self.learnt[row] = int(number(state.get("learnt"), 0.0))
