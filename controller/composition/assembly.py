"""One supervisor put together: configuration, record, scan and doors, in the state the last one left."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, cast

from controller.clock import ScaledClock, iso_utc
from controller.commands import Command, Event, EventType, Json, Verb
from controller.composition.catalogue import Catalogue
from controller.composition.hands import Hands
from controller.composition.options import BatchOrder, Options
from controller.composition.paths import recipes_path, store_path
from controller.composition.read_back import ReadBacks
from controller.composition.recorder import ScanRecorder
from controller.composition.wires import Wires
from controller.config.load import load_site
from controller.door import Door
from controller.model.build import build
from controller.publish import Publisher
from controller.recipe.conditions import check_condition
from controller.recipe.engine import Engine
from controller.runtime import Runtime
from controller.scan import Scan
from controller.store import Store
from controller.units import parse_quantity

if TYPE_CHECKING:
    from controller.composition.gateway import SupervisorGateway
    from controller.store.checkpoint import Checkpoint

log = logging.getLogger("biovisor")
WALL_PERIOD_S = 0.1
"""The shortest wall time between two scans; at higher speeds a scan covers more process time."""
STALE_WALL_S = 1.0
"""No value counts as stale before so much wall time."""
ENDED = {"Complete", "Stopped", "Aborted"}


class Assembly:
    """Everything a running supervisor consists of. ``simulated`` says that every instrument is a simulator.

    Raises :class:`controller.config.problems.Problems`, :class:`controller.store.StoreUnavailable`.
    """

    def __init__(self, options: Options, clock: ScaledClock, *, simulated: bool) -> None:
        self.options = options
        self.clock = clock
        self.simulated = simulated
        self.loaded = load_site(options.site, conditions=check_condition)
        self.site = build(self.loaded)
        self.period_s = max(self.site.scan_period_s, WALL_PERIOD_S * clock.speed)
        self.catalogue = Catalogue(recipes_path(options.data), self.loaded.classes)
        self.engine = Engine(self.catalogue.recipes, self.loaded.classes)
        self.scan = Scan(self.site, self.engine, minimum_stale_s=STALE_WALL_S * clock.speed)
        self.publisher = Publisher(self._described(), self.scan.columns.described, self.scan.columns.connections)
        self.store = Store(store_path(options.data), list(self.publisher.keys), clock=clock)
        self.door = Door(self.store.commit)
        self.hands = Hands(enabled=simulated)
        wall_s = self.period_s / clock.speed
        self.wires = Wires(self.loaded.config, self.site, self.store, clock, wall_s, simulated=simulated)
        self.read_backs = ReadBacks(self.site)
        self.recorder = ScanRecorder(
            self.scan, self.store, self.publisher, self.read_backs, self.hands, self.wires.view, self._configuration()
        )
        self.runtime = Runtime(self.scan, self.wires.io, self.door, self.recorder, clock, self.period_s)
        self._resume(self.store.load_checkpoint())

    @cached_property
    def gateway(self) -> SupervisorGateway:
        """HTTP's way in, made when it is first asked for: the first scan does without."""
        from controller.composition.gateway import SupervisorGateway
        from controller.composition.site_info import site_info

        return SupervisorGateway(
            site_info(self.site, {}, simulated=self.simulated),
            self.door,
            self.store,
            self.publisher,
            self.runtime.stats,
            self.read_backs,
            self.period_s / self.clock.speed,
            self.wires.not_ready,
            self.number_batch,
        )

    def add_recipes(self) -> None:
        """Make the recipes beside the site file known. Reads files and imports what a batch needs, so that no scan has
        to: call it after the first scan, on another thread.
        """
        from controller.composition.site_info import site_info

        import_module("controller.recipe.freeze")
        self.catalogue.add_folder(self.options.site)
        recipes = {name: recipe.config for name, recipe in self.catalogue.recipes.items()}
        self.gateway.site = site_info(self.site, recipes, simulated=self.simulated)

    def close(self, *, clean: bool) -> None:
        """Write the last state and close the record."""
        if clean and self.runtime.stats.scans:
            stopped = Event(EventType.GENERAL, "System", "supervisor", "stopped in order, outputs at their safe values")
            self.store.append([stopped])
            self.recorder.checkpoint(self.clock.utc(), self.clock.now_ns() / 1e9, clean=True)
        self.store.close()

    def occupied(self, vessel: str) -> bool:
        """Whether a batch that has not ended holds the vessel."""
        return any(batch["vessel"] == vessel and batch["state"] not in ENDED for batch in self.engine.view())

    def new_batch(self, order: BatchOrder) -> Command:
        """The command that creates an ordered batch. Raises :class:`controller.config.problems.Problems` for a wrong
        recipe, ``LookupError`` for an unknown vessel or formula name, ``UnitError`` for a wrong value.
        """
        recipe = self.catalogue.add(order.recipe, self.loaded.classes[order.vessel])
        formula: dict[str, Json] = {
            name: parse_quantity(text).to(recipe.config.formula[name].value.unit)
            for name, text in order.formula.items()
        }
        value: dict[str, Json] = {
            "batch": self.number_batch(order.vessel),
            "recipe": recipe.config.recipe,
            "formula": formula,
            "begin_at": order.begin_at,
        }
        return Command(Verb.BATCH_CREATE, order.vessel, value, who="cli", source="cli", reason=order.reason)

    def number_batch(self, vessel: str) -> str:
        """A batch id that was never used: vessel, UTC date, and the next journal number."""
        day = iso_utc(self.clock.utc())[:10].replace("-", "")
        newest = self.store.entries(limit=1)
        return f"{vessel}-{day}-{(cast('int', newest[-1]['number']) if newest else 0) + 1:04d}"

    def _resume(self, checkpoint: Checkpoint | None) -> None:
        """Take over what the last supervisor left: batches Held, loops by their policy, commands answered."""
        started = Event(EventType.GENERAL, "System", "supervisor", f"started on site {self.site.name}")
        self.store.append([started])
        if checkpoint is None:
            return
        state = cast("Mapping[str, Json]", checkpoint.state["scan"])
        if checkpoint.state["configuration"] != self._configuration():
            changed = "the configuration files are not those of the last run; batches stay Held until somebody decides"
            self.store.append([Event(EventType.GENERAL, "System", "supervisor", changed)])
        self.catalogue.thaw(state)
        outage_s = max(0.0, self.clock.utc() - checkpoint.utc) * self.clock.speed
        events = self.scan.restore(dict(state), self.clock.now_ns() / 1e9, outage_s)
        self.store.append(events)
        self.door.replay(self.store.commands_after(self.scan.applied))

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
