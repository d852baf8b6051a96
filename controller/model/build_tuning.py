"""From a loop's tuning as configured to the numbers that its controller computes with."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from controller.model.tuning import Gap, Tuning
from controller.units import convert_difference, per

if TYPE_CHECKING:
    from controller.config.loop_class import PidLoop
    from controller.config.tuning_class import SchedulePoint


def tuning(entry: PidLoop, unit: str, op_unit: str, limits: tuple[float, float]) -> Tuning:
    """The tuning of a loop whose PV is in ``unit`` and whose output is in ``op_unit``, within ``limits``."""
    config = entry.tuning
    plain = Tuning(
        gain=convert_difference(config.gain.value, config.gain.unit, per(op_unit, unit)),
        integral_time=config.integral_time.to("s") if config.integral_time else math.inf,
        derivative_time=config.derivative_time.to("s") if config.derivative_time else 0.0,
        derivative_filter=config.derivative_filter,
        setpoint_weight=config.setpoint_weight,
        derivative_weight=config.derivative_weight,
        tracking_time=config.tracking_time.to("s") if config.tracking_time else 0.0,
        gap=_gap(entry, unit),
        low=limits[0],
        high=limits[1],
    )
    return _standard(plain) if config.form == "series" else plain


def point_tuning(point: SchedulePoint, entry: PidLoop, unit: str, op_unit: str) -> Tuning:
    """The tuning at one point of a loop's schedule: what the point does not say is as in the loop's own tuning."""
    given = entry.tuning.model_copy(
        update={
            "gain": point.gain,
            "integral_time": point.integral_time or entry.tuning.integral_time,
            "derivative_time": point.derivative_time or entry.tuning.derivative_time,
        }
    )
    return tuning(entry.model_copy(update={"tuning": given}), unit, op_unit, (0.0, 1.0))


def _gap(entry: PidLoop, unit: str) -> Gap:
    gap = entry.gap
    if gap is None:
        return Gap()
    return Gap(
        gap.width.difference(unit),
        gap.transition.difference(unit) if gap.transition else 0.0,
        gap.gain,
        gap.hysteresis.difference(unit) if gap.hysteresis else 0.0,
    )


def _standard(series: Tuning) -> Tuning:
    """The same controller in the ISA form."""
    from controller.model.pid_forms import Series, to_standard  # few class files are written in another form

    td = series.derivative_time
    same = to_standard(Series(series.gain, series.integral_time, td, td / series.derivative_filter))
    n = same.derivative_time / same.filter_time if same.filter_time > 0.0 else series.derivative_filter
    return replace(
        series,
        gain=same.gain,
        integral_time=same.integral_time,
        derivative_time=same.derivative_time,
        derivative_filter=n,
    )
