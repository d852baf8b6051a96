"""The live stream over real HTTP."""

import json
import socket
import time

import httpx
import pytest

from controller.api.server import Server
from tests.api.conftest import listening


def frames(response, count=None, seconds=4.0):
    """The stream's events as (name, data); stops after ``count`` of them or ``seconds``."""
    end, name, seen = time.monotonic() + seconds, "", 0
    for line in response.iter_lines():
        if line.startswith("event: "):
            name = line[7:]
        elif line.startswith("data: "):
            yield name, json.loads(line[6:])
            seen += 1
        if seen == count or time.monotonic() > end:
            return


def test_a_stream_begins_with_a_snapshot_and_goes_on_with_what_changed(http, bench):
    with http.stream("GET", "/api/v1/stream") as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        assert response.headers["cache-control"] == "no-store"
        assert "content-length" not in response.headers
        (_, snapshot), *others = frames(response, 6)
    assert [column["name"] for column in snapshot["columns"]][:2] == ["temperature", "agitation_rate"]
    assert snapshot["values"][1] is None
    assert snapshot["quality"][1] == 2
    assert snapshot["reason"][0] == "ok"
    assert snapshot["vessels"][0]["loops"][0]["pv"] == 0
    deltas = [data for name, data in others if name == "delta"]
    assert deltas
    assert [delta["seq"] for delta in deltas] == sorted(delta["seq"] for delta in deltas)
    assert deltas[0]["seq"] > snapshot["seq"]


def test_a_setpoint_reaches_the_stream_as_journal_row_value_and_state(http, bench):
    path = "/api/v1/vessels/BR-101/loops/temperature/setpoint"
    with http.stream("GET", "/api/v1/stream") as response:
        stream = frames(response)
        next(stream)
        put = httpx.put(f"{http.base_url}{path}", json={"value": 33.5, "unit": "Cel", "reason": "seen live"})
        number = put.json()["journal"]
        row = value = state = None
        for name, data in stream:
            if name == "event" and data["number"] == number:
                row = data
            elif name == "delta":
                value = next((item[1] for item in data["v"] if item[0] == 2), value)
                state = data["state"].get("vessels", state)
            if row and value == 33.5 and state:
                break
    assert row["reason"] == "seen live"
    assert value == 33.5
    assert state[0]["loops"][0]["revision"] == bench.loops["temperature"]["revision"]


@pytest.mark.timeout(20)
def test_a_heartbeat_comes_each_second_and_stops_with_the_scan(http, bench, monkeypatch):
    with http.stream("GET", "/api/v1/stream") as response:
        beats = [time.monotonic() for name, _ in frames(response, seconds=2.6) if name == "hb"]
    assert 2 <= len(beats) <= 3
    monkeypatch.setattr(bench, "alive", False)
    with http.stream("GET", "/api/v1/stream", timeout=1.5) as response, pytest.raises(httpx.ReadTimeout):
        assert all(name != "hb" for name, _ in frames(response))


def test_a_client_that_does_not_read_costs_no_memory_and_delays_nobody(http, bench, server):
    port = int(server.rsplit(":", 1)[1])
    with socket.create_connection(("127.0.0.1", port)) as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.sendall(f"GET /api/v1/stream HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
        with http.stream("GET", "/api/v1/stream") as response:
            names = [name for name, _ in frames(response, seconds=1.0)]
        assert names.count("delta") > 20


def test_streams_are_counted_and_limited(http, bench, server):
    def clients():
        return float(
            next(
                line for line in http.get("/metrics").text.splitlines() if line.startswith("biovisor_stream_clients")
            ).split()[1]
        )

    with httpx.Client(base_url=server, trust_env=False, limits=httpx.Limits(max_connections=100)) as many:
        opened = [many.send(many.build_request("GET", "/api/v1/stream"), stream=True) for _ in range(64)]
        assert {response.status_code for response in opened} == {200}
        assert clients() == 64
        refused = http.get("/api/v1/stream")
        assert refused.status_code == 503
        assert "64 streams" in refused.json()["detail"]
        for response in opened:
            response.close()
    end = time.monotonic() + 3
    while clients() and time.monotonic() < end:
        time.sleep(0.02)
    assert clients() == 0


def test_stopping_does_not_wait_for_open_streams(bench):
    with listening() as listener:
        server = Server(bench, listener)
        server.start()
        with httpx.stream("GET", f"http://127.0.0.1:{server.port}/api/v1/stream", trust_env=False) as response:
            stream = response.iter_bytes()
            next(stream)
            begun = time.monotonic()
            server.stop()
            assert time.monotonic() - begun < 2.0
            assert b"".join(stream) is not None, "the stream ends, it is not cut"
        server.stop()
    assert len(bench.stats.observers) == 1, "the ended server observes no more"
