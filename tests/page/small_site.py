"""Two vessels that move like bioreactors, behind the real publisher, store, door and HTTP server; one process.

The program listens on a Unix socket, whose path is its argument, and makes a process of its own for every connection,
which has imported everything already. That one sends its URL and its process number as one JSON line. Then each line
that it gets is a JSON object that changes the scene, see ``SmallSite.change``. It ends with its connection.
"""

import asyncio
import json
import math
import os
import signal
import socket
import sys
import tempfile
import threading
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from explained import Explained
from scene import ALLOWED, CONNECTIONS, INTERLOCKS, LOOPS, NEXT, SPEED, TAGS, VESSELS, batch_of, formula, operations

import controller.api.serving  # noqa: F401  # or every process that is made would import it
from controller.api.gateway import LoopInfo, ReadBack, RecipeInfo, SiteInfo, VesselInfo
from controller.api.server import Server
from controller.clock import ScaledClock, iso_utc
from controller.commands import Outcome, Verb
from controller.door import Door
from controller.publish import Publisher
from controller.runtime import ScanStats
from controller.store import Store
from drivers.contract import Reason

PERIOD_S = 0.1
CALIBRATIONS = {
    ("BR-101", "ph"): {
        "name": "ph", "id": "CAL-20261102-3", "date": "2026-11-02T08:00:00.000Z", "expires": "2026-11-09T08:00:00.000Z",
    },
    ("BR-101", "do"): {"name": "do", "id": "site file", "date": "2026-11-02", "expires": ""},
}  # fmt: skip


def columns():
    for vessel in VESSELS:
        for name, title, unit, decimals, *_ in TAGS:
            yield {
                "vessel": vessel, "kind": "tag", "name": name, "title": title, "unit": unit, "decimals": decimals,
                "low": None, "high": None, "calibration": CALIBRATIONS.get((vessel, name)),
            }  # fmt: skip
        for loop in LOOPS:
            sp = {"unit": loop["unit"], "decimals": loop["decimals"], "low": loop["low"], "high": loop["high"]}
            op = {"unit": loop["op_unit"], "decimals": 1, "low": loop["op_low"], "high": loop["op_high"]}
            yield {"vessel": vessel, "kind": "sp", "name": loop["name"], "title": loop["title"], **sp}
            yield {"vessel": vessel, "kind": "op", "name": loop["name"], "title": loop["title"], **op}


@dataclass
class LoopState:
    sp: float
    op: float
    mode: str = "auto"
    held_by: str = "recipe"
    revision: int = 1


@dataclass
class Scene:
    """What the scan publishes; changed by commands and by the lines of standard input."""

    loops: dict = field(default_factory=dict)
    batches: dict = field(default_factory=dict)
    prompts: dict = field(default_factory=dict)
    quality: dict = field(default_factory=dict)
    alarms: list = field(default_factory=list)
    connections: dict = field(default_factory=dict)
    strangers: dict = field(default_factory=dict)
    waiting: list = field(default_factory=list)
    tripped: set = field(default_factory=set)
    entries: dict = field(default_factory=dict)
    scan: bool = True


