"""The drivers over real wires to the simulated instruments, which know nothing of the drivers."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from drivers import registry
from drivers.conformance import Bench, Disturbance
from drivers.conformance.contract_checks import ContractChecks
from drivers.conformance.wire_checks import WireChecks
from drivers.contract import ConnectionSpec, Driver, Point, Quality, WriteState
from drivers.link import Link
from drivers.link_state import LinkEvent, LinkState
from tests.drivers.simulated import FAULTS, UNPLUGGED_S

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(60)]

SPEED = 20
VESSEL = "BR-101"
KINDS = {"plc": "generic_plc", "probes": "hamilton_arc", "pump": "watson_marlow", "counter": "vicell_blu"}
OPTIONS: dict[str, dict[str, object]] = {
    "plc": {},
    "probes": {"slowest_reply": 0.15},
    "pump": {"slowest_reply": 0.15},
    "counter": {"user": "biovisor", "password": "secret", "poll": 0.5},
}
READ = {
    "plc": ["Temp.PV", "Jacket.PV", "Agit.PV", "Weight.PV", "Heater.OP", "Plc.Safe"],
    "probes": ["1.PMC1", "1.PMC6", "2.PMC1", "2.quality"],
    "pump": ["speed", "revolutions", "running"],
    "counter": [f"{VESSEL}.sample"],
}
CREDIBLE = {"Temp.PV": (15, 45), "1.PMC1": (5, 9), "1.PMC6": (15, 45), "2.PMC1": (0, 250), "speed": (0, 400)}


class Site:
    """The simulators as processes."""

    def __init__(self, directory: Path) -> None:
        extra: dict[str, dict[str, object]] = {
            "plc": {"db": "DB_Reactor"},
            "probes": {"units": {"1": "ph", "2": "do"}},
            "pump": {"pump": "base", "number": 1},
            "counter": {"vessels": [VESSEL], "user": "biovisor", "password": "secret"},
        }
        spec = {
            "site": "bench",
            "speed": SPEED,
            "seed": 1,
            "directory": str(directory),
            "with_parent": True,
            "vessels": {VESSEL: {"model": "tc_m", "seed": 101, "volume_l": 1.0, "temperature_c": 30.0}},
            "instruments": {name: {"kind": kind, "vessel": VESSEL, **extra[name]} for name, kind in KINDS.items()},
        }
        del spec["instruments"]["counter"]["vessel"]  # type: ignore[attr-defined]  # a dict: the counter serves all vessels
        self.process = subprocess.Popen(
            [sys.executable, "-m", "simulators"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps(spec).encode() + b"\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            self.process.communicate(timeout=10)
            raise RuntimeError("the simulators did not start")
        self.document: dict[str, Any] = json.loads(line)

    def driver(self, name: str) -> Driver:
        """A driver for one of the instruments."""
        url = self.document["instruments"][name]["url"]
        return registry.create(KINDS[name], ConnectionSpec(name, url, dict(OPTIONS[name]), 0.5))

    def signal(self, name: str, number: int) -> None:
        """Freeze or thaw one instrument."""
        os.kill(self.document["instruments"][name]["pid"], number)

    async def ask(self, **request: object) -> dict[str, Any]:
        """One request to the control port."""
        host, port = self.document["control"].rsplit(":", 1)
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(json.dumps(request).encode() + b"\n")
        answer: dict[str, Any] = json.loads(await reader.readline())
        writer.close()
        await writer.wait_closed()
        return answer

    def stop(self) -> None:
        """End all processes."""
        for entry in self.document["instruments"].values():
            with contextlib.suppress(ProcessLookupError):
                os.kill(entry["pid"], signal.SIGCONT)
        self.process.terminate()
        self.process.communicate(timeout=10)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    started = Site(tmp_path_factory.mktemp("ptys"))
    yield started
    started.stop()


def points(addresses: Sequence[str]) -> list[Point]:
    return [Point(f"tag {address}", address, "rw") for address in addresses]


SETTINGS = {"plc": (points(["Heater.OP"])[0], 5.0), "pump": (points(["speed"])[0], 3.0)}


LATE_S = 0.6
"""How late answers are when they are late: the drivers' time-out is half a second."""


