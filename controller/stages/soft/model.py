"""What every model of a soft sensor is, and what it sees of a scan."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from controller.commands import Json
from controller.frame import BAD, F8, U1, UNCERTAIN
from drivers.contract import Reason

Flags = NDArray[np.bool_]
Columns = NDArray[np.intp]

REASON_BITS = 4
"""Quality and reason of a value in one byte, so that the worst of several is their maximum."""
FIRST_BAD = BAD << REASON_BITS
DOUBTFUL = UNCERTAIN << REASON_BITS | Reason.MODEL
NO_ANSWER = BAD << REASON_BITS | Reason.MODEL
SETTLING = UNCERTAIN << REASON_BITS | Reason.SETTLING
INCREDIBLE = BAD << REASON_BITS | Reason.RANGE


class Setup(NamedTuple):
    """What a model is made for: ``n`` tags, each of which is one column. ``inputs`` are the names of those that are
    given; ``parameters`` have shape ``(n,)``; ``options`` are the same for all columns; scans are meant to come every
    ``period_s``.
    """

    n: int
    inputs: tuple[str, ...]
    parameters: Mapping[str, F8]
    options: Mapping[str, str]
    period_s: float = 1.0


class Now(NamedTuple):
    """One scan as a model sees it, in the model's units; all arrays belong to the caller and have shape ``(n,)``.

    ``value`` and ``age`` (s) are by input, ``every`` is ``(n, inputs)``; ``usable`` says which columns have no Bad
    input. ``out`` and ``code`` are written: the result, and its quality and reason in one byte, which only gets worse.
    """

    value: Mapping[str, F8]
    age: Mapping[str, F8]
    every: F8
    usable: Flags
    out: F8
    code: U1

    def doubt(self, where: Flags, code: int = DOUBTFUL) -> None:
        """The result is not more than Uncertain in these columns; :data:`SETTLING` where that will pass by itself."""
        np.maximum(self.code, code, out=self.code, where=where)


class Model(ABC):
    """A model without memory, and the base of those that have one.

    ``memory`` holds arrays whose last axis are the columns; a restart brings them back. ``ages`` is true for a model
    that looks at the age of its inputs.
    """

    ages = False

    def __init__(self, setup: Setup) -> None:
        self.memory: dict[str, F8] = {}
        self.n = setup.n

    @abstractmethod
    def step(self, now: Now, dt: float) -> None:
        """Write the result of one scan to ``now.out``; ``dt`` seconds since the last one. NaN and infinity are taken
        for Bad afterwards, and need no care here.
        """

    def rebase(self, columns: Columns) -> None:  # noqa: B027 - most models have nothing to forget
        """A batch begins on the vessels of these columns."""

    def resume(self, columns: Columns, outage_s: float) -> None:  # noqa: B027 - most models do not depend on time
        """The memory of these columns was restored after ``outage_s`` in which nothing was seen."""

    def state(self, column: int) -> dict[str, Json]:
        """The memory of one column as JSON; what is not known is ``None``."""
        return {name: _plain(array[..., column].tolist()) for name, array in self.memory.items()}

    def restore(self, column: int, state: Mapping[str, Json]) -> None:
        """Take over what :meth:`state` gave. Raises ``ValueError`` for what does not fit."""
        found = {name: _numbers(state[name]) for name in self.memory if name in state}
        for name, array in self.memory.items():
            if name not in found or found[name].shape != array.shape[:-1]:
                raise ValueError(f"the memory {name!r} does not fit")
        for name, array in self.memory.items():
            array[..., column] = found[name]


def _plain(value: Any) -> Json:
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return float(value) if math.isfinite(value) else None


def _numbers(value: Json) -> F8:
    if isinstance(value, Sequence) and not isinstance(value, str):
        return np.array([_numbers(one) for one in value], np.float64)
    if value is None:
        return np.array(np.nan)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{value!r} is no number")
    return np.array(float(value))
