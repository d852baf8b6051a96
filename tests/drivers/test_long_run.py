"""A day of links to instruments that lose power or their plug every few minutes: nothing grows, no event too many."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import subprocess
import sys
import time
import tracemalloc
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from drivers.conformance.contract_checks import descriptors
from drivers.contract import ConnectionSpec, Driver, Quality, Sample
from drivers.instruments.alicat import Alicat
from drivers.instruments.bronkhorst import Bronkhorst
from drivers.instruments.huber import Huber
from drivers.instruments.julabo import Julabo
from drivers.instruments.lauda import Lauda
from drivers.instruments.mettler_toledo import MettlerToledo
from drivers.link import Link
from drivers.link_state import LinkEvent, LinkState
from tests.drivers.simulated import points

pytestmark = pytest.mark.e2e

SPEED = 144.0
"""Process seconds per second: a day takes ten minutes."""
DAY_S = 86_400.0
OUTAGE_S = 1.0
"""Wall seconds; longer than the drivers' time-outs."""
TIMEOUT_S = 0.6
PERIOD_S = 0.05
PATIENCE_S = 15.0
PAUSE_S = 0.25
"""Wall seconds of peace after an outage."""
MOST_BYTES = 256 * 1024
"""By how much the objects of all links may grow; what leaked at every outage would be more."""
MOST_RSS = 8 * 1024 * 1024
WAYS = ("reboot", "disconnect")
READ: dict[str, tuple[type[Any], list[str]]] = {
    "alicat": (Alicat, ["mass_flow", "setpoint"]),
    "bronkhorst": (Bronkhorst, ["flow", "setpoint"]),
    "huber": (Huber, ["internal", "setpoint"]),
    "julabo": (Julabo, ["bath", "setpoint"]),
    "lauda": (Lauda, ["bath", "setpoint"]),
    "mettler_toledo": (MettlerToledo, ["weight", "stable"]),
}


@pytest.fixture
def instruments(tmp_path: Path) -> Iterator[dict[str, Any]]:
    """The announcement of one simulated instrument of each kind."""
    spec = {
        "site": "day", "seed": 1, "speed": SPEED, "directory": str(tmp_path), "with_parent": True,
        "instruments": {kind: {"kind": kind} for kind in READ},
    }  # fmt: skip
    command = [sys.executable, "-m", "simulators"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(spec) + "\n")
        process.stdin.flush()
        yield json.loads(process.stdout.readline())
        process.terminate()


class Day:
    """All links at work, their events, and outages one after the other."""

    def __init__(self, announced: dict[str, Any]) -> None:
        self.control = announced["control"].split(":")
        self.pids = [entry["pid"] for entry in announced["instruments"].values()]
        self.events: dict[str, list[LinkState]] = {kind: [] for kind in READ}
        self.outages = dict.fromkeys(READ, 0)
        self.changed = asyncio.Event()
        self.links = {kind: self._link(kind, announced["instruments"][kind]["url"]) for kind in READ}
        self.tasks = [asyncio.create_task(link.run()) for link in self.links.values()]

    def _link(self, kind: str, url: str) -> Link:
        made, addresses = READ[kind]
        driver: Driver = made(ConnectionSpec(kind, url, {"slowest_reply": 0.1}, TIMEOUT_S))
        return Link(
            kind, driver, points(*addresses), period_s=PERIOD_S, deadline_s=4.0, now_ns=time.monotonic_ns,
            on_event=self._note,
        )  # fmt: skip

    def _note(self, event: LinkEvent) -> None:
        self.events[event.link].append(event.state)
        self.changed.set()

    async def until(self, kind: str, state: LinkState) -> None:
        """Wait for a state of a link."""
        async with asyncio.timeout(PATIENCE_S):
            while self.links[kind].state is not state:
                self.changed.clear()
                await self.changed.wait()

    async def all_up(self) -> None:
        """Wait until every instrument answers."""
        for kind in READ:
            await self.until(kind, LinkState.UP)

    async def outage(self, number: int) -> None:
        """One instrument is away for a moment; then it is there again, and all others were all the time."""
        kind, way = list(READ)[number % len(READ)], WAYS[number // len(READ) % len(WAYS)]
        self.outages[kind] += 1
        reader, writer = await asyncio.open_connection(self.control[0], int(self.control[1]))
        request = {"op": "fault", "instrument": kind, "fault": way, "duration_s": OUTAGE_S}
        writer.write(json.dumps(request).encode() + b"\n")
        assert json.loads(await reader.readline())["ok"]
        writer.close()
        await writer.wait_closed()
        await self.until(kind, LinkState.DOWN)
        await self.until(kind, LinkState.UP)
        await asyncio.sleep(PAUSE_S)
        assert self.events == {
            one: [LinkState.UP, *([LinkState.DOWN, LinkState.UP] * count)] for one, count in self.outages.items()
        }
        doubtful = [
            one for one in self.links[kind].latest() if one.quality is not Quality.GOOD and not has_a_new_zero(one)
        ]
        assert not doubtful, (kind, way, doubtful)

    async def stop(self) -> None:
        """End all links."""
        for task in self.tasks:
            task.cancel()
        await asyncio.wait(self.tasks)


@pytest.fixture
async def day(instruments: dict[str, Any]) -> AsyncIterator[Day]:
    running = Day(instruments)
    yield running
    await running.stop()


def held(pids: list[int]) -> list[int]:
    """How many descriptors every process has open."""
    return [descriptors(), *(len(list(Path(f"/proc/{pid}/fd").iterdir())) for pid in pids)]


def resident(pid: int) -> int:
    """Bytes of memory that a process occupies."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


def has_a_new_zero(sample: Sample) -> bool:
    """A balance that was without power may weigh from another zero, and says so."""
    return sample.quality is Quality.UNCERTAIN and sample.detail.startswith("it was switched on")


async def live(day: Day, warm: int, seconds: float) -> int:
    """Outages for so long, after some that fill every cache; returns how many there were."""
    await day.all_up()
    for number in range(warm):
        await day.outage(number)
    gc.collect()
    tracemalloc.start()
    try:
        tasks, open_before = len(asyncio.all_tasks()), held(day.pids)
        memory = {pid: resident(pid) for pid in (os.getpid(), *day.pids)}
        number, ending = warm, time.monotonic() + seconds
        while time.monotonic() < ending:
            await day.outage(number)
            number += 1
        gc.collect()
        grown, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(asyncio.all_tasks()) == tasks
    assert held(day.pids) == open_before
    assert grown < MOST_BYTES
    assert all(resident(pid) - before < MOST_RSS for pid, before in memory.items())
    return number - warm


@pytest.mark.timeout(60)
async def test_a_few_minutes(day: Day) -> None:
    assert await live(day, 1, 8.0) >= 3


@pytest.mark.soak
@pytest.mark.timeout(3600)
async def test_a_day(day: Day) -> None:
    assert await live(day, 2 * len(READ), DAY_S / SPEED) > 100
