"""How dissolved oxygen moves, seen through the noise: what three models share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Generic

from controller.stages.soft.arithmetic import Real, Truth, every, filled, minimum, negated, some, unknown, where
from controller.stages.soft.constants import AIR_OXYGEN
from controller.stages.soft.lags import Lags
from controller.stages.soft.memory import Memory
from controller.stages.soft.model import Now, Setup

SECONDS_PER_HOUR = 3600.0
DRY_SHARE = 0.938
"""What water leaves of an atmosphere at 37 Cel."""
SETTLES = 2.0
"""Windows after which the start is forgotten, but for a tenth of its error."""
LONGEST_OUTAGE = 0.1
"""The part of a window that may have passed unseen."""
SEEN = "seen"


class DissolvedOxygen(Generic[Real]):
    """The balance ``dO/dt = kLa (O* - O) - OUR`` with O in % of saturation with air, filtered on both sides.

    The probe and the way of the gas are lags. A probe that lags behind O sees the same balance with O* and OUR lagged
    like O itself, so that O* goes through both lags, and nothing needs to be differentiated twice. All terms then go
    through the same two lags of half the ``window``, of which the derivative is exact: state-variable filters, after
    Garnier, Wang (ed.), Identification of Continuous-time Models from Sampled Data, 2008, ch. 1.

    ``terms`` is how many more terms a model has filtered. After a Bad input everything begins anew at the values then
    found: ``starts`` tells that something does so now, ``starting`` in which columns, ``settling`` in which columns
    less than two windows have been seen since, and ``calm`` that there is none.
    """

    force: Real
    slope: Real
    starting: Truth
    settling: Truth
    _window: Real
    _settled_s: Real

    def __init__(self, setup: Setup[Real], memory: Memory, terms: int) -> None:
        given, none = setup.parameters, setup.none
        self._memory = memory
        self._window = given["window"]
        self._settled_s = SETTLES * self._window
        half: Real = 0.5 * self._window
        constants: list[Real] = [given["gas_lag"], given["probe_lag"], half, half]
        for _ in range(terms):
            constants += [half, half]
        self._lags: Lags[Real] = Lags(memory, "lags", constants)
        memory[SEEN] = filled(none, float("nan"))
        self.force = self.slope = filled(none, 0.0)
        self.starting, self.settling = none != 0.0, none == 0.0
        self.calm = self.starts = False

    def begin(self, now: Now[Real]) -> None:
        """Take in one scan. ``force`` is then O* - O in %."""
        oxygen, saturation = now.value["dissolved_oxygen"], now.value["oxygen_in_gas"] * (100.0 / AIR_OXYGEN)
        if "pressure" in now.value:
            saturation = saturation * (1.0 + now.value["pressure"] / DRY_SHARE)
        target = self._lags.target
        target[0], target[2] = saturation, oxygen
        self.calm = self.calm and every(now.usable)
        self.starts = False
        if not self.calm:
            self._start(now.usable)
        self.force = self._lags.state[1] - oxygen

    def finish(self, terms: Sequence[Real], dt: float) -> Any:
        """Filter the model's ``terms``; ``slope`` is then dO/dt in %/h."""
        lags, state, target = self._lags, self._lags.state, self._lags.target
        if not self.calm:
            self._settle(terms, dt)
        if dt > 0.0:
            target[1::2] = state[0::2]
            target[4::2] = terms
            slope = state[2] - state[3]
            lags.step(dt)
            self.slope = slope * lags.speed[3] * SECONDS_PER_HOUR
        return state[5::2]

    def forget(self, chosen: Truth) -> None:
        """Begin anew there, at the values found next."""
        self.calm = False
        self._memory[SEEN] = where(chosen, float("nan"), self._memory[SEEN])

    def resume(self, chosen: Truth, outage_s: float) -> None:
        """After much time everything begins anew."""
        self.forget(chosen & (outage_s > LONGEST_OUTAGE * self._window))

    def _start(self, usable: Truth) -> None:
        """What became usable begins at the values now found."""
        memory, state, target = self._memory, self._lags.state, self._lags.target
        seen: Real = where(negated(usable), float("nan"), memory[SEEN])
        memory[SEEN] = seen
        self.starting = usable & unknown(seen)
        self.starts = some(self.starting)
        if self.starts:
            for place, found in ((0, target[0]), (1, target[0]), (2, target[2]), (3, target[2])):
                state[place] = where(self.starting, found, state[place])

    def _settle(self, terms: Sequence[Real], dt: float) -> None:
        """The model's terms begin too; the others have been seen for ``dt`` longer."""
        state, seen = self._lags.state, self._memory[SEEN] + dt
        if self.starts:
            for place, term in enumerate(terms):
                for lag in (4 + 2 * place, 5 + 2 * place):
                    state[lag] = where(self.starting, term, state[lag])
            seen = where(self.starting, 0.0, seen)
        self._memory[SEEN] = seen = minimum(seen, self._settled_s)
        self.settling = negated(seen >= self._settled_s)
        self.calm = not some(self.settling)
