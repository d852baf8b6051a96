"""The search for the times of one kind of model in one record, by separable least squares."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from controller.frame import F8
from controller.tuning.held_input import HeldInput
from controller.tuning.kinds import Kind

STEPS, TRIES = 40, 6
BUMP = 1e-4
CLOSE = 1e-6
LONGEST_STEP = 1.0
"""In logarithms: no time changes by more than a factor of e in one step."""


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the search: logarithms of the times, the gain and place of rest that fit best there, what they leave
    over of every sample, and the sum of its squares.
    """

    logs: F8
    gain: float
    rest: float
    left: F8
    cost: float


class Search:
    """``at`` and ``pv`` are the samples, ``least`` and ``most`` the limits of every time in seconds.

    For given times gain and place of rest follow linearly (variable projection: Golub and Pereyra, SIAM J. Numer.
    Anal. 10 (1973) 413-432); the times follow by damped Gauss-Newton steps in their logarithms (Marquardt, J. SIAM 11
    (1963) 431-441).
    """

    def __init__(self, kind: Kind, data: HeldInput, at: F8, pv: F8, least: float, most: float) -> None:
        self._kind, self._data, self._at, self._pv = kind, data, at, pv
        self._least, self._most = float(np.log(least)), float(np.log(most))

    @property
    def size(self) -> tuple[int, float]:
        """How many samples there are, and the sum of the squares of their deviations from their mean."""
        deviation = self._pv - self._pv.mean()
        return len(deviation), float(deviation @ deviation)

    def place(self, logs: F8) -> Place:
        """The best gain and rest for these times."""
        logs = np.clip(logs, self._least, self._most)
        answer = self._kind.answer(self._data, np.exp(logs), self._at)
        centred = answer - answer.mean()
        spread = float(centred @ centred)
        gain = float(centred @ self._pv) / spread if spread > 0.0 else 0.0
        rest = float(self._pv.mean() - gain * answer.mean())
        left = self._pv - rest - gain * answer
        return Place(logs, gain, rest, left, float(left @ left))

    def refine(self, times: F8) -> Place:
        """From these times to where nothing improves any more."""
        best, damping = self.place(np.log(times)), 1e-3
        for _ in range(STEPS):
            before = best.cost
            best, damping = self._step(best, damping)
            if before - best.cost <= CLOSE * before:
                break
        return best

    def spread(self, best: Place) -> F8:
        """The covariance of the logarithms of the times at the best place, if what is left over is white noise and
        no time was unknown by more than about a factor of e beforehand.
        """
        slopes = self._slopes(best)
        variance = best.cost / max(len(self._pv) - self._kind.parameters, 1)
        known = np.eye(len(best.logs))
        return np.asarray(np.linalg.inv(slopes.T @ slopes / variance + known) if variance > 0.0 else 0.0 * known)

    def _step(self, best: Place, damping: float) -> tuple[Place, float]:
        """A better place and a smaller damping; the same place where none is found."""
        slopes = self._slopes(best)
        normal, down = slopes.T @ slopes, slopes.T @ best.left
        size = np.diag(normal) + 1e-12 * (1.0 + float(normal.max(initial=0.0)))
        for _ in range(TRIES):
            step = np.linalg.solve(normal + damping * np.diag(size), down)
            tried = self.place(best.logs - np.clip(step, -LONGEST_STEP, LONGEST_STEP))
            if tried.cost < best.cost:
                return tried, max(damping / 8.0, 1e-9)
            damping *= 8.0
        return best, damping

    def _slopes(self, here: Place) -> F8:
        """How what is left over changes with the logarithm of each time, ``(samples, times)``."""
        columns = []
        for place in range(len(here.logs)):
            moved = here.logs.copy()
            bump = -BUMP if moved[place] + BUMP > self._most else BUMP
            moved[place] += bump
            columns.append((self.place(moved).left - here.left) / bump)
        return np.stack(columns, axis=1)
