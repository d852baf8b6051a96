"""What the limit cycle of a relay experiment says at once, before any model is fitted."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from controller.frame import F8


@dataclass(frozen=True, slots=True)
class LimitCycle:
    """Over its whole cycles but the first: ``amplitude`` of the PV (half of peak to peak), ``height`` of the relay
    (likewise), ``period`` in seconds, and how many ``cycles`` there were.

    ``response`` is the process at the frequency of the cycle, the ratio of the fundamental waves: exact for a cycle
    that repeats itself. ``static_gain`` is the ratio of the means over whole cycles, NaN for a relay with equal
    amplitudes. ``rest`` was subtracted from the PV.
    """

    amplitude: float
    height: float
    period: float
    cycles: int
    response: complex
    static_gain: float

    @property
    def describing_gain(self) -> float:
        """The ultimate gain by the describing function, ``4 d/(π a)``: within about 20 % of the true one (Åström and
        Hägglund, Automatica 20 (1984) 645-651).
        """
        return 4.0 * self.height / (math.pi * self.amplitude)


UNEVEN = 0.05
"""A relay whose mean is below this share of its height tells nothing of the static gain."""


def limit_cycle(time: F8, pv: F8, op: F8) -> LimitCycle:
    """Read the cycle off a record: ``time`` in seconds, ``pv`` and ``op`` as deviations from rest, ``op`` from each
    time on; all of shape ``(samples,)``. Raises ``ValueError`` with less than one whole cycle after the first.
    """
    rises = np.flatnonzero((op[1:] > 0.0) & (op[:-1] < 0.0)) + 1
    if len(rises) < 2:
        raise ValueError("the relay has not made a whole cycle after its first one")
    first, last = int(rises[0]), int(rises[-1])
    cycles, span = len(rises) - 1, slice(first, last)
    period = float(time[last] - time[first]) / cycles
    phase = np.exp(-2j * np.pi * time[span] / period)
    wave, drive = complex(pv[span] @ phase), complex(op[span] @ phase)
    held = _held(float(np.diff(time[first:last]).mean()) / period)
    mean = float(op[span].mean())
    height = float(np.ptp(op[span])) / 2.0
    static = float(pv[span].mean()) / mean if abs(mean) > UNEVEN * height else math.nan
    return LimitCycle(float(np.ptp(pv[span])) / 2.0, height, period, cycles, wave / (drive * held), static)


def _held(share: float) -> complex:
    """What holding does to the fundamental wave of the output, for samples that are this share of a period apart."""
    angle = 1j * 2.0 * np.pi * share
    return complex((1.0 - np.exp(-angle)) / angle)
