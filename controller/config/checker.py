"""What all cross-checks of a vessel class need: comparing quantities with the units of tags, and looking up names."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple, Protocol

from controller.config.bind import Bound
from controller.config.problems import Path, nearest
from controller.config.vessel_class import VesselClassConfig
from controller.units import Quantity, UnitError

MEASURED = ("measurements", "calculated")
"""Sections whose tags have a value that loops, alarms and calculations can use."""

_SLACK = 1e-9
"""Limits that are equal in different units may differ by a rounding."""


class Finding(NamedTuple):
    """Something wrong with a condition: ``offset`` characters into its text."""

    offset: int
    message: str
    hint: str = ""


class ConditionCheck(Protocol):
    """Checks a condition's text against what a vessel class has; the language is the recipes'."""

    def __call__(self, text: str, vessel_class: VesselClassConfig) -> Iterable[Finding]:
        """Everything that is wrong with the condition."""


class Checker:
    """Adds to a bound vessel class what is wrong with it."""

    def __init__(self, bound: Bound[VesselClassConfig], config: VesselClassConfig) -> None:
        self.bound = bound
        self.config = config
        self._names: dict[tuple[str, ...], dict[str, None]] = {}

    def names(self, *sections: str) -> Collection[str]:
        """All names in some sections of the file, also of entries that are otherwise wrong."""
        if sections not in self._names:
            document = self.bound.document
            self._names[sections] = {name: None for section in sections for name in document.names((section,))}
        return self._names[sections]

    def known(self, path: Sequence[str | int], name: str, names: Collection[str], what: str) -> bool:
        """Whether ``name`` is one of ``names``; a problem at ``path`` if not."""
        if name in names:
            return True
        self.bound.problem(path, f"there is no {what} {name!r}", nearest(name, list(names)))
        return False

    def value(
        self, path: Path, quantity: Quantity | None, unit: str | None, *, difference: bool = False
    ) -> float | None:
        """The quantity in ``unit``; ``None``, with a problem when the units don't fit, when it can't be said."""
        if quantity is None or unit is None:
            return None
        try:
            return quantity.difference(unit) if difference else quantity.to(unit)
        except UnitError as error:
            self.bound.problem(path, f"{path[-1]}: {error.message}", error.hint)
            return None

    def size(
        self, path: Path, quantity: Quantity | None, unit: str | None, *, may_be_zero: bool = False
    ) -> float | None:
        """The quantity as a difference in ``unit``; a problem unless it is more than nothing."""
        value = self.value(path, quantity, unit, difference=True)
        if value is not None and (value < 0.0 or (value == 0.0 and not may_be_zero)):
            hint = "0 or more" if may_be_zero else "more than 0"
            self.bound.problem(path, f"{path[-1]}: {quantity} is too small", hint)
            return None
        return value

    def inside(
        self, path: Path, quantity: Quantity | None, unit: str | None, band: tuple[Quantity, Quantity] | None, what: str
    ) -> float | None:
        """The quantity in ``unit``; a problem when it lies outside ``band``, which messages call ``what``."""
        value = self.value(path, quantity, unit)
        limits = self._limits(band, unit)
        if value is None or limits is None:
            return value
        slack = _SLACK * max(1.0, *map(abs, limits))
        if not limits[0] - slack <= value <= limits[1] + slack:
            low, high = band or (None, None)
            self.bound.problem(path, f"{path[-1]}: {quantity} is outside {what}, {low} .. {high}")
        return value

    @staticmethod
    def _limits(band: tuple[Quantity, Quantity] | None, unit: str | None) -> tuple[float, float] | None:
        if band is None or unit is None:
            return None
        try:
            return band[0].to(unit), band[1].to(unit)
        except UnitError:
            return None  # reported where the band itself is checked


def same(one: float, other: float) -> bool:
    """Whether two numbers are equal but for a rounding."""
    return abs(one - other) <= _SLACK * max(1.0, abs(one), abs(other))
