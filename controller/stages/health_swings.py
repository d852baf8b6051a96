"""Half swings of a control error, compared with the one before on the same side: regular ones are an oscillation."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from controller.frame import F8
from controller.stages.flags import all_of, any_of

Rows = NDArray[np.intp]
LEAST_ALIKE_AREA = 0.5
LEAST_ALIKE_TIME = 0.7
DEAD_ZONE = 0.5
"""Of its root mean square: an error must pass zero by so much to have passed it, so that noise doesn't cut a swing."""

MEMORY = 32.0
"""Samples over which that root mean square is taken."""


class Ended(NamedTuple):
    """Half swings that ended and could be compared: rows of the loops, whether each is like the one before on its side,
    and how long it lasted in s.
    """

    rows: Rows
    alike: NDArray[np.bool_]
    length_s: F8


class Swings:
    """The present half swing of every loop, and the two before it.

    A half swing is alike when its area is within a factor 0.5 and its length within 0.7 of the one before on the same
    side. Method: Forsman and Stattin (1999), with a dead zone around zero.
    """

    def __init__(self, loops: int) -> None:
        self._side = np.zeros(loops)
        self._power = np.zeros(loops)
        self._seen = np.zeros(loops)
        self._swing = np.zeros((3, 2, loops))
        self._area, self._length = self._swing[0]

    def take(self, rows: Rows, errors: F8, seconds: F8) -> Ended:
        """Go on with one sample of the errors of ``rows`` that stands for so many ``seconds``. Where it is NaN the
        swings begin anew.
        """
        known = np.isfinite(errors)
        if not all_of(known):
            self._forget(rows[~known])
            rows, errors, seconds = rows[known], errors[known], seconds[known]
        side = self._sides(rows, errors)
        crossed = side * self._side[rows] < 0.0
        ended = self._end(rows[crossed]) if any_of(crossed) else NOTHING
        self._side[rows] = side
        self._area[rows] += errors * seconds
        self._length[rows] += seconds
        return ended

    def _sides(self, rows: Rows, errors: F8) -> F8:
        """On which side of zero each error is now: where it was, until it's beyond the dead zone."""
        seen = np.minimum(self._seen[rows] + 1.0, MEMORY)
        power = self._power[rows]
        power += (errors * errors - power) / seen
        self._seen[rows], self._power[rows] = seen, power
        beyond = errors * errors > DEAD_ZONE * DEAD_ZONE * power
        return np.where(beyond, np.sign(errors), self._side[rows])

    def _end(self, rows: Rows) -> Ended:
        swing = self._swing[:, :, rows]
        now, before = np.abs(swing[0]), np.abs(swing[2])
        comparable = before[1] > 0.0
        smaller, larger = np.minimum(now, before), np.maximum(now, before)
        alike = (smaller[0] >= LEAST_ALIKE_AREA * larger[0]) & (smaller[1] >= LEAST_ALIKE_TIME * larger[1])
        self._swing[1:, :, rows], self._swing[0, :, rows] = swing[:2], 0.0
        return Ended(rows[comparable], alike[comparable], now[1, comparable])

    def _forget(self, rows: Rows) -> None:
        self._side[rows] = self._power[rows] = self._seen[rows] = 0.0
        self._swing[:, :, rows] = 0.0


NOTHING = Ended(np.zeros(0, np.intp), np.zeros(0, np.bool_), np.zeros(0))
