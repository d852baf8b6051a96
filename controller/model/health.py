"""What a loop's health is judged by."""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

BandSource = Literal["class", "alarms", "setpoint range"]
Side = Literal["both", "above", "below"]


class LoopHealth(NamedTuple):
    """``band`` is how far from its setpoint a loop counts as good, in the loop's unit, and ``source`` where it comes
    from. ``delay_s`` is the dead time of the process, NaN where nobody said it. The PV times ``scale`` plus ``offset``
    is in the loop's unit; a loop that has no PV that can be compared with its setpoint is not ``judged``. ``side`` is
    where a PV can be outside the band: a loop that only keeps foam down holds nothing while there is less.
    """

    band: float
    source: BandSource
    delay_s: float = math.nan
    judged: bool = True
    scale: float = 1.0
    offset: float = 0.0
    side: Side = "both"
