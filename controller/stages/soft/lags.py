"""First-order lags of several values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Generic

import numpy as np

from controller.frame import F8
from controller.stages.soft.arithmetic import Real
from controller.stages.soft.memory import Memory

Rows = list[float] | F8
"""Several values: a list of floats, or one array ``(values, n)``."""


class Lags(Generic[Real]):
    """Values that follow others, each with its time constant: in s, 0 for what follows at once. Write what is followed
    to ``target``, then call :meth:`step`. What they have come to is in the ``memory`` under ``name``.

    A lag is exact for a target that was constant since the last step, for any length of it. ``speed`` is the share of
    the way that a lag makes, per s.
    """

    target: Any
    speed: Any
    _share: Any

    def __init__(self, memory: Memory, name: str, time_constants: Sequence[Real], begin: float = np.nan) -> None:
        self._memory, self._name = memory, name
        self._time_constants: F8 = np.array(time_constants)
        memory[name], self.target = (_rows(np.full(self._time_constants.shape, value)) for value in (begin, np.nan))
        self._share = self.speed = _rows(np.zeros(self._time_constants.shape))
        self._dt = 0.0

    @property
    def state(self) -> Any:
        """The values, one by one in the place of those they follow; to be read and written."""
        return self._memory[self._name]

    def step(self, dt: float) -> None:
        """Move for ``dt`` > 0 s."""
        if dt != self._dt:
            self._dt = dt
            share: F8 = np.negative(np.expm1(-dt / self._time_constants))
            self._share, self.speed = _rows(share), _rows(share / dt)
        state, target, share = self.state, self.target, self._share
        if isinstance(state, list):
            state[:] = [one + (goal - one) * part for one, goal, part in zip(state, target, share, strict=True)]
        else:
            state += (target - state) * share


def _rows(values: F8) -> Rows:
    return values.tolist() if values.ndim == 1 else values
