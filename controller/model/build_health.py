"""From loaded vessel classes to what loops' health is judged by."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from controller.model.health import LoopHealth, Side
from controller.units import UnitError, convert

if TYPE_CHECKING:
    from controller.config.health_class import Health
    from controller.config.load import LoadedSite
    from controller.model.guards import Alarm
    from controller.model.loops import Loop, LoopTable
    from controller.model.tags import TagTable

SHARE_OF_ALARMS = 0.25
"""Of the distance between the alarms: a loop leaves its band half-way to the alarm, so that there is time to act."""
SHARE_OF_SETPOINTS = 0.05


def build_health(
    loaded: LoadedSite, tags: TagTable, loops: LoopTable, alarms: Sequence[Alarm]
) -> dict[str, LoopHealth]:
    """One for each loop, by its full name."""
    of_tag: dict[int, list[Alarm]] = {}
    for alarm in alarms:
        of_tag.setdefault(alarm.tag, []).append(alarm)
    found: dict[str, LoopHealth] = {}
    for loop in loops.rows:
        default = default_health(loop, tags, loops, of_tag.get(loop.pv, ()))
        found[loop.full_name] = _declared(default, loop.unit, loaded.classes[loop.vessel].loops[loop.name].health)
    return found


def _declared(health: LoopHealth, unit: str, entry: Health | None) -> LoopHealth:
    """With what the class says itself."""
    if entry is not None and entry.delay is not None:
        health = health._replace(delay_s=entry.delay.to("s"))
    if entry is not None and entry.band is not None:
        health = health._replace(band=entry.band.difference(unit), source="class")
    return health


def default_health(loop: Loop, tags: TagTable, loops: LoopTable, alarms: Sequence[Alarm]) -> LoopHealth:
    """What a class does not say. The band is a quarter of the distance between the PV's innermost alarms, or 5 % of the
    setpoint's range where it has no pair of them.
    """
    band = SHARE_OF_SETPOINTS * (loop.sp_high - loop.sp_low)
    unit = _unit_of_pv(loop, tags, loops)
    try:
        offset = convert(0.0, unit or loop.unit, loop.unit)
        scale = convert(1.0, unit or loop.unit, loop.unit) - offset
    except UnitError:
        return LoopHealth(band, "setpoint range", judged=False)
    between = _between(loop, alarms)
    if between > 0.0:
        return LoopHealth(SHARE_OF_ALARMS * between * scale, "alarms", scale=scale, offset=offset, side=_side(loop))
    judged = unit is not None
    return LoopHealth(band, "setpoint range", judged=judged, scale=scale, offset=offset, side=_side(loop))


def _side(loop: Loop) -> Side:
    """A dose loop acts on one side of its setpoint and leaves the other alone."""
    if loop.dose is None:
        return "both"
    return "above" if loop.dose.above else "below"


def _between(loop: Loop, alarms: Sequence[Alarm]) -> float:
    """The distance between the PV's innermost alarms, in its unit; 0 for none."""
    own = [alarm for alarm in alarms if loop.pv >= 0 and alarm.tag == loop.pv]
    above = [alarm.limit for alarm in own if alarm.side == "above"]
    below = [alarm.limit for alarm in own if alarm.side == "below"]
    return max(min(above) - max(below), 0.0) if above and below else 0.0


def _unit_of_pv(loop: Loop, tags: TagTable, loops: LoopTable) -> str | None:
    """The unit of the signal that a loop controls."""
    if loop.pv < 0:
        return None
    if loop.pv < len(tags):
        return tags.tags[loop.pv].unit
    part, row = divmod(loop.pv - len(tags), len(loops))
    return loops.rows[row].op_unit if part else loops.rows[row].unit
