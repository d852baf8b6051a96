"""A model whose inputs move slowly and whose answer costs much: it is asked every few seconds."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

import numpy as np

from controller.frame import F8
from controller.stages.soft.arithmetic import Columns, Real, Truth, back, filled, negated, row, some, where
from controller.stages.soft.model import Model, Now, Setup

EVERY_S = 30.0


class SlowModel(Model[Real]):
    """Holds each column's answer for up to half a minute, and while its inputs are Bad; then it is found at once."""

    def __init__(self, setup: Setup[Any]) -> None:
        super().__init__(setup)
        self.memory["age"], self.memory["found"] = filled(setup.none, EVERY_S), filled(setup.none, np.nan)

    @abstractmethod
    def find(self, value: Mapping[str, F8], columns: Columns) -> F8:
        """The answer for some of the columns, whose inputs are ``value``."""

    def step(self, now: Now[Real], dt: float) -> Real:
        """The last answer, or a new one."""
        memory = self.memory
        age: Real = where(negated(now.usable), EVERY_S, memory["age"] + dt)
        due = (age >= EVERY_S) & now.usable
        if some(due):
            columns, found = np.flatnonzero(due), row(memory["found"])
            found[columns] = self.find({name: row(value)[columns] for name, value in now.value.items()}, columns)
            age, memory["found"] = where(due, 0.0, age), back(self.none, found)
        memory["age"] = age
        answer: Real = memory["found"]
        return answer

    def resume(self, chosen: Truth, outage_s: float) -> None:
        """So much time has passed."""
        self.memory["age"] = where(chosen, self.memory["age"] + outage_s, self.memory["age"])
