"""Numbers: what changes in every scan, copied; a scan spends a few microseconds on it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from controller.frame import BAD, F8, GOOD, Frame
from controller.stages.interlocks import Interlocks
from controller.stages.level import Level
from controller.stages.loops import Loops
from controller.stages.outputs import Outputs
from controller.stages.pid import BLOCK
from controller.stages.pid_parts import PARAMETERS, Parts

NONE = np.zeros((5, 0))


class LoopNumbers(NamedTuple):
    """One loop's numbers: ``asked`` by operator or recipe, ``working`` setpoint, what its master (``request``) or a
    program (``remote``) asks for, the output by hand and the one achieved, and at which limit (+1, -1) it is.
    """

    asked: float
    working: float
    request: float
    remote: float
    manual: float
    achieved: float
    limited: float


class OutputNumbers(NamedTuple):
    """One output's numbers: what control asks for, what interlocks and dose guards force (NaN: nothing), and where it
    is.
    """

    target: float
    forced: float
    actual: float

    @property
    def asked(self) -> float:
        """What it is to be: the last word's, or control's."""
        return self.target if np.isnan(self.forced) else self.forced


class ControllerNumbers(NamedTuple):
    """One controller: the parts of its output, the sum before limits, the error that counts, gain and times in force.

    ``acts`` is false for one that puts out what was achieved; ``scheduled_at`` is the value of its schedule's signal,
    NaN where there is none.
    """

    proportional: float
    integral: float
    derivative: float
    feed_forward: float
    wanted: float
    error: float
    gain: float
    integral_time: float
    derivative_time: float
    low: float
    high: float
    acts: bool
    scheduled_at: float

    @property
    def held_back(self) -> float:
        """What it puts out beyond its parts while it comes back from an interruption or another gain."""
        return self.wanted - (self.proportional + self.integral + self.derivative + self.feed_forward)


class DoseNumbers(NamedTuple):
    """A dose loop: whether a dose is under way (1), what of it is still to come, the pause that is left and the time
    beyond the setpoint (negative: inside) in seconds, and the number of what blocks it.
    """

    active: float
    left: float
    locked: float
    beyond: float
    blocked: float


class _Controllers(NamedTuple):
    """The controllers of a level."""

    place: dict[int, int]
    parts: tuple[Parts, ...]
    scheduled: NDArray[np.intp]
    looked_at: F8


class Numbers(NamedTuple):
    """All numbers of one scan. ``loops`` has a row for each field of :class:`LoopNumbers`, ``outputs`` one for each of
    :class:`OutputNumbers`; ``feeds`` is in the order of :func:`controller.stages.programs.shown.feed_columns`.
    """

    frame: Frame
    loops: F8
    outputs: F8
    feeds: F8
    levels: tuple[_Controllers, ...]
    dosing: NDArray[np.intp]
    doses: F8

    @classmethod
    def take(cls, frame: Frame, loops: Loops, outputs: Outputs, interlocks: Interlocks, feeds: F8) -> Numbers:
        """Copy the scan just made; ``frame`` and ``feeds`` are its own and are not changed any more."""
        setpoints, n = loops.setpoints, len(loops.table)
        of_loops, of_outputs = np.empty((7, n)), np.empty((3, len(outputs.actual)))
        of_loops[0], of_loops[1], of_loops[2] = setpoints.target, setpoints.working, setpoints.request
        of_loops[3], of_loops[4], of_loops[5] = setpoints.remote, loops.manual, loops.op
        of_loops[6] = loops.limited
        of_outputs[0], of_outputs[1], of_outputs[2] = outputs.target, interlocks.forced, outputs.actual
        if len(outputs.guards):
            guarded = np.isnan(of_outputs[1]) & outputs.guards.held
            np.copyto(of_outputs[1], outputs.table.safe, where=guarded)
        levels = tuple([_copied(level) for level in loops.levels if len(level.rows)])
        doses = loops.doses.bank.now() if len(loops.doses) else NONE
        return cls(frame, of_loops, of_outputs, feeds, levels, loops.doses.rows, doses)

    def loop(self, row: int) -> LoopNumbers:
        """The numbers of one loop."""
        return LoopNumbers(*self.loops[:, row].tolist())

    def output(self, row: int) -> OutputNumbers:
        """The numbers of one output."""
        return OutputNumbers(*self.outputs[:, row].tolist())

    def controller(self, row: int) -> ControllerNumbers | None:
        """The numbers of a loop's controller, ``None`` for a loop that has none."""
        for level in self.levels:
            if row in level.place:
                return _controller(level, level.place[row])
        return None

    def dose(self, row: int) -> DoseNumbers:
        """The numbers of a dose loop."""
        return DoseNumbers(*self.doses[:, np.flatnonzero(self.dosing == row)[0]].tolist())

    def signal(self, signal: int) -> tuple[float, int]:
        """Value and quality of a signal, see :class:`controller.model.signals.SignalIndex`."""
        tags, loops = len(self.frame.value), self.loops.shape[1]
        if signal < tags:
            return float(self.frame.value[signal]), int(self.frame.quality[signal])
        kind, row = divmod(signal - tags, loops)
        value = float(self.loops[5 if kind else 1, row])
        return value, GOOD if np.isfinite(value) else BAD


def _copied(level: Level) -> _Controllers:
    schedules = level.schedules
    looked_at = schedules.looked_at() if len(schedules.rows) else np.zeros(0)
    return _Controllers(level.place, level.bank.parts(), schedules.rows, looked_at)


def _controller(level: _Controllers, place: int) -> ControllerNumbers:
    block, row = divmod(place, BLOCK)
    parts = level.parts[block]
    proportional, integral, derivative, feed_forward = parts.terms()[:, row].tolist()
    values = dict(zip(PARAMETERS, parts.parameters[:, row].tolist(), strict=True))
    scheduled = np.flatnonzero(level.scheduled == place)
    return ControllerNumbers(
        proportional=proportional,
        integral=integral,
        derivative=derivative,
        feed_forward=feed_forward,
        wanted=float(parts.wanted[row]),
        error=float(parts.inputs[0, row]),
        gain=values["gain"],
        integral_time=values["integral_time"],
        derivative_time=values["derivative_time"],
        low=values["low"],
        high=values["high"],
        acts=not bool(parts.idle[row]),
        scheduled_at=float(level.looked_at[scheduled[0]]) if len(scheduled) else float("nan"),
    )
