"""Vessels, history, events, recipes, health and metrics."""

import re
import statistics
import time
from datetime import UTC, datetime
from queue import SimpleQueue

TEMPERATURE = "BR-101.temperature"


def test_a_vessel_shows_every_value_with_quality_unit_and_age(http, bench):
    body = http.get("/api/v1/vessels/BR-101").json()
    temperature, agitation = body["tags"]
    assert temperature["value"] == bench.loops["temperature"]["sp"]
    assert (temperature["unit"], temperature["quality"], temperature["reason"]) == ("Cel", "good", "ok")
    assert temperature["age"] == 0.1
    assert (agitation["value"], agitation["quality"]) == (None, "bad")
    loop = body["loops"][0]
    assert (loop["name"], loop["sp"], loop["op"], loop["unit"]) == (
        "temperature",
        temperature["value"],
        12.3456789,
        "Cel",
    )
    assert body["loops"][1]["pv"] is None
    assert http.get("/api/v1/vessels").json()["vessels"][0]["name"] == "BR-101"
    assert "BR-101" in http.get("/api/v1/vessels/BR-9").json()["detail"]


def stored(bench, scans):
    end = time.monotonic() + 5
    while bench.store.health().rows < scans and time.monotonic() < end:
        time.sleep(0.01)
    assert bench.store.health().rows >= scans


def test_history_gives_as_many_points_as_asked_for(http, bench):
    stored(bench, 30)
    params = {"tag": [TEMPERATURE, f"{TEMPERATURE}.sp", "BR-101.agitation_rate"], "points": 10}
    body = http.get("/api/v1/history", params=params).json()
    one, sp, unread = body["series"]
    assert [series["tag"] for series in body["series"]] == params["tag"]
    assert len(one["time"]) == len(one["value"]) == len(one["low"]) == len(one["high"]) == len(one["quality"]) == 10
    assert one["time"] == sorted(one["time"])
    assert body["start"] <= one["time"][0] <= one["time"][-1] <= body["end"]
    assert one["unit"] == sp["unit"] == "Cel"
    assert set(unread["value"]) == {None}
    assert set(unread["quality"]) == {2}


def test_history_takes_seconds_and_iso_times(http, bench):
    stored(bench, 30)
    end = bench.publisher.latest.time
    iso = datetime.fromtimestamp(end - 60, UTC).isoformat()
    for start in (end - 60, iso, iso.replace("+00:00", "Z")):
        body = http.get("/api/v1/history", params={"tag": TEMPERATURE, "start": start, "end": end}).json()
        assert abs(body["start"] - (end - 60)) < 1e-3
        assert body["series"][0]["time"]
    assert http.get("/api/v1/history", params={"tag": TEMPERATURE, "end": 100}).json()["series"][0]["time"] == []


def test_events_can_be_followed_and_filtered(http, bench):
    written = SimpleQueue()
    end = bench.store.subscribe(lambda entries: [written.put(entry) for entry in entries])
    body = {"value": 36, "unit": "Cel", "reason": "for the journal"}
    path = "/api/v1/vessels/BR-101/loops/temperature/setpoint"
    number = http.put(path, json=body, headers={"Prefer": "wait=3"}).json()["journal"]
    while written.get(timeout=5).get("command") != number:
        """What came of the command is told before it is on record."""
    end()
    rows = http.get("/api/v1/events", params={"after": number - 1, "limit": 1}).json()
    assert rows["events"][0]["number"] == rows["next"] == number
    assert rows["events"][0]["reason"] == "for the journal"
    assert re.fullmatch("[0-9a-f]{64}", rows["events"][0]["hash"])
    newest = http.get("/api/v1/events", params={"limit": 2, "vessel": "BR-101"}).json()["events"]
    assert [row["number"] for row in newest] == sorted(row["number"] for row in newest)
    assert http.get("/api/v1/events", params={"vessel": "BR-9"}).json()["events"] == []
    assert http.get("/api/v1/events", params={"type": "Alarm"}).json()["events"] == []
    assert http.get(f"/api/v1/commands/{number}").json()["events"][0]["text"] == "applied"


def test_recipes_show_their_formula_and_hard_ranges(http):
    (recipe,) = http.get("/api/v1/recipes").json()["recipes"]
    assert recipe["operations"] == ["fill", "expand"]
    assert recipe["formula"]["culture_temperature"] == {
        "title": "Culture temperature", "unit": "Cel", "value": 37.0, "low": 30.0, "high": 39.0,
    }  # fmt: skip


def test_livez_fails_when_the_scan_has_stopped(http, bench, monkeypatch):
    assert http.get("/livez").json()["alive"] is True
    monkeypatch.setattr(bench, "alive", False)
    answer = http.get("/livez")
    assert answer.status_code == 503
    assert "scan" in answer.json()["detail"]


def test_readyz_says_what_is_missing(http, bench, monkeypatch):
    assert http.get("/readyz").status_code == 200
    monkeypatch.setattr(bench, "missing", ["plc-101 does not answer"])
    answer = http.get("/readyz")
    assert answer.status_code == 503
    assert "plc-101 does not answer" in answer.json()["detail"]


def test_an_answer_does_not_wait_for_the_other_sides_acknowledgement(http):
    taken = []
    for _ in range(21):
        begun = time.monotonic()
        http.get("/livez")
        taken.append(time.monotonic() - begun)
    assert statistics.median(taken) < 0.035, "40 ms each is a delayed acknowledgement"


def test_metrics_have_scans_samples_store_and_process(http, bench):
    text = http.get("/metrics").text
    values = dict(re.findall(r"^(\S+) (\S+)$", text, re.M))
    assert float(values["biovisor_scans_total"]) > 0
    assert float(values["biovisor_scan_duration_seconds_count"]) > 0
    assert float(values["biovisor_scan_lateness_seconds_count"]) > 0
    assert values["biovisor_scan_overruns_total"] == "0.0"
    assert float(values['biovisor_samples_total{connection="plc",quality="good"}']) > 0
    assert float(values['biovisor_samples_total{connection="plc",quality="bad"}']) > 0
    assert values['biovisor_connection_up{connection="plc"}'] == "1.0"
    assert float(values["biovisor_journal_commits_total"]) > 0
    assert float(values["biovisor_history_rows_total"]) > 0
    assert values["biovisor_store_up"] == "1.0"
    assert "process_resident_memory_bytes" in values
