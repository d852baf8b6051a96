"""What effect a loop's output must have."""

from __future__ import annotations

from typing import NamedTuple


class LoopEffect(NamedTuple):
    """While the output of the loop ``row`` is at its limit, the PV must come nearer to the setpoint by ``least`` within
    ``within_s``. The PV times ``scale`` plus ``offset`` is in the loop's unit, as ``least`` is. ``lowest`` and
    ``highest`` are the limits at which that counts: -1 for the lower one, 1 for the upper, 0 for not there.
    """

    row: int
    within_s: float
    least: float
    scale: float = 1.0
    offset: float = 0.0
    lowest: float = -1.0
    highest: float = 1.0
