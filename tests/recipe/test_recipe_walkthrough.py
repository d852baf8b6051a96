"""The shipped recipes from the first prompt to the last, and from any scan after the supervisor was killed."""

import math

import pytest

from controller.commands import Verb
from tests.recipe.conftest import Bench


def harvest(bench):
    """What a finished batch left behind that must not depend on interruptions."""
    responses = [one.value["prompt"] for one in bench.events if one.subtype == "Prompt Response"]
    operations = [
        one.value
        for one in bench.events
        if one.subtype == "State Change" and one.value in {name["name"] for name in bench.view["operations"]}
    ]
    return {
        "operations": operations,
        "responses": responses,
        "hands": bench.hands,
        "requests": sorted(set(bench.requests)),
        "state": bench.state,
        "feeds": [
            round(one.value["value"], 6)
            for one in bench.proposals
            if one.target == "BR-101.feed" and one.verb is Verb.SETPOINT and one.value["value"] > 0
        ],
    }


def test_car_t_from_the_first_prompt_to_the_last(bench):
    bench.start(formula={"target_density": 4.0})
    bench.until(lambda: bench.state == "Complete").scan(2)
    kept = harvest(bench)
    assert kept["operations"] == ["fill", "equilibrate", "inoculate", "expand", "cool_down", "harvest"]
    assert kept["requests"] == list(range(1, len(kept["requests"]) + 1))
    assert len(kept["requests"]) == 4  # 0.5 doubles daily: 4 10*6/mL is there at the fourth count
    assert len(kept["feeds"]) == 3
    assert bench.values["viable_density"] >= 4.0
    assert kept["hands"][1] == {"inoculate": {"volume": 50.0, "density": 10.5}}
    assert kept["hands"][-1] == {"harvest": {}}
    assert set(bench.modes.values()) == {"off"}
    assert bench.view["operation"] == ""
    assert [one["state"] for one in bench.view["operations"]] == ["done"] * 6
    reasons = [one.reason for one in bench.events if one.value == "cool_down"]
    assert reasons == ["The cells reached their target."]
    assert bench.values["volume"] < 1.9


def test_car_t_by_the_day_limit(make_bench, car_t):
    bench = make_bench(car_t)
    bench.density = 1e-3
    bench.start(formula={"longest_expansion": 5.0})
    bench.until(lambda: bench.state == "Complete")
    assert [one.reason for one in bench.events if one.value == "cool_down"] == [
        "The longest expansion time has passed."
    ]


def test_car_t_that_does_not_warm_up_is_held(bench):
    bench.values["temperature"] = math.nan
    bench.start()
    bench.until(lambda: bench.state == "Held")
    assert bench.view["held_reason"] == "The vessel did not reach culture conditions within 6 hours."


def test_ecoli_from_the_first_prompt_to_the_last(ecoli, microbial):
    bench = Bench(ecoli, microbial)
    bench.values |= {"do": 40.0, "ph": 7.0}
    bench.start()
    bench.until(lambda: bench.operation == "batch_phase")
    bench.scan(240)
    bench.values["do"] = 80.0
    bench.until(lambda: bench.operation == "fed_batch", 10)
    bench.values["do"] = 35.0
    bench.until(lambda: bench.state == "Complete")
    kept = harvest(bench)
    assert kept["operations"][-3:] == ["fed_batch", "cool_down", "harvest"]
    assert kept["feeds"][0] == 4.0
    assert max(kept["feeds"]) <= 60.0


SHORT = {"count_every": 1.0, "longest_expansion": 0.5, "target_density": 4.0}


def run_through(bench, kills):
    """The recipe on fast cells; the supervisor is killed after each of the scans ``kills`` and the batch restarted."""
    bench.doubling_h = 1.0
    bench.start(formula=SHORT)
    scans = 0
    while bench.state != "Complete":
        if bench.view["prompts"] and bench.state == "Running":
            bench.answer()
        bench.scan()
        scans += 1
        if scans in kills and bench.state == "Running":
            before = bench.view
            bench.kill()
            after = bench.view
            assert after["state"] == "Held"
            for key in ("operation", "operation_elapsed_s", "elapsed_s", "prompts", "formula", "deviations"):
                assert after[key] == before[key]
            assert bench.order(Verb.BATCH_RESTART).applied
        assert scans < 5000
    return scans


@pytest.mark.timeout(60)
def test_killed_after_any_scan_the_batch_goes_the_same_way(make_bench, car_t):
    undisturbed = make_bench(car_t)
    scans = run_through(undisturbed, set())
    expected = harvest(undisturbed)
    assert len(expected["requests"]) == 4
    for kill in range(1, scans, 5):
        bench = make_bench(car_t)
        run_through(bench, {kill})
        kept = harvest(bench)
        for key in ("operations", "responses", "hands", "requests", "state"):
            assert kept[key] == expected[key], (kill, key)
        assert len(kept["feeds"]) <= len(expected["feeds"]) + 1


def test_killed_over_and_over(make_bench, car_t):
    undisturbed = make_bench(car_t)
    scans = run_through(undisturbed, set())
    expected = harvest(undisturbed)
    bench = make_bench(car_t)
    run_through(bench, set(range(3, scans * 2, 11)))
    kept = harvest(bench)
    assert kept["operations"] == expected["operations"]
    assert kept["requests"] == list(range(1, len(kept["requests"]) + 1))
    assert len(kept["hands"]) == len(kept["requests"]) + 3
