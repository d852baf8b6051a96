"""Robustness of a loop from its frequency response: maximum sensitivity Ms and gain margin.

The controller is taken as it is discretised, the plant as it is in continuous time behind a zero-order hold. Between a
reading and the output that follows from it a scan may pass: ``delay_s``.
"""

from math import isfinite, pi
from typing import NamedTuple

import numpy as np

NOTHING = np.array([np.inf])


class Margins(NamedTuple):
    """``ms`` is the largest ``|1/(1+L)|``; ``gm`` the factor by which the gain may rise until the loop is unstable."""

    ms: float
    gm: float


def frequencies(dt=1.0, slowest=1e-6, count=20_000):
    """Angular frequencies up to just below half the sampling rate."""
    return np.logspace(np.log10(slowest), np.log10(0.999 * pi / dt), count)


def lag(w, tau):
    """A first-order lag."""
    return 1.0 / (1.0 + 1j * w * tau)


def hold(w, dt=1.0, delay_s=0.0):
    """A zero-order hold and a pure delay."""
    return np.exp(-1j * w * (0.5 * dt + delay_s)) * np.sinc(w * dt / (2.0 * pi))


def controller(w, gain, ti, td=0.0, n=10.0, dt=1.0, filter_s=0.0):
    """PID as the bank discretises it (I forward, D backward), after the filter of the measurement."""
    z = np.exp(1j * w * dt)
    answer = gain * (1.0 + (dt / ti / (z - 1.0) if isfinite(ti) else 0.0))
    if td:
        keep = td / (td + n * dt)
        answer = answer + gain * n * keep * (1.0 - 1.0 / z) / (1.0 - keep / z)
    if filter_s:
        share = 1.0 - np.exp(-dt / filter_s)
        answer = answer * share / (1.0 - (1.0 - share) / z)
    return answer


def margins(loop):
    """Of the loop's frequency response ``L``, for a loop that is stable at lower gains."""
    turned = np.flatnonzero((loop.imag[:-1] * loop.imag[1:] <= 0.0) & (loop.real[1:] < 0.0))
    return Margins(float(np.max(1.0 / np.abs(1.0 + loop))), float(np.min(1.0 / np.append(np.abs(loop[turned]), 1e-12))))
