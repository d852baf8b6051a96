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
from controller.composition.process_faults import Order
from controller.composition.rehearsal.books import Books
from controller.composition.rehearsal.clones import cloned
from controller.composition.rehearsal.donors import donor_name, particulars
from controller.composition.rehearsal.fleet_io import FleetIo
from controller.composition.rehearsal.judging import contents, judge, loop_figures
from controller.composition.rehearsal.operator import Operator
from controller.composition.rehearsal.refusal import placed
from controller.composition.rehearsal.validity import look
from controller.composition.simulated import check_simulation, plant_state
from controller.config.load import load_site
from controller.door import Door
from controller.model.build import build
from controller.recipe.conditions import Condition, check_condition, compile_condition
from controller.recipe.engine import Engine
from controller.recipe.symbols import Symbol, class_symbols
from controller.runtime import NS, Runtime
from controller.scan import Scan, ScanResult
from simulators.fleet import Fleet

DAY_S = 86_400.0
LONGEST_S = 30.0 * DAY_S
SHOW_SCANS = 200
AIM_S = 60.0
"""Process seconds between two looks at who has reached the target; at the end of a batch there is one more."""
Progress = Callable[[float, int], None]
"""Told process seconds and how many batches are over."""


class Setting(NamedTuple):
    """What is rehearsed: a recipe on vessels like one of a site. ``period_s`` is the scan's period, ``initial`` the
    plant's starting state in its own names and units, beside that of the site; ``seed`` decides every random number.
    ``formula`` are values in the place of the recipe's, in its units. ``faults`` befall every vessel, in process time
    from the batch's begin.
    """

    site: Path
    vessel: str
    recipe: Path
    seed: int
    period_s: float
    longest_s: float = LONGEST_S
    initial: Mapping[str, Json] = {}
    formula: Mapping[str, float] = {}
    faults: Sequence[Order] = ()


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
        for order in setting.faults:
            self.fleet.befall(order)
        many, self.kind = cloned(loaded, setting.vessel, self.names), loaded.classes[setting.vessel]
        self.site = build(many)
        catalogue = Catalogue(None, many.classes)
        self.recipe = catalogue.add(setting.recipe, self.kind)
        self.clock, self.record = VirtualClock(), Record()
        self.door = Door(self.record.commit)
        self.engine = Engine(catalogue.recipes, many.classes)
        self.scan = Scan(self.site, self.engine, minimum_stale_s=3.0 * setting.period_s)
        with placed(setting.site):
            io = FleetIo(many.config, self.site, self.fleet)
        self.runtime = Runtime(self.scan, io, self.door, self.record, self.clock, setting.period_s)
        self.books = Books(self.site, self.names)
        columns = {name: column for column, name in enumerate(self.names)}
        self._operator = Operator(self.recipe.config, self.fleet, columns)
        own = particulars(self.recipe.config, self.fleet.patients, setting.formula)
        self._formulas = own or [{} for _ in self.names]
        self._target: dict[str, Condition] = {}
        self._aim_s = 0.0

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
        running = self.books.open()
        self.books.close(self.clock.now_ns() / NS)
        self._take_down(running)
        for column, course in enumerate(self.books.courses.values()):
            judge(course, self.fleet, column)
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
            look(self.books.courses, self.fleet, self.engine.operation)
        if now_s >= self._aim_s:
            self._aim_s += AIM_S
            self._aim(self.books.open(), now_s)
        self.fleet.step(self.setting.period_s)
        self.clock.advance_to(now_ns + self.runtime.period_ns)

    def begin(self) -> None:
        """Make a batch for every donor and start it; :meth:`run` does this itself."""
        config = self.recipe.config
        for name, own in zip(self.names, self._formulas, strict=True):
            formula = {**self.setting.formula, **own}
            create: dict[str, Json] = {"batch": name, "recipe": config.recipe, "formula": {**formula}}
            self._submit(Verb.BATCH_CREATE, name, create)
            self._submit(Verb.BATCH_START, name, {})
            if config.target is not None:
                values = {key: one.value.value for key, one in config.formula.items()} | formula
                symbols = {key: Symbol(one.value.unit, values[key]) for key, one in config.formula.items()}
                known = {**class_symbols(self.kind), **symbols}
                self._target[name] = compile_condition(config.target, known)

    def _submit(self, verb: Verb, target: str, value: Mapping[str, Json]) -> None:
        self.door.submit(Command(verb, target, value, who="rehearsal", source="cli", reason="rehearsal"))

    def _aim(self, donors: Sequence[str], now_s: float) -> None:
        """Note who has reached the target."""
        for name in donors:
            course, target = self.books.courses[name], self._target.get(name)
            if target is None or not np.isnan(course.reached_s):
                continue
            if target.evaluate(partial(self.scan.reader.read, name)) is True:
                course.reached_s = now_s

    def _note(self, events: Sequence[Event], now_s: float) -> None:
        """Write down what happened; of a batch that is over now, also what is in its vessel."""
        running = self.books.open()
        self.books.note(events, now_s)
        ended = [name for name in running if self.books.courses[name].over]
        self._aim(ended, now_s)
        self._take_down(ended)

    def _take_down(self, donors: Sequence[str]) -> None:
        """Take down what is in vessels and how their loops did, for batches that are over now."""
        for name in donors:
            course, column = self.books.courses[name], self.names.index(name)
            course.yielded = contents(self.fleet, column)
            course.medium_l = float(self.fleet.filled_l[column])
            course.loops = course.loops or loop_figures(self.site, self.scan.health, name)
