"""Hold, restart, stop and abort of batches on every shipped class, where most of their loops are active."""

from typing import NamedTuple

import pytest

from controller.commands import Command, EventType, Verb
from controller.composition.rehearsal import Rehearsal
from controller.recipe.reader import ENGAGED
from controller.recipe.vocabulary import is_stopped
from tests.rehearsal.conftest import CONFIGS, setting
from tests.rehearsal.test_jacketed import RECIPE as JACKETED

MEDIUM_AND_HARVEST = {"medium_rpm", "harvest_rpm"}
BASE = "base_rpm"
"""pH stays under control in a held batch, so that this pump may run."""


class Case(NamedTuple):
    """Where a batch begins, on which site; ``edited`` are other words for some of the recipe's, ``runs`` the pumps,
    ``filled`` what is filled in before, in L.
    """

    site: str
    recipe: str
    begin_at: str
    runs: set[str]
    edited: tuple[str, str] = ("", "")
    cells: float = 0.0
    filled: float = 0.0


PERFUSION = Case("perfusion", "perfusion-expansion", "perfuse_fully", MEDIUM_AND_HARVEST, filled=0.5)
CASES = {
    "perfusion": PERFUSION,
    # A bleed by target waits for counts of many hours; a share of the medium is the same pump at once.
    "bleed": PERFUSION._replace(
        begin_at="hold_density",
        runs={*MEDIUM_AND_HARVEST, "bleed_rpm"},
        edited=("program: bleed, target: held_density", 'program: bleed, fraction: "20 %"'),
    ),
    "before perfusion": PERFUSION._replace(begin_at="grow", runs=set()),
    "jacketed": Case("jacketed", "", "warm", {"feed_rpm"}),
    "e. coli": Case("microbial", "ecoli-fed-batch", "fed_batch", {"feed_rpm"}, cells=2000.0),
    "car-t": Case("bench", "car-t-expansion", "expand", {"feed_rpm"}, cells=10.5),
}
VESSELS = {"perfusion": "BR-301", "jacketed": "BR-401", "microbial": "BR-201", "bench": "BR-101"}


class Batch:
    """A batch that was begun at the operation of a case, and what its vessel's pumps and loops do."""

    def __init__(self, case, folder, period_s):
        recipe = folder / "recipe.yaml"
        text = (CONFIGS / f"recipes/{case.recipe}.yaml").read_text() if case.recipe else JACKETED
        assert case.edited[0] in text
        recipe.write_text(text.replace(*case.edited))
        site = CONFIGS / f"sites/{case.site}.yaml"
        chosen = setting(site=site, vessel=VESSELS[case.site], recipe=recipe, period_s=period_s)
        self.case, self.rehearsal = case, Rehearsal(chosen, [0])
        self.name, self.fleet, self.events = self.rehearsal.names[0], self.rehearsal.fleet, []
        self.stopped = [name for name, loop in self.rehearsal.kind.loops.items() if is_stopped(loop)]
        if case.filled:
            self.fleet.ask(0, "fill", {"volume_l": case.filled})
        if case.cells:
            self.fleet.ask(0, "inoculate", {"volume_ml": 50.0, "density": case.cells})
        self.order(
            Verb.BATCH_CREATE, batch=self.name, recipe=self.rehearsal.recipe.config.recipe, begin_at=case.begin_at
        )
        self.order(Verb.BATCH_START)
        self.until(lambda: self.case.runs <= self.running() and self.operation == case.begin_at, 1800.0)
        self.run(120.0)

    def order(self, verb, target="", reason="test", **value):
        command = Command(verb, target or self.name, value, who="anna", source="cli", reason=reason)
        self.rehearsal.door.submit(command)

    def on(self, loop, verb, **value):
        self.order(verb, f"{self.name}.{loop}", **value)

    def scan(self):
        self.rehearsal.step()
        self.events += self.rehearsal.record.events

    def run(self, seconds, *, check=lambda: None):
        for _ in range(int(seconds / self.rehearsal.setting.period_s)):
            self.scan()
            check()

    def until(self, condition, seconds):
        end_s = self.now_s + seconds
        while not condition():
            assert self.now_s < end_s, (self.state, self.loops(), self.running())
            self.scan()

    @property
    def now_s(self):
        return self.rehearsal.clock.now_ns() / 1e9

    @property
    def view(self):
        return self.rehearsal.engine.view()[0]

    @property
    def state(self):
        return self.view["state"]

    @property
    def operation(self):
        return self.rehearsal.engine.operation(self.name)

    def running(self):
        """The pumps that give or draw off, but base."""
        return {name for name, rpm in self.fleet.actuators.items() if name.endswith("_rpm") and rpm[0] > 0.0} - {BASE}

    def volume(self):
        return float(self.fleet.truth()["volume_l"][0])

    def loops(self):
        """Mode and setpoint of the loops that a hold stops."""
        reader = self.rehearsal.scan.reader
        return {one: (reader.mode(self.name, one), reader.read(self.name, f"{one}.sp")[0]) for one in self.stopped}

    def engaged(self):
        return {name for name, (mode, _) in self.loops().items() if mode in ENGAGED}

    def told(self):
        """What a person would have to look after."""
        return [one.text for one in self.events if one.type is EventType.MESSAGE or one.subtype == "Command Refused"]


