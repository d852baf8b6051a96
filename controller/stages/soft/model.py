"""What every model of a soft sensor is, and what it sees of a scan."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple

import numpy as np

from controller.frame import BAD, U1, UNCERTAIN
from controller.stages.soft.arithmetic import Real, Truth
from controller.stages.soft.memory import Memory
from drivers.contract import Reason

REASON_BITS = 4
"""Quality and reason of a value in one byte, so that the worst of several is their maximum."""
FIRST_BAD = BAD << REASON_BITS
DOUBTFUL = UNCERTAIN << REASON_BITS | Reason.MODEL
NO_ANSWER = BAD << REASON_BITS | Reason.MODEL
SETTLING = UNCERTAIN << REASON_BITS | Reason.SETTLING
INCREDIBLE = BAD << REASON_BITS | Reason.RANGE
REASON_MASK = (1 << REASON_BITS) - 1


def words(names: Sequence[str]) -> list[str]:
    """The inputs' names; those of a name that was given before have their number after it."""
    return [name if names.index(name) == place else f"{name} {place}" for place, name in enumerate(names)]


class Setup(NamedTuple, Generic[Real]):
    """What a model is made for: a tag, in floats, or ``n`` of them, in arrays of shape ``(n,)``, each of which is one
    column; ``none`` is 0 for each. ``inputs`` are the names of those that are given; ``options`` are the same for all
    columns; scans are meant to come every ``period_s``.
    """

    none: Real
    inputs: tuple[str, ...]
    parameters: Mapping[str, Real]
    options: Mapping[str, str]
    period_s: float = 1.0


@dataclass(slots=True)
class Now(Generic[Real]):
    """One scan as a model sees it, in the model's units. Arrays belong to the caller.

    ``value`` and ``age`` (s) are by input, see :func:`words`; ``usable`` says which columns have no Bad input. ``code``
    is quality and reason of the result in one byte, which only gets worse.
    """

    value: dict[str, Real]
    age: dict[str, Real]
    usable: Truth
    code: int | U1

    def doubt(self, where: Truth, code: int = DOUBTFUL) -> None:
        """The result is not more than Uncertain in these columns; :data:`SETTLING` where that will pass by itself."""
        if isinstance(self.code, np.ndarray):
            np.maximum(self.code, code, out=self.code, where=where)
        elif where and code > self.code:
            self.code = code


class Model(ABC, Generic[Real]):
    """A model without memory, and the base of those that have one. ``ages`` is true for a model that looks at the age
    of its inputs.
    """

    ages = False
    none: Real

    def __init__(self, setup: Setup[Any]) -> None:
        self.none = setup.none
        self.memory = Memory()

    @abstractmethod
    def step(self, now: Now[Real], dt: float) -> Real:
        """The result of one scan; ``dt`` seconds since the last one. NaN and infinity are taken for Bad afterwards, and
        need no care here.
        """

    def only(self, column: int) -> Truth:
        """What chooses one column."""
        if not isinstance(self.none, np.ndarray):
            return True
        chosen = np.zeros(len(self.none), np.bool_)
        chosen[column] = True
        return chosen

    def rebase(self, chosen: Truth) -> None:
        """A batch begins on the vessels of these columns."""

    def resume(self, chosen: Truth, outage_s: float) -> None:
        """The memory of these columns was restored after ``outage_s`` in which nothing was seen."""
