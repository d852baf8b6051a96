"""From loaded vessel classes to what loops' health is judged by."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from controller.model.health import LoopHealth

if TYPE_CHECKING:
    from controller.config.load import LoadedSite
    from controller.model.guards import Alarm
    from controller.model.loops import Loop, LoopTable

SHARE_OF_ALARMS = 0.25
"""Of the distance between the alarms: a loop leaves its band half-way to the alarm, so that there is time to act."""
SHARE_OF_SETPOINTS = 0.05


def build_health(loaded: LoadedSite, loops: LoopTable, alarms: Sequence[Alarm]) -> dict[str, LoopHealth]:
    """One for each loop, by its full name."""
    return {loop.full_name: _health(loaded, loop, alarms) for loop in loops.rows}


def _health(loaded: LoadedSite, loop: Loop, alarms: Sequence[Alarm]) -> LoopHealth:
    entry = loaded.classes[loop.vessel].loops[loop.name].health
    delay = math.nan if entry is None or entry.delay is None else entry.delay.to("s")
    if entry is not None and entry.band is not None:
        return LoopHealth(entry.band.difference(loop.unit), "class", delay)
    return default_health(loop, alarms, delay)


def default_health(loop: Loop, alarms: Sequence[Alarm] = (), delay_s: float = math.nan) -> LoopHealth:
    """A band that nobody chose: a quarter of the distance between the PV's innermost alarms, or 5 % of the setpoint's
    range where it has no pair of them.
    """
    own = [alarm for alarm in alarms if loop.pv >= 0 and alarm.tag == loop.pv]
    above = [alarm.limit for alarm in own if alarm.side == "above"]
    below = [alarm.limit for alarm in own if alarm.side == "below"]
    if above and below and min(above) > max(below):
        return LoopHealth(SHARE_OF_ALARMS * (min(above) - max(below)), "alarms", delay_s)
    return LoopHealth(SHARE_OF_SETPOINTS * (loop.sp_high - loop.sp_low), "setpoint range", delay_s)
