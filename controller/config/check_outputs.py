"""Cross-checks of a vessel class: how outputs are pulsed and what their guards allow."""

from __future__ import annotations

import math

from controller.config.checker import Checker, same
from controller.config.problems import Path
from controller.config.pulse_class import Guard, Pulse
from controller.config.tag_class import Output
from controller.units import Quantity, UnitError, parse_unit

RANGE = "the output's range"
SPEED = "{rev}/min"
"""The unit in which pumps are told their speed."""


def check_outputs(check: Checker) -> None:
    """Pulses fit into their period and their output, and giving nothing is safe where a guard stops an output."""
    for name, output in check.config.outputs.items():
        path: Path = ("outputs", name)
        if output.pulsed or output.guard:
            _rests(check, path, output)
        check_above_rest(check, (*path, "smallest"), output.smallest, output)
        _step(check, (*path, "step"), output)
        if output.pulse:
            check_above_rest(check, (*path, "pulse", "on"), output.pulse.on, output)
            _period(check, path, output.pulse)
        if output.dose:
            check_amount(check, (*path, "dose", "amount"), output.dose.amount, output.unit)
            check_above_rest(check, (*path, "dose", "rate"), output.dose.rate, output)
        if output.guard:
            _guard(check, path, output, output.guard)


def amount_unit(unit: str) -> str:
    """A unit of what an output in ``unit`` gives over time: mL for mL/h."""
    whole, numerator = f"({unit}).s", unit.rpartition("/")[0]
    try:
        return numerator if parse_unit(numerator).compatible(parse_unit(whole)) else whole
    except UnitError:
        return whole


def check_amount(check: Checker, path: Path, amount: Quantity | None, unit: str) -> float | None:
    """An amount of what an output in ``unit`` gives, in :func:`amount_unit`; a problem unless it is more than 0."""
    value = check.value(path, amount, amount_unit(unit), difference=True)
    if value is not None and value <= 0.0:
        check.bound.problem(path, f"{path[-1]}: {amount} is nothing", "write more than 0")
        return None
    return value


def check_above_rest(check: Checker, path: Path, value: Quantity | None, output: Output) -> None:
    """A value at which a pulsed output is on: inside its range, and more than at rest."""
    found = check.inside(path, value, output.unit, (output.range.low, output.range.high), RANGE)
    rest = _low(output)
    if found is not None and rest is not None and found <= rest:
        check.bound.problem(path, f"{path[-1]}: {value} is where the output rests", "write more than the low end")


def shortest_cycle_s(output: Output) -> float:
    """How long a dose lasts, or a period of pulses, in seconds; infinite for a steady output."""
    if output.dose is None:
        return output.pulse.period.to("s") if output.pulse else math.inf
    try:
        amount, rate = output.dose.amount.difference(f"({output.unit}).s"), output.dose.rate.to(output.unit)
    except UnitError:
        return math.inf  # reported where the dose is checked, as is a rate of 0
    return amount / rate if rate > 0.0 else math.inf


def _low(output: Output) -> float | None:
    try:
        return output.range.low.to(output.unit)
    except UnitError:
        return None  # reported where the range is checked


def _rests(check: Checker, path: Path, output: Output) -> None:
    """Pulses and amounts are counted from 0, and a guard stops an output that gives nothing at its safe value."""
    low = _low(output)
    if low is not None and low != 0.0:
        check.bound.problem((*path, "range", "low"), "low: an output that is pulsed or guarded rests at 0", "write 0")
    if output.guard and output.safe != "none" and output.safe.value != 0.0:
        check.bound.problem(
            (*path, "safe"), f"safe: a guard holds the output at {output.safe}, which goes on giving", "write 0"
        )


def in_speed(output: Output) -> bool:
    """Whether its step is said as the speed of a pump, which the site's calibration turns into a flow."""
    speed = parse_unit(SPEED)
    said = output.step is not None and parse_unit(output.step.unit).compatible(speed)
    return said and not parse_unit(output.unit).compatible(speed)


def _step(check: Checker, path: Path, output: Output) -> None:
    """A step is more than nothing, no more than the range, and no more than what the actuator can do steadily."""
    if in_speed(output):
        check.size(path, output.step, SPEED)
        return
    step = check.size(path, output.step, output.unit)
    limits = [("the range", output.range.high, _low(output)), ("smallest", output.smallest, 0.0)]
    for what, limit, start in limits:
        try:
            most = None if limit is None or start is None else limit.to(output.unit) - start
        except UnitError:
            continue  # reported where that is checked
        if step is not None and most is not None and step > most and not same(step, most):
            check.bound.problem(path, f"step: {output.step} is more than {what}", "the smallest change it can make")


def _period(check: Checker, path: Path, pulse: Pulse) -> None:
    shortest = [time.to("s") for time in (pulse.shortest_on, pulse.shortest_off) if time]
    if sum(shortest) > pulse.period.to("s"):
        check.bound.problem(
            (*path, "pulse", "period"),
            f"period: the shortest pulse and the shortest pause do not fit into {pulse.period}",
            "write a longer period",
        )


def _guard(check: Checker, path: Path, output: Output, guard: Guard) -> None:
    """Amounts are amounts, at least one dose is allowed, and within a time no more than in a batch."""
    unit = amount_unit(output.unit)
    dose = (
        output.dose.amount if output.dose and parse_unit(output.dose.amount.unit).compatible(parse_unit(unit)) else None
    )
    found: list[float | None] = []
    for key, limit in (("most", guard.most), ("most_per_batch", guard.most_per_batch)):
        most = check_amount(check, (*path, "guard", key), limit, output.unit)
        if most is not None and dose is not None and most < dose.to(unit):
            message = f"{key}: {limit} is less than one dose of {dose}"
            check.bound.problem((*path, "guard", key), message, "so that none could ever be given")
        found.append(most)
    within, per_batch = found
    if within is not None and per_batch is not None and within > per_batch and not same(within, per_batch):
        message = f"most: {guard.most} is more than most_per_batch: {guard.most_per_batch}, which always comes first"
        check.bound.problem((*path, "guard", "most"), message, "write no more than most_per_batch:")
