"""P17 by operation and by batch: figures add up, go on record when something ends, and survive a restart."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from controller.commands import Command, EventType, Verb
from controller.config.load import load_site
from controller.model.tuning import Schedule, Tuning
from controller.recipe.check import load_recipe
from controller.recipe.engine import Engine
from controller.stages.health_books import NOWHERE, Place
from controller.stages.health_figures import tuning_view
from controller.stages.health_report import HealthReport
from controller.stages.health_sums import Row
from tests.control.conftest import ROOT, Rig
from tests.control.health_bench import Bench
from tests.control.test_scan_with_recipe import order

ADDED = ("elapsed_s", "controlled_s", "not_automatic_s", "bad_pv_s", "unseen_s", "iae", "itae", "tv")
WARM, EXPAND = Place("B-1", "warm_up"), Place("B-1", "expand")


@pytest.fixture
def bench():
    return Bench()


def go(bench, place, scans, seed=0):
    """Some scans, at whose last the vessel is found at ``place``."""
    errors = np.random.default_rng(seed).normal(0.1, 0.1, scans)
    bench.scans(errors[:-1], np.arange(scans - 1) % 7)
    bench.places[0] = place
    return bench.scan(errors[-1], 3.0)


def test_p17_operations_add_up_to_the_batch_and_the_rest_to_all_time(bench):
    go(bench, Place("B-1", ""), 20)
    go(bench, WARM, 30, 1)
    go(bench, EXPAND, 40, 2)
    go(bench, WARM, 50, 3)
    go(bench, EXPAND, 10, 4)
    go(bench, WARM, 10, 5)
    bench.scans([0.1] * 5)
    view = bench.view()
    batch = view["batch"]
    parts = {part["operation"]: part for part in batch["operations"]}
    assert (batch["id"], batch["running"], view["operation"]) == ("B-1", True, "warm_up")
    assert {name: part["elapsed_s"] for name, part in parts.items()} == {"": 30.0, "warm_up": 55.0, "expand": 60.0}
    for name in ADDED:
        assert sum(part[name] for part in parts.values()) == pytest.approx(batch[name], rel=1e-12), name
    assert view["all"]["elapsed_s"] == 165.0
    mean = sum(part["offset"] * part["controlled_s"] for part in parts.values()) / batch["controlled_s"]
    assert batch["offset"] == pytest.approx(mean, rel=1e-12)
    inside = sum(part["in_band"] * part["controlled_s"] for part in parts.values()) / batch["controlled_s"]
    assert batch["in_band"] == pytest.approx(inside, rel=1e-12)


def test_p17_what_ends_goes_on_record_with_its_figures_and_the_tuning_set(bench):
    assert go(bench, WARM, 10) == []
    (ended,) = go(bench, EXPAND, 30, 1)
    assert (ended.type, ended.subtype, ended.object) == (EventType.PROCEDURAL, "Process Data", "B-1")
    assert (ended.vessel, ended.batch) == ("BR-101", "B-1")
    assert (ended.value["scope"], ended.value["operation"]) == ("operation", "warm_up")
    assert json.loads(json.dumps(ended.value, allow_nan=False)) == ended.value
    assert set(ended.value["loops"]) == {"temperature", "ph", "do", "agitation", "air"}
    loop = ended.value["loops"]["temperature"]
    view = bench.view()
    parts = {part["operation"]: part for part in view["batch"]["operations"]}
    assert {name: loop[name] for name in ADDED} == {name: parts["warm_up"][name] for name in ADDED}
    assert loop["unit"] == "Cel"
    assert loop["tuning"] == view["tuning"]
    assert (loop["tuning"]["gain"], loop["tuning"]["integral_time"]) == (70.0, 400.0)
    assert ended.value["loops"]["ph"]["tuning"]["derivative_time"] == 0.0
    assert ended.value["loops"]["air"]["tuning"] is None
    assert "warm_up: temperature" in ended.text
    assert "in band" in ended.text


def test_p17_the_tuning_on_record_is_the_one_in_use_with_its_schedule(bench):
    go(bench, WARM, 5)
    bench.loops.tunings[bench.row] = replace(bench.loops.tunings[bench.row], gain=30.0, integral_time=math.inf)
    (ended,) = go(bench, EXPAND, 5)
    loop = ended.value["loops"]["temperature"]
    assert (loop["tuning"]["gain"], loop["tuning"]["integral_time"], loop["tuning"]["schedule"]) == (30.0, None, None)
    shown = tuning_view(Tuning(2.0), Schedule(7, (1.0, 2.0), (3.0, 4.0), (5.0, math.inf), (0.0, 0.0)))
    assert shown["schedule"] == {
        "at": [1.0, 2.0], "gain": [3.0, 4.0], "integral_time": [5.0, None], "derivative_time": [0.0, 0.0],
    }  # fmt: skip
    assert shown["gap"] == {"width": 0.0, "transition": 0.0, "gain": 0.0, "hysteresis": 0.0}


def test_p17_the_state_is_that_of_the_last_scan(bench):
    states = []
    for place in (WARM, WARM, EXPAND):
        go(bench, place, 5)
        states.append(json.loads(json.dumps(bench.health.state())))
        assert restarted(bench).view()["batch"] == bench.view()["batch"]
    assert states[0]["books"] == states[1]["books"] != states[2]["books"]
    assert states[0]["running"] != states[1]["running"]


def test_p17_the_end_of_a_batch_tells_its_last_operation_and_the_whole(bench):
    go(bench, WARM, 10)
    (one,) = go(bench, EXPAND, 30, 1)
    other, whole = go(bench, NOWHERE, 50, 2)
    assert [event.value["scope"] for event in (one, other, whole)] == ["operation", "operation", "batch"]
    told = [event.value["loops"]["temperature"] for event in (one, other, whole)]
    for name in ADDED:
        assert told[0][name] + told[1][name] == pytest.approx(told[2][name], rel=1e-12), name
    assert whole.batch == "B-1"
    bench.scans([5.0] * 10)
    batch = bench.view()["batch"]
    assert (batch["id"], batch["running"]) == ("B-1", False)
    assert batch["iae"] == told[2]["iae"]


def test_p17_a_batch_that_follows_another_at_once_begins_at_zero(bench):
    go(bench, WARM, 10)
    events = go(bench, Place("B-2", "warm_up"), 20)
    assert [(event.batch, event.value["scope"]) for event in events] == [("B-1", "operation"), ("B-1", "batch")]
    bench.scan(0.5)
    batch = bench.view()["batch"]
    assert (batch["id"], batch["elapsed_s"]) == ("B-2", 1.0)


def test_p17_a_loop_that_never_was_in_automatic_is_told_as_such(bench):
    bench.places[1] = Place("B-9", "warm_up")
    bench.scan(0.0)
    bench.places[1] = Place("B-9", "expand")
    (ended,) = bench.scan(0.0)
    assert ended.text == "B-9: loops in warm_up: none was in automatic"
    assert ended.value["loops"]["temperature"]["in_band"] is None


def test_p17_vessels_end_on_their_own(bench):
    bench.places = [WARM, Place("B-2", "warm_up")]
    bench.scan(0.0)
    bench.places = [EXPAND, Place("B-2", "warm_up")]
    (ended,) = bench.scan(0.0)
    assert ended.vessel == "BR-101"
    other = bench.report.loop("BR-102", "temperature")["batch"]
    assert [part["operation"] for part in other["operations"]] == ["warm_up"]
    assert other["elapsed_s"] == 1.0


def test_p17_sister_vessels_are_compared(bench):
    sister = Bench(loop="BR-102.temperature")
    bench.loops.states[sister.row] = sister.loops.states[sister.row]
    bench.places = [WARM, Place("B-2", "warm_up")]
    other = bench.site.loops.rows[sister.row].pv
    bench.scan(0.0)
    for _ in range(40):
        bench.frame.value[other] = bench.loops.sp[sister.row] - 0.4
        bench.scan(0.1)
    found = {entry["loop"]: entry for entry in bench.report.compare()}
    loop = found["temperature"]
    assert (loop["class"], loop["unit"]) == ("stirred-tank-2l", "Cel")
    assert [(row["vessel"], row["batch"]) for row in loop["vessels"]] == [("BR-101", "B-1"), ("BR-102", "B-2")]
    spread = loop["spread"]["mean_absolute_error"]
    assert (spread["low"], spread["median"], spread["high"]) == pytest.approx((0.1, 0.25, 0.4))
    assert (spread["low_vessel"], spread["high_vessel"]) == ("BR-101", "BR-102")
    assert loop["spread"]["in_band"]["low_vessel"] == "BR-102"
    assert found["ph"]["spread"]["sigma"] is None
    assert all(row["figures"] for row in bench.report.compare("batch", "warm_up")[0]["vessels"])
    assert not any(row["figures"] for row in bench.report.compare("batch", "expand")[0]["vessels"])
    assert bench.report.compare("all")[0]["vessels"][0]["figures"]["elapsed_s"] == 41.0


def test_p17_without_a_batch_there_are_no_figures_of_one(bench):
    bench.scan(0.1)
    assert bench.view()["batch"] is None
    assert [row["figures"] for row in bench.report.compare()[0]["vessels"]] == [None, None]


def restarted(bench, outage_s=0.0):
    """Another supervisor's health, on the same loops."""
    state = json.loads(json.dumps(bench.health.state(), allow_nan=False))
    other = Bench(bench.site)
    other.loops, other.places, other.now = bench.loops, list(bench.places), bench.now
    other.health._loops = bench.loops
    other.health.restore(state, outage_s)
    return other


