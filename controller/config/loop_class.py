"""The model of a vessel class's loops: setpoints and the actuators they move."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from controller.config.effect_class import Effect
from controller.config.health_class import Health
from controller.config.program_class import Bottle, ProgramNames
from controller.config.quantity import (
    AnyQuantity,
    Duration,
    Name,
    Signal,
    StrictModel,
    Text,
    UnitCode,
    empty_dict,
    empty_list,
    refuse,
)
from controller.config.tag_class import Decimals
from controller.config.tuning_class import FeedForward, Gap, Schedule, Tuning


class Setpoint(StrictModel):
    """What a loop may be asked for. ``max_rate`` ramps it, from where the process is when the loop is switched on or,
    with ``ramp_from: setpoint``, from the last setpoint; ``filter`` smooths it; a step beyond ``confirm_step`` asks the
    operator again.
    """

    default: AnyQuantity
    low: AnyQuantity
    high: AnyQuantity
    max_rate: AnyQuantity | None = None
    ramp_from: Literal["pv", "setpoint"] = "pv"
    filter: Duration | None = None
    confirm_step: AnyQuantity | None = None


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
    """What all loops have. ``on_bad_pv``: what the outputs do while the PV is Bad: hold (at ``fallback``, if given), go
    safe, or the loop goes to manual and stays there. ``on_restart``: what the loop does after this program was
    restarted. ``safe`` holds at every start, also at the first: the loop is off, and its outputs go to their safe
    values. A loop whose setpoint another one moves says which tags a higher setpoint ``raises`` or ``lowers``; an
    actuator that does not is taken to do what its output does.
    """

    title: Text
    setpoint: Setpoint
    on_bad_pv: Literal["safe", "hold", "manual"]
    on_restart: Literal["resume", "hold_output", "safe"]
    raises: list[Signal] = Field(default_factory=empty_list)
    lowers: list[Signal] = Field(default_factory=empty_list)
    health: Health | None = None


class PidLoop(LoopBase):
    """A loop that this program closes. Its output is in the unit of the legs' ``from`` and ``to``. ``legs_act``: one
    after the other, or together where they overlap.
    """

    type: Literal["pid"]
    pv: Signal
    tuning: Tuning
    gap: Gap | None = None
    schedule: Schedule | None = None
    feed_forward: Annotated[list[FeedForward], Field(max_length=8)] = Field(default_factory=empty_list)
    legs: Annotated[list[Leg], Field(min_length=1, max_length=10)]
    legs_act: Literal["in_sequence", "together"] = "in_sequence"
    fallback: AnyQuantity | None = None
    effect: Effect | None = None


class DirectLoop(LoopBase):
    """An actuator that is set: the setpoint is written to ``output``. ``total`` is the tag that counts what was
    delivered, ``bottle`` what it is taken from; ``programs`` may lead the setpoint.
    """

    type: Literal["direct"]
    pv: Name | None = None
    output: Name
    total: Name | None = None
    programs: ProgramNames = Field(default_factory=empty_dict)
    bottle: Bottle | None = None


class Shown(StrictModel):
    """Measurements in which an instrument tells of its own controller."""

    output: Name | None = None
    gain: Name | None = None
    integral_time: Name | None = None
    derivative_time: Name | None = None
    mode: Name | None = None


class RemoteLoop(LoopBase):
    """A loop that the instrument closes itself: the setpoint is written to ``output`` and read back from it. ``shows``
    are the measurements in which the instrument tells of its controller.
    """

    type: Literal["remote"]
    pv: Name
    output: Name
    shows: Shown = Field(default_factory=Shown)


class RatioLoop(LoopBase):
    """The output is the setpoint, a ratio, times the signal ``of``."""

    type: Literal["ratio"]
    of: Signal
    pv: Name | None = None
    output: Name | None = None
    loop: Name | None = None
    decimals: Decimals = 2

    @model_validator(mode="after")
    def _one_target(self) -> Self:
        if (self.output is None) == (self.loop is None):
            raise refuse("a ratio moves either an output or a loop", "write one of output: and loop:")
        return self


class StationLoop(LoopBase):
    """A setpoint that others work with, such as a total gas flow that a mixer divides."""

    type: Literal["station"]
    unit: UnitCode
    decimals: Decimals = 1
    pv: Name | None = None
    on_bad_pv: Literal["safe", "hold", "manual"] = "hold"


class DoseLoop(LoopBase):
    """Once ``pv`` has been ``when`` (above or below) the setpoint for ``after``, ``amount`` is given at ``rate`` to
    ``output``, and then nothing for ``lock_out``. ``give_up`` doses without effect are the last; ``most_per_hour`` and
    ``most_per_batch`` are amounts.
    """

    type: Literal["dose"]
    pv: Name
    when: Literal["above", "below"]
    after: Duration
    amount: AnyQuantity
    rate: AnyQuantity
    output: Name
    lock_out: Duration
    most_per_hour: AnyQuantity | None = None
    most_per_batch: AnyQuantity | None = None
    give_up: Annotated[int, Field(ge=1, le=100)] = 5


Loop = Annotated[PidLoop | DirectLoop | RemoteLoop | RatioLoop | StationLoop | DoseLoop, Field(discriminator="type")]
