"""Slow points and events with programs of other authors, and with our simulated PLC: frozen, restarted, forgotten."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from drivers.contract import ConnectionSpec, DriverError, Message, Point, Quality, Sample
from drivers.instruments.generic_plc import GenericPlc
from drivers.opcua import slow
from tests.drivers.simulated import Simulated
from tests.drivers.test_opcua_peers import NodePlc

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(90)]

TEMPERATURE, WEIGHT = Point("t", "Temp.PV", slow=True), Point("w", "Weight.PV", slow=True)
QUICK = {"slow_every": 0.2, "events": True}


@pytest.fixture(scope="module")
def node_plc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodePlc]:
    plc = NodePlc(tmp_path_factory.mktemp("node"))
    yield plc
    plc.stop()


class Reader:
    """Reads as a link does, and keeps what was said."""

    def __init__(self, driver: GenericPlc) -> None:
        self.driver, self.said = driver, list[Message]()
        self.plan = driver.plan([TEMPERATURE, WEIGHT])

    async def read(self) -> list[Sample]:
        samples = list(await self.driver.read(self.plan))
        self.said += self.driver.take_messages()
        return samples

    async def until(self, done: Callable[[list[Sample]], bool], within_s: float = 8.0) -> list[Sample]:
        async with asyncio.timeout(within_s):
            while True:
                samples = await self.read()
                if done(samples):
                    return samples
                await asyncio.sleep(0.05)

    async def subscribed(self) -> None:
        """Until values come from the subscription: both are in what it told."""
        await self.until(lambda _: watched(self.driver) == 2)


def watched(driver: GenericPlc) -> int:
    """How many nodes a living subscription has told of."""
    one = driver._reader._watch
    return 0 if one is None or one.over(asyncio.get_running_loop().time()) else len(one.told(one.followed))


async def test_values_and_events_of_a_server_of_node_opcua(node_plc: NodePlc) -> None:
    reader = Reader(node_plc.driver(**QUICK))
    await reader.driver.open()
    await reader.subscribed()
    node_plc.order("temp", "38.5")
    samples = await reader.until(lambda samples: samples[0].value == 38.5)
    assert [sample.quality for sample in samples] == [Quality.GOOD, Quality.GOOD]
    assert samples[0].source_time is not None
    node_plc.order("event", "tube worn")
    await reader.until(lambda _: any(one.text == "tube worn" for one in reader.said))
    (told,) = (one for one in reader.said if one.text == "tube worn")
    assert (told.source, told.severity) == ("Pump", 700)
    await reader.driver.close()


async def test_a_subscription_that_node_opcua_ends(node_plc: NodePlc, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slow, "RETRY_S", 1.0)
    reader = Reader(node_plc.driver(**QUICK))
    await reader.driver.open()
    await reader.subscribed()
    node_plc.order("drop")
    node_plc.order("temp", "39.5")
    await reader.until(lambda samples: samples[0].value == 39.5)
    await reader.until(lambda _: any(one.text == "the server tells changes again" for one in reader.said))
    await reader.subscribed()
    node_plc.order("temp", "37.25")
    await reader.until(lambda samples: samples[0].value == 37.25)
    assert any(one.text.startswith("the subscription is lost: ") for one in reader.said)
    await reader.driver.close()


async def test_a_frozen_server_of_node_opcua(node_plc: NodePlc) -> None:
    reader = Reader(node_plc.driver(**QUICK))
    await reader.driver.open()
    await reader.subscribed()
    os.kill(node_plc.process.pid, signal.SIGSTOP)
    try:
        with pytest.raises(DriverError):
            await reader.read()
        await reader.driver.close()
    finally:
        os.kill(node_plc.process.pid, signal.SIGCONT)
    await reader.driver.open()
    await reader.subscribed()
    await reader.driver.close()


async def test_a_server_of_node_opcua_that_is_killed_and_comes_back(tmp_path: Path) -> None:
    plc = NodePlc(tmp_path)
    reader = Reader(plc.driver(**QUICK))
    await reader.driver.open()
    await reader.subscribed()
    plc.process.kill()
    plc.stop()
    with pytest.raises(DriverError):
        await reader.read()
    await reader.driver.close()
    await asyncio.to_thread(plc.start, plc.port)
    await reader.driver.open()
    await reader.subscribed()
    plc.order("temp", "36.5")
    await reader.until(lambda samples: samples[0].value == 36.5)
    await reader.driver.close()
    plc.stop()


async def test_the_simulated_plc_tells_changes_and_its_alarm(tmp_path: Path) -> None:
    with Simulated("generic_plc", tmp_path) as plc:
        reader = Reader(GenericPlc(ConnectionSpec("plc", plc.url, dict(QUICK), 0.5)))
        await reader.driver.open()
        await reader.subscribed()
        seen = {(await reader.read())[0].value}
        await reader.until(lambda samples: samples[0].value not in seen)
        beat = Point("beat", "Host.Heartbeat", "w")
        for count in (1.0, 2.0):
            await reader.driver.write([(beat, count)])
            await asyncio.sleep(0.2)  # several cycles of the PLC
        gone = "active: the host's heartbeat is gone, outputs are safe"
        await reader.until(lambda _: gone in {one.text for one in reader.said})
        await reader.driver.write([(beat, 3.0)])
        await reader.until(lambda _: f"no longer {gone}" in {one.text for one in reader.said})
        assert {one.severity for one in reader.said} == {800, 200}
        plc.fault("freeze", 2.0)
        await asyncio.sleep(0.1)
        with pytest.raises(DriverError):
            await reader.read()
        await reader.driver.close()
