"""Programs and bottles over HTTP: text with units in, numbers in the program's units to the scan."""

import pytest

from tests.api.test_api_commands import WAIT, problem

BASE = "/api/v1/vessels/BR-101/loops/feed"
PROGRAM, BOTTLE = f"{BASE}/program", f"{BASE}/bottle"


def test_a_program_is_begun_with_quantities_in_any_unit(http, bench):
    body = {"program": "exponential", "parameters": {"growth_rate": "2.4 1/d", "most": "0.06 L/h", "at_end": "hold"}}
    answer = http.put(PROGRAM, json={**body, "reason": "feed"}, headers=WAIT)
    assert answer.status_code == 200
    assert answer.json()["read_back"]["value"] == 4.5
    stored = bench.store.command(answer.json()["journal"])
    assert stored.verb == "loop.program"
    assert stored.value == {
        "program": "exponential",
        "parameters": {"growth_rate": pytest.approx(0.1), "most": pytest.approx(60.0), "at_end": "hold"},
    }


def test_a_table_is_sorted_by_its_times(http, bench):
    points = {"90 min": "20 mL/h", "0 h": "5 mL/h", "1 d": "0 L/h"}
    answer = http.put(PROGRAM, json={"program": "table", "parameters": {"points": points}, "reason": "plan"})
    stored = bench.store.command(answer.json()["journal"])
    assert stored.value["parameters"] == {"points": [[0.0, 5.0], [1.5, 20.0], [24.0, 0.0]]}


def test_null_ends_the_program(http, bench):
    assert http.put(PROGRAM, json={"program": None, "reason": "enough"}, headers=WAIT).status_code == 200
    assert bench.loops["feed"]["program"] == {"program": None}


@pytest.mark.parametrize(
    ("program", "parameters", "field", "message"),
    [
        ("quadratic", {}, "program", "must be one of exponential, table, or null"),
        ("exponential", {}, "parameters.growth_rate", "is missing"),
        ("exponential", {"growth_rate": "0.5 1/h"}, "parameters.growth_rate.value", "between 0.01 and 0.3 h-1"),
        ("exponential", {"growth_rate": "0.1 mL"}, "parameters.growth_rate.unit", "converts to h-1"),
        ("exponential", {"growth_rate": "0.1"}, "parameters.growth_rate", "a number with a unit"),
        ("exponential", {"growth_rate": {"0 h": "1"}}, "parameters.growth_rate", "not a table"),
        ("exponential", {"growth_rate": "0.1 1/h", "at_end": "go"}, "parameters.at_end", "must be stop or hold"),
        ("exponential", {"growth_rate": "0.1 1/h", "mu": "1 1/h"}, "parameters", "known: growth_rate, most, at_end"),
        ("table", {"points": "5 mL/h"}, "parameters.points", "must be a table"),
        ("table", {"points": {}}, "parameters.points", "must be a table"),
        ("table", {"points": {"0": "5 mL/h"}}, "parameters.points", "times with a unit"),
        ("table", {"points": {"0 h": "500 mL/h"}}, "parameters.points.value", "between 0 and 300 mL/h"),
    ],
)
def test_what_cannot_be_is_refused_with_what_can(http, bench, program, parameters, field, message):
    before = dict(bench.loops["feed"])
    document = problem(http.put(PROGRAM, json={"program": program, "parameters": parameters, "reason": "try"}), 422)
    assert document["errors"][0]["field"] == field
    assert message in document["errors"][0]["message"]
    assert bench.loops["feed"] == before


def test_an_outdated_revision_is_a_conflict(http):
    revision = http.get(PROGRAM).json()["revision"]
    http.put(BOTTLE, json={"reason": "changed"}, headers=WAIT)
    body = {"program": None, "reason": "old page", "expected_revision": revision}
    assert "changed since" in problem(http.put(PROGRAM, json=body), 409)["detail"]


def test_the_program_is_shown_with_its_numbers_and_what_may_be_asked_for(http):
    parameters = {"growth_rate": "0.1 1/h"}
    http.put(PROGRAM, json={"program": "exponential", "parameters": parameters, "reason": "feed"}, headers=WAIT)
    shown = http.get(PROGRAM).json()
    assert (shown["program"], shown["state"], shown["waits"]) == ("exponential", "runs", "")
    assert shown["parameters"] == {"growth_rate": pytest.approx(0.1)}
    assert {name: shown[name] for name in ("wanted", "hours", "total", "left", "factor")} == {
        "wanted": 4.5, "hours": 1.25, "total": 12.5, "left": 487.5, "factor": None,
    }  # fmt: skip
    assert (shown["unit"], shown["amount_unit"], shown["bottle"]) == ("mL/h", "mL", "ok")
    growth = shown["programs"]["exponential"]["parameters"]["growth_rate"]
    assert growth == {
        "title": "Growth rate", "unit": "h-1", "low": 0.01, "high": 0.3, "default": None, "needed": True, "choices": [],
    }  # fmt: skip


def test_a_bottle_is_full_or_holds_so_much(http, bench):
    assert http.put(BOTTLE, json={"reason": "new bottle"}, headers=WAIT).status_code in {200, 202}
    assert bench.loops["feed"]["bottle"] == {"volume": None}
    http.put(BOTTLE, json={"value": 0.25, "unit": "L", "reason": "half full"}, headers=WAIT)
    assert bench.loops["feed"]["bottle"] == {"volume": pytest.approx(250.0)}
    problem(http.put(BOTTLE, json={"value": 600, "unit": "mL", "reason": "too much"}), 422)
    problem(http.put(BOTTLE, json={"value": 100, "reason": "no unit"}), 422)
    alone = problem(http.put(BOTTLE, json={"unit": "mL", "reason": "no value"}, headers=WAIT), 422)
    assert alone["errors"][0]["field"] == "value"
    assert bench.loops["feed"]["bottle"] == {"volume": pytest.approx(250.0)}


def test_a_loop_without_programs_has_none(http):
    for what in ("program", "bottle"):
        path = f"/api/v1/vessels/BR-101/loops/temperature/{what}"
        body = {"reason": "try"} | ({"program": None} if what == "program" else {})
        assert "no programs" in problem(http.put(path, json=body), 404)["detail"]
