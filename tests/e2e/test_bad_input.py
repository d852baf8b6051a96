"""Bad input: each refused with a problem that says what is wrong; nothing changes, nothing is a 500."""

import json
import subprocess
import sys

import pytest

from tests.e2e.conftest import BENCH, ROOT, Supervisor

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(90)]

VESSEL_CLASS = ROOT / "configs/classes/stirred-tank-2l.yaml"
SETPOINT = "/api/v1/vessels/BR-101/loops/temperature/setpoint"


def body(value):
    return '{"value": ' + value + ', "unit": "Cel", "reason": "test"}'


BAD = {
    "NaN": body("NaN"),
    "infinity": body("Infinity"),
    "1e400": body("1e400"),
    "a string": body('"37"'),
    "true": body("true"),
    "370 degrees": body("370"),
    "a wrong unit": '{"value": 37, "unit": "mL/h", "reason": "test"}',
    "an unknown unit": '{"value": 37, "unit": "warm", "reason": "test"}',
    "no unit": '{"value": 37, "reason": "test"}',
    "no reason": '{"value": 37, "unit": "Cel"}',
    "a blank reason": '{"value": 37, "unit": "Cel", "reason": "  "}',
    "an extra field": '{"value": 37, "unit": "Cel", "reason": "test", "force": true}',
    "a 400-digit integer": body("9" * 400),
    "a 5000-digit integer": body("9" * 5000),
    "half a document": '{"value": 37',
    "not UTF-8": b'{"value": 37, "unit": "\xff\xfe"}',
    "a deep document": "[" * 5000,
    "an oversized body": body("37") + " " * 2_000_000,
}


@pytest.fixture(scope="module")
def supervisor(tmp_path_factory):
    process = Supervisor("run", BENCH, "--simulate", "--data", tmp_path_factory.mktemp("data"))
    yield process.ready()
    process.close()


@pytest.mark.parametrize("what", BAD)
def test_a_bad_setpoint_is_a_problem_and_changes_nothing(supervisor, what):
    before = supervisor.loop("temperature")
    answer = supervisor.http.put(SETPOINT, content=BAD[what], headers={"Content-Type": "application/json"})
    assert 400 <= answer.status_code < 500, (what, answer.status_code, answer.text)
    assert answer.headers["content-type"].startswith("application/problem+json")
    problem = answer.json()
    assert problem["status"] == answer.status_code
    assert len(problem["detail"]) > 10
    after = supervisor.loop("temperature")
    assert (after["sp"], after["revision"]) == (before["sp"], before["revision"])


@pytest.mark.parametrize(
    "path", ["/api/v1/vessels/BR-999/loops/temperature/setpoint", "/api/v1/vessels/BR-101/loops/warmth/setpoint"]
)
def test_an_unknown_vessel_or_loop_is_not_found(supervisor, path):
    answer = supervisor.http.put(path, json={"value": 37, "unit": "Cel", "reason": "test"})
    assert answer.status_code == 404
    assert "BR-101" in answer.text or "temperature" in answer.text, "it says which ones exist"


def test_another_origin_may_not_change_anything(supervisor):
    answer = supervisor.http.put(
        SETPOINT, json={"value": 36, "unit": "Cel", "reason": "test"}, headers={"Origin": "http://evil.example"}
    )
    assert answer.status_code == 403


TEN_MISTAKES = """\
recipe: ten-mistakes
version: 1.0.0
title: Ten mistakes
author: nobody
licence: Apache-2.0
vessel_class: stirred-tank-2l
requires: [temperature, telepathy]
formula:
  warm: {title: Warm, value: 37.0, hard: 30 .. 39 Cel, proven: 36 .. 38 Cel, normal: 36.8 .. 37.2 Cel}
  hot: {title: Hot, value: 99 Cel, hard: 30 .. 39 Cel, proven: 36 .. 38 Cel, normal: 36.8 .. 37.2 Cel}
  flow: {title: Flow, value: 3 parsec, hard: 0 .. 5 mL/h, proven: 1 .. 4 mL/h, normal: 2 .. 3 mL/h}
procedure:
  - operation: first
    title: First
    colour: blue
    do:
      - set: {loop: warp, to: hot}
      - set: {loop: temperature, to: nothing}
    until:
      - when: temperature > 3 mL
        then: second
      - when: temperture > 37 Cel
        then: nowhere
  - operation: lonely
    title: Lonely
    do:
      - prompt: go
        text: Go on.
    then: end
"""


def test_ten_mistakes_in_a_recipe_give_at_least_ten_messages_with_their_lines(tmp_path):
    path = tmp_path / "ten.yaml"
    path.write_text(TEN_MISTAKES)
    done = subprocess.run(
        [sys.executable, "-m", "controller.cli.main", "check", path, VESSEL_CLASS, "--json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 1
    problems = [p for p in json.loads(done.stdout)["problems"] if p["file"] == str(path)]
    lines = {p["line"] for p in problems}
    assert len(problems) >= 10, done.stdout
    assert {9, 10, 11, 15, 17, 18, 20, 22, 23} <= lines, sorted(lines)
    assert all(p["column"] > 0 and p["message"] for p in problems)


def test_the_shipped_files_have_no_problem():
    files = sorted((ROOT / "configs").rglob("*.yaml"))
    done = subprocess.run(
        [sys.executable, "-m", "controller.cli.main", "check", *files],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
