"""The model of the effect that a loop's output must have."""

from controller.config.quantity import AnyQuantity, Period, StrictModel


class Effect(StrictModel):
    """While the output is at its limit, the PV must come nearer to the setpoint by ``least`` ``within`` a time."""

    within: Period
    least: AnyQuantity
