"""The parameters of a PID controller."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tuning:
    """One controller's parameters. ``gain`` in output units per PV unit, times in seconds.

    ``integral_time`` inf is no integral action; ``tracking_time`` 0 is the integral time (external reset); ``gap`` in
    PV units: inside it the output does not move. ``low`` and ``high`` limit the output.
    """

    gain: float
    integral_time: float = math.inf
    derivative_time: float = 0.0
    derivative_filter: float = 10.0
    setpoint_weight: float = 1.0
    tracking_time: float = 0.0
    gap: float = 0.0
    low: float = 0.0
    high: float = 100.0
