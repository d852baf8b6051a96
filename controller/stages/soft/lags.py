"""First-order lags of many values at once."""

from __future__ import annotations

import numpy as np

from controller.frame import F8


class Lags:
    """Values that follow others, each with its time constant; arrays have shape ``(lags, n)``, time constants in s, 0
    for what follows at once. Write what is followed to ``target``, then call :meth:`step`.

    A lag is exact for a target that was constant since the last step, for any length of it. ``speed`` is the share of
    the way that a lag makes, per s.
    """

    def __init__(self, time_constant: F8) -> None:
        self._time_constant = time_constant
        self.state, self.target = np.full((2, *time_constant.shape), np.nan)
        self.speed, self._share, self._move = np.zeros((3, *time_constant.shape))
        self._dt = 0.0

    def step(self, dt: float) -> None:
        """Move for ``dt`` > 0 s."""
        if dt != self._dt:
            self._dt = dt
            np.negative(np.expm1(-dt / self._time_constant), out=self._share)
            np.divide(self._share, dt, out=self.speed)
        np.subtract(self.target, self.state, out=self._move)
        np.multiply(self._move, self._share, out=self._move)
        np.add(self.state, self._move, out=self.state)
