"""The Harris index: how much of a loop's variance no controller could take away."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from controller.frame import F8

LONGEST_ORDER = 20
LEAST_PER_ORDER = 10
"""Samples that are needed for each coefficient of a model."""


class Autoregression(NamedTuple):
    """``x[t] = sum(coefficients[i] * x[t - 1 - i]) + noise``, the noise white with ``variance``."""

    coefficients: F8
    variance: float


def harris_index(series: F8, delay: int) -> float:
    """Least possible over actual variance of a control error, shape ``(samples,)``: 1 is as good as any controller can
    be with a dead time of ``delay`` samples, 0 is far from it. The mean does not count. NaN for a series that does not
    move. Method: Harris (1989), by the autoregressive fit of Desborough and Harris (1992).
    """
    model = fit(series)
    return minimum_variance_share(model.coefficients, delay) if model.variance > 0.0 else math.nan


def minimum_variance_share(coefficients: F8, delay: int) -> float:
    """The same of a stable model that is known: what comes within the dead time cannot be taken away, so it's the share
    of the first ``delay`` terms of the impulse response in the variance.
    """
    response = impulse_response(coefficients, max(delay, 1))
    return float(response @ response) / variance_ratio(coefficients)


def impulse_response(coefficients: F8, length: int) -> F8:
    """The first ``length`` terms of what a unit of noise does to ``x``; the first is 1."""
    response = np.zeros(length)
    response[0] = 1.0
    for step in range(1, length):
        past = response[max(0, step - len(coefficients)) : step][::-1]
        response[step] = coefficients[: len(past)] @ past
    return response


def variance_ratio(coefficients: F8) -> float:
    """Variance of ``x`` over that of its noise; infinite unless the model is stable. Method: step-down recursion."""
    ratio, now = 1.0, np.array(coefficients, np.float64)
    while len(now):
        reflection = float(now[-1])
        if abs(reflection) >= 1.0:
            return math.inf
        ratio /= 1.0 - reflection * reflection
        now = (now[:-1] + reflection * now[-2::-1]) / (1.0 - reflection * reflection)
    return ratio


def fit(series: F8, longest: int = LONGEST_ORDER) -> Autoregression:
    """The autoregression that tells a series best, of the order with the least corrected Akaike criterion, at most
    ``longest`` and one for each :data:`LEAST_PER_ORDER` samples. Method: Burg (1975); Hurvich and Tsai (1989).
    """
    forward = series - series.mean()
    samples, backward, variance = len(series), forward.copy(), float(forward @ forward) / len(series)
    coefficients = np.zeros(0)
    best, least = Autoregression(coefficients, variance), _criterion(variance, samples, 0)
    for order in range(1, min(longest, samples // LEAST_PER_ORDER) + 1):
        ahead, behind = forward[1:], backward[:-1]
        power = float(ahead @ ahead + behind @ behind)
        if power <= 0.0:
            break
        reflection = 2.0 * float(ahead @ behind) / power
        forward, backward = ahead - reflection * behind, behind - reflection * ahead
        coefficients = np.append(coefficients - reflection * coefficients[::-1], reflection)
        variance *= 1.0 - reflection * reflection
        criterion = _criterion(variance, samples, order)
        if criterion < least:
            best, least = Autoregression(coefficients, variance), criterion
    return best


def _criterion(variance: float, samples: int, order: int) -> float:
    if variance <= 0.0:
        return -math.inf
    return samples * math.log(variance) + 2.0 * samples * (order + 1) / (samples - order - 2)
