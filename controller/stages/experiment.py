"""Experiments on a loop that is held in manual: what every one of them has, its guards and its record.

An experiment is stepped once per scan with what was measured and gives the output. It first watches the loop at rest,
in whatever mode that is, to know the noise and the place that it starts from; then it moves the output; it ends by
itself, and whatever ends it, the output goes back to where it was on average.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import StrEnum

from controller.frame import F8
from controller.stages.experiment_record import Record, trend

REST_SCANS = 60
DRIFT_SIGMAS = 5.0
ROUNDING = 1e-9
FAR = 0.01
"""A share of the output's room."""
OFF_SCANS = 10
"""Scans in a row in which the output does not follow, after which an experiment ends."""


class Stage(StrEnum):
    """How far an experiment is."""

    RESTING = "resting"
    MOVING = "moving"
    DONE = "done"
    ABORTED = "aborted"

    @property
    def moving(self) -> bool:
        """Whether it moves the output."""
        return self is Stage.MOVING

    @property
    def over(self) -> bool:
        """Whether it does not move the output any more."""
        return self in {Stage.DONE, Stage.ABORTED}


@dataclass(frozen=True, slots=True)
class Guards:
    """What an experiment never goes beyond: output limits, a band for the PV, and a time in seconds. ``least`` is the
    smallest movement of the PV that means anything, in PV units: its resolution.
    """

    low: float
    high: float
    pv_low: float = -math.inf
    pv_high: float = math.inf
    longest_s: float = 6.0 * 3600.0
    least: float = 0.0


@dataclass(frozen=True, slots=True)
class Report:
    """An experiment as it is in one scan: what is shown of it, and what a model is fitted to. Arrays have shape
    ``(samples,)``: ``time`` in seconds since it began, ``pv``, and ``op`` from each time on. ``noise`` and
    ``reference`` are NaN until they are known; ``cycles`` are those of a relay so far.
    """

    method: str
    stage: Stage
    reason: str
    elapsed: float
    base: float
    noise: float
    reference: float
    cycles: int
    time: F8
    pv: F8
    op: F8


class Experiment(ABC):
    """One experiment. ``base`` is the output at rest, which it goes back to: that of the beginning, and once it moves
    the mean while it rested. ``sense`` +1 where more output raises the
    PV, else -1. ``stage`` and ``reason`` say how far it is and why it ended, ``noise`` the standard deviation and
    ``reference`` the mean of the PV at rest (NaN until known).
    """

    method: str

    def __init__(self, base: float, sense: float, guards: Guards, rest_scans: int = REST_SCANS) -> None:
        self.base, self.sense, self.guards = base, math.copysign(1.0, sense), guards
        self.stage, self.reason = Stage.RESTING, ""
        self.noise = self.reference = math.nan
        self.record = Record()
        self.elapsed = 0.0
        self.output = base
        self._rest_scans, self._off = rest_scans, 0

    def step(self, pv: float, op: float, dt: float) -> float:
        """The output until the next scan, given the ``pv`` of this one (NaN where it is Bad) and ``op``, what the
        output really was since the last one (NaN where that is not known). ``dt`` is the time since the last scan.
        """
        if self.stage.over:
            return self.base
        self.elapsed += dt
        self._follows(op)
        self._guard(pv)
        if self.stage is Stage.RESTING and len(self.record) >= self._rest_scans:
            self._start()
        self.output = self._move(pv) if self.stage is Stage.MOVING else self.base
        if math.isfinite(pv):
            at_rest = self.stage is Stage.RESTING and math.isfinite(op)
            self.record.add(self.elapsed, pv, op if at_rest else self.output)
        return self.output

    def stop(self, reason: str) -> None:
        """End it from outside, for that reason."""
        if not self.stage.over:
            self._end(Stage.ABORTED, reason)

    @property
    def done_cycles(self) -> int:
        """Whole cycles so far, of an experiment that swings."""
        return 0

    def report(self) -> Report:
        """How it is now."""
        record = self.record
        return Report(
            self.method, self.stage, self.reason, self.elapsed, self.base, self.noise, self.reference,
            self.done_cycles, record.time, record.pv, record.op,
        )  # fmt: skip

    @abstractmethod
    def begin(self) -> None:
        """Choose the movements, now that ``noise`` and ``reference`` are known; may :meth:`stop`."""

    @abstractmethod
    def move(self, pv: float) -> float:
        """The output for this scan; ends the experiment with :meth:`finish`."""

    @property
    def least(self) -> float:
        """The smallest movement of the PV that means anything: what it resolves, and more than rounding."""
        return max(self.guards.least, ROUNDING * abs(self.reference))

    def finish(self, reason: str) -> None:
        """It has what it needs."""
        self._end(Stage.DONE, reason)

    def room(self, amplitude: float) -> float:
        """How far the output may go from ``base`` in the direction of ``amplitude``, and not further than that."""
        return min(max(self.base + amplitude, self.guards.low), self.guards.high) - self.base

    @property
    def _far(self) -> float:
        """An output further off than this is another one."""
        return FAR * (self.guards.high - self.guards.low)

    def _move(self, pv: float) -> float:
        wanted = self.move(pv)
        return self.base if self.stage.over else min(max(wanted, self.guards.low), self.guards.high)

    def _end(self, stage: Stage, reason: str) -> None:
        self.stage, self.reason, self.output = stage, reason, self.base

    def _follows(self, op: float) -> None:
        """Keep what the output really was; give up when it is not what was asked for."""
        if not math.isfinite(op):
            return
        self.record.correct(op)
        if self.stage is Stage.RESTING:
            return
        near = abs(op - self.output) <= self._far
        self._off = 0 if near else self._off + 1
        if self._off > OFF_SCANS:
            self.stop("the output does not follow: something else moves or limits it")

    def _guard(self, pv: float) -> None:
        """End it where it must not go on."""
        guards = self.guards
        if not math.isfinite(pv):
            self.stop("the PV is Bad")
        elif not guards.pv_low <= pv <= guards.pv_high:
            self.stop(f"the PV ({pv:.6g}) left the band {guards.pv_low:.6g} .. {guards.pv_high:.6g}")
        elif self.elapsed > guards.longest_s:
            self.stop(f"the longest time of {guards.longest_s:.6g} s is over")

    def _start(self) -> None:
        """Learn the noise and the place of rest; refuse to start from a movement."""
        pv, op = trend(self.record.time, self.record.pv), trend(self.record.time, self.record.op)
        self.reference, self.noise = pv.mean, pv.noise
        self.base = min(max(op.mean, self.guards.low), self.guards.high)
        for name, line, least in (("PV", pv, self.least), ("output", op, self._far)):
            if abs(line.moved) > max(DRIFT_SIGMAS * line.noise, least):
                self.stop(f"the loop is not at rest: its {name} moved by {line.moved:.3g} in {self.elapsed:.0f} s")
                return
        self.stage = Stage.MOVING
        self.begin()
