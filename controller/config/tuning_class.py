"""The model of what makes a loop act: its tuning, gap, gain schedule and feed-forward."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from controller.config.quantity import AnyQuantity, Duration, Period, Signal, StrictModel, refuse

Share = Annotated[float, Field(ge=0, le=1)]


class Gap(StrictModel):
    """Inside ``width`` around the setpoint the controller rests: only the share ``gain`` of the error counts there.
    Over ``transition`` beyond it the share rises to all; a controller that acts goes on until the error is
    ``hysteresis`` inside the width.
    """

    width: AnyQuantity
    transition: AnyQuantity | None = None
    gain: Share = 0.0
    hysteresis: AnyQuantity | None = None


class Tuning(StrictModel):
    """A PID loop's parameters. ``gain`` is output per PV unit and positive when more output raises the PV;
    ``tracking_time`` is the anti-windup time (by default the integral time). ``form`` is how the manual of another
    controller means the same numbers. Setpoint and derivative weight are the shares of the setpoint that those parts
    see; ``derivative_filter`` is N in Td/N.
    """

    gain: AnyQuantity
    integral_time: Period | None = None
    derivative_time: Duration | None = None
    derivative_filter: Annotated[float, Field(ge=2, le=20)] = 10.0
    setpoint_weight: Share = 1.0
    derivative_weight: Share = 0.0
    tracking_time: Period | None = None
    form: Literal["ideal", "series"] = "ideal"


class SchedulePoint(StrictModel):
    """The tuning where the signal is ``at``; what is not given is that of ``tuning``."""

    at: AnyQuantity
    gain: AnyQuantity
    integral_time: Period | None = None
    derivative_time: Duration | None = None


class Schedule(StrictModel):
    """Tuning by a signal: between points gain and times are interpolated, beyond the ends they stay. While the signal
    is Bad the last tuning stays.
    """

    signal: Signal
    points: Annotated[list[SchedulePoint], Field(min_length=2, max_length=20)]


class FeedForward(StrictModel):
    """``gain`` times what ``signal`` is above ``around`` is added to the output, through a first-order ``lag``. With
    ``washout`` only changes count, and fade with that time: for a bolus, or a signal whose level the loop's integral
    knows already.
    """

    signal: Signal
    gain: AnyQuantity
    around: AnyQuantity | None = None
    lag: Duration | None = None
    washout: Period | None = None

    @model_validator(mode="after")
    def _level_or_change(self) -> Self:
        if self.washout is not None and self.around is not None:
            raise refuse("with washout only changes count", "leave around: out")
        return self
