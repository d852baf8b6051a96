"""From loaded vessel classes: pulses, guards and doses. Amounts become output units times seconds."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from controller.config.check_outputs import SPEED, in_speed
from controller.model.doses import Dose, Guard, Pulse
from controller.units import convert_difference

if TYPE_CHECKING:
    from controller.config import loop_class, tag_class
    from controller.units import Quantity
    from drivers.contract import Point

SMALLEST_PERIOD_S = 60.0
"""The period in which an output is pulsed that only names its smallest steady value."""
DAY_S = 86400.0


def build_pulse(entry: tag_class.Output) -> Pulse | None:
    """How an output is pulsed; ``None`` for a steady one."""
    unit, pulse = entry.unit, entry.pulse
    if entry.dose:
        return Pulse(entry.dose.rate.to(unit), amount=amount(entry.dose.amount, unit))
    if not (pulse or entry.smallest):
        return None
    on = entry.smallest or (pulse.on if pulse else None) or entry.range.high
    return Pulse(
        on.to(unit),
        period=pulse.period.to("s") if pulse else SMALLEST_PERIOD_S,
        shortest_on=pulse.shortest_on.to("s") if pulse and pulse.shortest_on else 0.0,
        shortest_off=pulse.shortest_off.to("s") if pulse and pulse.shortest_off else 0.0,
    )


def build_guard(entry: tag_class.Output) -> Guard | None:
    """The limits of what an output may give; ``None`` where there are none."""
    guard = entry.guard
    if guard is None:
        return None
    shown = guard.most or guard.most_per_batch
    unit = shown.unit if shown else f"({entry.unit}).s"
    return Guard(
        most=amount(guard.most, entry.unit) if guard.most else math.inf,
        within=guard.within.to("s") if guard.within else DAY_S,
        most_per_batch=amount(guard.most_per_batch, entry.unit) if guard.most_per_batch else math.inf,
        unit=unit,
        factor=convert_difference(1.0, unit, f"({entry.unit}).s"),
    )


def build_step(entry: tag_class.Output, point: Point | None) -> float:
    """The smallest change of an output, 0 where any is possible; its ``point`` knows a pump's speed as a flow."""
    if entry.step is None or point is None:
        return 0.0
    return entry.step.difference(SPEED) * abs(point.gain) if in_speed(entry) else entry.step.difference(entry.unit)


def build_dose(entry: loop_class.DoseLoop, unit: str) -> Dose:
    """What a dose loop gives; ``unit`` is its output's. Limits become whole doses."""
    dose = amount(entry.amount, unit)
    return Dose(
        above=entry.when == "above",
        after=entry.after.to("s"),
        amount=dose,
        rate=entry.rate.to(unit),
        lock_out=entry.lock_out.to("s"),
        per_hour=_doses(entry.most_per_hour, dose, unit),
        per_batch=_doses(entry.most_per_batch, dose, unit),
        give_up=entry.give_up,
    )


def _doses(most: Quantity | None, dose: float, unit: str) -> float:
    """The whole doses in an amount; a rounding does not cost one."""
    return math.inf if most is None else math.floor(amount(most, unit) / dose + 1e-9)


def amount(quantity: Quantity, unit: str) -> float:
    """An amount of what an output in ``unit`` gives over time."""
    return convert_difference(quantity.value, quantity.unit, f"({unit}).s")
