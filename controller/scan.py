"""The scan: the order of the stages, once per period. A pure function of (frame, commands, state): no clock, no I/O."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from controller.commands import Command, Event, Json, Outcome, Verb
from controller.engine_port import Engine
from controller.explain import Explanation, FactBook, Numbers
from controller.frame import Frame
from controller.model.site import Site
from controller.reading import LiveReader, interlock_conditions, interlock_edges
from controller.stages.alarms import Alarms
from controller.stages.effects import Effects
from controller.stages.estimate import Estimator
from controller.stages.flags import Flags
from controller.stages.guard_orders import reset_guard
from controller.stages.health import Health
from controller.stages.interlocks import Interlocks
from controller.stages.loops import Loops
from controller.stages.mixers import Mixers
from controller.stages.orders import Orders, refused
from controller.stages.outputs import Outputs
from controller.stages.programs import ProgramOrders, Programs
from controller.stages.programs.memory import programs_state, restore_programs
from controller.stages.programs.shown import FeedNumbers
from controller.stages.restart import loops_state, restore_loops
from controller.stages.tuning_desk import VERBS as TUNING_VERBS
from controller.stages.tuning_desk import TuningDesk
from controller.stages.validate import Validator
from controller.view import AlarmList, BatchList, Columns, VesselList, View
from drivers.contract import WriteOutcome

LOOP_VERBS = {Verb.SETPOINT, Verb.MODE, Verb.OUTPUT, Verb.WRITE_ONCE}
FEED_VERBS = {Verb.PROGRAM, Verb.BOTTLE}
START_GRACE = 15.0
"""How long a start may take before what was not read yet is told: so many times ``minimum_stale_s``, a second of wall
time.
"""
LONGEST_DT_PERIODS = 10.0
"""Scans missed in a row after which control starts anew from the outputs instead of making up for the time."""


class ScanResult(NamedTuple):
    """What one scan made: the judged frame, writes by tag row, outcomes of its commands, wishes, and what happened."""

    frame: Frame
    writes: dict[int, float]
    outcomes: list[Outcome]
    proposals: list[Command]
    events: list[Event]


class Scan:
    """All state of control on one site. ``minimum_stale_s`` is the process time below which no value counts as stale:
    on a scaled clock wires stay as slow as they are.
    """

    def __init__(self, site: Site, engine: Engine, minimum_stale_s: float = 0.0) -> None:
        period = max(site.scan_period_s, minimum_stale_s / 3.0)
        self.site = site
        self.engine = engine
        self.validator = Validator(site.tags, site.scan_period_s, minimum_stale_s)
        self.estimator = Estimator(site.tags, period)
        self.loops = Loops(site.loops, site.outputs, len(site.tags), LONGEST_DT_PERIODS * period)
        self.outputs = Outputs(site.outputs, site.tags, minimum_stale_s, LONGEST_DT_PERIODS * period)
        self.mixers = Mixers(site.mixers)
        self.programs = Programs(site.feeds, self.loops)
        grace_s = START_GRACE * minimum_stale_s
        conditions = interlock_conditions(site)
        edges, rows = interlock_edges(site, conditions), len(site.outputs.rows)
        self.interlocks = Interlocks(site.interlocks, conditions, rows, minimum_stale_s, grace_s, edges)
        self.alarms = Alarms(site.alarms, 10.0 * minimum_stale_s, grace_s)
        self.orders = Orders(site, self.loops)
        longest_dt = LONGEST_DT_PERIODS * period
        self.tuning = TuningDesk(site, self.loops, longest_dt, self.orders.enter, self._no_tuning, engine.operation)
        self.health = Health(site, self.loops, period, LONGEST_DT_PERIODS * period)
        self.effects = Effects(site.effects, self.loops, LONGEST_DT_PERIODS * period)
        self.program_orders = ProgramOrders(self.programs, self.loops)
        self.feed_numbers = FeedNumbers(self.programs)
        self.reader = LiveReader(site, self.loops, self.feed_numbers)
        self.columns = Columns(site)
        self.applied = 0
        self._orders: dict[Verb, Callable[[Command, Frame], tuple[Outcome, Event]]] = {
            **dict.fromkeys(LOOP_VERBS, self.orders.apply),
            **dict.fromkeys(FEED_VERBS, self.program_orders.apply),
            **dict.fromkeys(TUNING_VERBS, self.tuning.apply),
            Verb.GUARD_RESET: self._reset_guard,
        }
        book = FactBook(site, self.loops, self.outputs, self.interlocks, self.programs)
        self._vessels = VesselList(
            site, self.columns, self.loops, self.interlocks, self.outputs.guards, book, self.programs
        )
        self._batches = BatchList(engine)
        self._alarms = AlarmList(self.alarms)
        self._operations: dict[str, str] = {}
        self._now_s = 0.0

    def delegate(self, verb: Verb, apply: Callable[[Command], tuple[Outcome, Event]]) -> None:
        """Let somebody else carry out the commands of a verb; what came of them is recorded as of all others."""
        self._orders[verb] = lambda command, _frame: apply(command)

    def step(
        self, raw: Frame, commands: Sequence[Command], outcomes: Sequence[WriteOutcome], now_s: float, dt: float
    ) -> ScanResult:
        """One scan: ``raw`` as read, ``commands`` as committed, ``outcomes`` of earlier writes; process times in s."""
        frame = self.validator.step(raw, now_s)
        self.estimator.step(frame, dt)
        self.reader.frame = frame
        events = self.outputs.settle(outcomes, self.site.tags.index)
        events += self.outputs.observe(frame, dt)
        self.mixers.find(self.outputs, self.loops)
        settled = [self._obey(command, frame, now_s, events) for command in commands]
        self.engine.settle(settled)
        recipe = self.engine.step(now_s, self.reader)
        events += recipe.events
        events += self.programs.step(frame, dt)
        events += self.tuning.step(frame, dt)
        events += self.loops.step(frame, self.outputs, dt)
        self.programs.guard(self.outputs)
        self.mixers.step(self.loops, self.outputs)
        events += self.interlocks.step(self.reader, now_s, frame)
        writes = self.outputs.command(self.interlocks.forced, dt, now_s) | self.orders.take_once()
        self.mixers.tell(self.outputs, self.loops)
        self.loops.track(self.outputs)
        self._batches.refresh(changed=bool(settled or recipe.events))
        if settled or recipe.events or not self._operations:
            self._operations = {vessel.name: self.engine.operation(vessel.name) for vessel in self.site.vessels}
        operations = self._operations
        self.effects.step(dt)
        events += self.alarms.step(frame, operations, now_s, *self._states())
        events += self.health.step(self._batches.places(operations), now_s, dt)
        self._now_s = now_s
        return ScanResult(frame, writes, settled, list(recipe.proposals), self._batches.signed(events))

    def _states(self) -> tuple[Flags, ...]:
        """What alarms are about that is no value."""
        loops, guards = self.loops, self.outputs.guards
        about = self.programs.flags, self.effects.lacking, self.validator.frozen.flags
        return self.interlocks.undecided, guards.held, loops.doses.blocked, *about

    def _obey(self, command: Command, frame: Frame, now_s: float, events: list[Event]) -> Outcome:
        """Apply one command, once: its journal number is remembered."""
        if 0 < command.journal <= self.applied:
            outcome, event = refused(command, "it has been carried out before")
            events.append(event)
            return outcome
        self.applied = max(self.applied, command.journal)
        if command.verb in self._orders:
            outcome, event = self._orders[command.verb](command, frame)
            events += [event, *self.tuning.notice(outcome)]
            return outcome
        outcome = self.engine.apply(command, now_s)
        if not outcome.applied:
            events.append(refused(command, outcome.reason)[1])
        elif command.verb == Verb.BATCH_START:
            events += self._rebase(self._batches.vessel(command.target))
        return outcome

    def _reset_guard(self, command: Command, _frame: Frame) -> tuple[Outcome, Event]:
        return reset_guard(self.outputs.guards, command)

    def _no_tuning(self, vessel: str, loop: str) -> str:
        return self.engine.no_tuning(vessel, loop)

    def _rebase(self, vessel: str) -> list[Event]:
        """A batch begins: what is counted in a batch is counted from zero, and no program of before goes on."""
        self.estimator.rebase(vessel)
        self.outputs.guards.rebase(vessel)
        self.loops.doses.rebase(vessel)
        return self.programs.rebase(vessel)

    def safe_writes(self) -> dict[int, float]:
        """Every output at its declared safe value, by tag row."""
        return self.outputs.safe_writes()

    def view(self) -> View:
        """The scan just made, as it is shown."""
        vessels, batches, alarms = self._vessels.current(), self._batches.current(), self._alarms.current()
        revision = {
            "vessels": self._vessels.revision,
            "batches": self._batches.revision,
            "alarms": self._alarms.revision,
        }
        frame = self.reader.frame
        feeds = self.feed_numbers.read()
        arrays = self.columns.arrays(frame, self.loops.shown_setpoints(), self.loops.op, feeds)
        numbers = Numbers.take(frame, self.loops, self.outputs, self.interlocks, feeds)
        why = Explanation(self.site, self._vessels.facts, numbers)
        return View(*arrays, vessels, batches, alarms, revision, why)

    def state(self) -> dict[str, Json]:
        """Everything that a restart needs, as JSON."""
        return {
            "now_s": self._now_s,
            "applied": self.applied,
            "loops": self.tuning.loops_state(loops_state(self.loops)),
            "tuning": self.tuning.state(),
            "programs": programs_state(self.programs),
            "outputs": self.outputs.state(),
            "doses": self.outputs.doses(),
            "dose_loops": self.loops.doses.state(),
            "totals": self.estimator.state(),
            "interlocks": self.interlocks.state(),
            "alarms": self.alarms.state(),
            "samples": self.validator.state(),
            "frozen": self.validator.frozen.state(),
            "health": self.health.state(),
            "engine": self.engine.state(),
        }

    def restore(self, state: Mapping[str, Json], now_s: float, outage_s: float) -> list[Event]:
        """Take over a state before the first scan. Loops come back by their own policy, batches held, and nothing is
        written before the outputs were read. ``outage_s`` is how long nothing ran.
        """
        shift = now_s - outage_s - number(state.get("now_s"))
        self._now_s, self.applied = now_s, int(number(state.get("applied")))
        self.estimator.restore(mapping(state.get("totals")), outage_s)
        interlocks = state.get("interlocks")
        self.interlocks.restore(interlocks if isinstance(interlocks, list) else [])
        self.alarms.restore(mapping(state.get("alarms")), shift)
        self.validator.restore(mapping(state.get("samples")), shift)
        self.validator.frozen.restore(mapping(state.get("frozen")))
        self.outputs.restore_doses(mapping(state.get("doses")), outage_s)
        self.loops.doses.restore(mapping(state.get("dose_loops")), outage_s)
        events = restore_loops(self.loops, mapping(state.get("loops")))
        events += self.tuning.restore(mapping(state.get("tuning")))
        self.health.restore(mapping(state.get("health")), outage_s)
        events += restore_programs(self.programs, mapping(state.get("programs")), outage_s)
        events += self.engine.restore(mapping(state.get("engine")), now_s, outage_s)
        self._batches.refresh(changed=True)
        self._operations = {}
        return self._batches.signed(events)


def mapping(value: Json) -> dict[str, Json]:
    """A part of a stored state; empty where it is missing."""
    return value if isinstance(value, dict) else {}


def number(value: Json) -> float:
    """A number of a stored state; 0 where it is missing."""
    return float(value) if isinstance(value, int | float) else 0.0
