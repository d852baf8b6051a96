"""The model of a vessel class's loops: setpoints, tunings and the actuators they move."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from controller.config.quantity import AnyQuantity, Duration, Name, Period, StrictModel, Text, refuse


class Setpoint(StrictModel):
    """What a loop may be asked for. ``max_rate`` ramps it; a step beyond ``confirm_step`` asks the operator again."""

    default: AnyQuantity
    low: AnyQuantity
    high: AnyQuantity
    max_rate: AnyQuantity | None = None
    confirm_step: AnyQuantity | None = None


class Tuning(StrictModel):
    """A PID loop's parameters. ``gain`` is output per PV unit and positive when more output raises the PV;
    ``tracking_time`` is the anti-windup time (by default the integral time); inside ``gap`` around the setpoint the
    output does not move.
    """

    gain: AnyQuantity
    integral_time: Period | None = None
    derivative_time: Duration | None = None
    tracking_time: Period | None = None
    gap: AnyQuantity | None = None


class Leg(StrictModel):
    """The part ``from_`` .. ``to`` of a loop's output that moves one actuator, an ``output`` or the setpoint of another
    ``loop``, from ``start`` to ``end``.
    """

    output: Name | None = None
    loop: Name | None = None
    from_: AnyQuantity = Field(alias="from")
    to: AnyQuantity
    start: AnyQuantity
    end: AnyQuantity

    @model_validator(mode="after")
    def _one_target(self) -> Self:
        if (self.output is None) == (self.loop is None):
            raise refuse("a leg moves either an output or a loop", "write one of output: and loop:")
        if self.to.to(self.from_.unit) <= self.from_.value:
            raise refuse(f"from ({self.from_}) is not below to ({self.to})")
        return self


class LoopBase(StrictModel):
    """What all loops have. ``on_bad_pv``: what the outputs do while the PV is Bad; ``on_restart``: what the loop does
    after this program was restarted. ``safe`` holds at every start, also at the first: the loop is off, and its outputs
    go to their safe values.
    """

    title: Text
    setpoint: Setpoint
    on_bad_pv: Literal["safe", "hold"]
    on_restart: Literal["resume", "hold_output", "safe"]


class PidLoop(LoopBase):
    """A loop that this program closes. Its output is in the unit of the legs' ``from`` and ``to``."""

    type: Literal["pid"]
    pv: Name
    tuning: Tuning
    legs: Annotated[list[Leg], Field(min_length=1)]


class DirectLoop(LoopBase):
    """A loop that an instrument closes itself: its setpoint is written to ``output``. ``total`` is the tag that counts
    what was delivered.
    """

    type: Literal["direct"]
    pv: Name | None = None
    output: Name
    total: Name | None = None


Loop = Annotated[PidLoop | DirectLoop, Field(discriminator="type")]
