"""The parts of controllers' outputs, as copies that can be looked at while the controllers go on."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from controller.frame import F8

PARAMETERS = (
    "gain", "integral_time", "derivative_time", "derivative_filter", "setpoint_weight", "derivative_weight",
    "tracking_time", "low", "high",
)  # fmt: skip
"""Of a tuning, in the order of the rows that hold them."""


class Parts(NamedTuple):
    """What the last outputs of ``n`` controllers of a block were made of.

    ``inputs`` are errors and measurements with the gap taken off, shape ``(2, n)``; ``state`` integrals and derivative
    memories, ``(2, n)``; ``parameters`` as in :data:`PARAMETERS`. ``kick`` belongs to the
    derivative; ``idle`` are those that do not act; ``extra`` is the feed-forward, ``None`` where there is none;
    ``wanted`` the output before its limits; all of shape ``(n,)``. A copy costs a scan little, :meth:`terms` is
    computed by whoever asks.
    """

    inputs: F8
    state: F8
    parameters: F8
    kick: F8
    idle: NDArray[np.bool_]
    extra: F8 | None
    wanted: F8

    def terms(self) -> F8:
        """Proportional, integral, derivative and feed-forward part, shape ``(4, n)``. A controller that does not act
        has an integral only.
        """
        error, measured = self.inputs
        gain, b, c = self.parameters[[0, 4, 5]]
        proportional = gain * (b * error - (1.0 - b) * measured)
        derivative = self.state[1] - self.kick * ((1.0 - c) * measured - c * error)
        extra = np.zeros(len(gain)) if self.extra is None else self.extra
        terms = np.stack((proportional, self.state[0], derivative, extra))
        terms[[[0], [2], [3]], np.flatnonzero(self.idle)] = 0.0
        return terms
