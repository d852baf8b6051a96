"""Sites for measuring: vessels with the mix of tags, loops and guards of a real one, and a plant that never rests."""

from itertools import chain, cycle

import numpy as np

from controller.commands import Command, Outcome, Verb
from controller.frame import Frame
from controller.model.guards import Alarm, Interlock
from controller.model.loops import Leg, Loop, LoopTable, Output, OutputTable
from controller.model.site import Site, Vessel
from controller.model.tags import Tag, TagTable
from controller.model.tuning import Gap, Tuning
from controller.scan import Scan
from controller.store.history import Row, row
from drivers.contract import Point, Reason

FRAMES = 8
"""Frames that take turns: every scan sees other values than the one before."""
SETTLING = 40
"""Scans after which filters and controllers have settled."""
UTC = 1.8e9
FOUND = {
    "temperature": 37.0, "jacket_temperature": 37.5, "ph": 7.1, "do": 50.0, "weight": 1008.0, "pressure": 5.0,
    "agitation_rate": 60.0,
}  # fmt: skip
"""Where the values of the bench site are when nothing is wrong; 0 for what is not named."""


class NoRecipe:
    """An engine without batches."""

    proposals = events = ()

    def apply(self, command, now_s):
        return Outcome(command, applied=False, reason="there is no such batch")

    def settle(self, outcomes):
        pass

    def operation(self, vessel):
        return ""

    def placed(self):
        return []

    def step(self, now_s, read):
        return self

    def state(self):
        return {}

    def restore(self, state, now_s, outage_s):
        return []

    def view(self):
        return []


def site(vessels, tags, loops):
    """``vessels`` with as many ``tags`` and PID ``loops`` each. Loop 0 leads loop 1, loop 2 has two legs and a gap; of
    the tags every eighth is filtered, and every vessel has a sampled one, a total, alarms on every other tag and three
    interlocks: what the vessel class of the repository has.
    """
    names = [f"V{number:03d}" for number in range(vessels)]
    table = TagTable(tuple(chain.from_iterable(_tags(name, tags, loops) for name in names)))
    outputs = [tag for tag in table.tags if tag.kind == "output"]
    rows = tuple(
        Output(table.index[tag.full_name], tag.full_name, 0.0, 100.0, 0.0, max_rate=50.0, unit="%") for tag in outputs
    )
    found = OutputTable(rows)
    return Site(
        "bench", "Bench", 1.0, tuple(Vessel(name, name, "bench") for name in names), table, found,
        LoopTable(tuple(chain.from_iterable(_loops(name, i, loops, table, found) for i, name in enumerate(names)))),
        interlocks=tuple(chain.from_iterable(_interlocks(name, found) for name in names)),
        alarms=tuple(_alarm(row, table.tags[row]) for row in range(0, len(table), 2) if _measured(table, row)),
        bindings=table.bindings(),
    )  # fmt: skip


def _measured(table, row):
    return table.tags[row].kind == "measurement"


def _tags(vessel, count, loops):
    measured = [
        Tag(vessel, f"m{n}", f"M{n}", "Cel", 1, "measurement", -1e3, 1e3, "plc", Point(f"{vessel}.m{n}", f"m{n}"),
            filter_s=5.0 if n % 8 == 0 else 0.0, max_rate=100.0 if n % 8 == 0 else np.inf)
        for n in range(count - loops)
    ]  # fmt: skip
    measured[-1] = measured[-1]._replace(rebased=True, high=1e12)
    measured[-2] = measured[-2]._replace(sampled=True)
    return measured + [
        Tag(vessel, f"o{n}", f"O{n}", "%", 1, "output", 0.0, 100.0, "plc", Point(f"{vessel}.o{n}", f"o{n}", "rw"))
        for n in range(loops)
    ]


def _loops(vessel, number, count, tags, outputs):
    for n in range(count):
        out = outputs.index[f"{vessel}.o{n}"]
        legs = (Leg(out, 0.0, 100.0, 0.0, 100.0),)
        if n == 0 and count > 1:
            legs = (Leg(number * count + 1, 0.0, 100.0, 0.0, 100.0, cascade=True),)
        elif n == 2:
            spare = outputs.index[f"{vessel}.o0"]
            legs = (Leg(out, 0.0, 50.0, 100.0, 0.0), Leg(spare, 50.0, 100.0, 0.0, 100.0))
        tuning = Tuning(2.0 + n, 60.0, 4.0, setpoint_weight=0.6, tracking_time=30.0, gap=Gap(0.02 if n == 2 else 0.0))
        yield Loop(
            vessel, f"l{n}", f"L{n}", "pid", "Cel", 1, 37.0, 0.0, 100.0, sp_rate=1.0, pv=tags.index[f"{vessel}.m{n}"],
            tuning=tuning, legs=legs, on_restart="resume",
        )  # fmt: skip