def test_p17_a_restart_changes_no_figure(bench):
    uninterrupted = Bench()
    for one in (bench, uninterrupted):
        go(one, WARM, 20)
        go(one, EXPAND, 30, 1)
        go(one, EXPAND, 25, 2)
    other = restarted(bench)
    assert other.view() == bench.view() | {"recent": other.view()["recent"]}
    for one in (other, uninterrupted):
        one.loops.op[one.row] = 3.0
        go(one, EXPAND, 15, 3)
    sums = [np.delete(one.health.picture.segment, Row.TRAVEL, axis=0) for one in (other, uninterrupted)]
    assert np.array_equal(*sums)
    (one,), (another,) = go(other, WARM, 10, 4), go(uninterrupted, WARM, 10, 4)
    assert one.value["loops"]["temperature"]["itae"] == another.value["loops"]["temperature"]["itae"]


def test_p17_a_batch_that_is_gone_after_a_restart_is_told(bench):
    go(bench, WARM, 20)
    go(bench, WARM, 20)
    other = restarted(bench)
    other.places[0] = NOWHERE
    assert [event.value["scope"] for event in other.scan(0.0)] == ["operation", "batch"]


def test_p17_an_outage_is_told_as_time_that_nobody_saw(bench):
    go(bench, WARM, 20)
    go(bench, WARM, 20)
    before = bench.view()["batch"]
    after = restarted(bench, 600.0).view()["batch"]
    assert after["unseen_s"] == before["unseen_s"] + 600.0
    assert after["elapsed_s"] == before["elapsed_s"] + 600.0
    assert after["iae"] == before["iae"]


