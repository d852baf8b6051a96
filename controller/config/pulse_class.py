"""The model of how an output is pulsed and guarded."""

from typing import Self

from pydantic import model_validator

from controller.config.quantity import AnyQuantity, Duration, Period, StrictModel, refuse


class Pulse(StrictModel):
    """Time-proportional: within each ``period`` the output is ``on`` (by default the high end of its range) for the
    share of time that gives the mean asked for. No pulse is shorter than ``shortest_on`` and no pause shorter than
    ``shortest_off``; the period becomes longer where need be.
    """

    period: Period
    on: AnyQuantity | None = None
    shortest_on: Duration | None = None
    shortest_off: Duration | None = None


class Dose(StrictModel):
    """Pulses of a fixed ``amount`` at ``rate``: one is given whenever that much was asked for."""

    amount: AnyQuantity
    rate: AnyQuantity


class Guard(StrictModel):
    """The ``most`` that an output may give ``within`` a time, whenever it begins, and in a batch. Beyond that it is
    held at its safe value, until less counts again or somebody resets the guard with a reason.
    """

    most: AnyQuantity | None = None
    within: Period | None = None
    most_per_batch: AnyQuantity | None = None

    @model_validator(mode="after")
    def _some_limit(self) -> Self:
        if (self.most is None) != (self.within is None):
            raise refuse("most and within belong together", "as in most: 30 mL, within: 24 h")
        if self.most is None and self.most_per_batch is None:
            raise refuse("a guard without a limit", "write most: and within:, or most_per_batch:")
        return self
