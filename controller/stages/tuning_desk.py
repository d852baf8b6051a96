"""All of tuning in the scan: experiments, tuning sets, and the orders about both."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from controller.commands import Command, Event, Json, Outcome, Verb
from controller.frame import Frame
from controller.model.site import Site
from controller.stages.loops import Loops
from controller.stages.tuner import Enter, Tuner
from controller.stages.tuning_sets import TuningSets

if TYPE_CHECKING:
    from controller.stages.tuning_orders import TuningOrders

VERBS = frozenset({Verb.TUNE_START, Verb.TUNE_STOP, Verb.TUNING})
TAKING_OVER = frozenset({Verb.MODE, Verb.OUTPUT})


class TuningDesk:
    """``enter`` changes a loop's mode without moving its output; ``forbidden`` says why a loop of a vessel may not be
    tuned now, "" when it may; ``operation`` is what is active on a vessel, "" for nothing. An experiment ends when
    scans are further apart than ``longest_dt`` seconds.
    """

    def __init__(
        self,
        site: Site,
        loops: Loops,
        longest_dt: float,
        enter: Enter,
        forbidden: Callable[[str, str], str],
        operation: Callable[[str], str],
    ) -> None:
        self._site, self._loops, self._operation = site, loops, operation
        self.sets = TuningSets(loops)
        self.tuner = Tuner(loops, longest_dt, enter, forbidden, operation)

    @cached_property
    def _orders(self) -> TuningOrders:
        # The experiments come with it: not before the first scan, as nobody can have ordered one.
        from controller.stages.tuning_orders import TuningOrders

        return TuningOrders(self._site, self._loops, self.tuner, self.sets, self._operation)

    def apply(self, command: Command, frame: Frame) -> tuple[Outcome, Event]:
        """Act on one command of :data:`VERBS`; the event is for the record, whatever came of it."""
        return self._orders.apply(command, frame)

    def notice(self, outcome: Outcome) -> list[Event]:
        """Whoever gives a loop a mode or an output ends an experiment on it."""
        command = outcome.command
        if not outcome.applied or command.verb not in TAKING_OVER:
            return []
        row = self._site.loops.index[command.target]
        ended = self.tuner.taken_over(row, command.who, output=command.verb is Verb.OUTPUT)
        return [ended] if ended else []

    def step(self, frame: Frame, dt: float) -> list[Event]:
        """One scan of every experiment, before the loops are computed; tells which ended, and why."""
        return self.tuner.step(frame, dt)

    def loops_state(self, loops: dict[str, Json]) -> dict[str, Json]:
        """The state of the loops for a restart, as if no experiment ran."""
        return self.tuner.saved(loops)

    def state(self) -> dict[str, Json]:
        """What has to survive a restart."""
        return {"experiments": self.tuner.state(), "sets": self.sets.state()}

    def restore(self, state: Mapping[str, Json]) -> list[Event]:
        """Take the sets back and end the experiments; after the loops came back."""
        experiments, sets = state.get("experiments"), state.get("sets")
        events = self.sets.restore(sets if isinstance(sets, dict) else {})
        return events + self.tuner.restore(experiments if isinstance(experiments, dict) else {})
