"""Processes to close loops on: simulated together, exactly for outputs that are held between samples."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from controller.frame import F8
from controller.tuning.process import Process
from controller.tuning.state_space import held, state_space

WHOLE = 1e-9
"""A dead time this close to a whole number of samples (in samples) is one."""


class Plants:
    """``n`` processes, each sampled at its own ``dt``: arrays of shape ``(n,)``, states ``(n, order)``.

    A dead time between two numbers of samples is met exactly: within a sample the input changes once.
    """

    def __init__(self, processes: Sequence[Process], dt: F8) -> None:
        n, order = len(processes), max(process.order for process in processes)
        self.state, self.output = np.zeros((n, order)), np.zeros(n)
        self._advance = np.zeros((n, order, order))
        self._early, self._late, self._read = np.zeros((3, n, order))
        self._delay = np.zeros(n, np.intp)
        for row, (process, step) in enumerate(zip(processes, dt.tolist(), strict=True)):
            self._sample(row, process, step)
        self._past = np.zeros((int(self._delay.max()) + 2, n))
        self._every = np.arange(n)
        self._now = 0

    def _sample(self, row: int, process: Process, dt: float) -> None:
        a, b, c = state_space(process)
        whole = int(np.floor(process.delay / dt + WHOLE))
        part = max(process.delay - whole * dt, 0.0)
        before, early = held(a, b, part)
        after, late = held(a, b, dt - part)
        size = slice(0, len(b))
        self._delay[row] = whole
        self._advance[row, size, size] = after @ before
        self._early[row, size], self._late[row, size], self._read[row, size] = after @ early, late, c

    def step(self, u: F8) -> F8:
        """The outputs one sample later, with ``u`` applied since the last one; overwritten by the next call."""
        past, now = self._past, self._now
        past[now] = u
        late = past[now - self._delay, self._every]
        early = past[now - self._delay - 1, self._every]
        self._now = (now + 1) % len(past)
        state = (self._advance @ self.state[:, :, None])[:, :, 0]
        state += self._early * early[:, None]
        state += self._late * late[:, None]
        self.state = state
        return np.einsum("ij,ij->i", self._read, state, out=self.output)
