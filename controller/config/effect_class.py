"""The model of the effect that a loop's output must have."""

from typing import Literal

from controller.config.quantity import AnyQuantity, Period, StrictModel


class Effect(StrictModel):
    """While the output is at its limit, the PV must come nearer to the setpoint by ``least`` ``within`` a time. ``at``
    is the limit at which it must: a heater that is off cools nothing.
    """

    within: Period
    least: AnyQuantity
    at: Literal["high", "low", "both"] = "both"
