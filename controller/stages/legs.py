"""Legs: how one controller output moves several actuators one after the other, and what they say back.

Leg ``k`` moves its actuator from ``start`` to ``end`` while the output goes from ``low`` to ``high`` (split range,
sequence). Legs of one loop do not overlap, so acid and base are never asked for together.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from controller.frame import F8
from controller.model.loops import Leg
from controller.stages.flags import Flags

ENGAGED = 1e-3
"""A leg that is out by less than this share counts as resting at its start."""


class Legs:
    """The legs of ``loops`` controllers as arrays of shape ``(legs,)``, sorted by controller and by ``low``; ``start``
    is where each actuator rests, ``travel`` how far it goes from there.

    ``target`` are rows of the output table, or of the loop table where ``cascade``. The legs of loops that act
    ``together`` may overlap.
    """

    def __init__(self, loops: Sequence[Sequence[Leg]], together: Sequence[bool] = ()) -> None:
        flat = [(row, leg) for row, legs in enumerate(loops) for leg in sorted(legs, key=lambda leg: leg.low)]
        self.loops = len(loops)
        self.loop = np.array([row for row, _ in flat], np.intp)
        self.target = np.array([leg.target for _, leg in flat], np.intp)
        self.cascade = np.array([leg.cascade for _, leg in flat], np.bool_)
        self._low = np.array([leg.low for _, leg in flat], np.float64)
        self._span = np.array([leg.high - leg.low for _, leg in flat], np.float64)
        self.start = np.array([leg.start for _, leg in flat], np.float64)
        self.travel = np.array([leg.end - leg.start for _, leg in flat], np.float64)
        self._per_travel = np.array([1.0 / way if way else np.nan for way in self.travel.tolist()], np.float64)
        self._first = np.searchsorted(self.loop, np.arange(self.loops))
        last = np.searchsorted(self.loop, np.arange(self.loops), side="right") - 1
        place = np.arange(len(flat))
        self._above, self._below = place < last[self.loop], place > self._first[self.loop]
        self._share = np.zeros(len(flat))
        self._together = np.flatnonzero(together)
        alone = ~np.isin(self.loop, self._together)
        self._passed_up, self._passed_down = self._above & alone, self._below & alone
        self._asked, self._asked_bytes = np.zeros(len(flat)), b""

    def spread(self, output: F8) -> F8:
        """Controller outputs ``(loops,)`` to actuator values ``(legs,)``."""
        share = (output[self.loop] - self._low) / self._span
        self._share = np.maximum(np.minimum(share, 1.0), 0.0)
        values: F8 = self._share * self.travel + self.start
        self._asked, self._asked_bytes = values.copy(), values.tobytes()
        return values

    def ends(self, output: F8) -> tuple[Flags, Flags]:
        """The legs that controller outputs ``(loops,)`` have engaged and with which their way ends: those that no other
        leg takes over from further up, and further down.
        """
        engaged = self._engaged(output)
        return engaged & ~self._passed_up, engaged & ~self._passed_down

    def _engaged(self, output: F8) -> Flags:
        return (output[self.loop] >= self._low) & (output[self.loop] <= self._low + self._span)

    def achieved(self, output: F8, actual: F8) -> F8:
        """What the controllers of the last :meth:`spread` really achieved, given the ``actual`` actuator values.

        A leg that falls short counts only when no further leg of the loop can take over in that direction. An actuator
        of which nothing is known (NaN) counts as having followed.
        """
        if actual.tobytes() == self._asked_bytes or not len(self._first):
            return output.copy()
        follows = actual == self._asked
        shortfall = self._shares(actual)
        shortfall -= self._share
        shortfall *= self._span
        shortfall[follows | ~np.isfinite(shortfall)] = 0.0
        common = self._common(shortfall, output) if len(self._together) else None
        shortfall[((shortfall < 0.0) & self._above) | ((shortfall > 0.0) & self._below)] = 0.0
        achieved = output + np.add.reduceat(shortfall, self._first)
        if common is not None:
            achieved[self._together] = output[self._together] + common[self._together]
        return np.asarray(achieved)

    def _common(self, shortfall: F8, output: F8) -> F8:
        """What loops whose legs act together fall short by: as much as the leg that falls short least of those that the
        output has engaged, and nothing as long as one of them follows.
        """
        engaged = self._engaged(output)
        least = np.minimum.reduceat(np.where(engaged, shortfall, np.inf), self._first)
        most = np.maximum.reduceat(np.where(engaged, shortfall, -np.inf), self._first)
        common = np.where(most < 0.0, most, np.where(least > 0.0, least, 0.0))
        return np.where(np.isfinite(common), common, 0.0)

    def seed(self, actual: F8) -> F8:
        """The controller outputs that would have put the actuators where they are: by the last leg that is out of its
        start, or by the first leg when none is.
        """
        share = self._shares(actual)
        share[~np.isfinite(share)] = 0.0
        place = np.where(share > ENGAGED, self._low + share * self._span, -np.inf)
        if not len(self._first):
            return np.zeros(self.loops)
        begun = self._low[self._first] + share[self._first] * self._span[self._first]
        return np.maximum(np.maximum.reduceat(place, self._first), begun)

    def early(self, actual: F8) -> Flags:
        """The legs whose turn has not come, given the ``actual`` actuator values: the leg before them, which they take
        over from, is short of its end.
        """
        short = self._shares(actual) < 1.0 - ENGAGED
        return np.asarray(self._passed_down & np.roll(short, 1))

    def _shares(self, actual: F8) -> F8:
        share = (actual - self.start) * self._per_travel
        np.minimum(share, 1.0, out=share)
        return np.maximum(share, 0.0, out=share)
