"""Slow points and events over OPC UA: told by a subscription, with quality and time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from asyncua import ua
from asyncua.server.monitored_item_service import MonitoredItemService

from drivers.conformance import Bench, DriverConformance
from drivers.contract import DriverError, Point, Quality, WriteState
from drivers.instruments.generic_opcua import GenericOpcUa
from drivers.opcua import slow
from tests.drivers.slow_peer import FAST, SLOW, STAMP, URI, Peer, said, subscribed, until

pytestmark = pytest.mark.timeout(60)  # the first one waits for the server to start


@pytest.fixture
async def peer(opcua_server: Any, relay: Any) -> AsyncIterator[Peer]:
    one = Peer(opcua_server, relay)
    await one.fill()
    yield one
    await one.stop()


class SlowBench(Bench):
    """The contract holds for slow points as for all others."""

    readable = (SLOW, FAST, Point("own", "s=Own.SP", slow=True))
    unknown = Point("odd", "ns=4;s=Slow", slow=True)
    setting = (FAST, 25.0)

    def __init__(self, peer: Peer) -> None:
        self.peer = peer

    def driver(self) -> GenericOpcUa:
        return self.peer.driver()

    async def silence(self) -> None:
        self.peer.relay.running.clear()

    async def restore(self) -> None:
        self.peer.relay.running.set()


class TestConformance(DriverConformance):
    """The contract."""

    @pytest.fixture
    async def bench(self, peer: Peer) -> SlowBench:
        return SlowBench(peer)


async def test_a_slow_value_is_told_with_quality_and_time(peer: Peer) -> None:
    driver = peer.driver()
    await driver.open()
    (sample, _) = await driver.read(driver.plan([SLOW, FAST]))
    assert sample.value == 1.0, "the first one is read"
    await subscribed(peer, driver)
    await peer.put("Slow", 1.5, ua.StatusCodes.UncertainLastUsableValue)
    peer.asked.clear()
    await until(driver, lambda sample: sample.value == 1.5)
    (sample, fast) = await driver.read(driver.plan([SLOW, FAST]))
    assert (sample.quality, sample.detail) == (Quality.UNCERTAIN, "UncertainLastUsableValue")
    assert sample.source_time == STAMP.timestamp()
    assert (fast.value, fast.quality) == (2.0, Quality.GOOD)
    assert set(peer.asked) == {"Fast"}
    assert len(peer.subscriptions) == 1
    await driver.close()
    assert not said(driver)


async def test_a_link_is_proved_although_everything_is_slow(peer: Peer) -> None:
    driver = peer.driver()
    await driver.open()
    await subscribed(peer, driver)
    plan = driver.plan([SLOW])
    peer.asked.clear()
    await driver.read(plan)
    assert peer.asked == [slow.SERVER_STATE.removeprefix("i=")]
    peer.relay.running.clear()
    with pytest.raises(DriverError):
        await driver.read(plan)
    await driver.close()


async def test_a_node_that_is_also_wanted_at_every_read_or_does_not_exist_is_read(peer: Peer) -> None:
    driver = peer.driver()
    await driver.open()
    await subscribed(peer, driver)
    both, missing = Point("both", "s=Slow"), Point("missing", "s=No", slow=True)
    plan = driver.plan([SLOW, both, missing])
    for _ in range(3):
        peer.asked.clear()
        samples = await driver.read(plan)
        assert [sample.value for sample in samples[:2]] == [1.0, 1.0]
        assert samples[2].detail == "there is no such node (BadNodeIdUnknown)"
        assert peer.asked == ["Slow", "No"]
        await asyncio.sleep(0.05)
    await driver.close()


async def test_a_node_that_is_wanted_at_every_read_by_another_text_is_read(peer: Peer) -> None:
    """A read-back above all: it would be taken for what became of a write."""
    other = Point("other", f"nsu={URI};s=Slow", "rw")
    driver = peer.driver()
    await driver.open()
    await subscribed(peer, driver)
    plan = driver.plan([SLOW, other])
    for value in (5.0, 6.0):
        assert (await driver.write([(other, value)]))[0].state is WriteState.APPLIED
        peer.asked.clear()
        assert [sample.value for sample in await driver.read(plan)] == [value, value]
        assert "Slow" in peer.asked
    await driver.close()


async def test_a_node_that_the_server_samples_too_seldom_is_read(peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    created = MonitoredItemService._make_monitored_item_common

    def seldom(*arguments: Any) -> Any:
        result, data = created(*arguments)
        result.RevisedSamplingInterval = 60_000.0
        return result, data

    monkeypatch.setattr(MonitoredItemService, "_make_monitored_item_common", seldom)
    driver = peer.driver()
    await driver.open()
    plan = driver.plan([SLOW, FAST])
    async with asyncio.timeout(5.0):
        while not any(one.monitored_item_srv._monitored_items for one in peer.subscriptions.values()):
            await driver.read(plan)
            await asyncio.sleep(0.02)
    for _ in range(10):
        peer.asked.clear()
        await driver.read(plan)
        assert peer.asked == ["Slow", "Fast"]
        await asyncio.sleep(0.05)
    assert len(peer.subscriptions) == 1, "events come by it all the same"
    await driver.close()


@pytest.mark.parametrize("broken", [False, True])
async def test_nothing_is_left_of_a_subscription(peer: Peer, broken: bool) -> None:
    before = asyncio.all_tasks()
    driver = peer.driver()
    await driver.open()
    await subscribed(peer, driver)
    if broken:
        await peer.relay.stop()
        with pytest.raises(DriverError):
            await driver.read(driver.plan([SLOW, FAST]))
    await driver.close()
    assert not {task for task in asyncio.all_tasks() - before if "Relay." not in repr(task)}
    if broken:
        await peer.relay.start()


async def test_what_can_be_written_is_read_every_time(peer: Peer) -> None:
    driver = peer.driver()
    await driver.open()
    await subscribed(peer, driver)
    plan = driver.plan([SLOW, Point("sp", "s=Own.SP", "rw", slow=True)])
    peer.asked.clear()
    await driver.read(plan)
    assert peer.asked == ["Own.SP"]
    await driver.close()


async def test_what_the_server_reports_is_told(peer: Peer) -> None:
    driver = peer.driver()
    await driver.open()
    await subscribed(peer, driver)
    await peer.report("tube  worn\nout")
    await peer.report("pressure high", 10637, active=True)
    await peer.report("pressure high", 10637, active=False)
    found: list[Any] = []
    async with asyncio.timeout(5.0):
        while len(found) < 3:
            await driver.read(driver.plan([SLOW]))
            found += driver.take_messages()
            await asyncio.sleep(0.02)
    assert [one.text for one in found] == ["tube worn out", "active: pressure high", "no longer active: pressure high"]
    assert {(one.source, one.severity) for one in found} == {("Pump 1", 650)}
    assert abs(found[0].source_time - datetime.now(UTC).timestamp()) < 30
    await driver.close()


async def test_too_many_reports_are_counted(peer: Peer) -> None:
    driver = peer.driver()
    await driver.open()
    await subscribed(peer, driver)
    for _ in range(3):
        await peer.report("again", times=100)
        await peer.published()
    await driver.read(driver.plan([SLOW]))
    texts = said(driver)
    assert texts[0] == "100 earlier messages were too many at once and are lost"
    assert texts[1:] == ["again"] * 200
    await driver.close()


async def test_without_slow_points_and_events_nothing_is_subscribed_to(peer: Peer) -> None:
    driver = peer.driver(events=False)
    await driver.open()
    for _ in range(3):
        await driver.read(driver.plan([FAST]))
        await asyncio.sleep(0.02)
    assert not peer.subscriptions
    await driver.close()
