"""A hint that an oscillating loop swings because its actuator sticks, not because it is tuned too tightly."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Literal, NamedTuple

import numpy as np

from controller.frame import F8

Verdict = Literal["likely", "unlikely", "undecided"]
THIRTY_DEGREES = (1.0 / 3.0, math.tan(math.pi / 12.0) ** 2)
"""What :func:`asymmetry` gives of two sines that are 30 degrees off opposition."""

TRIANGLE, SINE = 0.6, 0.4
LEAST_SHARE_OF_PERIOD = 0.3
LEAST_HALVES = 4
PEAKS = np.linspace(0.2, 0.8, 13)


class Stiction(NamedTuple):
    """``lag`` and ``height`` as :func:`asymmetry` gives them, ``shape`` as :func:`triangularity`."""

    verdict: Verdict
    lag: float
    height: float
    shape: float


def hint(pv: F8, output: F8, period: float) -> Stiction:
    """Judge the PV and the controller's output of a loop that oscillates with a ``period`` in samples.

    While an actuator sticks, a constant error drives the integral along a straight line: the output is a triangle, and
    it is more than 30 degrees from opposition to the PV. A loop that is tuned too tightly swings in sines. Likely when
    both tests say so, because each alone is wrong often: the first (Horch 1999) for much integral action, the second
    (He, Wang, Pottmann and Qin 2007) for noise. Blind for: loops without integral action, integrating processes,
    actuators that stick much less than they swing, and lags so long that the PV itself smooths the jumps away.
    """
    lag, height = asymmetry(pv, output)
    shape = triangularity(output, period)
    odd = lag > THIRTY_DEGREES[0] and height > THIRTY_DEGREES[1]
    verdict: Verdict = "likely" if odd and shape >= TRIANGLE else "unlikely" if shape <= SINE else "undecided"
    return Stiction(verdict, lag, height, shape)


def asymmetry(pv: F8, output: F8) -> tuple[float, float]:
    """How far the cross-correlation of PV and output is from an even function, 0 to 1, in its two zero crossings next
    to lag 0, and in its height there against its highest between them. NaN where it has no crossings.
    """
    correlation, middle = _cross_correlation(pv, output)
    right, left = _to_zero(correlation[middle:]), _to_zero(correlation[middle::-1])
    if not right + left > 0.0:
        return math.nan, math.nan
    between = np.abs(correlation[middle - math.floor(left) : middle + math.floor(right) + 1])
    here, most = abs(float(correlation[middle])), float(between.max())
    return abs(right - left) / (right + left), (most - here) / (most + here)


def triangularity(output: F8, period: float) -> float:
    """Whether the half waves of an output, with a ``period`` in samples, are rather triangles (1) or sines (0): the
    misfit of the best sine over that of both. NaN for less than four of them.
    """
    wave = output - output.mean()
    places = np.flatnonzero((wave[1:] > 0.0) != (wave[:-1] > 0.0)) + 1
    halves = [wave[start:end] for start, end in pairwise(places)]
    halves = [half for half in halves if len(half) >= max(LEAST_SHARE_OF_PERIOD * period, 3.0)]
    misfit_of_sine, misfit_of_triangle = sum(map(_sine, halves)), sum(map(_triangle, halves))
    if len(halves) < LEAST_HALVES or misfit_of_sine + misfit_of_triangle <= 0.0:
        return math.nan
    return misfit_of_sine / (misfit_of_sine + misfit_of_triangle)


def _cross_correlation(pv: F8, output: F8) -> tuple[F8, int]:
    """For lags of minus to plus half the samples, not scaled, and where lag 0 is."""
    samples, most = len(pv), len(pv) // 2
    one, other = np.fft.rfft(output - output.mean(), 2 * samples), np.fft.rfft(pv - pv.mean(), 2 * samples)
    whole = np.fft.irfft(np.conj(one) * other)
    lags = np.arange(-most, most + 1)
    return np.asarray(np.concatenate((whole[-most:], whole[: most + 1])) / (samples - np.abs(lags))), most


def _to_zero(values: F8) -> float:
    """Where a sequence passes zero first, between two places by interpolation; NaN if it does not."""
    place = np.flatnonzero((values[1:] > 0.0) != (values[:-1] > 0.0))
    if not len(place):
        return math.nan
    before, after = float(values[place[0]]), float(values[place[0] + 1])
    return float(place[0]) + before / (before - after)


def _sine(half: F8) -> float:
    phase = (np.arange(len(half)) + 0.5) / len(half)
    return _misfit(half, np.sin(math.pi * phase))


def _triangle(half: F8) -> float:
    """The misfit of the best triangle, wherever its peak is."""
    phase = (np.arange(len(half)) + 0.5) / len(half)
    return min(_misfit(half, np.minimum(phase / peak, (1.0 - phase) / (1.0 - peak))) for peak in PEAKS.tolist())


def _misfit(half: F8, form: F8) -> float:
    """What is left of ``half`` after the least squares' multiple of ``form``."""
    rest = half - form * (float(form @ half) / float(form @ form))
    return float(rest @ rest)
