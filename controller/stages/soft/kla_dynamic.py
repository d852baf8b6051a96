"""kLa from how dissolved oxygen answers to changes."""

from __future__ import annotations

from controller.stages.soft.arithmetic import Real, Truth, filled, maximum, negated, over, where
from controller.stages.soft.dissolved import DissolvedOxygen
from controller.stages.soft.lags import Lags
from controller.stages.soft.model import Model, Now, Setup

SLOW = 0.25
"""The part of the memory over which the oxygen uptake is taken as constant."""
LEAST_MOVES = 3.0
"""Independent moves without which nothing is believed."""
LEAST_SWING = 0.05
"""How far the transfer must swing, as a part of itself: the uptake drifts by less."""
MEAN_X, MEAN_Y, XX, XY, YY, WEIGHT = range(6)


class KlaDynamic(Model[Real]):
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

    _memory_s: Real
    _moves: Real
    _accuracy: Real
    _doubtful: Truth
    _one: Real

    def __init__(self, setup: Setup[Real]) -> None:
        super().__init__(setup)
        given, unknown = setup.parameters, filled(setup.none, float("nan"))
        memory = given["memory"]
        self._oxygen: DissolvedOxygen[Real] = DissolvedOxygen(setup, self.memory, 1)
        constants = [SLOW * memory, SLOW * memory, memory, memory, memory, memory]
        self._moments: Lags[Real] = Lags(self.memory, "moments", constants, begin=0.0)
        self._memory_s, self._moves = memory, memory / given["window"]
        self._accuracy = 0.01 * given["accuracy"]
        self._doubtful, self._one = setup.none == 0.0, filled(setup.none, 1.0)
        self.memory["found"], self.memory["still"] = unknown, filled(setup.none, float("nan"))

    def step(self, now: Now[Real], dt: float) -> Real:
        """The coefficient now, as far as it is known."""
        oxygen, correlation = self._oxygen, now.value.get("kla", 1.0)
        oxygen.begin(now)
        (transfer,) = oxygen.finish([oxygen.force * correlation], dt)
        if dt > 0.0:
            self._learn(transfer, oxygen.slope, dt)
        now.doubt(self._doubtful)
        found: Real = self.memory["found"] * correlation
        return found

    def resume(self, chosen: Truth, outage_s: float) -> None:
        """Begin anew after a long time; what was found stays."""
        self._oxygen.resume(chosen, outage_s)
        self.memory["still"] = where(chosen, self.memory["still"] + outage_s, self.memory["still"])

    def _learn(self, x: Real, y: Real, dt: float) -> None:
        """One more point of the line ``y = f x - OUR``. Nothing is learnt while the filters settle."""
        memory, state, target, settling = self.memory, self._moments.state, self._moments.target, self._oxygen.settling
        state[MEAN_X], state[MEAN_Y] = where(settling, x, state[MEAN_X]), where(settling, y, state[MEAN_Y])
        target[MEAN_X], target[MEAN_Y] = x, y
        dx: Real = where(settling, 0.0, x - state[MEAN_X])
        dy: Real = where(settling, 0.0, y - state[MEAN_Y])
        target[XX], target[XY], target[YY], target[WEIGHT] = dx * dx, dx * dy, dy * dy, where(settling, 0.0, self._one)
        self._moments.step(dt)
        weight = state[WEIGHT]
        moves = over(self._moves * weight, 2.0 - weight)
        factor = over(state[XY], state[XX])
        error = over(maximum(over(state[YY], state[XX]) - factor * factor, 0.0), moves)
        bound, least = self._accuracy * factor, abs(LEAST_SWING * state[MEAN_X])
        still = where(abs(dx) >= least, 0.0, memory["still"] + dt)
        sure = (factor > 0.0) & (moves >= LEAST_MOVES) & (error <= bound * bound) & negated(settling)
        sure = sure & (state[XX] >= least * least) & (still <= self._memory_s)
        memory["still"], memory["found"] = still, where(sure, factor, memory["found"])
        self._doubtful = negated(sure)
