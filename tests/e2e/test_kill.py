"""kill -9 in the middle of a recipe: held at the same step, nothing answered is lost, no dose is repeated."""

import asyncio
import contextlib
import itertools
import json
import random
import sqlite3
import threading
import time
from datetime import UTC, datetime

import httpx
import pytest
from asyncua import Client, ua

from tests.e2e.conftest import CAR_T, Instruments, Supervisor, until, warm_site
from tests.e2e.test_stop import texts

SPEED = 120
SCAN_WALL_S = 0.1
SCAN_S = SCAN_WALL_S * SPEED  # process seconds per scan at this speed
COMMIT_S = 0.1  # wall seconds a state may be on its way to the disk
SEEN_WITHIN_S = 2.0  # wall seconds by which what an operator reads may be old
AIR_OF_RECIPE = 50
DOSE_ML = 50
SAMPLE_ML = 2
FORMULA = ("count_every=10 min", "feed_per_cells=20 mL/h/10*9", "culture_ph=7.40 [pH]")
BEGINNING = ("equilibrate",) * 3 + ("inoculation asked",) * 2 + ("inoculation answered",)
EXPANSION = ("count asked", "count answered", *("feeding",) * 4, "count asked", "counting", *("feeding",) * 6)
FROM_THE_BEGINNING = (
    "equilibrate",
    "inoculation asked",
    "inoculation answered",
    "count asked",
    "count answered",
    "feeding",
)
LATER = ("count asked", "counting", *("feeding",) * 4)


class Saved:
    """The checkpoint that a killed supervisor left in its data directory."""

    def __init__(self, data):
        with contextlib.closing(sqlite3.connect(data / "biovisor.sqlite")) as connection:
            row = connection.execute("SELECT process_s, utc, state FROM checkpoint").fetchone()
        self.process_s, self.utc, text = row
        self.scan = json.loads(text)["scan"]
        (entry,) = self.scan["engine"]["batches"]
        self.batch = entry["batch"]

    def assert_newest(self, seen, killed_utc):
        """It is the scan before the kill, or the one before that was still on its way; ``seen`` is the batch as an
        operator saw it within the last scans.
        """
        assert killed_utc - self.utc <= SCAN_WALL_S + COMMIT_S
        assert self.scan["now_s"] == pytest.approx(self.process_s, abs=1e-3)
        assert self.batch["id"] == seen["id"]
        unseen_s = (self.utc - seen["utc"]) * SPEED
        assert self.batch["elapsed_s"] - seen["elapsed_s"] == pytest.approx(unseen_s, abs=SEEN_WITHIN_S * SPEED)

    def assert_resumed(self, batch):
        """The batch is Held where it was, and no time was lost or made up."""
        assert batch["state"] == "Held"
        assert batch["operation"] == self.batch["operation"]
        for name in ("elapsed_s", "operation_elapsed_s"):
            assert batch[name] == pytest.approx(self.batch[name], abs=SCAN_S), name


