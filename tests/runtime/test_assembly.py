"""A supervisor put together in process: scanned by hand, killed by dropping it, without wires and without HTTP."""

import asyncio
import math
import shutil
import sqlite3
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from controller.api.gateway import Refused
from controller.commands import Command, Event, EventType, Verb
from controller.composition.assembly import Assembly
from controller.composition.options import BatchOrder, Options
from controller.composition.orders import OrderRefused, place_orders
from controller.composition.replay import TOO_LATE
from drivers.contract import Quality, Reason, Sample, WriteOutcome, WriteState

CONFIGS = Path(__file__).parents[2] / "configs"
CAR_T = "recipes/car-t-expansion.yaml"
LOOP = "BR-101.temperature"


class Clock:
    """Real speed, moved by hand."""

    speed = 1.0

    def __init__(self):
        self.seconds = 100.0

    def now_ns(self):
        return int(self.seconds * 1e9)

    def utc(self):
        return 1_795_000_000.0 + self.seconds


class Idle:
    """A link without points."""

    stranger = ""

    def latest(self):
        return []

    def take_outcomes(self):
        return []

    def request_read(self):
        pass

    def submit(self, writes):
        pass


class Site:
    """The bench in a folder of its own, and whichever supervisor runs it now."""

    def __init__(self, folder):
        self.folder = folder
        shutil.copytree(CONFIGS, folder / "configs")
        self.clock = Clock()
        self.marks = 0
        self.options = Options(folder / "configs/sites/bench.yaml", folder / "data")
        (folder / "data").mkdir()
        self.open()

    def open(self):
        self.assembly = Assembly(self.options, self.clock, simulated=True)
        return self

    def edit(self, path, *changes):
        file = self.folder / "configs" / path
        text = file.read_text()
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        file.write_text(text)

    def recipes(self):
        self.assembly.add_recipes()
        return self

    def scan(self, times=1, seconds=1.0):
        for _ in range(times):
            self.clock.seconds += seconds
            self.assembly.runtime.tick(self.clock.now_ns())
        return self

    def settle(self):
        """Scan until nothing is on its way any more."""
        for _ in range(3):
            self.record()
            self.scan()

    def kill(self, away_s=5.0):
        """What was handed to the store is on disk, nothing else is known to the next supervisor."""
        self.assembly.store.close()
        self.clock.seconds += away_s
        return self.open()

    def send(self, verb, target, value=None, source="api", **more):
        """Commit a command; no scan has seen it yet."""
        return self.assembly.door.submit(Command(verb, target, value or {}, "anna", source, "test", **more)).result(8)

    def order(self, verb, target, value=None):
        number = self.send(verb, target, value)
        self.scan()
        outcome = self.assembly.door.outcome(number).result(1)
        assert outcome.applied, outcome.reason

    def start(self, batch="B1", vessel="BR-101", recipe="car-t-expansion"):
        self.order(Verb.BATCH_CREATE, vessel, {"batch": batch, "recipe": recipe, "begin_at": "expand"})
        self.order(Verb.BATCH_START, batch)
        return self.scan()

    def batch(self, name="B1"):
        found = {one["id"]: one for one in self.assembly.engine.view()}
        assert name in found, [one["text"] for one in self.record()[-12:]]
        return found[name]

    def loop(self, name=LOOP):
        vessel, loop = name.split(".")
        vessels = self.assembly.scan.view().vessels
        return next(one for one in next(v for v in vessels if v["name"] == vessel)["loops"] if one["name"] == loop)

    def setpoint(self, name=LOOP):
        vessel, loop = name.split(".")
        return self.assembly.scan.reader.read(vessel, f"{loop}.sp")[0]

    def record(self):
        """Every row, once all that was handed over is among them."""
        self.marks += 1
        mark, store = f"mark {self.marks}", self.assembly.store
        store.append([Event(EventType.OTHER, "System", "test", mark)])
        until(lambda: store.entries(limit=1)[-1]["text"] == mark)
        return store.entries(0, 9999)

    def told(self, text):
        return [one for one in self.record() if text in one["text"]]


