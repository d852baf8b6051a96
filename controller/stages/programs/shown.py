"""What is shown of programs and feeds: numbers in columns, and what changes seldom as JSON."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from controller.commands import Json
from controller.frame import F8
from controller.model.programs import Feed, FeedTable
from controller.stages.programs.programs import Programs

KINDS = ("wanted", "hours", "total", "left", "factor")
"""The columns of a feed: the rate that its program asks for, the program's own time, what was delivered in the batch,
what is left in the bottle, and what the pump gives over what it should give.
"""


class FeedColumn(NamedTuple):
    """One column: of which feed (a row of the table), which of :data:`KINDS`, and how it is shown."""

    row: int
    kind: str
    title: str
    unit: str
    decimals: int
    low: float
    high: float


def feed_columns(table: FeedTable) -> list[FeedColumn]:
    """The columns of all feeds, each feed's own in the order of :data:`KINDS`."""
    return [
        FeedColumn(row, kind, f"{feed.title}, {title}", unit, decimals, low, high)
        for row, feed in enumerate(table.rows)
        for kind, title, unit, decimals, low, high in _described(feed)
    ]


def _described(feed: Feed) -> list[tuple[str, str, str, int, float, float]]:
    shown: list[tuple[str, str, str, int, float, float]] = []
    if feed.programs:
        shown += [
            ("wanted", "wanted", feed.unit, feed.decimals, feed.least, feed.most),
            ("hours", "program time", "h", 2, 0.0, 1000.0),
        ]
    if feed.is_flow:
        shown.append(("total", "delivered", feed.amount, 1, 0.0, 1e6))
    if feed.bottle is not None:
        shown.append(("left", "in the bottle", feed.amount, 0, 0.0, feed.bottle.volume))
        if feed.bottle.weight >= 0:
            shown.append(("factor", "pump factor", "1", 3, 0.5, 1.5))
    return shown


class FeedNumbers:
    """The numbers of all columns of feeds, shape ``(columns,)``."""

    def __init__(self, programs: Programs) -> None:
        self._programs = programs
        self.columns = feed_columns(programs.table)
        kinds = [KINDS.index(column.kind) for column in self.columns]
        rows = [column.row for column in self.columns]
        self._index = np.array(kinds, np.intp) * len(programs.table) + np.array(rows, np.intp)
        self._places = {
            (programs.table.rows[column.row].full_name, column.kind): place for place, column in enumerate(self.columns)
        }

    def read(self) -> F8:
        """The numbers now, NaN where there is none."""
        if not len(self._index):
            return np.zeros(0)
        return np.concatenate([self._numbers(kind) for kind in KINDS])[self._index]

    def one(self, place: int) -> float:
        """The number of one column."""
        column = self.columns[place]
        return float(self._numbers(column.kind)[column.row])

    def _numbers(self, kind: str) -> F8:
        """One kind of number, of all feeds."""
        programs, deliveries = self._programs, self._programs.deliveries
        if kind == "wanted":
            return programs.wanted
        if kind == "hours":
            return np.where(programs.has_program, programs.hours, np.nan)
        if kind == "total":
            return deliveries.account.total
        return deliveries.bottles.left if kind == "left" else deliveries.balances.factor

    def place(self, vessel: str, loop: str, kind: str) -> int:
        """The place of one column, -1 where there is none."""
        return self._places.get((f"{vessel}.{loop}", kind), -1)


def shown_program(programs: Programs, loop: str) -> Json:
    """A feed as the live JSON shows it beside its numbers: its program with parameters and what it waits for, the
    amount's unit, the bottle. ``None`` for a loop that is no feed.
    """
    row = programs.table.index.get(loop)
    if row is None:
        return None
    feed, run = programs.table.rows[row], programs.runs[row]
    bottles = programs.deliveries.bottles
    names: list[Json] = [*feed.programs]
    return {
        "programs": names,
        "program": None if run is None else run.program.name,
        "parameters": {} if run is None else run.shown(),
        "state": "none" if run is None else "over" if run.over else "waits" if run.waits else "runs",
        "waits": "" if run is None else run.waits,
        "amount_unit": feed.amount,
        "bottle": None if feed.bottle is None else _bottle_word(low=bottles.low[row], empty=bottles.empty[row]),
    }


def _bottle_word(*, low: bool, empty: bool) -> str:
    return "empty" if empty else "low" if low else "ok"
