"""Setpoints, modes, outputs, batches and prompts over real HTTP."""

import dataclasses
import sqlite3
import time

import pytest

from controller.api.gateway import ReadBack, Refused
from controller.api.ordering import read_back_view

SETPOINT = "/api/v1/vessels/BR-101/loops/temperature/setpoint"
WAIT = {"Prefer": "wait=10"}


def problem(answer, status):
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    document = answer.json()
    assert {"type", "title", "status", "detail", "instance", "errors"} <= set(document)
    assert document["status"] == status
    assert len(document["detail"]) > 10
    return document


def test_a_setpoint_is_accepted_under_its_journal_number_and_then_applied(http, bench):
    answer = http.put(SETPOINT, json={"value": 36.5, "unit": "Cel", "reason": "cool a little"})
    assert answer.status_code == 202
    body = answer.json()
    assert body == {
        "accepted": True,
        "journal": body["journal"],
        "command": f"/api/v1/commands/{body['journal']}",
        "state": "accepted",
    }
    stored = bench.store.command(body["journal"])
    assert (stored.target, stored.value, stored.reason) == ("BR-101.temperature", {"value": 36.5}, "cool a little")


def test_a_client_that_waits_hears_what_the_device_read_back(http, bench):
    answer = http.put(SETPOINT, json={"value": 309.15, "unit": "K", "reason": "in kelvin"}, headers=WAIT)
    assert answer.status_code == 200
    assert answer.json()["state"] == "read_back"
    assert answer.json()["read_back"]["value"] == pytest.approx(36.0)
    assert bench.loops["temperature"]["sp"] == pytest.approx(36.0)
    command = http.get(answer.json()["command"]).json()
    assert command["state"] == "read_back"
    assert command["target"] == "BR-101.temperature"
    shown = http.get(SETPOINT).json()
    assert shown["value"] == pytest.approx(36.0)
    assert (shown["unit"], shown["low"], shown["high"]) == ("Cel", 4.0, 40.0)


def test_a_read_back_is_shown_without_the_noise_of_its_conversion():
    assert read_back_view(ReadBack(0.3 * 6.0, "mL/h", 0.0))["value"] == 1.8


def test_a_setpoint_beyond_the_limits_says_them_changes_nothing_and_is_on_record(http, bench):
    before = dict(bench.loops["temperature"])
    document = problem(http.put(SETPOINT, json={"value": 370, "unit": "Cel", "reason": "typing error"}), 422)
    assert document["errors"][0]["low"] == 4.0
    assert document["errors"][0]["high"] == 40.0
    assert document["errors"][0]["unit"] == "Cel"
    assert bench.loops["temperature"] == before
    http.put(SETPOINT, json={"value": 36, "unit": "Cel", "reason": "in order"})
    recorded = bench.store.entries(limit=3)
    assert any("refused" in entry["text"] and entry["reason"] == "typing error" for entry in recorded)


def test_an_outdated_revision_is_a_conflict(http, bench):
    http.put(SETPOINT, json={"value": 35, "unit": "Cel", "reason": "newer"}, headers=WAIT)
    document = problem(
        http.put(SETPOINT, json={"value": 36, "unit": "Cel", "reason": "old page", "expected_revision": 0}), 409
    )
    assert "changed since" in document["detail"]


def test_an_output_needs_manual_mode_and_the_refusal_says_so(http, bench):
    base = "/api/v1/vessels/BR-101/loops/agitation"
    output = {"value": 100, "unit": "{rev}/min", "reason": "by hand"}
    document = problem(http.put(f"{base}/output", json=output, headers=WAIT), 409)
    assert document["allowed"] == ["manual"]
    assert http.get(document["command"]).json()["state"] == "refused"
    assert (
        http.put(f"{base}/mode", json={"mode": "manual", "reason": "by hand"}, headers=WAIT).json()["state"]
        == "applied"
    )
    assert http.put(f"{base}/output", json=output, headers=WAIT).status_code == 202
    problem(http.put(f"{base}/mode", json={"mode": "cascade", "reason": "no such"}), 422)


@pytest.mark.parametrize(
    ("path", "known"), [("BR-9/loops/temperature", "BR-101"), ("BR-101/loops/warmth", "temperature")]
)
def test_what_does_not_exist_is_named_by_what_does(http, path, known):
    body = {"value": 37, "unit": "Cel", "reason": "test"}
    assert known in problem(http.put(f"/api/v1/vessels/{path}/setpoint", json=body), 404)["detail"]


def make_batch(http, **more):
    body = {"vessel": "BR-101", "recipe": "expand", "reason": "test", **more}
    return http.post("/api/v1/batches", json=body)


