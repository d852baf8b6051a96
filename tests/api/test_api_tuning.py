"""P16, P20 over HTTP: tuning sets, experiments with their samples."""

import time

import httpx
import pytest

from tests.api.tuning_bench import serving

LOOP = "/api/v1/vessels/BR-101/loops/temperature"


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    with serving(tmp_path_factory.mktemp("tuning")) as served:
        yield served


@pytest.fixture(scope="module")
def tuning_bench(served):
    return served[0]


@pytest.fixture(scope="module")
def tuned(served):
    with httpx.Client(base_url=served[1], timeout=5, trust_env=False) as client:
        yield client


@pytest.fixture
def at_rest(tmp_path):
    """A client of a bench on which nothing was done yet."""
    with serving(tmp_path) as (_, url), httpx.Client(base_url=url, timeout=5, trust_env=False) as client:
        yield client


def wait_for(http, stages, most_s=8.0):
    until = time.monotonic() + most_s
    while time.monotonic() < until:
        found = http.get(f"{LOOP}/experiment?samples=false").json()
        if found.get("stage") in stages:
            return found
        time.sleep(0.02)
    raise AssertionError(found)


def test_p20_the_tuning_in_force_and_a_new_one(tuned, tuning_bench):
    before = tuned.get(f"{LOOP}/tuning").json()
    assert (before["gain"], before["integral_time"], before["version"]) == (46.0, 710.0, 0)
    assert before["replaced"] is None
    assert (before["gain_unit"], before["unit"], before["output_unit"]) == ("%/Cel", "Cel", "%")
    body = {"gain": 25.0, "gain_unit": "%/K", "integral_time_s": 400.0, "reason": "calmer"}
    answer = tuned.put(f"{LOOP}/tuning", json=body)
    assert (answer.status_code, answer.json()["state"]) == (200, "applied")
    now = tuned.get(f"{LOOP}/tuning").json()
    assert (now["gain"], now["integral_time"], now["version"], now["reason"]) == (25.0, 400.0, 1, "calmer")
    assert now["replaced"]["gain"] == 46.0
    assert tuning_bench.store.command(answer.json()["journal"]).value == {"gain": 25.0, "integral_time": 400.0}
    undone = tuned.post(f"{LOOP}/tuning/undo", json={"reason": "as it was"})
    assert undone.status_code == 200
    assert tuned.get(f"{LOOP}/tuning").json()["gain"] == 46.0


@pytest.mark.parametrize(
    ("body", "status", "why"),
    [
        ({"gain": 25.0, "gain_unit": "kg"}, 422, "must be a unit that converts"),
        ({"gain": -25.0, "gain_unit": "%/K"}, 409, "the other way round"),
        ({"gain": 25.0, "gain_unit": "%/K", "integral_time_s": 0.0}, 409, "integral_time must be within"),
        ({"gain": "25", "gain_unit": "%/K"}, 422, ""),
        ({"gain": 25.0, "gain_unit": "%/K", "colour": 1}, 422, ""),
    ],
)
def test_p20_a_wrong_tuning_is_refused(tuned, body, status, why):
    answer = tuned.put(f"{LOOP}/tuning", json={**body, "reason": "try"})
    assert answer.status_code == status
    assert why in answer.json()["detail"]
    assert tuned.get(f"{LOOP}/tuning").json()["gain"] == 46.0


def test_p20_no_integral_is_null(tuned):
    tuned.put(f"{LOOP}/tuning", json={"gain": 30.0, "gain_unit": "%/K", "integral_time_s": None, "reason": "P only"})
    assert tuned.get(f"{LOOP}/tuning").json()["integral_time"] is None
    tuned.post(f"{LOOP}/tuning/undo", json={"reason": "back"})


def test_a_loop_without_a_controller_has_no_tuning(tuned):
    answer = tuned.get("/api/v1/vessels/BR-101/loops/agitation/tuning")
    assert answer.status_code == 404
    assert "Agitation has no controller" in answer.json()["detail"]
    assert tuned.get("/api/v1/vessels/BR-101/loops/none/tuning").status_code == 404
    start = tuned.post("/api/v1/vessels/BR-101/loops/agitation/experiment", json={"reason": "try"})
    assert start.status_code == 409


def test_p16_an_experiment_from_start_to_samples(at_rest):
    assert at_rest.get("/api/v1/vessels/BR-101/loops/ph/experiment").status_code == 404
    start = at_rest.post(f"{LOOP}/experiment", json={"amplitude": 8.0, "cycles": 2, "reason": "new heater"})
    assert start.status_code == 200, start.text
    again = at_rest.post(f"{LOOP}/experiment", json={"reason": "again"})
    assert again.status_code == 409
    assert "runs on it already" in again.json()["detail"]
    done = wait_for(at_rest, {"done", "aborted"})
    assert (done["stage"], done["reason"], done["samples"]) == ("done", "2 cycles", None)
    whole = at_rest.get(f"{LOOP}/experiment").json()
    samples = whole["samples"]
    assert len(samples["time"]) == len(samples["pv"]) == len(samples["op"]) == whole["count"]
    assert max(samples["op"]) == pytest.approx(whole["base"] + 8.0)
    until = time.monotonic() + 8.0
    while at_rest.get(f"{LOOP}/setpoint").json()["mode"] != "auto":
        assert time.monotonic() < until, "the loop comes back in the scan in which the experiment ends"


def test_p16_an_experiment_is_stopped(at_rest):
    assert at_rest.post(f"{LOOP}/experiment", json={"reason": "try"}).status_code == 200
    stopped = at_rest.post(f"{LOOP}/experiment/stop", json={"reason": "changed my mind"})
    assert stopped.status_code == 200
    assert wait_for(at_rest, {"aborted"})["reason"] == "stopped by operator"
    assert at_rest.post(f"{LOOP}/experiment/stop", json={"reason": "again"}).status_code == 409
