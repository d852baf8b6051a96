"""The model of a vessel class's guards: interlocks and alarms."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from controller.config.quantity import AnyQuantity, Duration, Name, Period, StrictModel, Text, empty_list, refuse


class Interlock(StrictModel):
    """While tripped, the outputs in ``force`` are held at these values, whatever anything else wants. It trips when
    ``when`` becomes true and releases when ``release`` (by default: not ``when``) is true, never while ``when`` is.
    ``on_unknown`` says what it does when that can't be decided for several scans, because a value is Bad: ``trip``, or
    ``keep`` its state where tripping does more harm than going on unprotected.
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
    during: list[Name] = Field(default_factory=empty_list)
    consequence: Text
    cause: Text
    action: Text
    respond_within: Period

    @model_validator(mode="after")
    def _one_limit(self) -> Self:
        if (self.above is None) == (self.below is None):
            raise refuse("an alarm has one limit", "write one of above: and below:")
        return self
