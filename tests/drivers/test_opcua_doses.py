"""A server that freezes, or whose line is cut, in the middle of a write (F12): the result is unknown, a read-back
decides, and no dose is given twice. Each trial is compared with what the server really did.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from controller.link_io import LinkIo
from controller.model.loops import Output, OutputTable
from controller.stages.outputs import Outputs
from drivers.contract import ConnectionSpec, Driver, Point, WriteOutcome, WriteState
from drivers.instruments.generic_plc import GenericPlc
from drivers.instruments.vicell_blu import ViCellBlu
from drivers.instruments.vicell_session import CounterSession
from drivers.link import Link
from drivers.link_state import LinkState
from drivers.opcua import OpcUaSettings
from tests.drivers.conftest import Relay
from tests.drivers.simulated import Simulated

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

SAMPLE = 10
WHOLE = 200
TIMEOUT_S = 0.3
SETTLED_S = 8.0
COUNTS = ("bench.start", "bench.sample")
DOSES = ("Dose.Request", "Dose.Last")


class Rig:
    """The way of a command that is written once: outputs, links, a driver, a wire, a server that can be stopped."""

    def __init__(self, driver: Driver, addresses: Sequence[str], pid: int, seed: int) -> None:
        request, known = Point("request", addresses[0], "w"), Point("known", addresses[1], "r")
        tags: Any = SimpleNamespace(
            tags=[SimpleNamespace(unit="1", vessel="bench", point=one) for one in (request, known)]
        )
        self.outputs = Outputs(OutputTable((Output(0, "bench.request", 0.0, 1e9, once=True),)), tags)
        self.io = LinkIo(2, {"wire": [(0, request), (1, known)]}, {}, simulated=True)
        self.link = Link(
            "wire", driver, [request, known], period_s=0.1, deadline_s=2 * TIMEOUT_S,
            now_ns=time.monotonic_ns, on_event=lambda event: None,
        )  # fmt: skip
        self.io.attach({"wire": self.link})
        self.pid, self.random = pid, random.Random(seed)
        self.results: Counter[WriteState] = Counter()
        self.told: list[str] = []
        self._task = asyncio.create_task(self.link.run())

    async def close(self) -> None:
        self._task.cancel()
        await asyncio.wait([self._task])

    def scan(self) -> list[WriteOutcome]:
        """What a scan does: observe, ask for nothing, tell what became of writes."""
        self.outputs.observe(self.io.collect(time.monotonic_ns()), 0.1)
        assert self.outputs.command(self.outputs.target, 0.1, time.monotonic()) == {}, (
            "a once output is never refreshed"
        )
        outcomes = self.io.outcomes()
        self.told += [event.text for event in self.outputs.settle(outcomes, {"request": 0, "known": 1})]
        self.io.request_reads()
        return outcomes

    async def until(self, done: Callable[[], bool], within_s: float = SETTLED_S) -> bool:
        """Scan until something holds; whether it came to that in time."""
        ending = time.monotonic() + within_s
        while time.monotonic() < ending:
            self.scan()
            if done():
                return True
            await asyncio.sleep(0.02)
        return False

    def known(self) -> float:
        """What the instrument says it did last."""
        return self.io.collect(time.monotonic_ns()).value[1]

    async def outcome(self) -> WriteOutcome:
        """What became of the write."""
        async with asyncio.timeout(SETTLED_S):
            while True:
                for outcome in self.scan():
                    return outcome
                await asyncio.sleep(0.002)

    async def freeze(self, delay_s: float, frozen_s: float) -> None:
        await asyncio.sleep(delay_s)
        os.kill(self.pid, signal.SIGSTOP)
        try:
            await asyncio.sleep(frozen_s)
        finally:
            os.kill(self.pid, signal.SIGCONT)

    async def trial(self, number: int, trouble: Callable[[], Any], decided_s: float) -> int:
        """Send one command while there is trouble; how often it was done, as far as we can tell."""
        assert await self.until(lambda: self.link.state is LinkState.UP)
        troubling = asyncio.create_task(trouble())
        await asyncio.sleep(self.random.uniform(0.0, 0.01))
        self.io.write({0: float(number)})
        outcome = await self.outcome()
        await troubling
        while outcome.state is WriteState.REFUSED:
            assert "not sent" in outcome.detail or "being processed" in outcome.detail, outcome
            assert await self.until(lambda: self.link.state is LinkState.UP)
            self.io.write({0: float(number)})
            outcome = await self.outcome()
        self.results[outcome.state] += 1
        back = await self.until(lambda: self.link.state is LinkState.UP and self.known() == number, decided_s)
        if outcome.state is WriteState.APPLIED:
            assert back, outcome
        return int(back)

    def freezing(self) -> Callable[[], Any]:
        """A freeze at a random moment around the write: before it, while it is on its way, after it."""
        delay, frozen = self.random.uniform(0.0, 0.02), self.random.uniform(0.05, 0.9)
        return lambda: self.freeze(delay, frozen)


@pytest.fixture(scope="module")
def counter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulated]:
    folder = tmp_path_factory.mktemp("counter")
    with Simulated("vicell_blu", folder, site_speed=1200.0, vessels=["bench"], user="u", password="p") as simulated:
        yield simulated


class DosingPlc:
    """The peer in a process of its own, behind a relay."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.drivers.dosing_server"],
            cwd=Path(__file__).parents[2], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self.process.stdout
        self.port = int(self.process.stdout.readline())

    def end(self) -> list[float]:
        """Stop; the doses that were given, in order."""
        output, _ = self.process.communicate(timeout=20)
        return [float(line) for line in output.splitlines()]


