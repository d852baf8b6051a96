"""The model of what a loop's health is judged by."""

from controller.config.quantity import AnyQuantity, Period, StrictModel


class Health(StrictModel):
    """``band`` is how far from the setpoint a loop counts as good; ``delay`` the dead time of the process, which no
    controller can beat.
    """

    band: AnyQuantity | None = None
    delay: Period | None = None
