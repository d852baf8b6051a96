"""A bench without wires: the site of the repository, devices that keep what is written, and a scan on them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from controller.commands import Command, Outcome, Verb
from controller.config.load import load_site
from controller.frame import BAD, Frame
from controller.model.build import build
from controller.scan import Scan
from drivers.contract import Reason

ROOT = Path(__file__).parents[2]
FOUND = {"temperature": 22.0, "jacket_temperature": 22.0, "ph": 7.3, "do": 60.0, "weight": 1008.0}
OUTPUTS_FOUND = {"agitation_speed": 60.0, "air_flow": 50.0}


@cache
def bench_site():
    return build(load_site(ROOT / "configs/sites/bench.yaml"))


@dataclass
class Stepped:
    proposals: list = field(default_factory=list)
    events: list = field(default_factory=list)


class NoRecipe:
    """An engine without batches."""

    def apply(self, command, now_s):
        return Outcome(command, applied=False, reason="there is no such batch")

    def settle(self, outcomes):
        pass

    def operation(self, vessel):
        return ""

    def placed(self):
        return []

    def no_tuning(self, vessel, loop):
        return ""

    def step(self, now_s, read):
        return Stepped()

    def state(self):
        return {}

    def restore(self, state, now_s, outage_s):
        return []

    def view(self):
        return []


class Rig:
    """A scan over devices. ``values`` are what sensors say, ``devices`` what outputs hold, both by tag row."""

    def __init__(self, site, engine=None, period=1.0, **options):
        self.site, self.period, self.now = site, period, 100.0
        self.scan = Scan(site, engine or NoRecipe(), **options)
        tags = site.tags.tags
        self.values = {row: FOUND.get(tag.name, 0.0) for row, tag in enumerate(tags) if tag.kind == "measurement"}
        self.devices = {row: OUTPUTS_FOUND.get(tag.name, 0.0) for row, tag in enumerate(tags) if tag.kind == "output"}
        self.readable = {row for row, tag in enumerate(tags) if tag.point is None or tag.point.access != "w"}
        self.lost, self.bad, self.stuck = set(), {}, set()
        self.journal = 0
        self.events, self.writes = [], []
        self.result = None

    def row(self, name):
        return self.site.tags.index[name if "." in name else f"BR-101.{name}"]

    def loop(self, name):
        return self.site.loops.index[name if "." in name else f"BR-101.{name}"]

    def frame(self):
        frame = Frame.never_read(len(self.site.tags))
        found = {row: value for row, value in {**self.values, **self.devices}.items() if row in self.readable}
        rows = list(found)
        frame.value[rows], frame.quality[rows], frame.reason[rows] = list(found.values()), 0, Reason.SIMULATED
        frame.age[rows] = 0.0
        for row in rows if self.lost or self.bad else ():
            reason = Reason.LINK if self.site.tags.tags[row].connection in self.lost else self.bad.get(row)
            if reason is not None:
                frame.value[row], frame.quality[row], frame.reason[row] = np.nan, BAD, reason
        return frame

    def step(self, *commands, dt=None, outcomes=()):
        dt = self.period if dt is None else dt
        self.now += dt
        self.result = self.scan.step(self.frame(), commands, outcomes, self.now, dt)
        self.events += self.result.events
        self.writes.append(self.result.writes)
        for row, value in self.result.writes.items():
            if self.site.tags.tags[row].connection not in self.lost and row not in self.stuck:
                self.devices[row] = value
        return self.result

    def run(self, scans, **options):
        for _ in range(scans):
            self.step(**options)
        return self.result

    def command(self, verb, target, **value):
        self.journal += 1
        extra = {key: value.pop(key) for key in ("source", "expected_revision", "who", "reason") if key in value}
        target = target if "." in target else f"BR-101.{target}"
        return Command(verb, target, value, journal=self.journal, **extra)

    def mode(self, loop, mode, **more):
        return self.step(self.command(Verb.MODE, loop, mode=mode, **more)).outcomes[0]

    def setpoint(self, loop, value, **more):
        return self.step(self.command(Verb.SETPOINT, loop, value=value, **more)).outcomes[0]

    def device(self, name):
        return self.devices[self.row(name)]

    def set(self, **values: Mapping[str, float]):
        for name, value in values.items():
            self.values[self.row(name)] = value

    def op(self, loop):
        return float(self.scan.loops.op[self.loop(loop)])

    def tuning(self, loop):
        return self.site.loops.rows[self.loop(loop)].tuning

    def texts(self):
        return [event.text for event in self.events]


@pytest.fixture(scope="session")
def site():
    return bench_site()


@pytest.fixture
def rig(site):
    return Rig(site)


@pytest.fixture
def make_rig(site):
    return lambda **options: Rig(options.pop("site", site), **options)
