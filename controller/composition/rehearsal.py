"""Rehearsal: a recipe on the plant in process, under a virtual clock, closed by the same scan that runs hardware.

Nothing waits: a culture of ten days takes seconds. Prompts are answered with their defaults by an operator who is
always there, and whose hands act on the plant.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from controller.clock import VirtualClock
from controller.commands import Command, Event, Json, Verb
from controller.composition.catalogue import Catalogue
from controller.composition.hands import actions
from controller.composition.plant_io import PlantIo
from controller.composition.simulated import plant_state
from controller.config.load import load_site
from controller.door import Door
from controller.model.build import build
from controller.recipe.conditions import check_condition
from controller.recipe.engine import Engine
from controller.runtime import NS, Runtime
from controller.scan import Scan, ScanResult
from simulators.plant import Plant

ENDED = {"Complete", "Stopped", "Aborted"}
BATCH = "rehearsal"
WATCH_SCANS = 30
"""The batch's view is made so seldom because it costs more than a scan."""


@dataclass(slots=True)
class Record:
    """What a rehearsal keeps: commands in the order of their numbers, and every event with its process time in s."""

    commands: list[Command] = field(default_factory=list)
    events: list[tuple[float, Event]] = field(default_factory=list)

    def commit(self, command: Command) -> Future[int]:
        """Number a command; memory is durable enough for a rehearsal."""
        committed: Future[int] = Future()
        self.commands.append(command.committed(len(self.commands) + 1))
        committed.set_result(len(self.commands))
        return committed

    def scanned(self, result: ScanResult, utc: float, process_s: float) -> None:
        """Keep the events of one scan."""
        del utc
        self.events += [(process_s, event) for event in result.events]


class Rehearsal:
    """One recipe on one vessel of a site. ``period_s`` is the scan's period; ``initial`` the vessel's starting state in
    the plant's own names and units; ``seed`` decides every random number.

    Raises :class:`controller.config.problems.Problems` for wrong files.
    """

    def __init__(
        self,
        site: Path,
        recipe: Path,
        vessel: str,
        *,
        period_s: float,
        seed: int,
        initial: Mapping[str, Json] | None = None,
    ) -> None:
        loaded = load_site(site, conditions=check_condition)
        tables = build(loaded)
        states = {
            name: {**plant_state(dict(entry.simulation)), **dict((initial or {}) if name == vessel else {})}
            for name, entry in loaded.config.vessels.items()
        }
        self.plant = Plant(cast("Mapping[str, Mapping[str, object]]", states), seed)
        self.clock = VirtualClock()
        self.record = Record()
        self.door = Door(self.record.commit)
        catalogue = Catalogue(None, loaded.classes)
        self._recipe = catalogue.add(recipe, loaded.classes[vessel])
        self.engine = Engine(catalogue.recipes, loaded.classes)
        self.scan = Scan(tables, self.engine, minimum_stale_s=3.0 * period_s)
        io = PlantIo(loaded.config, tables, self.plant, period_s)
        self.runtime = Runtime(self.scan, io, self.door, self.record, self.clock, period_s)
        self._vessel = vessel
        self._answered: set[str] = set()

    def run(
        self,
        formula: Mapping[str, float] | None = None,
        longest_s: float = 30 * 86_400.0,
        watch: Callable[[Mapping[str, Json]], None] | None = None,
    ) -> Mapping[str, Json]:
        """Create the batch, start it, and scan until it has ended or ``longest_s`` has passed; gives the batch.

        ``watch`` is shown the batch every ``WATCH_SCANS`` scans.
        """
        create: dict[str, Json] = {"batch": BATCH, "recipe": self._recipe.config.recipe, "formula": {**(formula or {})}}
        self._command(Verb.BATCH_CREATE, self._vessel, create)
        self._command(Verb.BATCH_START, BATCH, {})
        while self.clock.now_ns() < longest_s * NS:
            self.step()
            if self.runtime.stats.scans % WATCH_SCANS == 0 and (batch := self.batch()) is not None:
                if batch["state"] in ENDED:
                    return batch
                if watch is not None:
                    watch(batch)
        return self.batch() or {}

    def step(self) -> None:
        """Let one period pass: the plant first, then the scan, then the operator."""
        result = self.runtime.tick(self.clock.now_ns())
        for event in result.events:
            self._use_hands(event)
        if result.events:
            self._answer_prompts()
        self.plant.step(self.runtime.period_ns / NS)
        self.clock.advance_to(self.clock.now_ns() + self.runtime.period_ns)

    def batch(self) -> Mapping[str, Json] | None:
        """The rehearsed batch, in the shape of the live JSON; ``None`` before it was created."""
        return next(iter(self.engine.view()), None)

    def _answer_prompts(self) -> None:
        batch = self.batch()
        for prompt in cast("Sequence[Mapping[str, Json]]", (batch or {}).get("prompts", ())):
            identifier = str(prompt["id"])
            if identifier not in self._answered:
                self._answered.add(identifier)
                inputs = cast("Sequence[Mapping[str, Json]]", prompt["inputs"])
                defaults: dict[str, Json] = {str(entry["name"]): entry["default"] for entry in inputs}
                self._command(Verb.PROMPT_ANSWER, BATCH, {"prompt": identifier, "inputs": defaults})

    def _use_hands(self, event: Event) -> None:
        for action in actions(event):
            amounts = {name: value for name, value in action.items() if isinstance(value, int | float)}
            self.plant.hands(str(action["id"]), str(action["vessel"]), str(action["action"]), amounts)

    def _command(self, verb: Verb, target: str, value: Mapping[str, Json]) -> None:
        self.door.submit(Command(verb, target, value, who="rehearsal", source="cli", reason="rehearsal"))