def test_a_batch_is_made_commanded_and_its_prompt_answered(http, bench):
    made = make_batch(http, formula={"culture_temperature": "309.65 K"}, begin_at="expand")
    assert made.status_code == 201, made.text
    batch = made.json()["batch"]
    assert made.headers["location"] == f"/api/v1/batches/{batch}"
    assert bench.batches[batch]["formula"] == {"culture_temperature": pytest.approx(36.5)}
    started = http.post(f"/api/v1/batches/{batch}/start", json={"reason": "go"})
    assert (started.status_code, started.json()["state"]) == (200, "applied")
    refused = problem(http.post(f"/api/v1/batches/{batch}/start", json={"reason": "again"}), 409)
    assert refused["allowed"] == ["hold", "stop", "abort"]
    assert refused["batch_state"] == "Running"
    prompt = f"/api/v1/batches/{batch}/prompts/inoculate"
    for inputs in (
        {},
        {"volume": {"value": 900, "unit": "mL"}},
        {"volume": {"value": 5, "unit": "Cel"}},
        {"mass": {"value": 5, "unit": "mL"}},
    ):
        assert problem(http.post(prompt, json={"inputs": inputs, "reason": "done"}), 422)["errors"]
    answered = http.post(prompt, json={"inputs": {"volume": {"value": 0.05, "unit": "L"}}, "reason": "done"})
    assert answered.status_code == 200
    assert bench.batches[batch]["answers"] == {"inoculate": {"volume": pytest.approx(50.0)}}
    problem(http.post(f"/api/v1/batches/{batch}/prompts/other", json={"inputs": {}, "reason": "done"}), 404)
    assert http.get(f"/api/v1/batches/{batch}").json()["state"] == "Running"
    assert batch in [item["id"] for item in http.get("/api/v1/batches").json()["batches"]]


def test_every_mistake_of_a_new_batch_is_said_at_once(http):
    formula = {"culture_temperature": "99 Cel", "count_every": "24", "warmth": "1 Cel"}
    errors = problem(make_batch(http, formula=formula, begin_at="nowhere"), 422)["errors"]
    assert len(errors) == 4
    problem(make_batch(http, recipe="other"), 404)
    problem(make_batch(http, vessel="BR-9"), 404)
    problem(http.post("/api/v1/batches/none/start", json={"reason": "x1"}), 404)


def test_a_command_the_scan_does_not_answer_in_time_is_accepted_only(http, bench, monkeypatch):
    monkeypatch.setattr(bench, "mute", True)
    made = make_batch(http)
    assert (made.status_code, made.json()["state"]) == (202, "accepted")
    put = http.put(SETPOINT, json={"value": 36, "unit": "Cel", "reason": "mute"}, headers=WAIT)
    assert (put.status_code, put.json()["state"]) == (202, "accepted")


def test_a_command_that_cannot_be_stored_is_refused_and_does_not_act(http, bench, monkeypatch):
    from controller.store import StoreUnavailable

    async def full(command):
        raise StoreUnavailable("database or disk is full")

    monkeypatch.setattr(bench, "submit", full)
    answer = http.put(SETPOINT, json={"value": 36, "unit": "Cel", "reason": "full"})
    assert "disk is full" in problem(answer, 503)["detail"]
    assert answer.headers["retry-after"] == "2"


def test_what_the_supervisor_refuses_is_a_conflict_with_what_is_allowed(http, bench, monkeypatch):
    async def refuses(command):
        raise Refused("the scan has not run for 9 s", allowed=["wait"])

    monkeypatch.setattr(bench, "submit", refuses)
    document = problem(http.put(SETPOINT, json={"value": 36, "unit": "Cel", "reason": "late"}), 409)
    assert document["detail"] == "the scan has not run for 9 s"
    assert document["allowed"] == ["wait"]


def test_a_recipe_for_another_class_is_refused(http, bench, monkeypatch):
    other = dataclasses.replace(bench.site.recipes["expand"], vessel_class="wave-bag")
    monkeypatch.setattr(bench, "site", dataclasses.replace(bench.site, recipes={"expand": other}))
    assert "wave-bag" in problem(make_batch(http), 422)["detail"]


@pytest.fixture
def locked(bench):
    """The bench with its record locked by somebody else."""
    other = sqlite3.connect(bench.store.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    yield bench
    other.close()


def test_what_only_stops_is_accepted_and_acts_while_nothing_can_be_stored(http, bench, request):
    batch = make_batch(http).json()["batch"]
    http.post(f"/api/v1/batches/{batch}/start", json={"reason": "go"})
    request.getfixturevalue("locked")
    held = http.post(f"/api/v1/batches/{batch}/hold", json={"reason": "foam"}, timeout=9)
    assert held.status_code == 202, held.text
    body = held.json()
    assert (body["accepted"], body["journal"], body["state"], body["batch"]) == (True, None, "accepted", batch)
    assert body["detail"].startswith("not yet on record: ")
    assert "locked" in body["detail"]
    off = "/api/v1/vessels/BR-101/loops/agitation/mode"
    assert http.put(off, json={"mode": "off", "reason": "foam"}, timeout=9).json()["journal"] is None
    end = time.monotonic() + 2
    while bench.batches[batch]["state"] != "Held" or bench.loops["agitation"]["mode"] != "off":
        assert time.monotonic() < end
        time.sleep(0.01)
