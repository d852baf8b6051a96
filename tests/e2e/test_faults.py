"""Break one instrument at a time: its values turn Bad, its loop does what it declared, the others do not notice."""

import time

import pytest

from tests.e2e.conftest import until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]
SCANS_3 = 3.0 + 0.6  # three scans of 1 s, and the half scan it takes to see it from outside


def quality(supervisor, tag, vessel="BR-101"):
    return supervisor.tag(tag, vessel)["quality"]


def watch_neighbours(supervisor, tags, until_s):
    """Every quality seen of ``tags`` (vessel, name) until the monotonic time ``until_s``."""
    seen = set()
    while time.monotonic() < until_s:
        seen |= {(vessel, name, quality(supervisor, name, vessel)) for vessel, name in tags}
        time.sleep(0.2)
    return seen


def acts_on_ph(instruments):
    state = instruments.state()
    return state["co2_sp"] > 0 or state["base_rpm"] > 0


def test_a_frozen_plc_turns_bad_alone_and_recovers(shared_bench):
    instruments, supervisor = shared_bench
    with instruments.frozen("plc-101"):
        frozen = time.monotonic()
        until(lambda: quality(supervisor, "temperature") == "bad", SCANS_3, "the frozen PLC's temperature is Bad")
        seen = watch_neighbours(supervisor, [("BR-101", "ph"), ("BR-102", "temperature"), ("BR-102", "do")], frozen + 5)
        assert {q for _, _, q in seen} == {"good"}, seen
    until(lambda: quality(supervisor, "temperature") == "good", 5, "the thawed PLC is read again")


@pytest.mark.parametrize("fault", ["disconnect", "garbage", "silence"])
def test_a_broken_serial_line_takes_its_loop_to_the_declared_action_and_recovers(bench, fault):
    instruments, supervisor = bench
    supervisor.engage(ph=(round(instruments.state()["true_ph"] - 0.2, 2), "[pH]"))
    until(lambda: acts_on_ph(instruments), 10, lambda: f"the pH loop acts: {supervisor.loop('ph')}")
    instruments.fault("probes-101", fault, 6)
    broken = time.monotonic()
    until(lambda: quality(supervisor, "ph") == "bad", SCANS_3, f"pH is Bad after {fault}")
    until(
        lambda: not acts_on_ph(instruments),
        2.5,
        lambda: f"CO2 and base are safe: {supervisor.loop('ph')}",
    )
    seen = watch_neighbours(supervisor, [("BR-101", "temperature"), ("BR-102", "ph")], broken + 5.5)
    assert {q for _, _, q in seen} == {"good"}, seen
    time.sleep(max(0.0, broken + 6 - time.monotonic()))
    until(lambda: quality(supervisor, "ph") == "good", 5, "pH is read again by itself")
    events = supervisor.http.get("/api/v1/events", params={"limit": 200}).json()["events"]
    about = [event for event in events if event["object"] == "probes-101"]
    assert 1 <= len(about) <= 6, "transitions are on record, repetitions are not"