@pytest.fixture
async def plc() -> AsyncIterator[DosingPlc]:
    peer = DosingPlc()
    yield peer
    if peer.process.poll() is None:
        peer.process.kill()
        peer.process.communicate()


async def count(url: str, pid: int, trials: int, first: int) -> Counter[WriteState]:
    """Start samples by a method while the counter freezes; the driver knows which it started."""
    spec = ConnectionSpec("counter", url, {"user": "u", "password": "p", "poll": 0.1}, TIMEOUT_S)
    rig = Rig(ViCellBlu(spec), COUNTS, pid, seed=first)
    numbers = range(first, first + trials)
    try:
        seen = {number: await rig.trial(number, rig.freezing(), 3.0) for number in numbers}
    finally:
        await rig.close()
    session = CounterSession(OpcUaSettings(url, 5.0, "u", "p"), {})
    await session.open()
    done = Counter(sample.name for sample in await session.counts("bench-", 10.0))
    await session.close()
    assert {number: done[f"bench-{number}"] for number in numbers} == seen
    assert max(seen.values()) == 1
    return rig.results


async def count_apart(simulated: Simulated, trials: int, first: int) -> dict[str, int]:
    """In a process of its own: asyncua takes the types of one server it has met for another's."""
    arguments = f"{simulated.url!r}, {simulated.address['pid']}, {trials}, {first}"
    program = (
        "import asyncio, json\nfrom tests.drivers.test_opcua_doses import count\n"
        f"results = asyncio.run(count({arguments}))\n"
        "print(json.dumps({state.value: number for state, number in results.items()}))"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, cwd=Path(__file__).parents[2], stdout=subprocess.PIPE
    )
    output, _ = await process.communicate()
    assert process.returncode == 0
    results: dict[str, int] = json.loads(output)
    return results


async def dose(plc: DosingPlc, trials: int) -> tuple[Counter[WriteState], list[str]]:
    """Order doses by a plain write while the PLC freezes or the line is cut: nothing but the read-back knows."""
    relay = Relay(plc.port)
    await relay.start()
    url = f"opc.tcp://127.0.0.1:{relay.port}"
    rig = Rig(GenericPlc(ConnectionSpec("plc", url, {}, TIMEOUT_S)), DOSES, plc.process.pid, seed=trials)

    async def cut() -> None:
        """What was written is in the relay, and gets lost there."""
        await asyncio.sleep(rig.random.uniform(0.0, 0.015))
        relay.running.clear()
        await asyncio.sleep(rig.random.uniform(0.05, 0.5))
        await relay.stop()
        relay.running.set()
        await relay.start()

    seen = {}
    try:
        for number in range(1, trials + 1):
            seen[number] = await rig.trial(number, cut if number % 3 == 0 else rig.freezing(), 2.0)
    finally:
        await rig.close()
        await relay.stop()
    given = Counter(plc.end())
    assert {number: given[float(number)] for number in seen} == seen
    assert max(given.values()) == 1
    return rig.results, rig.told


async def test_a_sample_is_counted_once_by_a_counter_that_freezes(counter: Simulated) -> None:
    results = await count_apart(counter, SAMPLE, 1)
    assert sum(results.values()) == SAMPLE


async def test_a_dose_is_given_once_by_a_plc_that_freezes(plc: DosingPlc) -> None:
    results, told = await dose(plc, SAMPLE)
    assert results[WriteState.UNKNOWN]
    assert any("was not confirmed; it is not sent again" in text for text in told)


@pytest.mark.soak
@pytest.mark.timeout(3600)
async def test_two_hundred_samples(counter: Simulated) -> None:
    results = await count_apart(counter, WHOLE, 1000)
    print(results)
    assert results["applied"]
    assert results["unknown"]


@pytest.mark.soak
@pytest.mark.timeout(3600)
async def test_two_hundred_doses(plc: DosingPlc) -> None:
    results, _ = await dose(plc, WHOLE)
    print(dict(results))
    assert results[WriteState.APPLIED]
    assert results[WriteState.UNKNOWN]
