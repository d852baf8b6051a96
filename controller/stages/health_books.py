"""Books: whose time a loop's sums are. What is closed is never changed, only replaced."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

from controller.frame import F8
from controller.stages.health_sums import Row, Rows


class Place(NamedTuple):
    """Where a vessel is: its batch and the operation that runs, "" for none."""

    batch: str = ""
    operation: str = ""


NOWHERE = Place()


@dataclass(frozen=True, slots=True)
class Book:
    """One vessel's present or last batch. ``closed`` are the sums of what is over, by operation (the time outside of
    any under ""), shape ``(rows of sums, loops of the vessel)``; an operation that ran twice is added up.
    """

    batch: str = ""
    place: Place = NOWHERE
    closed: Mapping[str, F8] = field(default_factory=dict)

    def total(self, loops: int) -> F8:
        """All closed sums of the batch."""
        return sum(self.closed.values(), start=np.zeros((len(Row), loops)))

    def turn(self, place: Place, segment: F8) -> Book:
        """The book after ``segment``, the sums since the last turn, was closed and the vessel came to ``place``."""
        closed = self.closed
        if self.place.batch:
            operation = self.place.operation
            closed = {**closed, operation: closed[operation] + segment if operation in closed else segment}
        if place.batch and place.batch != self.batch:
            return Book(place.batch, place)
        return replace(self, place=place, closed=closed)


class Picture(NamedTuple):
    """All sums after a scan, for readers on any thread: it is replaced as a whole and nothing in it changes.

    ``segment`` are the sums since each vessel's last turn, ``before`` those of all time before that, both of shape
    ``(rows of sums, loops)``; ``books`` by vessel; ``rows`` the loops of each vessel.
    """

    segment: F8
    before: F8
    books: Mapping[str, Book]
    rows: Mapping[str, Rows]

    def total(self, row: int) -> F8:
        """A loop's sums of all time."""
        return np.asarray(self.before[:, row] + self.segment[:, row])

    def operations(self, vessel: str, row: int) -> dict[str, F8]:
        """A loop's sums in each operation of the vessel's present or last batch, the running one included."""
        book, place = self.books[vessel], int(np.searchsorted(self.rows[vessel], row))
        found = {name: closed[:, place] for name, closed in book.closed.items()}
        if book.place.batch:
            running = self.segment[:, row]
            name = book.place.operation
            found[name] = found[name] + running if name in found else running
        return found