def _interlocks(vessel, outputs):
    conditions = ("m0 > 90 Cel", "m1 > 90 Cel and m2 > 80 Cel", "m3 < 1 Cel")
    force = ((outputs.index[f"{vessel}.o1"], 0.0),)
    return [Interlock(vessel, f"i{n}", f"I{n}", when, None, force) for n, when in enumerate(conditions)]


def _alarm(row, tag):
    sides = ("above", "below", "bad")
    return Alarm(tag.vessel, f"a{row}", f"A{row}", row, sides[row // 2 % 3], [90.0, 1.0, 0.0][row // 2 % 3], 1.0, 5.0,
                 5.0, 3, tag.unit, tag_name=tag.name)  # fmt: skip


class Plant:
    """A scan on a site and the frames that it sees: noise around the values ``base`` by tag name, or around 37; around
    their setpoints where loops control, and outputs that follow at once. All loops act, and none is at a limit.
    """

    def __init__(self, a_site, base=None, noise=0.05, seed=1):
        self.site, self.scan, self.now = a_site, Scan(a_site, NoRecipe()), 0.0
        rng = np.random.default_rng(seed)
        n = len(a_site.tags)
        noises = noise * rng.normal(size=(FRAMES, n))
        noises -= noises.mean(axis=0)  # nothing winds up
        values = noises + [37.0 if base is None else base.get(tag.name, 0.0) for tag in a_site.tags.tags]
        controlled = [(row, loop.pv) for row, loop in enumerate(a_site.loops.rows) if loop.type == "pid"]
        self._loops, self._pv = np.array(controlled, np.intp).T
        self._noises = noises[:, self._pv]
        self.frames = [
            Frame(value, np.zeros(n, np.uint8), np.full(n, Reason.OK, np.uint8), np.zeros(n)) for value in values
        ]
        sampled = [row for row, tag in enumerate(a_site.tags.tags) if tag.sampled]
        counted = [row for row, tag in enumerate(a_site.tags.tags) if tag.rebased]
        for frame in self.frames:
            frame.value[sampled] = 1.0
        self._counted = np.array(counted, np.intp)
        self._writable = np.array(a_site.outputs.tag, np.intp)
        self._turn = 0
        self._switch_on()
        for _ in range(SETTLING):
            self.step()
        self._judged = cycle([self.step().frame for _ in range(FRAMES)])

    def _switch_on(self):
        self.step()
        loops = self.site.loops
        modes = ["cascade" if loops.master[row] >= 0 else "auto" for row in range(len(loops))]
        commands = [
            Command(Verb.MODE, loop.full_name, {"mode": mode}, journal=n + 1)
            for n, (loop, mode) in enumerate(zip(loops.rows, modes, strict=True))
            if loop.type == "pid"
        ]
        refused = [one.reason for one in self.step(commands).outcomes if not one.applied]
        if refused:
            raise ValueError(f"the loops of the bench do not start: {refused}")

    def step(self, commands=()):
        """One scan, one second after the last, on another frame."""
        self.now += 1.0
        frame = self._next()
        frame.value[self._writable] = np.where(np.isnan(actual := self.scan.outputs.actual), 40.0, actual)
        frame.value[self._counted] = 10.0 * self.now
        return self.scan.step(frame, commands, (), self.now, 1.0)

    def _next(self):
        """The next frame, with what is controlled around where it is to be."""
        self._turn = (self._turn + 1) % FRAMES
        frame = self.frames[self._turn]
        frame.value[self._pv] = self._noises[self._turn] + self.scan.loops.sp[self._loops]
        return frame

    def record(self) -> Row:
        """The scan just made as the record's row."""
        scan = self.scan
        feeds = scan.feed_numbers.read()
        value, quality, _, _ = scan.columns.arrays(
            scan.reader.frame, scan.loops.shown_setpoints(), scan.loops.op, feeds
        )
        return row(UTC + self.now, value, quality)

    def scan_and_record(self):
        """One scan and its row."""
        self.step()
        return self.record()

    def control(self):
        """The control stage alone, on the judged and filtered frames of earlier scans in turn: setpoints, cascades,
        controllers, legs, tracking.
        """
        loops, outputs = self.scan.loops, self.scan.outputs
        loops.step(next(self._judged), outputs, 1.0)
        np.copyto(outputs.actual, outputs.target)
        loops.track(outputs)
