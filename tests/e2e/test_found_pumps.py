"""What a supervisor without a record does with pumps as it finds them."""

import os
import time
from pathlib import Path

import pytest

from tests.e2e.conftest import BENCH, Supervisor, until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]


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


@pytest.mark.parametrize("vessel", ["BR-101", "BR-102"])
def test_a_standing_pump_stays_standing_and_a_running_feed_is_stopped(start, instruments, tmp_path, vessel):
    number = vessel.removeprefix("BR-")
    running = vessel == "BR-102"
    for pump in ("feed", "base"):
        tell(instruments, f"{pump}-pump-{number}", "1SP40.0", "1GO" if running and pump == "feed" else "1ST")
    assert instruments.state(vessel)["feed_rpm"] == (40.0 if running else 0.0)
    seen = set()
    supervisor = start(Supervisor, "run", BENCH, "--instruments", instruments.file, "--data", tmp_path / "data").ready()
    until(lambda: instruments.state(vessel)["feed_rpm"] == 0.0, 10, "the feed pump stands")
    end = time.monotonic() + 14
    while time.monotonic() < end:
        state = instruments.state(vessel)
        seen |= {state["feed_rpm"], state["base_rpm"]}
        time.sleep(0.2)
    assert seen == {0.0}, "also when outputs are written again"
    feed = supervisor.loop("feed", vessel)
    assert (feed["mode"], feed["mode_reason"]) == ("off", "safe until somebody decides")
    assert supervisor.tag("feed_flow", vessel)["value"] == 0.0
