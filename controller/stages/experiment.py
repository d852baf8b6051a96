"""Experiments on a loop that is held in manual: what every one of them has, its guards and its record.

An experiment is stepped once per scan with what was measured and gives the output. It first watches the loop at rest,
to know the noise and the place that it starts from; then it moves the output; it ends by itself, and whatever ends it,
the output goes back to where it was.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from controller.frame import F8

CAPACITY = 16384
"""Samples kept; beyond that every second one is dropped, and from then on only every second one is taken."""
REST_SCANS = 60
DRIFT_SIGMAS = 3.0
ROUNDING = 1e-9
OFF_SCANS = 10
"""Scans in a row in which the output does not follow, after which an experiment ends."""


class Stage(StrEnum):
    """How far an experiment is."""

    RESTING = "resting"
    MOVING = "moving"
    DONE = "done"
    ABORTED = "aborted"

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


class Record:
    """What an experiment saw: ``time`` in seconds since its start, ``pv``, and ``op``, the output from that time on;
    each of shape ``(samples,)``. It holds :data:`CAPACITY` samples at most.
    """

    def __init__(self) -> None:
        self._rows = np.zeros((CAPACITY, 3))
        self._count, self._stride, self._calls = 0, 1, 0

    def add(self, time: float, pv: float, op: float) -> None:
        """One scan more."""
        if self._calls % self._stride == 0:
            if self._count == CAPACITY:
                self._count, self._stride = CAPACITY // 2, 2 * self._stride
                self._rows[: self._count] = self._rows[::2].copy()
            self._rows[self._count] = time, pv, op
            self._count += 1
        self._calls += 1

    def correct(self, op: float) -> None:
        """The last sample's output was another one in fact."""
        if self._count and (self._calls - 1) % self._stride == 0:
            self._rows[self._count - 1, 2] = op

    def __len__(self) -> int:
        return self._count

    @property
    def time(self) -> F8:
        """Seconds since the start."""
        return self._rows[: self._count, 0]

    @property
    def pv(self) -> F8:
        """The measurements."""
        return self._rows[: self._count, 1]

    @property
    def op(self) -> F8:
        """The outputs, each held until the next sample."""
        return self._rows[: self._count, 2]


class Experiment(ABC):
    """One experiment. ``base`` is the output at rest, which it goes back to; ``sense`` +1 where more output raises the
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
            self.record.add(self.elapsed, pv, self.output)
        return self.output

    def stop(self, reason: str) -> None:
        """End it from outside, for that reason."""
        if not self.stage.over:
            self._end(Stage.ABORTED, reason)

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
        near = abs(op - self.output) <= 0.01 * (self.guards.high - self.guards.low)
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
        time, pv = self.record.time, self.record.pv
        middle = time - time.mean()
        spread = float(middle @ middle)
        slope = float(middle @ pv) / spread if spread > 0.0 else 0.0
        self.reference = float(pv.mean())
        self.noise = float(np.sqrt(((pv - self.reference - slope * middle) ** 2).sum() / max(len(pv) - 2, 1)))
        moved = abs(slope) * float(time[-1] - time[0])
        if moved > max(DRIFT_SIGMAS * self.noise, self.least):
            self.stop(f"the PV is not steady: it moved by {moved:.3g} while the output was at rest")
            return
        self.stage = Stage.MOVING
        self.begin()
