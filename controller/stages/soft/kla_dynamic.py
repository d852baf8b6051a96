"""kLa from how dissolved oxygen answers to changes."""

from __future__ import annotations

import numpy as np

from controller.frame import F8
from controller.stages.soft.dissolved import DissolvedOxygen
from controller.stages.soft.lags import Lags
from controller.stages.soft.model import Columns, Model, Now, Setup

SLOW = 0.25
"""The part of the memory over which the oxygen uptake is taken as constant."""
LEAST_MOVES = 3.0
"""Independent moves without which nothing is believed."""
LEAST_SWING = 0.05
"""How far the transfer must swing, as a part of itself: the uptake drifts by less."""
MEAN_X, MEAN_Y, XX, XY, YY, WEIGHT = range(6)


class KlaDynamic(Model):
    """kLa in 1/h by recursive least squares on ``dO/dt = f k (O* - O) - OUR``, where k is the correlation that is
    given, or 1/h, and ``f`` is what is found. The uptake goes out with the means over a quarter of the ``memory``: only
    what moves faster tells about ``f``. Old moves are forgotten with the memory's time constant.

    The standard error of ``f`` follows from what the line leaves, and from how many independent moves the memory holds:
    the filter makes neighbours alike over its window. Where it is within ``accuracy`` (%), and the transfer has swung
    by more than the uptake drifts, not longer ago than the memory, the value is Good; otherwise ``f`` is held, and the
    value is Uncertain; before the first there is no answer.

    Sources: Ljung, System Identification, 2nd ed. 1999, ch. 11, for exponential forgetting; Garcia-Ochoa, Gomez,
    Biotechnol. Adv. 27 (2009) 153-176, for the dynamic technique.
    """

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        memory = setup.parameters["memory"]
        self._oxygen = DissolvedOxygen(setup, 1)
        self._moments = Lags(np.stack([SLOW * memory, SLOW * memory, memory, memory, memory, memory]))
        self._moments.state[:] = 0.0
        self._still, self._memory_s = np.full(setup.n, np.nan), memory
        self._moves = memory / setup.parameters["window"]
        self._accuracy = 0.01 * setup.parameters["accuracy"]
        self._found = np.full(setup.n, np.nan)
        self._doubtful = np.ones(setup.n, np.bool_)
        self.memory = {
            **self._oxygen.memory,
            "moments": self._moments.state,
            "found": self._found,
            "still": self._still,
        }

    def step(self, now: Now, dt: float) -> None:
        """The coefficient now, as far as it is known."""
        oxygen, correlation = self._oxygen, now.value.get("kla", 1.0)
        terms = oxygen.begin(now)
        np.multiply(oxygen.force, correlation, out=terms[0])
        (transfer,) = oxygen.finish(dt)
        if dt > 0.0:
            self._learn(transfer, oxygen.slope, dt)
        np.multiply(self._found, correlation, out=now.out)
        now.doubt(self._doubtful)

    def resume(self, columns: Columns, outage_s: float) -> None:
        """Begin anew after a long time; what was found stays."""
        self._oxygen.resume(columns, outage_s)
        self._still[columns] += outage_s

    def _learn(self, x: F8, y: F8, dt: float) -> None:
        """One more point of the line ``y = f x - OUR``. Nothing is learnt while the filters settle."""
        state, target, settling = self._moments.state, self._moments.target, self._oxygen.settling
        np.copyto(state[MEAN_X], x, where=settling)
        np.copyto(state[MEAN_Y], y, where=settling)
        target[MEAN_X], target[MEAN_Y] = x, y
        dx = np.where(settling, 0.0, x - state[MEAN_X])
        dy = np.where(settling, 0.0, y - state[MEAN_Y])
        target[XX], target[XY], target[YY], target[WEIGHT] = dx * dx, dx * dy, dy * dy, ~settling
        self._moments.step(dt)
        weight = state[WEIGHT]
        moves = self._moves * weight / (2.0 - weight)
        factor = state[XY] / state[XX]
        error = np.maximum(state[YY] / state[XX] - factor * factor, 0.0) / moves
        sure = (factor > 0.0) & (moves >= LEAST_MOVES) & (error <= (self._accuracy * factor) ** 2) & ~settling
        least = np.abs(LEAST_SWING * state[MEAN_X])
        np.add(self._still, dt, out=self._still)
        np.copyto(self._still, 0.0, where=np.abs(dx) >= least)
        sure &= (state[XX] >= least * least) & (self._still <= self._memory_s)
        self._found[sure] = factor[sure]
        self._doubtful = ~sure