class Ordeal:
    """One batch whose supervisor is killed again and again, and what its operator was told."""

    def __init__(self, start, tmp_path, seed):
        self.dice = random.Random(seed)
        self.start = start
        self.data = tmp_path / "data"
        site = warm_site(tmp_path)
        self.instruments = start(Instruments, site, tmp_path / "instruments", SPEED)
        self.arguments = ("run", site, "--instruments", self.instruments.file, "--data", self.data)
        formula = [word for text in FORMULA for word in ("--formula", text)]
        self.supervisor = start(Supervisor, *self.arguments, "--recipe", CAR_T, "--vessel", "BR-101", *formula).ready()
        self.answered = []
        self.last = {}  # the setpoints answered last, by loop
        self.closed = ""  # the prompt whose answer was confirmed last
        until(self.supervisor.batch, 10, "the batch is created")
        self.answer("medium_filled")
        self.instruments.ask(op="set", vessel="BR-101", state={"temperature_c": 37.0, "ph": 7.4})  # it cooled meanwhile

    # What an operator does

    def set(self, loop, value, unit):
        told = self.supervisor.setpoint(loop, value, unit)
        assert told.status_code == 202, told.text
        self.answered.append(told.json()["journal"])
        self.last[loop] = value

    def change_setpoints(self, *, expanding):
        """New setpoints, never the recipe's own; of the pH only when nothing waits for it."""
        self.change_air()
        if expanding:
            self.set("ph", round(self.dice.uniform(7.75, 7.85), 2), "[pH]")

    def change_air(self):
        self.set("air", round(self.dice.uniform(51, 60), 1), "mL/min")

    def prompt(self, name):
        """The open prompt of that name, without its repetition's number, when there is one."""
        prompts = self.supervisor.batch()["prompts"]
        return next((prompt for prompt in prompts if prompt["id"].startswith(name)), None)

    def answer(self, name):
        self.reach_prompt(name)
        self.supervisor.answer_prompts()

    def answer_in_the_background(self, name):
        """Send an answer and do not wait; :attr:`closed` names the prompt once the answer is confirmed."""
        prompt = self.reach_prompt(name)
        batch, http = self.supervisor.batch()["id"], self.supervisor.http
        inputs = {one["name"]: {"value": one["default"], "unit": one["unit"]} for one in prompt["inputs"]}

        def send():
            with contextlib.suppress(httpx.TransportError):
                body = {"inputs": inputs, "reason": "done"}
                told = http.post(f"/api/v1/batches/{batch}/prompts/{prompt['id']}", json=body)
                if told.status_code == 200:
                    self.closed = prompt["id"]

        thread = threading.Thread(target=send)
        thread.start()
        return thread

    # Where to kill

    def reach(self, operation):
        until(lambda: self.supervisor.batch()["operation"] == operation, 30, lambda: f"{operation}: {self.where()}")

    def reach_prompt(self, name):
        return until(lambda: self.prompt(name), 30, lambda: f"the prompt {name}: {self.where()}")

    def where(self):
        batch = self.supervisor.batch()
        return {name: batch[name] for name in ("state", "held_reason", "operation", "waiting_for", "prompts")}

    def to_the_moment(self, moment):
        """Bring the batch to ``moment``, let it live there for a random while."""
        longest_s = 0.3
        expanding = not moment.startswith(("equilibrate", "inoculation"))
        if moment == "equilibrate":
            self.reach("equilibrate")
        elif moment.startswith("inoculation"):
            self.reach_prompt("inoculate")
        elif moment.startswith("count"):
            self.answer_if_asked("inoculate")
            self.reach_prompt("count_cells")
        else:
            self.answer_if_asked("inoculate")
            self.answer_if_asked("count_cells")
            until(lambda: self.instruments.state()["feed_rpm"] > 0, 30, lambda: f"the feed runs: {self.where()}")
            longest_s = 0.8
        self.change_setpoints(expanding=expanding)
        time.sleep(self.dice.uniform(0.0, longest_s))
        if moment == "counting":
            self.answer("count_cells")
            time.sleep(self.dice.uniform(0.1, 0.8))

    def answer_if_asked(self, name):
        if self.prompt(name):
            self.answer(name)

    # The kill and what comes after

    def kill_at(self, moment):
        """Kill at ``moment``, start again, and assert that the batch goes on where it was and only when it is told."""
        self.to_the_moment(moment)
        name = {"inoculation answered": "inoculate", "count answered": "count_cells"}.get(moment)
        answering = self.answer_in_the_background(name) if name else None
        seen = {**self.supervisor.batch(), "utc": time.time()}  # the stored checkpoint is stamped in UTC
        time.sleep(self.dice.uniform(0.0, SCAN_WALL_S))
        self.change_air()
        time.sleep(self.dice.choice([0.0, self.dice.uniform(0.0, SCAN_WALL_S)]))  # mostly before a scan acts on it
        killed_utc = time.time()  # likewise
        self.supervisor.kill()
        if answering:
            answering.join()
        saved = Saved(self.data)
        saved.assert_newest(seen, killed_utc)
        self.supervisor = self.start(Supervisor, *self.arguments).up()
        saved.assert_resumed(until(self.supervisor.batch, 10, "the batch is back"))
        self.assert_held_with_the_last_setpoints()
        self.restart()

    def assert_held_with_the_last_setpoints(self):
        supervisor = self.supervisor
        until(lambda: self.instruments.state()["feed_rpm"] == 0, 10, lambda: f"no feed: {supervisor.loop('feed')}")
        for name, setpoint in self.last.items():
            loop = supervisor.loop(name)
            assert (loop["mode"], loop["sp"]) == ("auto", pytest.approx(setpoint)), loop
        air = pytest.approx(self.last["air"])
        until(lambda: self.instruments.state()["air_sp"] == air, 10, lambda: f"the air: {supervisor.loop('air')}")
        batch = supervisor.batch()
        assert batch["state"] == "Held"
        assert self.closed not in [prompt["id"] for prompt in batch["prompts"]], "what was answered is not asked again"
        assert self.instruments.state()["feed_rpm"] == 0

    def restart(self):
        """Let the batch go on, once all instruments answer; the steps that set loops put theirs in force again."""
        batch = self.supervisor.ready().batch()
        told = self.supervisor.http.post(f"/api/v1/batches/{batch['id']}/restart", json={"reason": "power is back"})
        assert told.status_code == 200, told.text
        until(lambda: self.supervisor.batch()["state"] == "Running", 5, lambda: f"it goes on: {self.where()}")
        if batch["operation"] == "equilibrate":
            until(lambda: self.supervisor.loop("air")["sp"] == AIR_OF_RECIPE, 5, "the recipe's setpoints are in force")

    # The end

    def assert_record_is_whole(self):
        """Nothing answered is lost; every dose was given once and is on record."""
        states = [self.supervisor.http.get(f"/api/v1/commands/{number}").json() for number in self.answered]
        assert {state.get("state") for state in states} <= {"applied", "read_back", "accepted"}
        assert all(state["events"] for state in states), "each was carried out, and that is on record"
        inoculated = self.instruments.deeds()["inoculate"]
        assert inoculated == {"times": 1, "volume_ml": pytest.approx(DOSE_ML)}
        self.assert_counts_are_whole()
        self.assert_doses_are_on_record()

    def assert_counts_are_whole(self):
        """One sample drawn for each count started; their numbers have neither gap nor repetition."""
        self.answer_if_asked("count_cells")
        drawn = until(self.all_counted, 20, lambda: f"all is counted: {self.instruments.deeds()}, {self.samples()}")
        names = [name for name, _ in self.samples()]
        assert names == [f"BR-101-{number}" for number in range(1, drawn["times"] + 1)]
        assert drawn["volume_ml"] == pytest.approx(-SAMPLE_ML * drawn["times"])
        until(lambda: self.supervisor.tag("sample_number")["value"] == len(names), 10, "the newest number is known")

    def all_counted(self):
        """What was drawn, once the counter has finished as many samples."""
        drawn = self.instruments.deeds().get("sample", {"times": 0})
        finished = [name for name, status in self.samples() if status == "Completed"]
        return drawn if drawn["times"] and drawn["times"] == len(finished) == len(self.samples()) else None

    def samples(self):
        """Names and status of everything the counter has counted, in its order, as its own software would see it."""
        return asyncio.run(counted(self.instruments.url("counter")))

    def assert_doses_are_on_record(self):
        """The pumps stand; what the plant got is what the record says, to 2 %."""
        batch = self.supervisor.batch()["id"]
        self.supervisor.http.post(f"/api/v1/batches/{batch}/hold", json={"reason": "the end"})
        path = "/api/v1/vessels/BR-101/loops/ph/mode"
        self.supervisor.http.put(path, json={"mode": "off", "reason": "the end"})
        until(self.pumps_stand, 10, "the pumps stand")
        for dose in ("base", "feed"):
            delivered = self.instruments.state()[f"{dose}_ml"]
            assert delivered > 1
            until(
                lambda: self.supervisor.tag(f"{dose}_total")["value"] == pytest.approx(delivered, rel=0.02),  # noqa: B023
                10,
                lambda: f"{dose}: {self.supervisor.tag(f'{dose}_total')}, delivered {delivered:.3f} mL",  # noqa: B023
            )

    def pumps_stand(self):
        state = self.instruments.state()
        return state["feed_rpm"] == state["base_rpm"] == 0


