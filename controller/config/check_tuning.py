"""Cross-checks of what makes a loop act: gains in their units and of the right sign, gaps, schedules, feed-forward."""

from __future__ import annotations

from controller.config.checker import Checker
from controller.config.loop_class import PidLoop
from controller.config.problems import Path
from controller.config.tuning_class import FeedForward
from controller.units import Quantity, per


def check_tuning(check: Checker, path: Path, loop: PidLoop, unit: str | None, span: str) -> None:
    """The gain is output per PV unit, and positive: a loop whose output has to fall when its PV rises says so by legs
    that run the other way.
    """
    if unit is None:
        return
    gain = check.value((*path, "tuning", "gain"), loop.tuning.gain, per(span, unit), difference=True)
    if gain == 0.0:
        check.bound.problem((*path, "tuning", "gain"), "a gain of zero does nothing")
    _quicker_filter(check, path, loop)


def _quicker_filter(check: Checker, path: Path, loop: PidLoop) -> None:
    """The filter of the PV is quicker than the loop: otherwise the controller acts on what is long past."""
    measurement = check.config.measurements.get(loop.pv)
    if measurement is None or measurement.filter is None:
        return
    times: dict[Path, Quantity | None] = {("tuning",): loop.tuning.integral_time}
    points = loop.schedule.points if loop.schedule else []
    times |= {("schedule", "points", index): point.integral_time for index, point in enumerate(points)}
    for key, time in times.items():
        if time is not None and time.to("s") <= measurement.filter.to("s"):
            what = f"integral_time: {time} is not longer than the filter of {loop.pv}, {measurement.filter}"
            check.bound.problem((*path, *key, "integral_time"), what, "the loop would act on what is long past")


def check_gap(check: Checker, path: Path, loop: PidLoop, unit: str | None) -> None:
    """The gap is smaller than the band that the alarms watch: otherwise the loop rests while they call."""
    gap = loop.gap
    if gap is None:
        return
    width = check.size((*path, "gap", "width"), gap.width, unit, may_be_zero=True)
    check.size((*path, "gap", "transition"), gap.transition, unit, may_be_zero=True)
    hysteresis = check.size((*path, "gap", "hysteresis"), gap.hysteresis, unit, may_be_zero=True)
    if width is None or unit is None:
        return
    if hysteresis is not None and hysteresis > width:
        check.bound.problem((*path, "gap", "hysteresis"), f"the hysteresis ({gap.hysteresis}) is wider than the gap")
    _inside_alarms(check, path, loop, width, unit)


def _inside_alarms(check: Checker, path: Path, loop: PidLoop, width: float, unit: str) -> None:
    default = check.value((*path, "setpoint", "default"), loop.setpoint.default, unit)
    for name, alarm in check.config.alarms.items():
        limit = alarm.above or alarm.below
        if alarm.tag != loop.pv or limit is None or default is None:
            continue
        room = abs(limit.to(unit) - default)
        if width >= room:
            what = f"the gap ({loop.gap.width if loop.gap else ''}) reaches alarm {name!r} at {limit}"
            why = f"the loop would rest while the alarm calls; keep it below {room:.6g} {unit}"
            check.bound.problem((*path, "gap", "width"), what, why)


def check_schedule(check: Checker, path: Path, loop: PidLoop, signal: str | None, unit: str | None) -> None:
    """Points rise, and their gains have the sign of the tuning's."""
    schedule, span = loop.schedule, loop.legs[0].from_.unit
    if schedule is None or signal is None or unit is None:
        return
    before: float | None = None
    for index, point in enumerate(schedule.points):
        where: Path = (*path, "schedule", "points", index)
        at = check.value((*where, "at"), point.at, signal)
        gain = check.value((*where, "gain"), point.gain, per(span, unit), difference=True)
        if at is not None and before is not None and at <= before:
            check.bound.problem((*where, "at"), f"{point.at} does not come after the point before")
        if gain is not None and gain * loop.tuning.gain.value <= 0.0:
            what = f"the gain {point.gain} has not the sign of the tuning's, {loop.tuning.gain}"
            check.bound.problem((*where, "gain"), what, "the loop would run away at this end of the schedule")
        before = at


def check_feed_forward(check: Checker, path: Path, forward: FeedForward, signal: str | None, span: str) -> None:
    """The gain is output per unit of the signal."""
    if signal is None:
        return
    check.value((*path, "gain"), forward.gain, per(span, signal), difference=True)
    check.value((*path, "around"), forward.around, signal)
