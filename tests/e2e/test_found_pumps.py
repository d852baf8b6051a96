"""What a supervisor without a record does with pumps as it finds them."""

import os
import time
from pathlib import Path

import pytest

from tests.e2e.conftest import BENCH, Supervisor, until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]
VESSELS = ("BR-101", "BR-102")


def tell(instruments, pump, *commands):
    """Send commands to a pump, as its front panel or another program did before the supervisor came."""
    path = Path(instruments.url(pump).removeprefix("serial://").partition("?")[0])
    descriptor = os.open(path, os.O_RDWR | os.O_NOCTTY)
    try:
        for command in commands:
            os.write(descriptor, command.encode() + b"\r")
            time.sleep(0.05)
    finally:
        os.close(descriptor)


def test_a_standing_pump_stays_standing_and_a_running_feed_is_stopped(start, instruments, tmp_path):
    """All pumps of BR-101 stand, the feed of BR-102 runs."""
    for vessel, feed in (("BR-101", "1ST"), ("BR-102", "1GO")):
        number = vessel.removeprefix("BR-")
        tell(instruments, f"feed-pump-{number}", "1SP40.0", feed)
        tell(instruments, f"base-pump-{number}", "1SP40.0", "1ST")
    assert [instruments.state(vessel)["feed_rpm"] for vessel in VESSELS] == [0.0, 40.0]
    supervisor = start(Supervisor, "run", BENCH, "--instruments", instruments.file, "--data", tmp_path / "data").ready()
    until(lambda: instruments.state("BR-102")["feed_rpm"] == 0.0, 10, "the feed pump stands")
    seen = set()
    end = time.monotonic() + 14
    while time.monotonic() < end:
        for state in map(instruments.state, VESSELS):
            seen |= {state["feed_rpm"], state["base_rpm"]}
        time.sleep(0.2)
    assert seen == {0.0}, "also when outputs are written again"
    for vessel in VESSELS:
        feed = supervisor.loop("feed", vessel)
        assert (feed["mode"], feed["mode_reason"]) == ("off", "safe until somebody decides")
        assert supervisor.tag("feed_flow", vessel)["value"] == 0.0
