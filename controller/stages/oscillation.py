"""Oscillation of a control error: whether it swings regularly, how slowly and how far."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from controller.frame import F8

MOST_CROSSINGS = 12
LEAST_CROSSINGS = 5
LEAST_REGULARITY = 1.0
LEAST_STRENGTH = 0.25


class Oscillation(NamedTuple):
    """``period`` in samples (NaN when none can be told), ``regularity`` and ``strength`` as :func:`find` says,
    ``amplitude`` of a sine of that variance in the unit of the error, and whether all that is an oscillation.
    """

    found: bool
    period: float
    regularity: float
    strength: float
    amplitude: float


def find(series: F8) -> Oscillation:
    """Look for one oscillation in a series of shape ``(samples,)``.

    Every second zero crossing of the autocorrelation is one period after the last; white noise has vanished from it but
    at lag 0, up to twice ``1 / sqrt(samples)``, which does not count as a crossing.
    ``regularity`` is a third of the mean period over its standard deviation: above 1 the periods are alike.
    ``strength`` is the autocorrelation one period later: the share of the variance that comes back.
    Method: Thornhill, Huang and Zhang (2003); the demand on ``strength`` is ours.
    """
    correlation = autocorrelation(series)
    amplitude = float(series.std()) * math.sqrt(2.0)
    passed = crossings(correlation, 2.0 / math.sqrt(len(series)))[:MOST_CROSSINGS]
    if len(passed) < LEAST_CROSSINGS:
        return Oscillation(False, math.nan, 0.0, 0.0, amplitude)
    periods = passed[2:] - passed[:-2]
    period, spread = float(periods.mean()), float(periods.std(ddof=1))
    regularity = period / (3.0 * spread) if spread > 0.0 else math.inf
    strength = float(np.interp(period, np.arange(len(correlation)), correlation))
    found = regularity > LEAST_REGULARITY and strength > LEAST_STRENGTH
    return Oscillation(found, period, regularity, strength, amplitude)


def autocorrelation(series: F8) -> F8:
    """Of lags 0 to half the samples, 1 at lag 0; the mean taken off. Zero for a series that does not move."""
    samples = len(series)
    deviation = series - series.mean()
    spectrum = np.fft.rfft(deviation, 2 * samples)
    lags = np.arange(samples // 2)
    covariance = np.fft.irfft(np.abs(spectrum) ** 2)[: len(lags)] / (samples - lags)
    return np.asarray(covariance / covariance[0] if covariance[0] > 0.0 else np.zeros(len(lags)))


def crossings(values: F8, dead_zone: float) -> F8:
    """Where a sequence passes from beyond ``dead_zone`` on one side of zero to beyond it on the other, in places: zero
    by interpolation between the two.
    """
    place = np.flatnonzero(np.abs(values) > dead_zone)
    beyond = values[place]
    before = np.flatnonzero((beyond[1:] > 0.0) != (beyond[:-1] > 0.0))
    one, other = beyond[before], beyond[before + 1]
    return np.asarray(place[before] + (place[before + 1] - place[before]) * one / (one - other))
