"""A model whose inputs move slowly and whose answer costs much: it is asked every few seconds."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np

from controller.frame import F8
from controller.stages.soft.model import Columns, Model, Now, Setup

EVERY_S = 30.0


class SlowModel(Model):
    """Holds each column's answer for up to half a minute, and while its inputs are Bad; then it is found at once."""

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        self._age, self._found = np.full(setup.n, EVERY_S), np.full(setup.n, np.nan)
        self._due = np.zeros(setup.n, np.bool_)
        self.memory = {"age": self._age, "found": self._found}

    @abstractmethod
    def find(self, now: Now, columns: Columns) -> F8:
        """The answer for some of the columns."""

    def step(self, now: Now, dt: float) -> None:
        """The last answer, or a new one."""
        age, due = self._age, self._due
        np.add(age, dt, out=age)
        np.logical_not(now.usable, out=due)
        np.copyto(age, EVERY_S, where=due)
        np.greater_equal(age, EVERY_S, out=due)
        np.logical_and(due, now.usable, out=due)
        if np.count_nonzero(due):
            columns = np.flatnonzero(due)
            self._found[columns] = self.find(now, columns)
            age[columns] = 0.0
        np.copyto(now.out, self._found)

    def resume(self, columns: Columns, outage_s: float) -> None:
        """So much time has passed."""
        self._age[columns] += outage_s
