"""The tables of outputs and loops."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from controller.frame import F8
from controller.model.tuning import Tuning

BadPvAction = Literal["hold", "safe"]
RestartAction = Literal["resume", "hold_output", "safe"]


@dataclass(frozen=True, slots=True)
class Output:
    """One actuator: ``tag`` is its row in the tag table; ``safe`` is NaN where there is nothing to go back to.

    ``max_rate`` in units per second, inf for none. ``once``: written by a command only, never refreshed or repeated.
    """

    tag: int
    name: str
    low: float
    high: float
    safe: float = math.nan
    max_rate: float = math.inf
    once: bool = False
    unit: str = "1"

    @property
    def span(self) -> float:
        """High minus low."""
        return self.high - self.low


@dataclass(slots=True)
class OutputTable:
    """All outputs of the site; arrays have shape ``(outputs,)``. ``row_of_tag`` leads from a tag to its output."""

    rows: tuple[Output, ...]
    index: dict[str, int] = field(init=False)
    row_of_tag: dict[int, int] = field(init=False)
    tag: NDArray[np.intp] = field(init=False)
    low: F8 = field(init=False)
    high: F8 = field(init=False)
    safe: F8 = field(init=False)
    max_rate: F8 = field(init=False)
    once: NDArray[np.bool_] = field(init=False)

    def __post_init__(self) -> None:
        self.index = {output.name: row for row, output in enumerate(self.rows)}
        self.row_of_tag = {output.tag: row for row, output in enumerate(self.rows)}
        self.tag = np.array([output.tag for output in self.rows], np.intp)
        self.low = np.array([output.low for output in self.rows], np.float64)
        self.high = np.array([output.high for output in self.rows], np.float64)
        self.safe = np.array([output.safe for output in self.rows], np.float64)
        self.max_rate = np.array([output.max_rate for output in self.rows], np.float64)
        self.once = np.array([output.once for output in self.rows], np.bool_)


@dataclass(frozen=True, slots=True)
class Leg:
    """The part ``low`` .. ``high`` of a loop's output that moves one actuator from ``start`` to ``end``.

    ``target`` is a row of the output table, or of the loop table when ``cascade``.
    """

    target: int
    low: float
    high: float
    start: float
    end: float
    cascade: bool = False


@dataclass(frozen=True, slots=True)
class Loop:
    """One loop. ``pv`` and ``total`` are rows of the tag table or -1; setpoints in ``unit``, outputs in ``op_unit``.

    A *pid* loop has a tuning and legs; a *direct* loop writes its setpoint to ``output``, a row of the output table.
    """

    vessel: str
    name: str
    title: str
    type: Literal["pid", "direct"]
    unit: str
    decimals: int
    sp_default: float
    sp_low: float
    sp_high: float
    sp_rate: float = math.inf
    confirm_step: float = math.nan
    pv: int = -1
    total: int = -1
    tuning: Tuning | None = None
    legs: tuple[Leg, ...] = ()
    output: int = -1
    op_low: float = 0.0
    op_high: float = 100.0
    op_unit: str = "%"
    on_bad_pv: BadPvAction = "hold"
    on_restart: RestartAction = "safe"

    @property
    def full_name(self) -> str:
        """``BR-101.temperature``: the target of commands."""
        return f"{self.vessel}.{self.name}"

    @property
    def watched(self) -> int:
        """The tag without which the loop cannot be trusted, or -1."""
        return self.pv if self.pv >= 0 else self.total


@dataclass(slots=True)
class LoopTable:
    """All loops of the site. ``master`` is the row of the loop that may drive a loop's setpoint, or -1."""

    rows: tuple[Loop, ...]
    index: dict[str, int] = field(init=False)
    master: tuple[int, ...] = field(init=False)

    def __post_init__(self) -> None:
        self.index = {loop.full_name: row for row, loop in enumerate(self.rows)}
        masters = {leg.target: row for row, loop in enumerate(self.rows) for leg in loop.legs if leg.cascade}
        self.master = tuple(masters.get(row, -1) for row in range(len(self.rows)))

    def __len__(self) -> int:
        return len(self.rows)

    def levels(self) -> list[list[int]]:
        """The rows in the order in which they must be computed: masters before slaves. Raises ``ValueError`` for a
        circle of cascades.
        """
        depth = [self._depth(row) for row in range(len(self.rows))]
        return [
            [row for row in range(len(self.rows)) if depth[row] == level] for level in range(max(depth, default=-1) + 1)
        ]

    def _depth(self, row: int) -> int:
        above, depth = self.master[row], 0
        while above >= 0:
            above, depth = self.master[above], depth + 1
            if depth > len(self.rows):
                raise ValueError(f"{self.rows[row].full_name} drives itself through its cascades")
        return depth
