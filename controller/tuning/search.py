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
TINY = 1e-24
LONGEST_STEP = 1.0
"""In logarithms: no time changes by more than a factor of e in one step."""


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the search: logarithms of the times, the gain that fits best there, what is left over of every sample,
    and the sum of its squares.
    """

    logs: F8
    gain: float
    left: F8
    cost: float


class Search:
    """``at`` and ``pv`` are the samples, ``least`` and ``most`` the limits of every time in seconds.

    For given times the gain, the place of rest and, where ``loaded``, a constant load follow linearly: the loop was
    never quite at rest, and a slow process drifts with what is left of that. (Variable projection: Golub and Pereyra,
    SIAM J. Numer. Anal. 10 (1973) 413-432.) The times follow by damped Gauss-Newton steps in their logarithms
    (Marquardt, J. SIAM 11 (1963) 431-441).
    """

    def __init__(
        self, kind: Kind, data: HeldInput, at: F8, pv: F8, least: float, most: float, *, loaded: bool = True
    ) -> None:
        self._kind, self._data, self._at = kind, data, at
        self._pv = pv - pv.mean()
        self._load = HeldInput(at[:1], np.full(1, float(loaded)))
        self._least, self._most = float(np.log(least)), float(np.log(most))

    @property
    def size(self) -> tuple[int, float]:
        """How many samples there are, and the sum of the squares of their deviations from their mean."""
        return len(self._pv), float(self._pv @ self._pv)

    def place(self, logs: F8) -> Place:
        """What fits best with these times."""
        logs = np.clip(logs, self._least, self._most)
        times = np.exp(logs)
        answer = self._kind.answer(self._data, times, self._at)
        answer -= answer.mean()
        load = self._kind.answer(self._load, times, self._at)
        load -= load.mean()
        seen = _share(answer, load)
        load -= seen * answer
        along, across = _share(answer, self._pv), _share(load, self._pv)
        left = self._pv - along * answer - across * load
        return Place(logs, along - across * seen, left, float(left @ left))

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


def _share(one: F8, other: F8) -> float:
    """How much of ``one`` is in ``other``; nothing where there is nothing of ``one``."""
    size = float(one @ one)
    return float(one @ other) / size if size > TINY * len(one) else 0.0
