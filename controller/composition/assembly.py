"""One supervisor put together: configuration, record, scan and doors, in the state the last one left."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, cast

from controller.clock import ScaledClock
from controller.commands import Command, Event, EventType, Json, Verb
from controller.composition.batch_ids import BatchIds
from controller.composition.calibration_watch import CalibrationWatch
from controller.composition.calibrations import ids, overdue_texts, start_events, stored
from controller.composition.catalogue import Catalogue
from controller.composition.hands import Hands, answered
from controller.composition.options import BatchOrder, Options
from controller.composition.paths import recipes_path, store_path
from controller.composition.read_back import ReadBacks
from controller.composition.recorder import ScanRecorder
from controller.composition.replay import TOO_LATE, still_counts
from controller.composition.strangers import accept
from controller.composition.wires import Wires
from controller.config.load import load_site
from controller.door import Door
from controller.model.build import build
from controller.publish import Publisher
from controller.recipe.conditions import check_condition
from controller.recipe.engine import Engine
from controller.runtime import Runtime
from controller.scan import Scan
from controller.stages.orders import refused
from controller.store import Store
from controller.units import UnitError, parse_quantity

if TYPE_CHECKING:
    from controller.composition.gateway import SupervisorGateway
    from controller.composition.scenario import Scenario
    from controller.store.checkpoint import Checkpoint

log = logging.getLogger("biovisor")
WALL_PERIOD_S = 0.1
"""The shortest wall time between two scans; at higher speeds a scan covers more process time."""
STALE_WALL_S = 1.0
"""No value counts as stale before so much wall time."""
ENDED = {"Complete", "Stopped", "Aborted"}
REFUSED = "Command Refused"
"""The event by which :func:`controller.stages.orders.refused` puts a refusal on record."""


class Assembly:
    """Everything a running supervisor consists of. ``simulated`` says that every instrument is a simulator.

    Raises :class:`controller.config.problems.Problems`, :class:`controller.store.StoreUnavailable`, ``ValueError`` for
    stored calibrations that cannot be used.
    """

    def __init__(self, options: Options, clock: ScaledClock, *, simulated: bool) -> None:
        self.options = options
        self.clock = clock
        self.simulated = simulated
        self.scenario: Scenario | None = None
        loaded = load_site(options.site, conditions=check_condition)
        self.calibrations = stored(loaded, options.data, simulated=simulated)
        if self.calibrations.unfit:
            raise ValueError(self.calibrations.unfit[0])
        self.loaded = loaded._replace(calibrations=self.calibrations.in_force)
        self.site = build(self.loaded)
        self.period_s = max(self.site.scan_period_s, WALL_PERIOD_S * clock.speed)
        self.catalogue = Catalogue(recipes_path(options.data), self.loaded.classes)
        self.engine = Engine(self.catalogue.recipes, self.loaded.classes, self.catalogue.thawed)
        self.scan = Scan(self.site, self.engine, minimum_stale_s=STALE_WALL_S * clock.speed)
        self.publisher = Publisher(self._described(), self.scan.columns.described, self.scan.columns.connections)
        self.store = Store(store_path(options.data), list(self.publisher.keys), clock=clock)
        self.door = Door(self.store.commit, self.store.append)
        self.number_batch = BatchIds(clock.utc).new
        self.hands = Hands(enabled=simulated)
        wall_s = self.period_s / clock.speed
        self.wires = Wires(self.loaded.config, self.site, self.store, clock, wall_s, simulated=simulated)
        self.scan.delegate(Verb.ACCEPT, lambda command: accept(command, self.wires.links.get))
        self.read_backs = ReadBacks(self.site, self.scan.loops)
        kept: dict[str, Json] = {"configuration": self._configuration(), "calibrations": {**ids(self.loaded)}}
        self.watch = CalibrationWatch(self.loaded, options.data, self.store.append, simulated=simulated)
        state = {"connections": self.wires.view, "waiting_calibrations": self.watch.view}
        self.recorder = ScanRecorder(self.scan, self.store, self.publisher, self.read_backs, self.hands, state, kept)
        self.runtime = Runtime(self.scan, self.wires.io, self.door, self.recorder, clock, self.period_s)
        self._resume(self.store.load_checkpoint())

    @cached_property
    def gateway(self) -> SupervisorGateway:
        """HTTP's way in, made when it is first asked for: the first scan does without."""
        from controller.composition.gateway import SupervisorGateway
        from controller.composition.site_info import site_info
        from controller.stages.health_report import HealthReport
        from controller.stages.tuning_report import TuningReport

        return SupervisorGateway(
            site_info(self.site, {}, simulated=self.simulated),
            self.door,
            self.store,
            self.publisher,
            self.runtime.stats,
            HealthReport(self.site, self.scan.health),
            TuningReport(self.site, self.scan.tuning.sets, self.scan.tuning.tuner),
            self.read_backs,
            self.period_s / self.clock.speed,
            self.wires.not_ready,
            self.number_batch,
        )

    def add_recipes(self) -> None:
        """Make the recipes beside the site file known. Reads files and imports what a batch needs, so that no scan has
        to: call it after the first scan, on another thread.
        """
        import_module("controller.recipe.freeze")
        self.catalogue.add_folder(self.options.site)
        self._offer_recipes()

    def close(self, *, clean: bool) -> None:
        """Write the last state and close the record."""
        if clean and self.runtime.stats.scans:
            stopped = Event(EventType.GENERAL, "System", "supervisor", "stopped in order, outputs at their safe values")
            self.store.append([stopped])
            self.recorder.checkpoint(self.clock.utc(), self.clock.now_ns() / 1e9, clean=True)
        self.store.close()

    def has_batch(self, vessel: str) -> bool:
        """Whether a batch is on the vessel, one that has ended and was not reset included."""
        return any(batch["vessel"] == vessel for batch in self.engine.view())

    def occupied(self, vessel: str) -> bool:
        """Whether a batch that has not ended holds the vessel."""
        return any(batch["vessel"] == vessel and batch["state"] not in ENDED for batch in self.engine.view())

    def new_batch(self, order: BatchOrder) -> Command:
        """The command that creates an ordered batch. Reads files: call it on another thread.

        Raises :class:`controller.config.problems.Problems` for a wrong recipe, ``LookupError`` for an unknown vessel or
        formula name, ``UnitError`` for a wrong value.
        """
        recipe = self.catalogue.add(order.recipe, self.loaded.classes[order.vessel])
        self._offer_recipes()
        known = recipe.config.formula
        if unknown := [name for name in order.formula if name not in known]:
            raise LookupError(f"the recipe has no formula value {unknown[0]!r}; it has {', '.join(known)}")
        formula: dict[str, Json] = {}
        for name, text in order.formula.items():
            unit = known[name].value.unit
            try:
                formula[name] = parse_quantity(text, unit).to(unit)
            except UnitError as error:
                raise UnitError(f"{name}: {error.message}", error.hint) from error
        value: dict[str, Json] = {
            "batch": self.number_batch(order.vessel),
            "recipe": recipe.config.recipe,
            "formula": formula,
            "begin_at": order.begin_at,
        }
        return Command(Verb.BATCH_CREATE, order.vessel, value, who="cli", source="cli", reason=order.reason)

    def _offer_recipes(self) -> None:
        """Tell the scan and HTTP, from any thread: each gets a new object, never changed, by one assignment."""
        from controller.composition.site_info import site_info

        recipes = self.catalogue.recipes
        self.engine.use_recipes(recipes)
        configs = {name: recipe.config for name, recipe in recipes.items()}
        self.gateway.site = site_info(self.site, configs, simulated=self.simulated)

    def _resume(self, checkpoint: Checkpoint | None) -> None:
        """Take over what the last one left: batches Held or set aside, loops by their policy, commands answered."""
        started = Event(EventType.GENERAL, "System", "supervisor", f"started on site {self.site.name}")
        self.store.append([started])
        self._tell_calibrations(checkpoint)
        if checkpoint is None:
            return
        state = cast("Mapping[str, Json]", checkpoint.state["scan"])
        if checkpoint.state["configuration"] != self._configuration():
            changed = "the configuration files are not those of the last run; batches stay Held until somebody decides"
            self.store.append([Event(EventType.GENERAL, "System", "supervisor", changed)])
        for wrong in self.catalogue.thaw(state):
            log.error(wrong)
            self.store.append([Event(EventType.ALARM, "System", "supervisor", wrong)])
        away_s = max(0.0, self.clock.utc() - checkpoint.utc)
        events = self.scan.restore(dict(state), self.clock.now_ns() / 1e9, away_s * self.clock.speed)
        self.store.append(events)
        for batch in self.engine.view():
            if self.simulated and batch["state"] not in ENDED:
                self.hands.notice(answered(self.store, str(batch["id"])))
        self._replay(away_s)

    def _tell_calibrations(self, checkpoint: Checkpoint | None) -> None:
        """Put on record which calibrations are in force from now on, and what is wrong with them."""
        before = cast("Mapping[str, str]", checkpoint.state.get("calibrations", {})) if checkpoint else {}
        self.store.append(start_events(self.loaded, self.calibrations, before, self.clock.utc()))
        for text in (*self.calibrations.warnings, *overdue_texts(self.loaded, self.calibrations, self.clock.utc())):
            log.warning("%s", text)

    def _replay(self, away_s: float) -> None:
        """Act on what was answered and never acted, as far as it still counts after ``away_s`` (wall); the rest is
        refused, on record and once: a later restart does not judge it again.
        """
        waiting = [one for one in self.store.commands_after(self.scan.applied) if not self._refused(one)]
        self.door.replay(one for one in waiting if still_counts(one, away_s))
        late = [one for one in waiting if not still_counts(one, away_s)]
        for command in late:
            outcome, event = refused(command, TOO_LATE)
            self.door.settle([outcome])
            self.store.append([event])
        self.engine.missed(late)

    def _refused(self, command: Command) -> bool:
        return any(row["subtype"] == REFUSED for row in self.store.answers(command.journal))

    def _described(self) -> dict[str, Json]:
        return {
            "name": self.site.name,
            "title": self.site.title,
            "simulated": self.simulated,
            "speed": self.clock.speed,
            "scan_period_s": self.period_s,
        }

    def _configuration(self) -> str:
        """One hash over every configuration file."""
        return hashlib.sha256(json.dumps(dict(self.loaded.files), sort_keys=True).encode()).hexdigest()