def test_p17_sums_follow_their_loop_by_its_name(bench):
    go(bench, WARM, 20)
    go(bench, EXPAND, 20)
    state = json.loads(json.dumps(bench.health.state()))
    names = state["loops"]
    renamed = [name.replace("BR-101.ph", "BR-101.acidity") for name in names]
    other = Bench(bench.site)
    other.health.restore({**state, "loops": renamed}, 0.0)
    assert other.view()["batch"] == bench.view()["batch"]
    assert other.report.loop("BR-101", "ph")["all"]["elapsed_s"] == 0.0
    assert other.report.loop("BR-101", "do")["all"]["elapsed_s"] == 40.0


@pytest.mark.parametrize("wrong", [
    {}, {"rows": ["ERROR"]}, {"loops": 3}, {"loops": []}, {"running": "?"}, {"running": 5}, {"before": "AAAA"},
    {"before": "AAAAAAAA+H8="}, {"before": ""}, {"books": 7}, {"books": {"BR-101": 3}},
    {"books": {"BR-101": {"closed": {"a": "b"}}}}, {"books": {"BR-9": {}}}, {"books": {"BR-101": {"place": [1]}}},
])  # fmt: skip
def test_p17_a_state_that_is_not_ours_does_no_harm(bench, wrong):
    go(bench, WARM, 20)
    state = {**bench.health.state(), **wrong} if wrong else {}
    other = Bench(bench.site)
    other.health.restore(state, 1.0)
    other.scans([0.1] * 3)
    assert np.isfinite(other.health.picture.segment).all()
    json.dumps(other.view(), allow_nan=False)


def test_p17_in_a_scan_with_a_recipe(site):
    """The engine's own operations; the loops that it switches on; what ends is in the scan's events."""
    recipe = load_recipe(ROOT / "configs/recipes/car-t-expansion.yaml")
    engine = Engine({"car-t-expansion": recipe}, load_site(ROOT / "configs/sites/bench.yaml").classes)
    rig = Rig(site, engine)
    rig.set(temperature=36.9, do=50.0, ph=7.2)
    rig.step()
    batch = {"batch": "B-1", "recipe": "car-t-expansion", "formula": {}, "begin_at": "expand"}
    rig.journal += 1
    rig.step(Command(Verb.BATCH_CREATE, "BR-101", batch, reason="cells are warm", journal=rig.journal))
    order(rig, Verb.BATCH_START, "B-1")
    for _ in range(40):
        commands = []
        for wish in rig.result.proposals:
            rig.journal += 1
            commands.append(wish.committed(rig.journal))
        rig.step(*commands)
    report = HealthReport(site, rig.scan.health).loop("BR-101", "temperature")
    parts = {part["operation"]: part for part in report["batch"]["operations"]}
    assert report["operation"] == "expand"
    assert parts["expand"]["controlled_s"] > 30.0
    assert parts["expand"]["offset"] == pytest.approx(rig.scan.loops.sp[rig.loop("temperature")] - 36.9, abs=0.05)
    order(rig, Verb.BATCH_ABORT, "B-1")
    rig.run(4)
    told = [event for event in rig.events if event.subtype == "Process Data"]
    assert [(event.value["scope"], event.batch) for event in told] == [("operation", "B-1"), ("batch", "B-1")]
    new = Rig(site, Engine({"car-t-expansion": recipe}, load_site(ROOT / "configs/sites/bench.yaml").classes))
    new.scan.restore(json.loads(json.dumps(rig.scan.state(), allow_nan=False)), 5.0, 60.0)
    kept, was = (HealthReport(site, one.scan.health).loop("BR-101", "temperature") for one in (new, rig))
    assert kept["batch"]["operations"] == was["batch"]["operations"]
    assert kept["all"]["unseen_s"] == 60.0
