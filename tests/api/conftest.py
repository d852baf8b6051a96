"""A small supervisor with a real store, a real door and a scan of its own, behind the real HTTP server."""

import asyncio
import socket
import threading

import httpx
import numpy as np
import pytest

from controller.api.gateway import (
    FormulaInfo,
    LoopInfo,
    ParameterInfo,
    ProgramInfo,
    ReadBack,
    RecipeInfo,
    SiteInfo,
    VesselInfo,
)
from controller.api.server import Server
from controller.clock import ScaledClock
from controller.commands import Event, EventType, Outcome, Verb
from controller.door import Door
from controller.publish import Publisher
from controller.runtime import ScanStats
from controller.stages.tuning_report import TuningReport
from controller.store import Store
from tests.control.conftest import Rig, bench_site
from tests.control.health_bench import Bench as HealthBench

MOST = ParameterInfo("Highest rate", "mL/h", 0.0, 300.0)
AT_END = ParameterInfo("At its end", "1", 0.0, float("inf"), "stop", choices=("stop", "hold"))
GROWTH = ParameterInfo("Growth rate", "h-1", 0.01, 0.3, needed=True)
POINTS = ParameterInfo("Rate at each time", "mL/h", 0.0, 300.0, points=True, needed=True)
PROGRAMS = {
    "exponential": ProgramInfo("Exponential", {"growth_rate": GROWTH, "most": MOST, "at_end": AT_END}),
    "table": ProgramInfo("Table over time", {"points": POINTS}),
}
LOOPS = {
    "temperature": LoopInfo(
        "temperature", "Temperature", "Cel", 4.0, 40.0, "%", 0.0, 100.0, ("auto", "manual", "off"), 5.0
    ),
    "agitation": LoopInfo(
        "agitation", "Agitation", "{rev}/min", 0.0, 200.0, "{rev}/min", 0.0, 300.0, ("auto", "manual", "off")
    ),
    "feed": LoopInfo(
        "feed", "Feed", "mL/h", 0.0, 300.0, "mL/h", 0.0, 300.0, ("auto", "manual", "off", "remote"), None, PROGRAMS,
        "mL", 500.0,
    ),
}  # fmt: skip
FEED_NUMBERS = {"wanted": 4.5, "hours": 1.25, "total": 12.5, "left": 487.5}
FORMULA = {
    "culture_temperature": FormulaInfo("Culture temperature", "Cel", 37.0, 30.0, 39.0),
    "count_every": FormulaInfo("Cell count every", "h", 24.0, 0.17, 48.0),
}
RECIPE = RecipeInfo("expand", "1.0.0", "Expansion", "tank", FORMULA, ("fill", "expand"))
ALLOWED = {"Idle": ["start"], "Running": ["hold", "stop", "abort"], "Held": ["restart", "stop", "abort"], "Stopped": []}
NEXT = {"start": "Running", "hold": "Held", "restart": "Running", "stop": "Stopped", "abort": "Stopped"}
PROMPT = {
    "id": "inoculate",
    "text": "Inoculate.",
    "inputs": [{"name": "volume", "title": "Volume", "unit": "mL", "low": 1.0, "high": 200.0, "default": 50.0}],
}


def column(kind, name, unit, decimals=2):
    limits = {"decimals": decimals, "low": 0.0, "high": 100.0}
    return {"vessel": "BR-101", "kind": kind, "name": name, "title": name, "unit": unit, **limits}


COLUMNS = [
    column("tag", "temperature", "Cel"),
    column("tag", "agitation_rate", "{rev}/min", 0),
    *(column(kind, name, info.unit) for name, info in LOOPS.items() for kind in ("sp", "op")),
    *(column(kind, "feed", "mL") for kind in FEED_NUMBERS),
]


