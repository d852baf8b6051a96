"""What left the range that the model of a culture is valid for: which quantity, in which operation, how far, and whose
range that is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from controller.commands import Json

if TYPE_CHECKING:
    from controller.composition.rehearsal.books import Course
    from simulators.fleet import Fleet
    from simulators.parameters import Span

TITLES: Mapping[str, str] = {
    "vcd": "Viable cell density",
    "biomass": "Biomass",
    "glucose": "Glucose",
    "lactate": "Lactate",
    "ammonia": "Ammonia",
    "bacteria": "Bacteria",
    "temperature": "Temperature",
    "ph": "pH",
}
"""Quantities in words, those of the culture before those that control brings."""
TRUE: Mapping[str, str] = {"temperature": "true_temperature", "ph": "true_ph"}
"""Where the plant has the truth of a quantity under another name."""


class Left(NamedTuple):
    """A quantity that was beyond its ``span`` in an operation; ``farthest`` is the value that was so the most, in the
    span's unit, NaN where the plant does not tell it.
    """

    quantity: str
    operation: str
    span: Span
    farthest: float

    @property
    def text(self) -> str:
        """In one line: ``temperature 24.9 Cel (valid 33 .. 41 Cel) in cool_down``."""
        far = f" {self.farthest:.4g} {self.span.unit}" if np.isfinite(self.farthest) else ""
        return f"{self.quantity}{far} (valid {in_words(self.span)}) in {self.operation}"


def in_words(span: Span) -> str:
    """A range with its unit."""
    return f"{span.low:g} .. {span.high:g} {span.unit}"


def look(courses: Mapping[str, Course], fleet: Fleet, operation: Callable[[str], str]) -> None:
    """Note whose culture is beyond what its model knows, of batches that are not over and hold living cells.

    ``courses`` are in the order of the fleet's columns; ``operation`` says in which one a batch is.
    """
    truth = fleet.truth()
    beyond = {name: where & (truth["vcd"] > 0.0) for name, where in fleet.beyond().items()}
    for name in [name for name, where in beyond.items() if where.any()]:
        values = truth.get(TRUE.get(name, name))
        for column, (donor, course) in enumerate(courses.items()):
            if beyond[name][column] and not course.over:
                value = float("nan") if values is None else float(values[column])
                _note(course, Left(name, operation(donor), fleet.valid[name], value))


def _note(course: Course, left: Left) -> None:
    known = course.beyond.get((left.quantity, left.operation))
    if known is None or _excess(left) > _excess(known):
        course.beyond[left.quantity, left.operation] = left


def _excess(left: Left) -> float:
    return max(left.span.low - left.farthest, left.farthest - left.span.high)


def entry(several: list[Left], farthest: Mapping[str, Json]) -> dict[str, Json]:
    """What left, of all batches in which the same did in the same operation, as JSON."""
    quantity, operation, span, _ = several[0]
    return {
        "quantity": quantity,
        "title": TITLES.get(quantity, quantity),
        "operation": operation,
        "low": span.low,
        "high": span.high,
        "unit": span.unit,
        "range_from": span.basis,
        "batches": len(several),
        "farthest": dict(farthest),
    }


def rank(quantity: str) -> int:
    """The place of a quantity in a list: what the culture did comes before what control did."""
    names = list(TITLES)
    return names.index(quantity) if quantity in names else -1