class SimulatedBench(Bench):
    """One simulated instrument, silenced by stopping its process."""

    unknown = Point("odd", "no such; thing")

    def __init__(self, site: Site, name: str) -> None:
        self.site, self.name = site, name
        self.readable = points(READ[name])
        self.setting = SETTINGS.get(name)
        self.stopped = False
        self.faults: list[str] = []

    def driver(self) -> Driver:
        return self.site.driver(self.name)

    async def silence(self) -> None:
        self.site.signal(self.name, signal.SIGSTOP)
        self.stopped = True

    async def disturb(self, disturbance: Disturbance) -> bool:
        fault, more = FAULTS[disturbance]
        request = {"op": "fault", "instrument": self.name, "fault": fault, "duration_s": 600, **more}
        if disturbance is Disturbance.UNPLUGGED:
            request["duration_s"] = UNPLUGGED_S
        elif disturbance is Disturbance.LATE:
            request["magnitude"] = LATE_S
        if not (await self.site.ask(**request))["ok"]:
            return False
        if disturbance is not Disturbance.UNPLUGGED:
            self.faults.append(fault)
        return True

    async def restore(self) -> None:
        if self.stopped:
            self.site.signal(self.name, signal.SIGCONT)
            self.stopped = False
        while self.faults:
            await self.site.ask(op="fault", instrument=self.name, fault=self.faults.pop(), duration_s=0.001)
        await asyncio.sleep(0.002)


@pytest.fixture(params=list(KINDS))
async def bench(site: Site, request: pytest.FixtureRequest) -> SimulatedBench:
    return SimulatedBench(site, request.param)


class TestWires(WireChecks):
    """What can happen on a wire, on every simulated instrument: the peers of the drivers' own tests only go silent."""


@pytest.mark.soak
class TestContract(ContractChecks):
    """The rest of the contract, which the drivers' own tests check on their peers."""


