"""Cross-checks of a vessel class: what calculated tags are calculated from, in units that fit, and not in a circle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from controller.config.calculated_base import CalculatedBase, Wanted, filled, parameters, wanted
from controller.config.calculated_gas import CarbonDioxideInGas, GasTotal, OxygenInGas
from controller.config.checker import MEASURED, Checker
from controller.config.problems import Path
from controller.units import UnitError, convert

USABLE = (*MEASURED, "outputs")
"""Sections whose tags can be calculated with; of an output it is what reads back."""

MIXED = (GasTotal, OxygenInGas, CarbonDioxideInGas)
"""Methods that add up their inputs."""


def check_calculated(check: Checker) -> None:
    """Inputs are tags that are read, everything is in units that the method can use, and no tag depends on itself."""
    for name, entry in check.config.calculated.items():
        _units(check, ("calculated", name), entry)
    _circles(check)


def _units(check: Checker, path: Path, entry: CalculatedBase) -> None:
    """Everything about one tag that is said in a unit fits its method."""
    inputs = [(one, check.config.unit(one.tag)) for one in wanted(entry) if _usable(check, path, one)]
    if isinstance(entry, MIXED):
        _once(check, path, [one for one, _ in inputs])
    units = {"unit": entry.unit, **{one.name: unit for one, unit in inputs if unit is not None}}
    for one, unit in inputs:
        _like(check, (*path, *one.path), unit, _filled(one.spec.unit, units))
    for parameter in parameters(entry):
        if not isinstance(parameter.value, float):
            check.value((*path, parameter.name), parameter.value, _filled(parameter.unit, units), difference=True)
    _like(check, (*path, "unit"), entry.unit, _filled(entry.gives, units))
    if entry.credible is not None:
        check.value((*path, "credible", "low"), entry.credible.low, entry.unit)
        check.value((*path, "credible", "high"), entry.credible.high, entry.unit)


def _once(check: Checker, path: Path, inputs: Sequence[Wanted]) -> None:
    """No flow is added up twice: that is a copied line that was not changed."""
    seen: set[str] = set()
    for one in inputs:
        if one.tag in seen:
            check.bound.problem((*path, *one.path), f"{one.tag} is an input already", "each gas is a tag of its own")
        seen.add(one.tag)


def _filled(unit: str, units: Mapping[str, str]) -> str | None:
    """A unit of the method; ``None`` where an input that it depends on is wrong itself."""
    try:
        return filled(unit, units)
    except KeyError:
        return None


def _usable(check: Checker, path: Path, one: Wanted) -> bool:
    """Whether an input is a tag that the method can use."""
    path = (*path, *one.path)
    if not check.known(path, one.tag, check.names(*USABLE), "tag"):
        return False
    output = check.config.outputs.get(one.tag)
    if output is not None and output.once:
        check.bound.problem(path, f"{one.tag} is written and never read", "calculate from a tag that is read")
    measurement = check.config.measurements.get(one.tag)
    if one.spec.sampled and check.config.unit(one.tag) is not None and not (measurement and measurement.sampled):
        check.bound.problem(path, f"{one.tag} is not made of single samples", "use a measurement with sampled: true")
    return True


def _like(check: Checker, path: Path, unit: str | None, like: str | None) -> None:
    """A problem where a tag's unit does not convert to the one that the method works in."""
    if unit is None or like is None:
        return
    try:
        convert(1.0, unit, like)
    except UnitError as error:
        check.bound.problem(path, error.message, error.hint)


def _circles(check: Checker) -> None:
    """A problem at one input of every circle of tags that are calculated from each other."""
    left = {
        name: [one for one in wanted(entry) if one.tag in check.config.calculated]
        for name, entry in check.config.calculated.items()
    }
    while left:
        free = [name for name, inputs in left.items() if not any(one.tag in left for one in inputs)]
        for name in free or _circle(check, left):
            del left[name]


def _circle(check: Checker, left: Mapping[str, Sequence[Wanted]]) -> list[str]:
    """The tags of one circle, of tags each of which has an input among them."""
    way = [next(iter(left))]
    while True:
        closing = next(one for one in left[way[-1]] if one.tag in left)
        if closing.tag in way:
            break
        way.append(closing.tag)
    circle = way[way.index(closing.tag) :]
    message = f"{closing.tag} is calculated from itself: {' from '.join([*circle, closing.tag])}"
    check.bound.problem(("calculated", way[-1], *closing.path), message, "break the circle")
    return circle
