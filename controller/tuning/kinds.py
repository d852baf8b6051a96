"""The kinds of models that records are fitted with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from controller.frame import F8
from controller.tuning.held_input import HeldInput
from controller.tuning.process import Process

APART = 1.002
"""Lags of one model are at least by this factor apart: then partial fractions are good to ten digits."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A dead time, perhaps an integrator, and lags, each counting as often as ``repeats`` says. Its ``times`` are the
    dead time and then one for each lag that is looked for. ``starts`` are places to look from, as multiples of what
    the first-order model found: of its dead time, of its lag, and each further lag of the shorter of the two.
    """

    name: str
    repeats: tuple[int, ...] = ()
    integrating: bool = False
    starts: tuple[tuple[float, ...], ...] = ()

    @property
    def parameters(self) -> int:
        """How many numbers are fitted: gain, place of rest, load and the times."""
        return 4 + len(self.repeats)

    def process(self, gain: float, times: F8) -> Process:
        """The model with these times."""
        return Process(gain, tuple(self._lags(times)), float(times[0]), integrating=self.integrating)

    def answer(self, data: HeldInput, times: F8, at: F8) -> F8:
        """What the model with a gain of 1 makes of the output, at the times ``at``."""
        delay, lags = float(times[0]), _apart(self._lags(times))
        total = data.integrated(delay, at) if self.integrating else np.zeros(len(at))
        for lag, share in zip(lags, _shares(lags), strict=True):
            total += (-share * lag if self.integrating else share) * data.through_lag(lag, delay, at)
        return total

    def begin(self, delay: float, lag: float) -> list[F8]:
        """The places to look from, given the first-order model."""
        short = min(delay, lag)
        scales = [delay, lag, short][: 1 + len(self.repeats)] if not self.integrating else [delay, short]
        return [np.array([part * scale for part, scale in zip(start, scales, strict=False)]) for start in self.starts]

    def _lags(self, times: F8) -> list[float]:
        found = [lag for lag, count in zip(times[1:].tolist(), self.repeats, strict=True) for _ in range(count)]
        return sorted(found, reverse=True)


FIRST = Kind("first order", (1,))
OTHERS = (
    Kind("second order", (1, 1), starts=((0.5, 0.7, 0.7), (0.7, 1.0, 0.1), (0.3, 0.6, 0.5), (0.9, 1.0, 0.02))),
    Kind("third order", (1, 2), starts=((0.3, 0.7, 0.5), (0.1, 0.5, 0.5), (0.5, 1.0, 0.1))),
    Kind("integrating", (), integrating=True, starts=((1.0,), (0.5,))),
    Kind("integrating with a lag", (1,), integrating=True, starts=((0.5, 0.5), (0.9, 0.1))),
)


def _apart(lags: list[float]) -> list[float]:
    """The lags, falling, with equal ones moved apart."""
    moved = lags[:1]
    for lag in lags[1:]:
        moved.append(min(lag, moved[-1] / APART))
    return moved


def _shares(lags: list[float]) -> list[float]:
    """The weights of the partial fractions of ``1/Π(lag s + 1)``."""
    shares = []
    for place, lag in enumerate(lags):
        others = lags[:place] + lags[place + 1 :]
        shares.append(float(np.prod([lag / (lag - other) for other in others])))
    return shares