@pytest.fixture(params=[1.0, 20.0], ids=["1 s", "20 s"])
def begin(request, tmp_path):
    """Begins a batch of a case, scanned every second or every 20 s."""
    return lambda case: Batch(case, tmp_path, request.param)


def hold(batch):
    """Hold, and see for five minutes that nothing runs that must not, and that it is confirmed without a watchdog."""
    engaged, told = batch.engaged(), len(batch.told())
    batch.order(Verb.BATCH_HOLD)
    scans = [batch.running() for _ in range(4) if batch.scan() is None]
    assert batch.state == "Held", (batch.state, batch.loops())
    assert batch.view["held_reason"] == "test"
    assert scans[-1] == set()
    volume = batch.volume()

    def check():
        assert batch.running() == set()
        assert batch.engaged() <= engaged
        assert batch.volume() == pytest.approx(volume, abs=0.003)

    batch.run(300.0, check=check)
    assert batch.told()[told:] == []


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_hold_stops_what_feeds_and_draws_off_and_a_restart_brings_it_back_and_a_stop_ends(begin, case):
    batch = begin(case)
    before = batch.loops()
    hold(batch)
    volume = batch.volume()
    batch.order(Verb.BATCH_RESTART)
    batch.scan()
    batch.until(lambda: batch.state == "Running", 100.0)
    batch.run(300.0)
    for loop, (mode, setpoint) in batch.loops().items():
        assert (loop, mode) == (loop, before[loop][0])
        assert setpoint == pytest.approx(before[loop][1], rel=0.05), loop
    assert batch.running() >= case.runs
    assert batch.volume() == pytest.approx(volume, abs=0.02), "medium and harvest begin together"
    batch.order(Verb.BATCH_STOP)
    batch.run(5 * batch.rehearsal.setting.period_s)
    assert batch.state == "Stopped"
    assert batch.running() == batch.engaged() == set()


@pytest.mark.parametrize("verb", [Verb.BATCH_STOP, Verb.BATCH_ABORT])
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_stop_and_abort_end_a_running_batch_as_they_are_called(begin, case, verb):
    batch = begin(case)
    told = batch.told()
    batch.order(verb)
    batch.run(5 * batch.rehearsal.setting.period_s)
    assert batch.state == {Verb.BATCH_STOP: "Stopped", Verb.BATCH_ABORT: "Aborted"}[verb]
    assert batch.running() == batch.engaged() == set()
    assert batch.told() == told


def test_a_pump_that_an_operator_runs_by_hand_stops_as_well_and_comes_back_as_it_was(begin):
    batch = begin(PERFUSION._replace(begin_at="grow", runs=set()))
    batch.on("bleed", Verb.MODE, mode="manual")
    batch.on("bleed", Verb.OUTPUT, value=100.0)
    batch.on("perfusion", Verb.SETPOINT, value=100.0)
    batch.on("perfusion", Verb.MODE, mode="auto")
    batch.until(lambda: batch.running() == {"bleed_rpm", "medium_rpm"}, 100.0)
    hold(batch)
    batch.order(Verb.BATCH_RESTART)
    batch.until(lambda: batch.running() == {"bleed_rpm", "medium_rpm"}, 100.0)
    assert batch.loops()["perfusion"] == ("auto", 100.0)
    assert batch.loops()["bleed"][0] == "manual"
    assert batch.rehearsal.scan.reader.read(batch.name, "bleed.op")[0] == pytest.approx(100.0, abs=0.1)
    assert batch.loops()["harvest"][0] == "off"


def test_what_people_did_by_hand_in_a_held_batch_ends_with_its_restart(begin):
    """A pump that leaves manual takes its output as setpoint: what the hold had found comes after that."""
    batch = begin(PERFUSION._replace(begin_at="grow", runs=set()))
    batch.on("perfusion", Verb.SETPOINT, value=100.0)
    batch.on("perfusion", Verb.MODE, mode="auto")
    batch.until(lambda: batch.running() == {"medium_rpm"}, 100.0)
    hold(batch)
    batch.on("perfusion", Verb.MODE, mode="manual")
    batch.on("perfusion", Verb.OUTPUT, value=400.0)
    batch.until(lambda: batch.running() == {"medium_rpm"}, 100.0)
    batch.order(Verb.BATCH_RESTART)
    batch.run(100.0)
    assert batch.loops()["perfusion"] == ("auto", 100.0)
