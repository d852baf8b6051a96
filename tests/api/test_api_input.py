"""Bad input: each a 4xx problem that says what is wrong; never a 500, never an echo."""

import json
import socket

import pytest

SETPOINT = "/api/v1/vessels/BR-101/loops/temperature/setpoint"
JSON = {"Content-Type": "application/json"}


def body(value):
    return f'{{"value": {value}, "unit": "Cel", "reason": "test"}}'


BAD = {
    "NaN": (body("NaN"), 400),
    "infinity": (body("-Infinity"), 400),
    "1e400": (body("1e400"), 422),
    "a string": (body('"37"'), 422),
    "true": (body("true"), 422),
    "null": (body("null"), 422),
    "370 degrees": (body("370"), 422),
    "a tiny bit too much": (body("40.0000001"), 422),
    "a wrong unit": ('{"value": 37, "unit": "mL/h", "reason": "test"}', 422),
    "an unknown unit": ('{"value": 37, "unit": "warm", "reason": "test"}', 422),
    "a long unit": ('{"value": 37, "unit": "%s", "reason": "test"}' % ("m" * 50), 422),
    "no unit": ('{"value": 37, "reason": "test"}', 422),
    "no reason": ('{"value": 37, "unit": "Cel"}', 422),
    "a blank reason": ('{"value": 37, "unit": "Cel", "reason": " \\t "}', 422),
    "an invisible reason": ('{"value": 37, "unit": "Cel", "reason": "\\u200b"}', 422),
    "half a surrogate": ('{"value": 37, "unit": "Cel", "reason": "\\ud800"}', 422),
    "an extra field": ('{"value": 37, "unit": "Cel", "reason": "test", "<script>": 1}', 422),
    "a field twice": ('{"value": 37, "value": 38, "unit": "Cel", "reason": "test"}', 400),
    "a 400-digit integer": (body("9" * 400), 400),
    "a 5000-digit integer": (body("9" * 5000), 400),
    "a 5000-digit fraction": (body("9" * 5000 + ".5"), 422),
    "a huge revision": ('{"value": 37, "unit": "Cel", "reason": "test", "expected_revision": 99999999999999999}', 422),
    "half a document": ('{"value": 37', 400),
    "nothing": ("", 422),
    "a list": ("[]", 422),
    "not UTF-8": (b'{"value": 37, "unit": "\xff\xfe"}', 400),
    "UTF-16": ('{"value": 37}'.encode("utf-16"), 400),
    "a deep document": ("[" * 5000, 400),
    "a deep but whole document": ("[" * 500 + "]" * 500, 400),
    "30 levels": ("[" * 30 + "]" * 30, 400),
    "an oversized body": (body("37") + " " * 70_000, 413),
}


@pytest.mark.parametrize("what", BAD)
def test_bad_input_is_a_problem_and_changes_nothing(http, bench, what):
    content, status = BAD[what]
    before = dict(bench.loops["temperature"])
    answer = http.put(SETPOINT, content=content, headers=JSON)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    document = answer.json()
    assert len(document["detail"]) > 10
    assert "script" not in answer.text
    assert "warm" not in answer.text
    assert bench.loops["temperature"] == before


def test_a_chunked_body_is_limited_too(http):
    answer = http.put(SETPOINT, content=(b" " * 10_000 for _ in range(10)), headers=JSON)
    assert answer.status_code == 413


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "", "application/jsonp"])
def test_a_body_that_is_not_declared_as_json_is_refused(http, content_type):
    answer = http.put(SETPOINT, content=body("37"), headers={"Content-Type": content_type})
    assert answer.status_code == 415


def test_half_a_request_does_not_keep_others_waiting(http, server):
    port = int(server.rsplit(":", 1)[1])
    with socket.create_connection(("127.0.0.1", port)) as half:
        half.sendall(f"PUT {SETPOINT} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Length: 100\r\n\r\n{{".encode())
        assert http.get("/livez").status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/v1/nothing", 404),
        ("GET", "/nothing.html", 404),
        ("GET", "/../../etc/passwd", 404),
        ("GET", "/%2e%2e/%2e%2e/pyproject.toml", 404),
        ("GET", "/api/v1/vessels/%ff%fe", 404),
        ("DELETE", "/api/v1/vessels", 405),
        ("POST", "/api/v1/batches/x/explode", 422),
        ("GET", "/api/v1/commands/0", 404),
        ("GET", "/api/v1/commands/" + "9" * 5000, 422),
        ("GET", "/api/v1/commands/99999999999999999999", 404),
        ("GET", "/api/v1/events?limit=0", 422),
        ("GET", "/api/v1/events?type=Nonsense", 422),
        ("GET", "/api/v1/history", 422),
        ("GET", "/api/v1/history?tag=BR-101.warmth", 404),
        ("GET", "/api/v1/history?tag=BR-101.temperature&start=nan", 422),
        ("GET", "/api/v1/history?tag=BR-101.temperature&end=1e300", 422),
        ("GET", "/api/v1/history?tag=BR-101.temperature&end=yesterday", 422),
        ("GET", "/api/v1/history?tag=BR-101.temperature&start=2026-01-01T00:00:00", 422),
        ("GET", "/api/v1/history?tag=BR-101.temperature&start=0001-01-01T00:00:00%2B14:00", 422),
        ("GET", "/api/v1/history?tag=BR-101.temperature&points=1000000", 422),
    ],
)
def test_odd_addresses_are_problems(http, method, path, status):
    content = json.dumps({"reason": "test"}) if method == "POST" else None
    answer = http.request(method, path, content=content, headers=JSON)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == status
