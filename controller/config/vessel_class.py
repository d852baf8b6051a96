"""The model of a vessel class file: what a kind of vessel can do, and what it must never do.

Attributes are the YAML keys (``from`` is ``from_``). What one object can't know alone is in
:mod:`controller.config.crosscheck`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from controller.commands import Json
from controller.config.quantity import (
    AnyQuantity,
    Duration,
    Identifier,
    Name,
    Period,
    QuantityOrNone,
    StrictModel,
    Text,
    UnitCode,
    Version,
    Volume,
    refuse,
)

Decimals = Annotated[int, Field(ge=0, le=6)]


class Band(StrictModel):
    """From ``low`` to ``high``, low below high, in units that convert into each other."""

    low: AnyQuantity
    high: AnyQuantity

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.low.to(self.high.unit) >= self.high.value:
            raise refuse(f"low ({self.low}) is not below high ({self.high})")
        return self

    def to(self, unit: str) -> tuple[float, float]:
        """Low and high in another unit. Raises :class:`UnitError`."""
        return self.low.to(unit), self.high.to(unit)


class VolumeBand(Band):
    """A band of volumes."""

    low: Volume
    high: Volume


class Source(StrictModel):
    """Where a tag lives: the instrument's role in the vessel, and the instrument's own word for the point.
    ``{vessel}`` in the point stands for the vessel's name.
    """

    instrument: Name
    point: Text


class Measurement(StrictModel):
    """A tag that is read. ``credible`` is what the sensor can truthfully say: a value outside is Bad. ``max_rate`` is
    the fastest the process can move, ``max_age`` when a value is stale, ``filter`` a first-order time constant.
    ``calibration`` names the site's factor from the instrument's unit to this tag's; ``rebase: batch`` counts from
    the start of a batch; ``sampled`` values come from single samples and do not age.
    """

    title: Text
    source: Source
    unit: UnitCode
    decimals: Decimals
    credible: Band
    max_rate: AnyQuantity | None = None
    max_age: Period | None = None
    filter: Duration | None = None
    calibration: Name | None = None
    rebase: Literal["batch"] | None = None
    sampled: bool = False


class Calculated(StrictModel):
    """A tag calculated in the scan by the method ``from_`` out of ``inputs``, which are measurements; the quality is
    the worst input's. ``volume_from_weight`` takes one weight and a ``density``.
    """

    title: Text
    from_: Literal["volume_from_weight"] = Field(alias="from")
    inputs: Annotated[list[Name], Field(min_length=1)]
    density: AnyQuantity | None = None
    unit: UnitCode
    decimals: Decimals


class Output(StrictModel):
    """A tag that is written, never outside ``range``, never faster than ``max_rate``. ``safe`` is where it goes when
    its loop, its device or this program can no longer decide; ``none`` for outputs that are only written ``once`` per
    command, which have nothing to go back to.
    """

    title: Text
    source: Source
    unit: UnitCode
    range: Band
    max_rate: AnyQuantity | None = None
    safe: QuantityOrNone
    once: bool = False

    @model_validator(mode="after")
    def _safe_unless_once(self) -> Self:
        if self.safe == "none" and not self.once:
            raise refuse("only an output with once: true can have safe: none", "give the value that is safe")
        return self


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


class Interlock(StrictModel):
    """While tripped, the outputs in ``force`` are held at these values, whatever anything else wants. It trips when
    ``when`` becomes true and releases when ``release`` (by default: not ``when``) is true. ``on_unknown`` says what it
    does when that can't be decided for several scans, because a value is Bad: ``trip``, or ``keep`` its state where
    tripping does more harm than going on unprotected.
    """

    title: Text
    when: Text
    release: Text | None = None
    on_unknown: Literal["trip", "keep"] = "trip"
    force: Annotated[dict[Name, AnyQuantity], Field(min_length=1)]


class Alarm(StrictModel):
    """A limit with the operator's part: what it means and what to do. ``priority`` 1 is the most urgent; ``during``
    names the operations in which it counts (always, when empty).
    """

    tag: Name
    above: AnyQuantity | None = None
    below: AnyQuantity | None = None
    deadband: AnyQuantity | None = None
    on_delay: Duration | None = None
    off_delay: Duration | None = None
    priority: Annotated[int, Field(ge=1, le=4)]
    during: list[Name] = Field(default_factory=list)
    consequence: Text
    cause: Text
    action: Text
    respond_within: Period

    @model_validator(mode="after")
    def _one_limit(self) -> Self:
        if (self.above is None) == (self.below is None):
            raise refuse("an alarm has one limit", "write one of above: and below:")
        return self


class VesselClassConfig(StrictModel):
    """A vessel class file. Mappings are by name; ``instruments`` are the roles that a vessel of this class fills."""

    placeholders: ClassVar[Mapping[str, Json]] = {
        "vessel_class": "unknown",
        "version": "0.0.0",
        "title": "unknown",
        "working_volume": {"low": "0 L", "high": "1 L"},
        "instruments": ["unknown"],
        "measurements": {},
    }

    vessel_class: Identifier
    version: Version
    title: Text
    working_volume: VolumeBand
    instruments: Annotated[list[Name], Field(min_length=1)]
    measurements: dict[Name, Measurement]
    calculated: dict[Name, Calculated] = Field(default_factory=dict)
    outputs: dict[Name, Output] = Field(default_factory=dict)
    loops: dict[Name, Loop] = Field(default_factory=dict)
    interlocks: dict[Name, Interlock] = Field(default_factory=dict)
    alarms: dict[Name, Alarm] = Field(default_factory=dict)

    def unit(self, tag: str) -> str | None:
        """The unit of a measurement, calculated tag or output; ``None`` when there is none of that name."""
        entry = self.measurements.get(tag) or self.calculated.get(tag) or self.outputs.get(tag)
        return entry.unit if entry else None
