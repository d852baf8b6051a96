"""Exact sampled state space of process models, for an input that is held between samples."""

from __future__ import annotations

import numpy as np

from controller.frame import F8
from controller.tuning.process import Process

SQUARINGS_BELOW = 2.0**-4
TERMS = 12


def state_space(process: Process) -> tuple[F8, F8, F8]:
    """``A``, ``B``, ``C`` of the process without its dead time: first-order stages in a row, the integrator first.

    The stages after the first carry the leads: what one of them passes on is ``x + lead x'``.
    """
    stages = ([np.inf] if process.integrating else []) + sorted(process.lags)
    n = len(stages)
    leads = [0.0] * (n - len(process.leads)) + list(process.leads)
    a, b, passed = np.zeros((n, n)), np.zeros(n), np.zeros(n)
    for row, (lag, lead) in enumerate(zip(stages, leads, strict=True)):
        rate = 1.0 if np.isinf(lag) else 1.0 / lag
        a[row] = passed * rate
        b[row] = rate if row == 0 else 0.0
        if not np.isinf(lag):
            a[row, row] -= rate
        passed = lead * a[row]
        passed[row] += 1.0
    return a, b, passed * process.gain


def exponential(matrix: F8) -> F8:
    """The matrix exponential of ``(..., n, n)``, by scaling, Taylor series and squaring."""
    size = float(np.abs(matrix).sum(axis=-1).max(initial=0.0))
    squarings = max(0, int(np.ceil(np.log2(size / SQUARINGS_BELOW)))) if size > 0.0 else 0
    scaled = matrix / 2.0**squarings
    total = term = np.broadcast_to(np.eye(matrix.shape[-1]), matrix.shape)
    for order in range(1, TERMS + 1):
        term = term @ scaled / order
        total = total + term
    for _ in range(squarings):
        total = total @ total
    return np.asarray(total)


def held(a: F8, b: F8, dt: float) -> tuple[F8, F8]:
    """``x(t + dt) = Ad x(t) + Bd u`` of ``x' = A x + B u`` with ``u`` held."""
    n = len(b)
    block = np.zeros((n + 1, n + 1))
    block[:n, :n], block[:n, n] = a * dt, b * dt
    whole = exponential(block)
    return whole[:n, :n], whole[:n, n]


def step_response(process: Process, dt: float, samples: int) -> tuple[F8, F8]:
    """The answer to a unit step and its slope at ``0, dt, …``, the dead time left out; each of shape ``(samples,)``.

    The states of a block of samples give those of the next one, so the number of products is the logarithm of the
    number of samples.
    """
    a, b, c = state_space(process)
    n = len(b)
    block = np.zeros((n + 1, n + 1))
    block[:n, :n], block[:n, n] = a, b
    advance = exponential(block * dt)
    states = np.zeros((n + 1, 1))
    states[n] = 1.0
    while states.shape[1] < samples:
        states = np.concatenate([states, advance @ states], axis=1)
        advance = advance @ advance
    states = states[:, :samples]
    return c @ states[:n], c @ (block @ states)[:n]