class Bench:
    """One vessel, two loops that reach their setpoint at once, and batches that follow a small table."""

    def __init__(self, path):
        self.clock = ScaledClock()
        self.site, self.publisher = self.described()
        self.store = Store(path, list(self.publisher.keys), clock=self.clock)
        self.stats = ScanStats()
        self.loops_watched = HealthBench()
        self.health = self.loops_watched.report
        self.explained = Rig(bench_site())
        self.explained.step()
        self.why = self.explained.scan.view().why.loop
        desk = self.explained.scan.tuning
        self.tuning = TuningReport(self.explained.site, desk.sets, desk.tuner)
        self.door = Door(self.store.commit, self.store.append)
        self.loops = {name: {"sp": 37.0, "mode": "auto", "revision": 0} for name in LOOPS}
        self.batches = {}
        self.quality = 0
        self.alive = True
        self.held = False
        self.missing = []
        self.number = 0
        self.mute = False
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.scan()
        self._thread.start()

    def described(self):
        vessels = {"BR-101": VesselInfo("BR-101", "Bioreactor 101", "tank", LOOPS, frozenset({"base_flow"}))}
        site = SiteInfo("bench", "Bench", True, vessels, {"expand": RECIPE})
        connections = ["plc", "plc"] + [""] * (len(COLUMNS) - 2)
        return site, Publisher({"name": "bench", "simulated": True}, COLUMNS, connections)

    def _run(self):
        while not self._stop.wait(0.01):
            if self.alive:
                self.scan()

    def close(self):
        self._stop.set()
        self._thread.join()
        self.store.close()

    def scan(self):
        begun = self.clock.now_ns()
        outcomes = [self.apply(command) for command in self.door.take()]
        self.store.append([self.settled(outcome) for outcome in outcomes])
        sps = [value for name in LOOPS for value in (self.loops[name]["sp"], 12.3456789)]
        value = np.array([self.loops["temperature"]["sp"], np.nan, *sps, *FEED_NUMBERS.values()])
        quality = np.array([self.quality, 2] + [0] * (len(COLUMNS) - 2), np.uint8)
        utc, reason, age = self.clock.utc(), np.zeros(len(COLUMNS), np.uint8), np.full(len(COLUMNS), 0.1)
        self.publisher.publish(utc, begun / 1e9, value, quality, reason, age, self.state(), self.why)
        self.store.record(utc, value, quality)
        self.door.settle(outcomes)
        self.stats.completed(begun, begun, 0.0)

    def settled(self, outcome):
        text = "applied" if outcome.applied else f"refused: {outcome.reason}"
        command = outcome.command
        return Event(EventType.OPERATOR, "Status Change", command.target, text, "BR-101", command=command.journal)

    def apply(self, command):
        target = command.target.split(".")[-1]
        if command.verb in {Verb.SETPOINT, Verb.MODE, Verb.OUTPUT}:
            loop = self.loops[target]
            if command.expected_revision not in {None, loop["revision"]}:
                return Outcome(command, False, "the loop has been changed since")
            if command.verb is Verb.OUTPUT and loop["mode"] != "manual":
                return Outcome(command, False, "the loop is in auto", ("manual",))
            key = {Verb.SETPOINT: "sp", Verb.MODE: "mode", Verb.OUTPUT: "op"}[command.verb]
            loop[key] = command.value.get("value", command.value.get("mode"))
            loop["revision"] += 1
            return Outcome(command, True)
        if command.verb in {Verb.PROGRAM, Verb.BOTTLE}:
            self.loops[target]["revision"] += 1
            key = "program" if command.verb is Verb.PROGRAM else "bottle"
            self.loops[target][key] = dict(command.value)
            return Outcome(command, True)
        if command.verb is Verb.GUARD_RESET:
            held, self.held = self.held, False
            return Outcome(command, held, "" if held else f"the dose guard of {command.target} does not hold it")
        if command.verb is Verb.ACCEPT:
            known = command.value["instrument"] == "serial 8, not 7"
            return Outcome(command, known, "" if known else "another one answers meanwhile: serial 8, not 7")
        if command.verb is Verb.BATCH_CREATE:
            self.batches[command.value["batch"]] = {"state": "Idle", "formula": command.value["formula"], "answers": {}}
            return Outcome(command, True)
        batch = self.batches[command.target]
        if command.verb is Verb.PROMPT_ANSWER:
            batch["answers"][command.value["prompt"]] = command.value["inputs"]
            return Outcome(command, True)
        action, allowed = command.verb.split(".")[1], ALLOWED[batch["state"]]
        if action not in allowed:
            return Outcome(command, False, f"the batch is {batch['state']}", tuple(allowed))
        batch["state"] = NEXT[action]
        return Outcome(command, True)

    def state(self):
        loops = [
            {
                "name": name,
                "pv": None if i else 0,
                "sp": 2 + 2 * i,
                "op": 3 + 2 * i,
                "mode": loop["mode"],
                "revision": loop["revision"],
                "feed": self.feed(loop) if name == "feed" else None,
            }
            for i, (name, loop) in enumerate(self.loops.items())
        ]
        vessel = {
            "name": "BR-101",
            "title": "Bioreactor 101",
            "class": "tank",
            "simulated": True,
            "loops": loops,
            "interlocks": [],
        }
        batches = [
            {
                "id": name,
                "vessel": "BR-101",
                "state": batch["state"],
                "allowed": ALLOWED[batch["state"]],
                "prompts": self.prompts(batch),
            }
            for name, batch in self.batches.items()
        ]
        connections = [{"name": "plc", "state": "up", "since": 0.0, "detail": ""}]
        return {"vessels": [vessel], "batches": batches, "alarms": [], "connections": connections}

    def feed(self, loop):
        program = loop.get("program", {})
        shown = {"program": program.get("program"), "parameters": program.get("parameters", {})}
        return {**shown, "state": "runs", "waits": "", "amount_unit": "mL", "bottle": "ok", "programs": list(PROGRAMS)}

    def prompts(self, batch):
        return [] if batch["answers"] or batch["state"] != "Running" else [PROMPT]

    async def submit(self, command):
        return await asyncio.wrap_future(self.door.submit(command))

    async def outcome(self, journal, timeout_s):
        future = self.door.outcome(journal)
        if future is None or self.mute:
            return None
        try:
            async with asyncio.timeout(timeout_s):
                return await asyncio.shield(asyncio.wrap_future(future))
        except TimeoutError:
            return None

    async def read_back(self, journal, timeout_s):
        command = self.store.command(journal)
        if command.verb is Verb.PROGRAM:
            return ReadBack(4.5, "mL/h", self.clock.utc())
        if command.verb is not Verb.SETPOINT:
            return None
        return ReadBack(command.value["value"], LOOPS[command.target.split(".")[1]].unit, self.clock.utc())

    def new_batch(self, vessel):
        self.number += 1
        return f"{vessel}-{self.number}"

    def note(self, event):
        self.store.append([event])

    def scan_alive(self):
        return self.alive, self.stats.silence_s()

    def ready(self):
        return not self.missing, self.missing


def listening(host="127.0.0.1"):
    listener = socket.socket()
    listener.bind((host, 0))
    listener.listen(64)
    return listener


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    """The small supervisor."""
    bench = Bench(tmp_path_factory.mktemp("api") / "store.sqlite")
    yield bench
    bench.close()


@pytest.fixture(scope="module")
def server(bench):
    """Its HTTP server, as URL."""
    with listening() as listener:
        server = Server(bench, listener)
        server.start()
        yield f"http://127.0.0.1:{server.port}"
        server.stop()


@pytest.fixture
def http(server):
    """A client of it."""
    with httpx.Client(base_url=server, timeout=5, trust_env=False) as client:
        yield client
