"""The model of a vessel class's tags that an instrument holds: what is read and what is written."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from controller.config.pulse_class import Dose, Guard, Pulse
from controller.config.quantity import (
    AnyQuantity,
    Duration,
    Name,
    Period,
    QuantityOrNone,
    Signal,
    StrictModel,
    Text,
    UnitCode,
    Volume,
    empty_list,
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


class ReadSource(Source):
    """Where a tag is read. A ``slow`` one may be told by the instrument when it changes, instead of being read at every
    scan; an output never, because a read-back decides what became of a write.
    """

    slow: bool = False


class Frozen(StrictModel):
    """A noisy value that is the same to the bit for longer than ``after`` gets this ``quality``: what it is taken from
    stands still, whatever the process does.
    """

    after: Period
    quality: Literal["uncertain", "bad"] = "uncertain"


class Measurement(StrictModel):
    """A tag that is read. ``credible`` is what the sensor can truthfully say: a value outside is Bad. ``max_rate`` is
    the fastest the process can move, ``max_age`` when a value is stale, ``filter`` a first-order time constant.
    ``calibration`` names the site's factor from the instrument's unit to this tag's; ``rebase: batch`` counts from
    the start of a batch; ``sampled`` values come from single samples and do not age. ``frozen`` says how long a noisy
    one may stand still.
    """

    title: Text
    source: ReadSource
    unit: UnitCode
    decimals: Decimals
    credible: Band
    max_rate: AnyQuantity | None = None
    max_age: Period | None = None
    filter: Duration | None = None
    calibration: Name | None = None
    rebase: Literal["batch"] | None = None
    sampled: bool = False
    frozen: Frozen | None = None

    @model_validator(mode="after")
    def _noisy_if_frozen(self) -> Self:
        if self.frozen and (self.sampled or self.rebase or self.source.slow):
            raise refuse("frozen: is for a noisy value that is read at every scan", "leave it out of what stands still")
        return self


class Output(StrictModel):
    """A tag that is written, never outside ``range``, never faster than ``max_rate``. ``safe`` is where it goes when
    its loop, its device or this program can no longer decide; ``none`` for outputs that are only written ``once`` per
    command, which have nothing to go back to. ``raises`` and ``lowers`` are the tags that more of it moves up or down:
    loops are checked against that. ``pulse`` and ``dose`` make it pulsed; ``smallest`` is the least that the actuator
    can do steadily, below which it is pulsed at that; ``step`` is the smallest change it can make, in the output's unit
    or as the speed of a calibrated pump; ``guard`` limits what it gives.
    """

    title: Text
    source: Source
    unit: UnitCode
    range: Band
    max_rate: AnyQuantity | None = None
    safe: QuantityOrNone
    once: bool = False
    raises: list[Signal] = Field(default_factory=empty_list)
    lowers: list[Signal] = Field(default_factory=empty_list)
    pulse: Pulse | None = None
    dose: Dose | None = None
    smallest: AnyQuantity | None = None
    step: AnyQuantity | None = None
    guard: Guard | None = None

    @model_validator(mode="after")
    def _safe_unless_once(self) -> Self:
        if self.safe == "none" and not self.once:
            raise refuse("only an output with once: true can have safe: none", "give the value that is safe")
        if self.once and (self.pulsed or self.guard):
            raise refuse("an output with once: true is neither pulsed nor guarded", "it is written by command only")
        if self.once and self.step:
            raise refuse("an output with once: true is written as it is", "leave out step:")
        return self

    @model_validator(mode="after")
    def _pulsed_in_one_way(self) -> Self:
        if self.dose and (self.pulse or self.smallest):
            raise refuse("pulses of a fixed amount have one rate", "write one of dose: and pulse:, without smallest:")
        if self.smallest and self.pulse and self.pulse.on:
            raise refuse("smallest says already what pulses are on at", "write one of smallest: and on:")
        return self

    @property
    def pulsed(self) -> bool:
        """Whether it is switched between its rest and a value, at least for small demands."""
        return bool(self.pulse or self.dose or self.smallest)
