"""One fleet's rehearsal: the scan that runs hardware, closed over the plant, under a virtual clock.

Nothing waits: a culture of ten days takes seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from controller.clock import VirtualClock
from controller.commands import Command, Event, Json, Verb
from controller.commands import Outcome as Applied
from controller.composition.catalogue import Catalogue
from controller.composition.rehearsal.books import Books, Course
from controller.composition.rehearsal.clones import cloned
from controller.composition.rehearsal.donors import donor_name, particulars
from controller.composition.rehearsal.fleet_io import FleetIo
from controller.composition.rehearsal.operator import Operator
from controller.composition.simulated import check_simulation, plant_state
from controller.config.load import load_site
from controller.door import Door
from controller.model.build import build
from controller.recipe.conditions import Condition, check_condition, compile_condition
from controller.recipe.engine import Engine
from controller.recipe.states import State
from controller.recipe.symbols import ELAPSED, Symbol, class_symbols
from controller.runtime import NS, Runtime
from controller.scan import Scan, ScanResult
from simulators.biology.verdicts import Outcome, purity, verdict
from simulators.fleet import Fleet

HOUR_S, DAY_S = 3600.0, 86_400.0
LONGEST_S = 30.0 * DAY_S
SHOW_SCANS = 200
Progress = Callable[[float, int], None]
"""Told process seconds and how many batches are over."""


class Setting(NamedTuple):
    """What is rehearsed: a recipe on vessels like one of a site. ``period_s`` is the scan's period, ``initial`` the
    plant's starting state in its own names and units, beside that of the site; ``seed`` decides every random number.
    """

    site: Path
    vessel: str
    recipe: Path
    seed: int
    period_s: float
    longest_s: float = LONGEST_S
    initial: Mapping[str, Json] = {}


class Record:
    """What the door and the scan leave: commands are numbered, events are kept until the next scan."""

    def __init__(self) -> None:
        self.commands = 0
        self.events: Sequence[Event] = ()
        self.outcomes: Sequence[Applied] = ()

    def commit(self, command: Command) -> Future[int]:
        """Number a command; memory is durable enough for a rehearsal."""
        del command
        committed: Future[int] = Future()
        self.commands += 1
        committed.set_result(self.commands)
        return committed

    def scanned(self, result: ScanResult, utc: float, process_s: float) -> None:
        """Keep what one scan made."""
        del utc, process_s
        self.events, self.outcomes = result.events, result.outcomes


class Rehearsal:
    """Some donors' batches. ``numbers`` are the donors' in the population, from 0: what becomes of each depends on its
    number and the setting only.

    Raises :class:`controller.config.problems.Problems` for wrong files, ``ValueError`` for a plant or a point that
    cannot be simulated.
    """

    def __init__(self, setting: Setting, numbers: Sequence[int]) -> None:
        self.setting, self.names = setting, [donor_name(number) for number in numbers]
        loaded = load_site(setting.site, conditions=check_condition, simulation=check_simulation)
        simulation = {**plant_state(dict(loaded.config.vessels[setting.vessel].simulation)), **setting.initial}
        self.fleet = Fleet(simulation, numbers, setting.seed)
        many, self.kind = cloned(loaded, setting.vessel, self.names), loaded.classes[setting.vessel]
        self.site = build(many)
        catalogue = Catalogue(None, many.classes)
        self.recipe = catalogue.add(setting.recipe, self.kind)
        self.clock, self.record = VirtualClock(), Record()
        self.door = Door(self.record.commit)
        self.engine = Engine(catalogue.recipes, many.classes)
        self.scan = Scan(self.site, self.engine, minimum_stale_s=3.0 * setting.period_s)
        io = FleetIo(many.config, self.site, self.fleet)
        self.runtime = Runtime(self.scan, io, self.door, self.record, self.clock, setting.period_s)
        self.books = Books(self.site, self.names)
        columns = {name: column for column, name in enumerate(self.names)}
        self._operator = Operator(self.recipe.config, self.fleet, columns)
        self._formulas = particulars(self.recipe.config, self.fleet.patients) or [{} for _ in self.names]
        self._target: dict[str, Condition] = {}

    def run(self, progress: Progress | None = None, watch: Callable[[], None] | None = None) -> Books:
        """Make a batch for every donor and scan until all are over. ``watch`` is called after every scan."""
        self.begin()
        while self.clock.now_ns() < self.setting.longest_s * NS:
            self.step()
            if watch is not None:
                watch()
            over = len(self.names) - len(self.books.open())
            if progress is not None and self.runtime.stats.scans % SHOW_SCANS == 0:
                progress(self.clock.now_ns() / NS, over)
            if over == len(self.names):
                break
        self.books.close(self.clock.now_ns() / NS)
        self._weigh()
        return self.books

    def step(self) -> None:
        """Let one period pass: the scan, then the operator, then the plant."""
        now_ns = self.clock.now_ns()
        self.runtime.tick(now_ns)
        events, now_s = self.record.events, now_ns / NS
        if events:
            self._note(events, now_s)
        for command in self._operator.answers(events):
            self.door.submit(command)
        for outcome in self.record.outcomes:
            if not outcome.applied and outcome.command.verb is Verb.BATCH_CREATE:
                self.books.refused(outcome.command.target, outcome.reason)
        if self.books.scanned(self.scan.reader.frame, now_s, self.setting.period_s):
            self._look(now_s)
        self.fleet.step(self.setting.period_s)
        self.clock.advance_to(now_ns + self.runtime.period_ns)

    def begin(self) -> None:
        """Make a batch for every donor and start it; :meth:`run` does this itself."""
        config = self.recipe.config
        for name, formula in zip(self.names, self._formulas, strict=True):
            create: dict[str, Json] = {"batch": name, "recipe": config.recipe, "formula": {**formula}}
            self._submit(Verb.BATCH_CREATE, name, create)
            self._submit(Verb.BATCH_START, name, {})
            if config.target is not None:
                values = {key: one.value.value for key, one in config.formula.items()} | formula
                symbols = {key: Symbol(one.value.unit, values[key]) for key, one in config.formula.items()}
                known = {**class_symbols(self.kind), **symbols, ELAPSED: Symbol("s")}
                self._target[name] = compile_condition(config.target, known)

    def _submit(self, verb: Verb, target: str, value: Mapping[str, Json]) -> None:
        self.door.submit(Command(verb, target, value, who="rehearsal", source="cli", reason="rehearsal"))

    def _look(self, now_s: float) -> None:
        """Now and then: who has reached the target, and whose culture is beyond what its model knows."""
        lives = self.fleet.truth()["vcd"] > 0.0
        beyond = {name: where & lives for name, where in self.fleet.beyond().items()}
        for column, (name, course) in enumerate(self.books.courses.items()):
            if course.over:
                continue
            target = self._target.get(name) if np.isnan(course.reached_s) else None
            if target is not None and target.evaluate(partial(self.scan.reader.read, name)) is True:
                course.reached_s = now_s
            operation = self.engine.operation(name)
            left = [f"{what} in {operation}" for what, where in beyond.items() if where[column]]
            course.beyond += [what for what in left if what not in course.beyond]

    def _note(self, events: Sequence[Event], now_s: float) -> None:
        """Write down what happened; of a batch that is over now, also what is in its vessel."""
        running = self.books.open()
        self.books.note(events, now_s)
        ended = [name for name in running if self.books.courses[name].over]
        truth = self.fleet.truth() if ended else {}
        for name in ended:
            column = self.names.index(name)
            self.books.courses[name].yielded = {what: float(values[column]) for what, values in truth.items()}

    def _weigh(self) -> None:
        """Judge every batch's end: what was in the vessel before the harvest, and whether a patient may be given it."""
        last, fleet = self.fleet.truth(), self.fleet
        for column, course in enumerate(self.books.courses.values()):
            now = course.yielded or {what: float(values[column]) for what, values in last.items()}
            course.yielded = fleet.at_harvest.get(column, now)
            course.medium_l = float(fleet.filled_l[column])
            if fleet.patients:
                judged = verdict(fleet.patients[column], self._outcome(column, course))
                course.failures, course.doses = list(judged.failures), judged.doses

    def _outcome(self, column: int, course: Course) -> Outcome | None:
        """What was harvested of a patient's cells, if anything was."""
        begun = self.fleet.begun.get(column)
        if begun is None or column not in self.fleet.at_harvest or course.state != State.COMPLETE:
            return None
        end = course.yielded
        cells = end["vcd"] * end["volume_l"]
        hours = (end["process_s"] - begun.process_s) / HOUR_S
        return Outcome(hours, cells, 0.01 * end["viability"], purity(self.fleet.patients[column], begun.cells, cells))