class SmallSite:
    """The gateway of the HTTP server, and the scan behind it."""

    def __init__(self, path):
        self.clock = ScaledClock(SPEED)
        about = {
            "name": "bench",
            "title": "Process development bench",
            "simulated": True,
            "speed": SPEED,
            "scan_period_s": 6.0,
        }
        self.publisher = Publisher(about, list(columns()))
        self.store = Store(path, list(self.publisher.keys), clock=self.clock)
        self.stats = ScanStats()
        self.door = Door(self.store.commit)
        self.started = self.clock.utc()
        self.scene = Scene(connections={name: ["up", ""] for name in CONNECTIONS})
        for vessel in VESSELS:
            self.scene.batches[vessel], self.scene.prompts[vessel] = batch_of(vessel)
            for loop in LOOPS:
                self.scene.loops[vessel, loop["name"]] = LoopState(loop["sp"][vessel], loop["op"])
        infos = {
            loop["name"]: LoopInfo(
                loop["name"], loop["title"], loop["unit"], loop["low"], loop["high"],
                loop["op_unit"], loop["op_low"], loop["op_high"], tuple(loop["modes"]), loop["confirm_step"],
            )
            for loop in LOOPS
        }  # fmt: skip
        guarded = frozenset({"base_flow"})
        vessels = {v: VesselInfo(v, title, "stirred-tank-2l", infos, guarded) for v, title in VESSELS.items()}
        recipe = RecipeInfo(
            "car-t-expansion", "1.0.0", "CAR-T expansion with feed by count", "stirred-tank-2l", formula()
        )
        self.site = SiteInfo("bench", "Process development bench", True, vessels, {"car-t-expansion": recipe})
        self.pv = {(v, t[0]): float(t[4][v]) for v in VESSELS for t in TAGS}
        self.why = Explained(self.pv)
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self.run)
        self.step()
        self.thread.start()

    def run(self):
        while not self.stop.wait(PERIOD_S):
            if self.scene.scan:
                self.step()

    def step(self):
        begun = self.clock.now_ns()
        outcomes = [self.apply(command) for command in self.door.take()]
        process = 93_600 + begun / 1e9
        self.move(process)
        value, quality, reason, age = self.arrays()
        utc = self.clock.utc()
        self.publisher.publish(utc, process, value, quality, reason, age, self.state(process), self.why)
        self.store.record(utc, value, quality)
        self.door.settle(outcomes)
        self.stats.completed(begun, begun, 0.0)

    def move(self, process):
        for vessel in VESSELS:
            for loop in LOOPS:
                if loop["pv"] is None:
                    continue
                state = self.scene.loops[vessel, loop["name"]]
                wave = loop["wave"] * (math.sin(process / 170 + len(vessel)) + 0.5 * math.sin(process / 41))
                pv = self.pv[vessel, loop["pv"]]
                self.pv[vessel, loop["pv"]] = pv + 0.05 * (state.sp + wave - pv)
                state.op = min(
                    loop["op_high"], max(loop["op_low"], loop["op"] - 20 * (pv - state.sp) / (loop["wave"] + 1) + wave)
                )

    def arrays(self):
        columns = self.publisher.columns
        value, quality = np.full(len(columns), np.nan), np.zeros(len(columns), np.uint8)
        reason, age = np.full(len(columns), Reason.SIMULATED, np.uint8), np.zeros(len(columns))
        for i, column in enumerate(columns):
            vessel, kind, name = column["vessel"], column["kind"], column["name"]
            if kind == "tag":
                value[i], age[i] = self.pv[vessel, name], 6.0
                if math.isnan(value[i]):
                    quality[i], reason[i], age[i] = 2, Reason.NOT_READ, np.inf
            else:
                value[i] = getattr(self.scene.loops[vessel, name], kind)
            if f"{vessel}.{name}" in self.scene.quality and kind == "tag":
                quality[i], reason[i] = self.scene.quality[f"{vessel}.{name}"]
                value[i] = np.nan if quality[i] == 2 else value[i]
        return value, quality, reason, age

    def state(self, process):
        keys = self.publisher.keys
        vessels = []
        for vessel, title in VESSELS.items():
            loops = []
            for loop in LOOPS:
                state = self.scene.loops[vessel, loop["name"]]
                forced = f"{vessel}.over_temperature" in self.scene.tripped and loop["name"] == "temperature"
                mode = "cascade" if loop["name"] == "agitation" and state.mode == "auto" else state.mode
                entry = {
                    "name": loop["name"], "title": loop["title"], "type": "pid" if loop["pv"] else "direct",
                    "pv": keys[f"{vessel}.{loop['pv']}"] if loop["pv"] else None,
                    "sp": keys[f"{vessel}.{loop['name']}.sp"], "op": keys[f"{vessel}.{loop['name']}.op"],
                    "mode": mode, "actual": "tracking" if forced else mode, "unasked": False, "barred": {},
                    "modes": loop["modes"], "mode_reason": "Culture too warm" if forced else "",
                    "held_by": "interlock" if forced else ("cascade" if loop["name"] == "agitation" else state.held_by),
                    "sp_low": loop["low"], "sp_high": loop["high"], "confirm_step": loop["confirm_step"],
                    "op_low": loop["op_low"], "op_high": loop["op_high"], "op_unit": loop["op_unit"],
                    "limited": "low" if state.op <= loop["op_low"] else None, "revision": state.revision,
                }  # fmt: skip
                loops.append({**entry, **self.scene.entries.get(f"{vessel}.{loop['name']}", {})})
            interlocks = [
                {"name": n, "title": t, "tripped": f"{vessel}.{n}" in self.scene.tripped, "text": w}
                for n, t, w in INTERLOCKS
            ]
            vessels.append({
                "name": vessel, "title": title, "class": "stirred-tank-2l", "loops": loops, "interlocks": interlocks,
            })  # fmt: skip
        return {
            "vessels": vessels,
            "batches": [self.batch(v, process) for v in VESSELS if self.scene.batches[v]],
            "alarms": list(self.scene.alarms),
            "connections": [
                {
                    "name": n,
                    "state": s,
                    "since": iso_utc(self.started),
                    "detail": d,
                    "faults": [*faults],
                    "stranger": self.scene.strangers.get(n, ""),
                    "verified_on": [] if n == "counter" else ["its simulator"],
                }
                for n, (s, d, *faults) in self.scene.connections.items()
            ],
            "waiting_calibrations": list(self.scene.waiting),
        }

    def batch(self, vessel, process):
        batch = self.scene.batches[vessel]
        since = process - 93_600
        live = {"elapsed_s": batch["elapsed_s"] + since, "operation_elapsed_s": batch["operation_elapsed_s"] + since}
        prompts = self.scene.prompts[vessel] if batch["state"] == "Running" else []
        return {**batch, **live, "prompts": prompts, "allowed": ALLOWED[batch["state"]]}

    def apply(self, command):
        if command.verb in {Verb.SETPOINT, Verb.MODE, Verb.OUTPUT}:
            loop = self.scene.loops[tuple(command.target.split(".", 1))]
            if command.expected_revision not in {None, loop.revision}:
                return Outcome(command, False, "the loop has been changed since")
            key = {Verb.SETPOINT: "sp", Verb.MODE: "mode", Verb.OUTPUT: "op"}[command.verb]
            setattr(loop, key, command.value.get("value", command.value.get("mode")))
            loop.revision += 1
            loop.held_by = "operator"
            return Outcome(command, True)
        if command.verb is Verb.GUARD_RESET:
            self.why.reset = command
            return Outcome(command, True)
        if command.verb is Verb.ACCEPT:
            return Outcome(command, self.scene.strangers.pop(command.target) == command.value["instrument"])
        if command.verb is Verb.BATCH_CREATE:
            vessel = command.target
            self.scene.batches[vessel] = {
                **batch_of("BR-102")[0],
                "vessel": vessel,
                "id": command.value["batch"],
                "state": "Idle",
            }
            return Outcome(command, True)
        vessel = next(v for v, b in self.scene.batches.items() if b["id"] == command.target)
        batch = self.scene.batches[vessel]
        if command.verb is Verb.PROMPT_ANSWER:
            self.scene.prompts[vessel] = []
            batch["operations"] = operations("expand")
            return Outcome(command, True)
        action = command.verb.split(".")[1]
        if action not in ALLOWED[batch["state"]]:
            return Outcome(command, False, f"the batch is {batch['state']}", tuple(ALLOWED[batch["state"]]))
        batch["state"] = NEXT[action]
        return Outcome(command, True)

    async def submit(self, command):
        return await asyncio.wrap_future(self.door.submit(command))

    async def outcome(self, journal, timeout_s):
        future = self.door.outcome(journal)
        if future is None:
            return None
        try:
            async with asyncio.timeout(timeout_s):
                return await asyncio.shield(asyncio.wrap_future(future))
        except TimeoutError:
            return None

    async def read_back(self, journal, timeout_s):
        command = await asyncio.to_thread(self.store.command, journal)
        if command.verb is not Verb.SETPOINT:
            return None
        unit = next(loop["unit"] for loop in LOOPS if loop["name"] == command.target.split(".")[1])
        return ReadBack(command.value["value"], unit, self.clock.utc())

    def new_batch(self, vessel):
        return f"{vessel}-20261123-2"

    def note(self, event):
        self.store.append([event])

    def scan_alive(self):
        return self.stats.silence_s() < 3, self.stats.silence_s()

    def ready(self):
        return True, []

    def change(self, line):
        """One change of the scene."""
        scene = self.scene
        for key, value in json.loads(line).items():
            match key:
                case "quality":
                    scene.quality[value[0]] = (value[1], Reason[value[2].upper()])
                case "good":
                    scene.quality.pop(value)
                case "alarms" | "scan" | "waiting" | "strangers":
                    setattr(scene, key, value)
                case "connection":
                    scene.connections[value[0]] = value[1:]
                case "prompts" | "batch":
                    if key == "prompts":
                        scene.prompts[value[0]] = value[1]
                    else:
                        scene.batches[value[0]] = {**scene.batches[value[0]], **value[1]} if value[1] else None
                case "trip":
                    scene.tripped = set(value)
                case "entry" | "why" | "filling":
                    self.explain(key, value)

    def explain(self, key, value):
        """Overwrite what is shown of a loop, or the values that loops are explained by; have a guard hold the base."""
        if key == "entry":
            self.scene.entries[value[0]] = value[1]
        elif key == "filling":
            self.why.filling = value
        else:
            self.why.instead = value


def serve(connection):
    with tempfile.TemporaryDirectory() as folder, socket.socket() as listener, connection.makefile("rw") as lines:
        listener.bind(("127.0.0.1", 0))
        listener.listen(64)
        site = SmallSite(Path(folder) / "store.sqlite")
        server = Server(site, listener)
        server.start()
        lines.write(json.dumps({"url": f"http://127.0.0.1:{server.port}", "pid": os.getpid()}) + "\n")
        lines.flush()
        for line in lines:
            site.change(line)
        server.stop()
        site.stop.set()
        site.thread.join()
        site.store.close()


def main():
    """No thread may run here: it would be missing in the processes that are made."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(sys.argv[1])
        listener.listen()
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        while True:
            connection, _ = listener.accept()
            with connection:
                if os.fork() == 0:
                    listener.close()
                    serve(connection)
                    return


if __name__ == "__main__":
    main()
