"""The first-order model of a process by the steepest tangent of its step response."""

from __future__ import annotations

import numpy as np

from controller.tuning.process import Process
from controller.tuning.rules import FirstOrder
from controller.tuning.state_space import step_response

SPANS, PER_SPAN = 8, 2000
RISEN = 1.0 - float(np.exp(-1.0))


def by_tangent(process: Process) -> FirstOrder:
    """Dead time where the steepest tangent meets the beginning, lag so that 63.2 % are reached at their sum (Åström
    and Hägglund 2006, ch. 2.4). An integrating process has the tangent of its ramp.
    """
    if process.integrating:
        return FirstOrder(process.gain, 0.0, process.delay + sum(process.lags) - sum(process.leads), integrating=True)
    span = process.pace - process.delay
    dt = span / PER_SPAN
    y, slope = step_response(process, dt, SPANS * PER_SPAN)
    y, slope = y / process.gain, slope / process.gain
    steepest = int(np.argmax(slope))
    apparent = max(steepest * dt - float(y[steepest] / slope[steepest]), 0.0)
    past = int(np.argmax(y >= RISEN))
    risen = (past - 1 + float((RISEN - y[past - 1]) / (y[past] - y[past - 1]))) * dt
    return FirstOrder(process.gain, risen - apparent, process.delay + apparent)
