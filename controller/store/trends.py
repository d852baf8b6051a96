"""From many samples to as many points as a screen has. Pure."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

F8 = NDArray[np.float64]
U1 = NDArray[np.uint8]


class Series(NamedTuple):
    """One column over time, all arrays of one length: UTC seconds, mean, lowest, highest, worst quality.

    Where nothing was known in the whole point, the three values are NaN.
    """

    time: F8
    value: F8
    low: F8
    high: F8
    quality: U1


def empty() -> Series:
    """No points."""
    nothing = np.empty(0)
    return Series(nothing, nothing, nothing, nothing, np.empty(0, np.uint8))


def reduce(time: F8, value: F8, quality: U1, points: int) -> Series:
    """At most ``points`` points: neighbouring samples become one with their mean, extremes and worst quality.

    No peak is lost. Samples are taken in order of time; a point stands at the time of its first sample.
    """
    if len(time) > 1 and (np.diff(time) < 0).any():
        order = np.argsort(time, kind="stable")
        time, value, quality = time[order], value[order], quality[order]
    if len(time) <= points:
        return Series(time, value, value, value, quality)
    begins = np.linspace(0, len(time), points, endpoint=False).astype(np.int64)
    known = ~np.isnan(value)
    count = np.add.reduceat(known.astype(np.float64), begins)
    with np.errstate(invalid="ignore"):
        mean = np.add.reduceat(np.where(known, value, 0.0), begins) / np.where(count > 0, count, np.nan)
    low = np.fmin.reduceat(value, begins)
    high = np.fmax.reduceat(value, begins)
    return Series(time[begins], mean, low, high, np.maximum.reduceat(quality, begins))