def until(condition, seconds=6.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "not in time"
        time.sleep(0.02)
    return True


@pytest.fixture
def site(tmp_path):
    site = Site(tmp_path)
    yield site
    site.assembly.store.close()


@pytest.fixture
def running(site):
    return site.recipes().scan().start()


def test_a_batch_comes_back_held_with_its_own_recipe_when_the_file_was_edited_meanwhile(running):
    title = running.batch()["title"]
    running.edit(CAR_T, (f"title: {title}", "title: Edited"))
    running.kill().scan()
    assert (running.batch()["state"], running.batch()["title"]) == ("Held", title)
    running.recipes()
    assert running.assembly.gateway.site.recipes["car-t-expansion"].title == "Edited"
    running.start("B2", "BR-102")
    assert running.batch("B2")["title"] == "Edited", "the folder wins for new batches"


def test_two_batches_of_one_name_and_different_content_both_come_back(running):
    title = running.batch()["title"]
    running.edit(CAR_T, (f"title: {title}", "title: Second version"))
    running.recipes().start("B2", "BR-102")
    for _ in range(2):
        running.kill().scan()
        assert {one["id"]: one["title"] for one in running.assembly.engine.view()} == {
            "B1": title,
            "B2": "Second version",
        }
        assert {one["state"] for one in running.assembly.engine.view()} == {"Held"}


@pytest.mark.parametrize("damage", ["missing", "altered", "empty"])
def test_a_batch_without_its_frozen_recipe_is_set_aside_and_comes_back_when_it_is_found(running, damage):
    sha256 = running.assembly.engine.state()["batches"][0]["batch"]["sha256"]
    copy = running.folder / f"data/recipes/{sha256}.yaml"
    content = copy.read_bytes()
    copy.unlink()
    if damage != "missing":
        copy.write_bytes(b"" if damage == "empty" else content + b"# altered\n")
    running.kill().scan(3)
    assert running.assembly.engine.view() == []
    alarms = [one for one in running.record() if one["type"] == EventType.ALARM]
    assert any("B1 is set aside" in one["text"] for one in alarms)
    assert any("car-t-expansion of a stored batch cannot be used" in one["text"] for one in alarms)
    copy.write_bytes(content)
    running.kill().scan()
    assert running.batch()["state"] == "Held"


def test_a_class_that_was_changed_sets_its_batches_aside_and_the_site_runs_on(running):
    running.edit("classes/stirred-tank-2l.yaml", ("class: stirred-tank-2l", "class: other-tank"))
    running.edit("sites/bench.yaml", ("stirred-tank-2l", "other-tank"))
    (running.folder / "configs/classes/stirred-tank-2l.yaml").rename(running.folder / "configs/classes/other-tank.yaml")
    running.kill().scan(2)
    assert running.assembly.engine.view() == []
    assert running.told("no vessel here is a stirred-tank-2l")
    assert running.told("B1 is set aside")


def test_what_stops_and_what_was_answered_acts_however_long_nobody_was_there(running):
    (prompt,) = [one["id"] for one in running.batch()["prompts"]]
    answered = running.send(Verb.PROMPT_ANSWER, "B1", {"prompt": prompt, "inputs": {}})
    off = running.send(Verb.MODE, LOOP, {"mode": "off"})
    stopped = running.send(Verb.BATCH_STOP, "B1")
    running.kill(away_s=7200.0).scan(4)
    for number in (answered, off, stopped):
        assert running.assembly.door.outcome(number).result(1).applied
    assert running.batch()["state"] in {"Stopping", "Stopped"}
    assert running.loop()["mode"] == "off"


def test_a_setpoint_acts_after_a_short_outage_only(site):
    site.scan()
    site.send(Verb.SETPOINT, LOOP, {"value": 35.0})
    site.kill(away_s=30.0).scan()
    assert site.setpoint() == 35.0
    late = site.send(Verb.SETPOINT, LOOP, {"value": 33.0})
    site.kill(away_s=61.0).scan()
    assert site.setpoint() == 35.0
    outcome = site.assembly.door.outcome(late).result(1)
    assert (outcome.applied, outcome.reason) == (False, TOO_LATE)
    (told,) = site.told(TOO_LATE)
    assert told["command"] == late
    site.kill(away_s=1.0).scan()
    assert site.setpoint() == 35.0, "what was refused is not judged again"
    assert len(site.told(TOO_LATE)) == 1


def test_nothing_starts_doses_or_moves_by_itself_after_a_restart(running):
    running.order(Verb.BATCH_HOLD, "B1")
    running.settle()
    late = [
        running.send(Verb.BATCH_RESTART, "B1"),
        running.send(Verb.MODE, "BR-102.temperature", {"mode": "auto"}),
        running.send(Verb.OUTPUT, "BR-102.temperature", {"value": 50.0}),
        running.send(Verb.WRITE_ONCE, "BR-101.count_request", {"value": 7}),
        running.send(Verb.WRITE_ONCE, "BR-101.count_request", {"value": 8}, "recipe", batch="B1", operation="expand"),
        running.send(Verb.SETPOINT, "BR-101.feed", {"value": 9.0}, "recipe", batch="B1", operation="expand"),
        running.send(Verb.BATCH_CREATE, "BR-102", {"batch": "B2", "recipe": "car-t-expansion"}),
        running.send(Verb.BATCH_START, "B2"),
    ]
    running.kill(away_s=1.0)
    before = running.loop("BR-102.temperature")["mode"]
    running.scan(3)
    assert running.batch()["state"] == "Held"
    assert [one["id"] for one in running.assembly.engine.view()] == ["B1"]
    assert running.loop("BR-102.temperature")["mode"] == before
    assert running.setpoint("BR-101.feed") == 0.0
    assert sorted(one["command"] for one in running.told(TOO_LATE)) == late
    assert all(not running.assembly.door.outcome(number).result(1).applied for number in late)


@pytest.fixture
def locked(running):
    """The store of a running batch, locked by somebody else until the test lets go. Its feed is off, at a setpoint."""
    running.order(Verb.SETPOINT, "BR-101.feed", {"value": 10.0})
    running.settle()
    running.record()
    other = sqlite3.connect(running.assembly.store.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    yield other
    other.close()


def test_a_batch_goes_on_while_nothing_can_be_stored_and_all_of_it_is_on_record_afterwards(running, locked):
    running.assembly.store._writer._limits = running.assembly.store._writer._limits._replace(commit_s=0.3)
    rows = running.assembly.store.health().rows
    held = threading.Thread(target=running.send, args=(Verb.BATCH_HOLD, "B1"))
    held.start()
    until(lambda: running.scan() and time.sleep(0.02) is None and running.batch()["state"] == "Held", 30.0)
    held.join()
    assert running.setpoint("BR-101.feed") == 0.0, "the engine's own proposals act too"
    assert running.loop("BR-101.feed")["mode"] == "off", "which switch nothing on"
    scans = running.assembly.runtime.stats.scans
    locked.close()
    until(lambda: running.assembly.store.health().ok)
    acted = running.told("acted before it was on record")
    assert {one["object"] for one in acted} >= {"B1", "BR-101.feed"}
    assert running.told("B1: Running → Holding")
    assert running.assembly.store.health().rows - rows <= scans
    assert running.assembly.store.health().dropped_rows == 0
    assert running.assembly.store.verify() is None
    running.kill().scan()
    assert running.batch()["state"] == "Held"


def test_a_stopping_supervisor_accepts_nothing_and_runs_to_its_end(running):
    running.assembly.door.close("the supervisor is stopping")
    with pytest.raises(Refused, match="is stopping"):
        asyncio.run(running.assembly.gateway.submit(Command(Verb.BATCH_HOLD, "B1")))
    running.scan(3)
    assert running.batch()["state"] == "Running"


def test_an_order_that_goes_wrong_says_which_and_why(site):
    def refusal(order):
        with pytest.raises(OrderRefused) as refused:
            asyncio.run(place_orders(replace(site.options, batches=(order,)), site.assembly))
        return str(refused.value)

    wrong = site.folder / "wrong.yaml"
    wrong.write_text("recipe: none\n")
    assert "wrong.yaml:1:1" in refusal(BatchOrder(wrong, "BR-101"))
    recipe = site.folder / "configs" / CAR_T
    assert "no formula value 'nothing'; it has " in refusal(BatchOrder(recipe, "BR-102", {"nothing": "1 s"}))
    assert refusal(BatchOrder(recipe, "BR-102", {"target_density": "2"})).endswith(
        "target_density: a unit is missing (write 2 10*6/mL)"
    )
    site.assembly.door.close("the supervisor is stopping")
    assert refusal(BatchOrder(recipe, "BR-102")).endswith("the supervisor is stopping")
    site.scan()


def test_an_instrument_that_no_tag_uses_disturbs_nothing(site):
    site.assembly.store.close()
    probes = "  probes-101:\n    driver: hamilton_arc"
    spare = "  spare:\n    driver: generic_plc\n    url: opc.tcp://192.168.10.103:4840\n"
    site.edit("sites/bench.yaml", (probes, spare + probes))
    site.open().assembly.wires.io.attach({"spare": Idle()})
    site.scan()
    assert site.assembly.site.bindings["spare"] == []


def test_who_is_told_that_a_command_was_applied_finds_it_shown(site):
    site.scan()
    number, seen = site.send(Verb.MODE, LOOP, {"mode": "manual"}), []

    def look(_):
        vessels = site.assembly.publisher.latest.state["vessels"]
        loops = next(one for one in vessels if one["name"] == "BR-101")["loops"]
        seen.append(next(one["mode"] for one in loops if one["name"] == "temperature"))

    site.assembly.door.outcome(number).add_done_callback(look)
    assert not seen
    site.scan()
    assert seen == ["manual"]


def test_an_instrument_that_is_up_is_ready_once_a_scan_has_used_its_values(site):
    """Who is told that it is ready may read the values in the next moment."""
    wires, gateway = site.assembly.wires, site.assembly.gateway
    device = Idle()
    device.state, device.detail, device.since_ns = "up", "", int(101.5e9)
    wires.links = {"plc-101": device}
    assert "plc-101: no scan has used its values yet" in gateway.ready()[1]
    site.scan()
    assert "plc-101: no scan has used its values yet" in gateway.ready()[1]
    site.scan()
    assert not [reason for reason in gateway.ready()[1] if "plc-101" in reason]


def test_a_point_that_its_device_does_not_know_is_on_record_and_on_the_page(site):
    wires, said = site.assembly.wires, "no such node"
    index, point = site.assembly.site.bindings["plc-101"][0]
    device = Idle()
    device.latest = lambda: [Sample(math.nan, Quality.BAD, Reason.DEVICE, 1, None, said)]
    wires.io.attach({"plc-101": device})
    site.scan(3)
    site.assembly.store.close()
    rows = sqlite3.connect(site.assembly.store.path).execute("select entry from journal").fetchall()
    assert sum(f"plc-101: {point.address}: {said}" in str(row) for row in rows) == 1
    assert wires.view()[0]["faults"] == [{"tag": point.key, "point": point.address, "detail": said}]
    assert site.assembly.site.tags.tags[index].full_name == point.key


def test_a_heartbeat_that_its_device_does_not_take_is_on_record_and_on_the_page(site):
    wires, beat = site.assembly.wires, site.assembly.site.heartbeats["plc-101"]
    device = Idle()
    device.state, device.since_ns, device.detail = "up", 0, ""
    device.take_outcomes = lambda: [WriteOutcome(beat, 1.0, WriteState.REFUSED, "BadNotWritable")]
    wires.links = {"plc-101": device}
    wires.io.attach(wires.links)
    for _ in range(3):
        wires.io.outcomes()
    said = "the heartbeat is not taken: BadNotWritable"
    assert wires.view()[0]["faults"] == [{"tag": beat.key, "point": beat.address, "detail": said}]
    site.assembly.store.close()
    rows = sqlite3.connect(site.assembly.store.path).execute("select entry from journal").fetchall()
    assert sum(f"plc-101: {beat.address}: {said}" in str(row) for row in rows) == 1


def test_recipes_are_replaced_whole_so_that_a_reader_in_another_thread_is_not_disturbed(site):
    site.recipes()
    before, info = site.assembly.catalogue.recipes, site.assembly.gateway.site
    known = dict(before)
    (site.folder / "configs/recipes/ecoli-fed-batch.yaml").unlink()
    site.edit(CAR_T, ("recipe: car-t-expansion", "recipe: car-t-other"))
    site.recipes()
    assert dict(before) == known
    assert "car-t-other" not in info.recipes
    assert "car-t-other" in site.assembly.gateway.site.recipes


def test_connections_tell_what_their_drivers_were_checked_against(site):
    wires = site.assembly.wires
    assert {one["name"]: one["verified_on"] for one in wires.view()}["plc-101"] is None
    wires.build({})
    view = {one["name"]: one["verified_on"] for one in wires.view()}
    assert view["plc-101"] == ["data blocks on asyncua and node-opcua servers", "its simulator"]
    assert all(view.values())