async def counted(url):
    """Names and status of all samples on a cell counter."""
    client = Client(url)
    client.set_user("biovisor")
    client.set_password("simulated")
    async with client:
        await client.load_data_type_definitions()
        index = await client.get_namespace_index("ViCellBlu")
        methods = await client.nodes.objects.get_child([f"{index}:ViCellBluStateObject", f"{index}:Methods"])
        text, by_sample = ua.Variant("", ua.VariantType.String), ua.Variant(1, ua.VariantType.Int32)
        span = [ua.Variant(datetime(year, 1, 1, tzinfo=UTC), ua.VariantType.DateTime) for year in (2000, 2100)]
        found = await methods.call_method(f"{index}:GetSampleResults", text, *span, by_sample, text, text, text)
        return [(sample.SampleId, sample.SampleStatus.name) for sample in found.SampleResults or ()]


def survive(start, tmp_path, moments, seed):
    ordeal = Ordeal(start, tmp_path, seed)
    if moments[0] not in BEGINNING:
        ordeal.answer("inoculate")
    for moment in moments:
        ordeal.kill_at(moment)
    ordeal.assert_record_is_whole()


@pytest.mark.e2e
@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("moments", "seed"), [(FROM_THE_BEGINNING, 20), (LATER, 21)], ids=["from the beginning", "later"]
)
def test_kills_at_every_kind_of_moment_lose_nothing_and_repeat_nothing(start, tmp_path, moments, seed):
    """Six of one batch and six of another; `make soak` has five hundred of one."""
    survive(start, tmp_path, moments, seed)


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_five_hundred_kills_lose_nothing_and_repeat_nothing(start, tmp_path):
    moments = itertools.islice(itertools.chain(BEGINNING, itertools.cycle(EXPANSION)), 500)
    survive(start, tmp_path, [*moments], seed=500)


