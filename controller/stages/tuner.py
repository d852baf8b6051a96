"""The tuner: runs experiments on loops inside the scan, one per vessel, and brings every loop back to how it was.

The loops of a vessel act on each other: of two experiments at once, each would measure the other.

A loop under an experiment is held by "auto-tune". While the experiment only watches, the loop stays in its mode; when
it moves the output, the loop is in manual. However it ends, the output is back where it was in the same scan, and the
mode before goes on from there; only when somebody gave the loop another mode or output in between, that stays.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from controller.commands import Event, EventType, Json
from controller.frame import BAD, Frame
from controller.stages.loop_state import Mode
from controller.stages.loops import Loops

if TYPE_CHECKING:
    from controller.stages.experiment import Experiment, Guards, Report

HOLDER = "auto-tune"
Enter = Callable[[int, Mode, Frame], None]
"""Changes a loop's mode without moving its output."""


@dataclass(slots=True)
class Running:
    """An experiment on one loop, in which operation it began, and how the loop was before. ``moved``: it has put the
    loop in manual; ``integral`` is what its controller had then, NaN where it did not act.
    """

    experiment: Experiment
    operation: str
    mode: Mode
    held_by: str
    reason: str
    moved: bool = False
    integral: float = math.nan


class Tuner:
    """``enter`` changes modes; ``forbidden`` says why a loop of a vessel may not be tuned now, "" when it may;
    ``operation`` is what is active on a vessel, by which alarms count that guard an experiment.

    ``reports`` are the newest experiments by full loop name, each replaced as a whole in every scan, so that any thread
    may read them.
    """

    def __init__(
        self,
        loops: Loops,
        longest_dt: float,
        enter: Enter,
        forbidden: Callable[[str, str], str],
        operation: Callable[[str], str],
    ) -> None:
        self._loops, self._longest_dt, self._enter = loops, longest_dt, enter
        self.forbidden, self._operation = forbidden, operation
        self._running: dict[int, Running] = {}
        self.reports: dict[str, Report] = {}

    def running(self, row: int) -> bool:
        """Whether an experiment is on this loop."""
        return row in self._running

    def beside(self, row: int) -> str:
        """The title of a loop on the same vessel that an experiment is on, "" when there is none."""
        loops = self._loops.table.rows
        others = [loops[other] for other in self._running if other != row]
        return next((other.title for other in others if other.vessel == loops[row].vessel), "")

    def guards(self, row: int) -> Guards:
        """What the experiment on a loop never goes beyond. Raises ``KeyError`` without one."""
        return self._running[row].experiment.guards

    def start(self, row: int, experiment: Experiment, who: str) -> None:
        """Begin, by watching the loop."""
        state, operation = self._loops.states[row], self._operation(self._loops.table.rows[row].vessel)
        self._running[row] = Running(experiment, operation, state.mode, state.held_by, state.reason)
        state.held_by, state.reason = HOLDER, f"auto-tune ({experiment.method}), started by {who}"
        self._loops.touch()
        self._report(row, experiment)

    def step(self, frame: Frame, dt: float) -> list[Event]:
        """Step every experiment, before the loops are computed. Tells which ended, and why."""
        events = []
        for row, running in list(self._running.items()):
            experiment, mode = running.experiment, self._loops.states[row].mode
            if mode is not (Mode.MANUAL if running.moved else running.mode):
                events.append(self._left(row, running, f"somebody put the loop in {mode.word}", output=False))
                continue
            self._look(row, running, frame, dt)
            if experiment.stage.moving and not running.moved:
                running.moved, running.integral = True, self._integral(row)
                self._enter(row, Mode.MANUAL, frame)
                self._loops.touch()
            if running.moved:
                self._loops.manual[row] = experiment.output
            self._report(row, experiment)
            if experiment.stage.over:
                events.append(self._finish(row, frame))
        return events

    def stop(self, row: int, reason: str) -> None:
        """End the experiment on a loop; the loop comes back in this scan."""
        self._running[row].experiment.stop(reason)

    def taken_over(self, row: int, who: str, *, output: bool) -> Event | None:
        """Somebody gave the loop another mode, or another ``output``: the experiment ends, and that stays."""
        running = self._running.get(row)
        return self._left(row, running, f"taken over by {who}", output=output) if running else None

    def _left(self, row: int, running: Running, reason: str, *, output: bool) -> Event:
        """End an experiment whose loop is somebody else's now."""
        del self._running[row]
        experiment, state = running.experiment, self._loops.states[row]
        experiment.stop(reason)
        self._report(row, experiment)
        if running.moved and not output:
            self._back(row, experiment.base)
        return self._event(row, experiment, state.mode)

    def saved(self, loops: dict[str, Json]) -> dict[str, Json]:
        """The loops' state for a restart, as if no experiment ran."""
        for row, running in self._running.items():
            name = self._loops.table.rows[row].full_name
            entry = loops[name]
            if isinstance(entry, dict):
                before: dict[str, Json] = {"held_by": running.held_by, "reason": running.reason}
                if running.moved:
                    integral = running.integral if math.isfinite(running.integral) else None
                    before |= {"mode": running.mode.word, "manual": running.experiment.base, "integral": integral}
                loops[name] = {**entry, **before}
        return loops

    def state(self) -> dict[str, Json]:
        """The outputs that loops which are being moved have to go back to, by name."""
        rows = self._loops.table.rows
        return {rows[row].full_name: running.experiment.base for row, running in self._running.items() if running.moved}

    def restore(self, state: Mapping[str, Json]) -> list[Event]:
        """A restart ends every experiment: a loop that would keep the output it is found at takes the one before."""
        events = []
        for row, loop in enumerate(self._loops.table.rows):
            base = state.get(loop.full_name)
            if isinstance(base, bool) or not isinstance(base, int | float) or not math.isfinite(base):
                continue
            found = self._loops.states[row]
            if found.mode is Mode.MANUAL:
                found.adopt = False
                self._loops.manual[row] = min(max(float(base), loop.op_low), loop.op_high)
            text = f"{loop.title}: auto-tune ended by a restart"
            events.append(Event(EventType.EQUIPMENT, "Status Change", loop.full_name, text, loop.vessel))
        return events

    def _integral(self, row: int) -> float:
        level = self._loops.level_of[row]
        place = level.place[row]
        return float(level.bank.integral[place]) if level.bank.running(place) else math.nan

    def _look(self, row: int, running: Running, frame: Frame, dt: float) -> None:
        """One scan of one experiment, unless it may not go on."""
        loops, loop, experiment = self._loops, self._loops.table.rows[row], running.experiment
        state = loops.states[row]
        forbidden = self.forbidden(loop.vessel, loop.name)
        if forbidden:
            experiment.stop(forbidden)
        elif self._operation(loop.vessel) != running.operation:
            experiment.stop("another operation has begun, and with it other alarms count")
        elif state.suspended:
            experiment.stop(state.suspended)
        elif not 0.0 <= dt <= self._longest_dt:
            experiment.stop("scans were missed")
        else:
            value, quality = loops.signals.now(loop.pv, frame)
            experiment.step(value if quality < BAD else math.nan, float(loops.op[row]), dt)

    def _finish(self, row: int, frame: Frame) -> Event:
        """Back to the mode before, from the output before."""
        running, state = self._running.pop(row), self._loops.states[row]
        if running.moved:
            if running.mode is not Mode.MANUAL:
                self._enter(row, running.mode, frame)
            self._back(row, running.experiment.base)
        state.held_by, state.reason = running.held_by, running.reason
        state.revision += 1
        self._loops.touch()
        return self._event(row, running.experiment, state.mode)

    def _back(self, row: int, base: float) -> None:
        """Whatever the mode is now, it goes on from the output at rest."""
        level = self._loops.level_of[row]
        self._loops.manual[row] = base
        level.bank.achieved[level.place[row]] = base

    def _report(self, row: int, experiment: Experiment) -> None:
        self.reports[self._loops.table.rows[row].full_name] = experiment.report()

    def _event(self, row: int, experiment: Experiment, mode: Mode) -> Event:
        loop = self._loops.table.rows[row]
        text = f"{loop.title} auto-tune {experiment.stage.value}: {experiment.reason}; the loop is in {mode.word}"
        return Event(EventType.EQUIPMENT, "Status Change", loop.full_name, text, loop.vessel, value=experiment.reason)
