"""Deliveries: account, balance and bottle of every feed, booked together once per scan."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from controller.commands import Json
from controller.frame import F8, Frame
from controller.model.feed_alarms import FLAGS
from controller.model.programs import FeedTable
from controller.stages.programs.account import Account
from controller.stages.programs.balance import Balances, Weighed
from controller.stages.programs.bottles import Bottles

Told = list[tuple[int, str]]
"""What has to go on record: a row of the feeds, and the text."""
LOW, EMPTY, ADRIFT, WAITING = (FLAGS.index(flag) for flag in ("low", "empty", "adrift", "waiting"))
SECONDS_PER_HOUR = 3600.0


class Deliveries:
    """Arrays of shape ``(feeds,)``: ``booked`` are the amounts delivered since the last scan by the best that is known,
    ``given`` those by what the outputs achieved, which is known at once. ``flags`` has a column for each of
    :data:`FLAGS`; ``changes`` counts what changed of bottles.
    """

    def __init__(self, table: FeedTable) -> None:
        n = len(table)
        self._table = table
        self.account, self.balances = Account(table), Balances(table)
        self.bottles = Bottles(table, self.balances)
        self.booked, self.given = np.zeros((2, n))
        self.flags = np.zeros((n, len(FLAGS)), np.bool_)
        self.changes = 0

    def step(self, frame: Frame, output: F8, reached: NDArray[np.bool_], dt: float) -> Told:
        """Book what ``output``, achieved in the last ``dt`` s where it can be ``reached``, and counters and balances
        say.
        """
        self.given = pumped = self.account.pumped(output, dt / SECONDS_PER_HOUR)
        self.booked = nominal = self.account.counted(frame, pumped, reached)
        weighed: list[Weighed] = []
        if len(self.balances.rows):
            weighed = self.balances.step(frame, nominal, dt)
            self.given, self.booked = pumped * self.balances.factor, nominal * self.balances.factor
        elif not np.count_nonzero(self.booked):
            return []
        told: Told = []
        for one in weighed:
            if math.isfinite(one.window):
                self.booked[one.row] += one.window - one.expected
            if math.isfinite(one.ratio):
                told += self._drifts(one.row, believed=math.isfinite(one.window))
        self.account.book(self.booked)
        told += self.bottles.step(self.booked, weighed)
        if told or weighed:
            self._show()
        return told

    def _drifts(self, row: int, *, believed: bool) -> Told:
        """Tell when a pump gives what is beyond correcting, and when it does no more."""
        was = not self.flags[row, ADRIFT]
        self.flags[row, ADRIFT] = not believed
        if believed == was:
            return []
        what = "fits the balance again" if believed else "does not fit the balance, and is not corrected by it"
        return [(row, f"{self._table.rows[row].title}: what the pump gives {what}")]

    def _show(self) -> None:
        self.flags[:, LOW], self.flags[:, EMPTY] = self.bottles.low, self.bottles.empty
        self.changes += 1

    def fill(self, row: int, left: float) -> None:
        """A bottle with ``left`` in it is connected now."""
        self.bottles.fill(row, left)
        self._show()

    def rebase(self, vessel: str) -> None:
        """A batch begins on ``vessel``: totals from zero, bottles full."""
        self.account.rebase(vessel)
        self.bottles.rebase(vessel)
        self._show()

    def state(self, row: int) -> dict[str, Json]:
        """What has to survive a restart, of one feed."""
        return {**self.account.state(row), **self.balances.state(row), **self.bottles.state(row)}

    def restore(self, row: int, state: Mapping[str, Json]) -> None:
        """Take over what :meth:`state` gave."""
        self.account.restore(row, state)
        self.balances.restore(row, state)
        self.bottles.restore(row, state)
        self._show()
