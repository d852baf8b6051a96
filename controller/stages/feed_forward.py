"""Feed-forward: what is known to come is answered before it can be measured."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from controller.frame import BAD, F8
from controller.model.loops import Loop
from controller.stages.signals import Signals


class FeedForwards:
    """All feed-forwards of a level; arrays of shape ``(feed-forwards,)``. ``extra`` is their sum for each controller,
    in output units, shape ``(controllers,)``.

    A signal that is Bad stays what it was. The first value of a signal comes without a step where it has a lag or a
    washout; the bank takes over the rest, since a controller starts from what its output achieved.
    """

    def __init__(self, loops: Sequence[Loop]) -> None:
        found = [(row, forward) for row, loop in enumerate(loops) for forward in loop.feed_forward]
        self._row = np.array([row for row, _ in found], np.intp)
        self._signal = np.array([forward.signal for _, forward in found], np.intp)
        self._gain = np.array([forward.gain for _, forward in found], np.float64)
        self._around = np.array([forward.around for _, forward in found], np.float64)
        self._lag = np.array([forward.lag for _, forward in found], np.float64)
        self._washout = np.array([forward.washout for _, forward in found], np.float64)
        self._value, self._slow, self._smooth = np.full((3, len(found)), np.nan)
        self.extra = np.zeros(len(loops))

    def __len__(self) -> int:
        return len(self._row)

    def step(self, signals: Signals, dt: float) -> F8:
        """The feed-forward of this scan, ``dt`` seconds after the last."""
        value = signals.value[self._signal]
        good = (signals.quality[self._signal] < BAD) & np.isfinite(value)
        np.copyto(self._value, value, where=good)
        above = self._value - self._around
        new = np.isnan(self._slow) & ~np.isnan(above)
        self._slow[new] = self._value[new]
        washed = self._washout > 0.0
        effect = np.where(washed, self._value - self._slow, above) * self._gain
        np.copyto(self._smooth, effect, where=np.isnan(self._smooth))
        self._smooth += _share(dt, self._lag) * (effect - self._smooth)
        self._slow += _share(dt, self._washout) * (self._value - self._slow)
        self.extra[:] = 0.0
        np.add.at(self.extra, self._row, np.where(np.isnan(self._smooth), 0.0, self._smooth))
        return self.extra


def _share(dt: float, time: F8) -> F8:
    """How far a first-order lag goes in ``dt``; all the way without one."""
    return np.asarray(-np.expm1(np.divide(-max(dt, 0.0), time, out=np.full(len(time), -np.inf), where=time > 0.0)))
