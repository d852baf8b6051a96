"""Why an output is at its value, over HTTP: the newest scan answers, not the one that is running."""

import time

import pytest

from controller.commands import Verb
from controller.stages.loop_state import Mode

LOOP = "/api/v1/vessels/BR-101/loops/temperature"


@pytest.fixture
def rig(bench):
    """The scan that explains the loops of this bench, with a culture that got too warm."""
    rig = bench.explained
    rig.set(temperature=36.5)
    rig.step()
    rig.mode("temperature", "auto", reason="warm up")
    for temperature in (37.5, 38.6):
        rig.set(temperature=temperature)
        rig.run(60)
    return rig


def published(bench):
    """Show the scan of the rig, and wait until it is the newest."""
    bench.why = bench.explained.scan.view().why.loop
    seq, end = bench.publisher.latest.seq, time.monotonic() + 5
    while bench.publisher.latest.seq < seq + 2 and time.monotonic() < end:
        time.sleep(0.005)


def test_u11_the_chain_of_reasons_of_the_newest_scan(http, bench, rig):
    published(bench)
    body = http.get(f"{LOOP}/why").json()
    assert (body["vessel"], body["name"], body["unit"], body["mode"]) == ("BR-101", "temperature", "Cel", "auto")
    assert body["actual"] == "tracking"
    assert body["mode_reason"] == "interlock Culture too warm holds Heater at 0 % (temperature 38.60 > 38.50 Cel)"
    kinds = [reason["kind"] for reason in body["reasons"]]
    assert kinds[:2] == ["interlock", "mode"]
    assert body["reasons"][0]["numbers"] == {"held_at": 0.0, "unit": "%"}
    assert body["reasons"][0]["conditions"][0]["live"] == "temperature 38.60 < 38.00 Cel"
    assert set(body["parts"]) == {"p", "i", "d", "ff", "held_back", "wanted", "low", "high"}
    assert body["actuators"][0]["forced"] == 0.0
    assert body["tuning"]["gain"] == rig.scan.loops.tunings[rig.loop("temperature")].gain
    assert body["time"] > 1e9


def test_the_scan_that_runs_is_not_asked(http, bench, rig):
    published(bench)
    before = http.get(f"{LOOP}/why").json()
    rig.mode("temperature", "manual", reason="look")
    rig.step(rig.command(Verb.OUTPUT, "temperature", value=20.0))
    after = http.get(f"{LOOP}/why").json()
    assert {**after, "time": 0} == {**before, "time": 0}
    published(bench)
    assert "output by hand 20 %" in str(http.get(f"{LOOP}/why").json()["reasons"])


def test_what_does_not_exist_and_what_cannot_be_explained_is_said(http, bench, rig):
    answer = http.get(LOOP.replace("temperature", "warmth") + "/why")
    assert answer.status_code == 404
    assert "temperature" in answer.json()["detail"]
    assert http.get(LOOP.replace("BR-101", "BR-109") + "/why").status_code == 404
    why, bench.why = bench.why, None
    seq = bench.publisher.latest.seq
    while bench.publisher.latest.seq < seq + 2:
        time.sleep(0.005)
    assert http.get(f"{LOOP}/why").status_code == 503
    bench.why = why


@pytest.mark.parametrize("mode", Mode)
def test_every_mode_can_be_asked_for_and_only_those(http, mode):
    answer = http.put(f"{LOOP}/mode", json={"mode": mode.word, "reason": "look"})
    has = mode.word in {"off", "manual", "auto"}
    assert answer.status_code == (202 if has else 422)
    if not has:
        assert "must be one of auto, manual, off" in answer.json()["detail"]
    assert http.put(f"{LOOP}/mode", json={"mode": "tracking", "reason": "look"}).status_code == 422