class Links:
    """All four links at work, read ten times a second as the scan does at 60x."""

    def __init__(self, site: Site) -> None:
        self.events: list[LinkEvent] = []
        self.links = {
            name: Link(
                name,
                site.driver(name),
                points(READ[name] + (["Host.Heartbeat"] if name == "plc" else [])),
                period_s=0.1,
                deadline_s=0.6,
                now_ns=time.monotonic_ns,
                on_event=self.events.append,
            )
            for name in KINDS
        }
        self.tasks = [asyncio.create_task(link.run()) for link in self.links.values()]
        self.tasks.append(asyncio.create_task(self._scan()))

    async def _scan(self) -> None:
        count = 0
        while True:
            for link in self.links.values():
                link.request_read()
            count += 1
            self.links["plc"].submit({"tag Host.Heartbeat": float(count)})
            await asyncio.sleep(0.1)

    def good(self, name: str) -> bool:
        """Whether every sample of a link is Good and credible; a Good one that is not credible is an error."""
        samples = self.links[name].latest()
        for address, sample in zip(READ[name], samples, strict=False):
            low, high = CREDIBLE.get(address, (float("-inf"), float("inf")))
            assert sample.quality is not Quality.GOOD or low <= sample.value <= high, (address, sample)
        return all(sample.quality is Quality.GOOD for sample in samples)

    async def until(self, name: str, good: bool, within_s: float) -> float:
        """How long it took until a link is Good, or is not."""
        started = time.monotonic()
        while time.monotonic() - started < within_s:
            if self.good(name) is good:
                return time.monotonic() - started
            await asyncio.sleep(0.01)
        raise AssertionError(
            f"{name} not {good} after {within_s} s: {self.links[name].detail} {self.links[name].latest()}"
        )

    async def stop(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.wait(self.tasks)


@pytest.fixture
async def links(site: Site) -> AsyncIterator[Links]:
    running = Links(site)
    for name in KINDS:
        await running.until(name, True, 8.0)
    yield running
    await running.stop()


async def test_everything_is_good_and_says_who_it_is(links: Links) -> None:
    identities = {name: link.identity for name, link in links.links.items()}
    assert all(identity and identity.vendor and identity.model for identity in identities.values())
    assert [event.state for event in links.events] == [LinkState.UP] * 4


@pytest.mark.parametrize("name", KINDS)
async def test_a_frozen_instrument_is_bad_at_once_and_recovers(site: Site, links: Links, name: str) -> None:
    site.signal(name, signal.SIGSTOP)
    try:
        assert await links.until(name, False, 1.5) < 1.5
        await asyncio.sleep(1.0)
        others = [other for other in KINDS if other != name]
        assert all(links.good(other) for other in others)
    finally:
        site.signal(name, signal.SIGCONT)
    assert await links.until(name, True, 5.0) < 5.0
    downs = [event.link for event in links.events if event.state is LinkState.DOWN]
    assert set(downs) == {name}


SERIAL_FAULTS = ("silence", "garbage", "disconnect", "truncate")


@pytest.mark.parametrize(
    ("name", "fault"),
    [(name, fault) for name in ("probes", "pump") for fault in SERIAL_FAULTS] + [("probes", "crc")],
)
async def test_faults_of_a_serial_line(site: Site, links: Links, name: str, fault: str) -> None:
    answer = await site.ask(op="fault", instrument=name, fault=fault, duration_s=1.0)
    assert answer.get("ok", True), answer
    await links.until(name, False, 1.5)
    await asyncio.sleep(1.0)
    await links.until(name, True, 5.0)


async def test_late_replies_are_never_anothers(site: Site, links: Links) -> None:
    await site.ask(op="fault", instrument="probes", fault="delay", duration_s=2.0, magnitude=0.4)
    await links.until("probes", False, 1.5)
    ending = time.monotonic() + 2.0
    while time.monotonic() < ending:
        links.good("probes")
        await asyncio.sleep(0.01)
    await links.until("probes", True, 5.0)


async def test_a_probe_in_another_unit_is_not_believed(site: Site, links: Links) -> None:
    await site.ask(op="fault", instrument="probes", fault="wrong_unit", duration_s=1.0)
    await links.until("probes", False, 1.5)
    assert links.links["probes"].state is LinkState.UP
    await links.until("probes", True, 5.0)


async def test_writes_reach_the_plant(site: Site, links: Links) -> None:
    plc, pump = links.links["plc"], links.links["pump"]
    plc.submit({"tag Heater.OP": 20.0})
    pump.submit({"tag speed": 12.5})
    await asyncio.gather(plc.flush(1.0), pump.flush(1.0))
    written = [outcome for link in (plc, pump) for outcome in link.take_outcomes()]
    written = [outcome for outcome in written if outcome.point.address != "Host.Heartbeat"]
    assert [outcome.state for outcome in written] == [WriteState.APPLIED] * 2
    await asyncio.sleep(0.3)
    state = await site.ask(op="state", vessel=VESSEL)
    signals = state.get("state", state.get("signals", state))
    assert signals["heater"] == pytest.approx(20.0)
    assert signals["base_rpm"] == pytest.approx(12.5)
    pump.submit({"tag speed": 0.0})
    await pump.flush(1.0)
    before = links.links["pump"].latest()[1].value
    await asyncio.sleep(0.5)
    assert links.links["pump"].latest()[1].value == pytest.approx(before, abs=1.0)


async def test_a_count_from_request_to_result(site: Site) -> None:
    await site.ask(op="hands", id="seed-1", vessel=VESSEL, action="inoculate", volume_ml=50, density=10.5)
    driver = site.driver("counter")
    await driver.open()
    start = Point("start", f"{VESSEL}.start", "w")
    plan = driver.plan(points([f"{VESSEL}.{name}" for name in ("sample", "viable_density", "viability", "diameter")]))
    for _ in range(2):
        (outcome,) = await driver.write([(start, 1.0)])
        assert outcome.state is WriteState.APPLIED, outcome.detail
    samples: Sequence[Any] = ()
    for _ in range(200):
        samples = await driver.read(plan)
        if samples[0].value == 1.0:
            break
        await asyncio.sleep(0.1)
    assert samples[0].value == 1.0
    assert 0.1 < samples[1].value < 5.0
    assert 50 < samples[2].value <= 100
    assert 5 < samples[3].value < 30
    await driver.close()
