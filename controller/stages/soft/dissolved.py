"""How dissolved oxygen moves, seen through the noise: what three models share."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from controller.frame import F8
from controller.stages.soft.constants import AIR_OXYGEN
from controller.stages.soft.lags import Lags
from controller.stages.soft.model import Columns, Flags, Now, Setup

SECONDS_PER_HOUR = 3600.0
DRY_SHARE = 0.938
"""What water leaves of an atmosphere at 37 Cel."""
SETTLES = 2.0
"""Windows after which the start is forgotten, but for a tenth of its error."""
LONGEST_OUTAGE = 0.1
"""The part of a window that may have passed unseen."""


class DissolvedOxygen:
    """The balance ``dO/dt = kLa (O* - O) - OUR`` with O in % of saturation with air, filtered on both sides.

    The probe and the way of the gas are lags. A probe that lags behind O sees the same balance with O* and OUR lagged
    like O itself, so that O* goes through both lags, and nothing needs to be differentiated twice. All terms then go
    through the same two lags of half the ``window``, of which the derivative is exact: state-variable filters, after
    Garnier, Wang (ed.), Identification of Continuous-time Models from Sampled Data, 2008, ch. 1.

    ``pairs`` is how many more terms a model has filtered. After a Bad input everything begins anew at the values then
    found: ``starts`` tells that something does so now, ``starting`` in which columns, ``settling`` in which columns
    less than two windows have been seen since, and ``calm`` that there is none.
    """

    def __init__(self, setup: Setup, pairs: int) -> None:
        given, n = setup.parameters, setup.n
        self._window = given["window"]
        self._settled_s = SETTLES * self._window
        half = 0.5 * self._window
        self._lags = Lags(np.stack([given["gas_lag"], given["probe_lag"], half, half, *[half, half] * pairs]))
        self._state, self._target = self._lags.state, self._lags.target
        self._seen = np.full(n, np.nan)
        self.force, self.slope = np.zeros(n), np.zeros(n)
        self.starting, self.settling = np.zeros(n, np.bool_), np.ones(n, np.bool_)
        self.calm = self.starts = False
        self.memory: Mapping[str, F8] = {"lags": self._state, "seen": self._seen}

    def begin(self, now: Now) -> F8:
        """Take in one scan. ``force`` is then O* - O in %; the answer ``(pairs, n)`` waits for the model's terms."""
        oxygen, saturation = now.value["dissolved_oxygen"], self._target[0]
        np.multiply(now.value["oxygen_in_gas"], 100.0 / AIR_OXYGEN, out=saturation)
        if "pressure" in now.value:
            np.multiply(saturation, 1.0 + now.value["pressure"] / DRY_SHARE, out=saturation)
        np.copyto(self._target[2], oxygen)
        self.calm = self.calm and bool(np.count_nonzero(now.usable) == len(oxygen))
        self.starts = False
        if not self.calm:
            self._start(now.usable)
        np.subtract(self._state[1], oxygen, out=self.force)
        terms: F8 = self._target[4::2]
        return terms

    def finish(self, dt: float) -> F8:
        """Filter; the answer ``(pairs, n)`` are the model's terms, and ``slope`` is dO/dt in %/h."""
        lags, state = self._lags, self._state
        if not self.calm:
            self._settle(dt)
        if dt > 0.0:
            self._target[1::2] = state[0::2]
            np.subtract(state[2], state[3], out=self.slope)
            lags.step(dt)
            np.multiply(self.slope, lags.speed[3], out=self.slope)
            np.multiply(self.slope, SECONDS_PER_HOUR, out=self.slope)
        filtered: F8 = state[5::2]
        return filtered

    def forget(self, where: Flags) -> None:
        """Begin anew there, at the values found next."""
        self.calm = False
        self._seen[where] = np.nan

    def resume(self, columns: Columns, outage_s: float) -> None:
        """After much time everything begins anew."""
        self.calm = False
        self._seen[columns[outage_s > LONGEST_OUTAGE * self._window[columns]]] = np.nan

    def _start(self, usable: Flags) -> None:
        """What became usable begins at the values now found."""
        np.copyto(self._seen, np.nan, where=~usable)
        starting = np.logical_and(usable, np.isnan(self._seen), out=self.starting)
        self.starts = bool(np.count_nonzero(starting))
        if self.starts:
            self._state[:2, starting] = self._target[0, starting]
            self._state[2:4, starting] = self._target[2, starting]

    def _settle(self, dt: float) -> None:
        """The model's terms begin too; the others have been seen for ``dt`` longer."""
        np.add(self._seen, dt, out=self._seen)
        if self.starts:
            starting = self.starting
            terms = self._target[4::2, starting]
            self._state[4::2, starting], self._state[5::2, starting] = terms, terms
            self._seen[starting] = 0.0
        np.minimum(self._seen, self._settled_s, out=self._seen)
        np.less(self._seen, self._settled_s, out=self.settling)
        np.logical_or(self.settling, np.isnan(self._seen), out=self.settling)
        self.calm = not np.count_nonzero(self.settling)
