"""The tables of outputs and loops."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from controller.frame import F8
from controller.model.doses import Dose, Guard, Pulse
from controller.model.tuning import FeedForward, Schedule, Tuning

LoopType = Literal["pid", "direct", "remote", "ratio", "station", "dose"]
BadPvAction = Literal["hold", "safe", "manual"]
RestartAction = Literal["resume", "hold_output", "safe"]


class Output(NamedTuple):
    """One actuator: ``tag`` is its row in the tag table; ``safe`` is NaN where there is nothing to go back to.

    ``max_rate`` in units per second, inf for none. ``once``: written by a command only, never refreshed or repeated.
    ``step`` is the smallest change that the actuator can make, 0 where any is possible.
    """

    tag: int
    name: str
    low: float
    high: float
    safe: float = math.nan
    max_rate: float = math.inf
    once: bool = False
    unit: str = "1"
    pulse: Pulse | None = None
    guard: Guard | None = None
    step: float = 0.0

    @property
    def span(self) -> float:
        """High minus low."""
        return self.high - self.low

    @property
    def most(self) -> float:
        """The most that can be asked for: doses one after the other, or the high end."""
        return self.pulse.on if self.pulse is not None and not math.isnan(self.pulse.amount) else self.high


@dataclass(slots=True)
class OutputTable:
    """All outputs of the site; arrays have shape ``(outputs,)``. ``row_of_tag`` leads from a tag to its output;
    ``rivals`` are pairs of rows that are never on together.
    """

    rows: tuple[Output, ...]
    rivals: tuple[tuple[int, int], ...] = ()
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


class Leg(NamedTuple):
    """The part ``low`` .. ``high`` of a loop's output that moves one actuator from ``start`` to ``end``.

    ``target`` is a row of the output table, or of the loop table when ``cascade``.
    """

    target: int
    low: float
    high: float
    start: float
    end: float
    cascade: bool = False


class Loop(NamedTuple):
    """One loop. ``pv`` and ``total`` are signals or -1; setpoints in ``unit``, outputs in ``op_unit``.

    A *pid* loop has a tuning and legs. A *direct* and a *remote* loop write their setpoint to ``output``, a row of the
    output table; a *ratio* loop writes its setpoint times ``factor`` times the signal ``of`` to it, or to the setpoint
    of the loop ``slave``. A *station* moves nothing: others work with its setpoint, as a mixer does that moves the
    outputs ``gases``; they go safe with the station that ``leads`` it. A *dose* loop gives its ``dose`` to ``output``.
    ``fallback`` is the output while the PV is Bad, NaN to hold; ``shows`` are the tags in which an instrument tells of
    its own controller.
    """

    vessel: str
    name: str
    title: str
    type: LoopType
    unit: str
    decimals: int
    sp_default: float
    sp_low: float
    sp_high: float
    sp_rate: float = math.inf
    ramp_from_pv: bool = True
    sp_filter: float = 0.0
    confirm_step: float = math.nan
    pv: int = -1
    total: int = -1
    tuning: Tuning | None = None
    schedule: Schedule | None = None
    feed_forward: tuple[FeedForward, ...] = ()
    legs: tuple[Leg, ...] = ()
    together: bool = False
    output: int = -1
    of: int = -1
    factor: float = 1.0
    slave: int = -1
    op_low: float = 0.0
    op_high: float = 100.0
    op_unit: str = "%"
    on_bad_pv: BadPvAction = "hold"
    fallback: float = math.nan
    on_restart: RestartAction = "safe"
    shows: tuple[tuple[str, int], ...] = ()
    dose: Dose | None = None
    gases: tuple[int, ...] = ()
    leads: bool = False

    @property
    def full_name(self) -> str:
        """``BR-101.temperature``: the target of commands."""
        return f"{self.vessel}.{self.name}"

    @property
    def watched(self) -> int:
        """The tag without which the loop cannot be trusted, or -1."""
        if self.type == "ratio":
            return self.of
        return self.pv if self.pv >= 0 else self.total

    @property
    def moves(self) -> tuple[int, ...]:
        """The rows of the output table that it moves itself, or that a mixer which it leads moves for it."""
        if self.leads:
            return self.gases
        return (
            tuple(leg.target for leg in self.legs if not leg.cascade)
            if self.legs
            else (self.output,) * (self.output >= 0)
        )

    @property
    def slaves(self) -> tuple[int, ...]:
        """The rows of the loops whose setpoints it may move."""
        return tuple(leg.target for leg in self.legs if leg.cascade) if self.legs else (self.slave,) * (self.slave >= 0)


@dataclass(slots=True)
class LoopTable:
    """All loops of the site. ``master`` is the row of the loop that may drive a loop's setpoint, or -1."""

    rows: tuple[Loop, ...]
    index: dict[str, int] = field(init=False)
    master: tuple[int, ...] = field(init=False)

    def __post_init__(self) -> None:
        self.index = {loop.full_name: row for row, loop in enumerate(self.rows)}
        masters = {slave: row for row, loop in enumerate(self.rows) for slave in loop.slaves}
        self.master = tuple(masters.get(row, -1) for row in range(len(self.rows)))

    def __len__(self) -> int:
        return len(self.rows)

    def watching(self) -> dict[int, Loop]:
        """By row of the tag table the first of the loops that cannot be trusted without that tag."""
        return {loop.watched: loop for loop in reversed(self.rows) if loop.watched >= 0}

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
