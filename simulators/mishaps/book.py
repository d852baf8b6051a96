"""Every mishap that was ordered for the vessels of a plant, under a number of its own, and what became of it."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice

from simulators.mishaps.board import CLEARED, Board
from simulators.mishaps.order import Order
from simulators.vessel import Vessel

ORDERED = "ordered"
MOST = 1000
"""Mishaps that may wait or go on at a time; more is a mistake of whoever orders them."""
KEPT = 10 * MOST
"""The newest notices that are kept: as many mishaps as there can be at a time leave a third of them."""


@dataclass(frozen=True, slots=True)
class Notice:
    """What became of a mishap: it was ordered, begins, ends or was cleared. `process_s` is the vessel's time."""

    number: int
    what: str
    vessel: str
    order: Order
    process_s: float


class Book:
    """The mishaps of all vessels.

    `notices` are the newest :data:`KEPT` of what became of them, `count` is how many there have been.
    """

    def __init__(self, vessels: Mapping[str, Vessel[float]]) -> None:
        self._vessels = vessels
        self._boards: dict[str, Board[float]] = {}
        self._open: dict[int, tuple[str, int, Order, str]] = {}
        self._numbers: dict[tuple[str, int], int] = {}
        self._ordered = 0
        self.count = 0
        self.notices: deque[Notice] = deque(maxlen=KEPT)

    def order(self, vessel: str, order: Order) -> int:
        """Let a mishap happen; gives its number. Raises KeyError for an unknown vessel, ValueError for a signal that
        the vessel does not have, and for too many mishaps.
        """
        if len(self._open) >= MOST:
            raise ValueError(f"{MOST} process faults are waiting or going on; clear some first")
        if vessel not in self._boards:
            self._boards[vessel] = Board(self._vessels[vessel], lambda own, what: self._told(vessel, own, what))
        own = self._boards[vessel].order(order)
        self._ordered += 1
        self._numbers[vessel, own] = self._ordered
        self._open[self._ordered] = (vessel, own, order, ORDERED)
        self._note(self._ordered, ORDERED)
        return self._ordered

    def clear(self, number: int) -> None:
        """End a mishap now, or call it off. Raises ValueError for a number that is neither waiting nor going on."""
        if number not in self._open:
            going = ", ".join(map(str, self._open)) or "none"
            raise ValueError(f"no process fault {number} is waiting or going on; possible: {going}")
        vessel, own, _, _ = self._open[number]
        self._boards[vessel].clear(own)

    def since(self, count: int, most: int = KEPT) -> tuple[int, list[Notice]]:
        """At most so many of the notices after the first `count`, and how many came before these: more than `count`
        where some are kept no longer.
        """
        before = min(max(count, self.count - len(self.notices)), self.count)
        first = before - (self.count - len(self.notices))
        return before, list(islice(self.notices, first, first + most))

    def going_on(self) -> dict[int, Notice]:
        """What waits or goes on, by number, each as it stands now."""
        return {
            number: Notice(number, what, vessel, order, self._vessels[vessel].process_s)
            for number, (vessel, _, order, what) in self._open.items()
        }

    def times(self, number: int) -> tuple[float, float]:
        """From and until which process time of its vessel what waits or goes on is; infinite without an end."""
        vessel, own, _, _ = self._open[number]
        return self._boards[vessel].times(own)

    def _told(self, vessel: str, own: int, what: str) -> None:
        number = self._numbers[vessel, own]
        _, _, order, _ = self._open[number]
        self._note(number, what)
        if what in {CLEARED, "ends"}:
            del self._open[number], self._numbers[vessel, own]
        else:
            self._open[number] = (vessel, own, order, what)

    def _note(self, number: int, what: str) -> None:
        vessel, _, order, _ = self._open[number]
        self.count += 1
        self.notices.append(Notice(number, what, vessel, order, self._vessels[vessel].process_s))
