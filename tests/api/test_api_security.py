"""Who may ask from where, and what a browser may do with the answers."""

import socket

import pytest

from controller.api.security import refusal
from controller.api.server import Server

SETPOINT = "/api/v1/vessels/BR-101/loops/temperature/setpoint"
BODY = {"value": 36, "unit": "Cel", "reason": "test"}


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_a_foreign_page_may_not_change_anything(http, bench, headers):
    before = dict(bench.loops["temperature"])
    answer = http.put(SETPOINT, json=BODY, headers=headers)
    assert answer.status_code == 403
    assert answer.headers["content-type"] == "application/problem+json"
    assert bench.loops["temperature"] == before


def test_our_own_page_may(http, server):
    answer = http.put(SETPOINT, json=BODY, headers={"Origin": server, "Sec-Fetch-Site": "same-origin"})
    assert answer.status_code == 202


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8000", "127.0.0.1.evil.example", "127.0.0.1@evil", "", "[", "10.0.0.1"]
)
def test_a_foreign_host_name_is_not_answered_at_all(http, host):
    answer = http.get("/api/v1/vessels", headers={"Host": host})
    assert answer.status_code in {400, 421}
    assert "BR-101" not in answer.text


@pytest.mark.parametrize("host", ["localhost:8000", "127.0.0.1:1", "[::1]:8000", "LOCALHOST", "127.0.0.1"])
def test_loopback_names_are_answered_on_any_port_so_that_tunnels_work(host):
    assert refusal("GET", {"host": host}) is None


def test_two_hosts_or_origins_are_not_one():
    assert refusal("GET", {"host": "localhost, evil"}).status == 421
    assert refusal("PUT", {"host": "localhost", "origin": "http://localhost, http://evil"}).status == 403


def test_no_foreign_origin_is_ever_allowed_to_read(http):
    answer = http.get("/api/v1/vessels", headers={"Origin": "http://evil.example"})
    assert not [name for name in answer.headers if name.startswith("access-control")]
    preflight = http.options(
        SETPOINT, headers={"Origin": "http://evil.example", "Access-Control-Request-Method": "PUT"}
    )
    assert not [name for name in preflight.headers if name.startswith("access-control")]


@pytest.mark.parametrize("path", ["/api/v1/vessels", "/api/v1/nothing", "/", "/livez"])
def test_every_answer_carries_the_security_headers(http, path):
    headers = http.get(path).headers
    assert "default-src 'self'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"
    assert "server" not in headers
    assert headers["cache-control"] == ("no-store" if path.startswith("/api") else "no-cache")


def test_there_is_no_page_that_loads_from_elsewhere(http):
    assert http.get("/docs").status_code == 404
    assert http.get("/redoc").status_code == 404
    assert http.get("/api/v1/openapi.json").json()["info"]["title"] == "Biovisor"


def test_a_socket_that_others_can_reach_is_refused(bench):
    with socket.socket() as everywhere:
        everywhere.bind(("0.0.0.0", 0))
        with pytest.raises(ValueError, match="no accounts and no TLS"):
            Server(bench, everywhere)