@pytest.mark.e2e
@pytest.mark.timeout(90)
def test_the_plc_goes_safe_within_five_seconds_of_the_last_heartbeat(bench):
    instruments, supervisor = bench
    supervisor.engage(temperature=(37, "Cel"), agitation=(120, "{rev}/min"))
    until(lambda: heated_and_stirred(instruments.state()), 15, lambda: f"it is: {instruments.state()}")
    supervisor.kill()
    killed = time.monotonic()
    until(lambda: instruments.state()["heater"] == 0, 6, "the PLC put the heater to safe")
    assert time.monotonic() - killed <= 5.5
    assert instruments.state()["agitation_sp"] == pytest.approx(60)


def heated_and_stirred(state):
    return state["heater"] > 0 and state["agitation_sp"] == pytest.approx(120)


SAFE = {
    "heater": 0, "agitation_sp": 60, "air_sp": 50, "o2_sp": 0, "co2_sp": 0, "n2_sp": 0, "base_rpm": 0, "feed_rpm": 0,
}  # fmt: skip
BUSY = {
    "do": (150, "%"), "temperature": (37, "Cel"), "agitation": (120, "{rev}/min"), "air": (100, "mL/min"),
    "feed": (20, "mL/h"), "ph": (7.8, "[pH]"),
}  # fmt: skip
VESSELS = ("BR-101", "BR-102")


def unsafe(instruments):
    """Every output of the site that is not at its safe value."""
    states = {vessel: instruments.state(vessel) for vessel in VESSELS}
    return {
        (vessel, name): states[vessel][name]
        for vessel, name in itertools.product(VESSELS, SAFE)
        if states[vessel][name] != pytest.approx(SAFE[name])
    }


@pytest.mark.e2e
@pytest.mark.timeout(90)
def test_sigterm_makes_outputs_safe_within_a_second_and_ends_within_five_and_says_so(bench, tmp_path):
    instruments, supervisor = bench
    for vessel in VESSELS:
        supervisor.engage(vessel, **BUSY)
    moving = set(itertools.product(VESSELS, ("heater", "agitation_sp", "air_sp", "o2_sp", "base_rpm", "feed_rpm")))
    until(lambda: unsafe(instruments).keys() >= moving, 20, lambda: f"all is at work: {unsafe(instruments)}")
    with supervisor.http.stream("GET", "/api/v1/stream") as stream:
        lines = stream.iter_lines()
        for _ in range(2):  # the first scan after the one in which the page was opened
            next(line for line in lines if line == "event: delta")
        supervisor.popen.terminate()
        told = time.monotonic()
        until(lambda: not unsafe(instruments), 5, lambda: f"everything is safe: {unsafe(instruments)}")
        safe_s = time.monotonic() - told
        assert supervisor.popen.wait(6) == 0
        assert time.monotonic() - told < 5
    assert safe_s <= 1.0
    assert not unsafe(instruments)
    assert texts(tmp_path / "data")[-1] == "stopped in order, outputs at their safe values"
