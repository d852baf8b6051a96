"""Subscriptions over OPC UA that are lost in every way: nothing old is ever taken for new."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from asyncua import ua

from drivers.contract import DriverError, Point
from drivers.opcua import slow
from tests.drivers.slow_peer import FAST, LOST_S, SLOW, Peer, said, subscribed, until

pytestmark = pytest.mark.timeout(60)  # the first one waits for the server to start


@pytest.fixture
async def peer(opcua_server: Any, relay: Any) -> AsyncIterator[Peer]:
    one = Peer(opcua_server, relay)
    await one.fill()
    yield one
    await one.stop()


async def test_a_subscription_that_the_server_forgets_is_found_by_its_silence_and_made_again(
    peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slow, "RETRY_S", 1.0)
    driver = peer.driver()
    await driver.open()
    await subscribed(peer, driver)
    await peer.delete_them()
    await peer.put("Slow", 4.0)
    took = await until(driver, lambda sample: sample.value == 4.0)
    assert took < LOST_S + 0.5
    await peer.put("Slow", 5.0)
    assert (await driver.read(driver.plan([SLOW])))[0].value == 5.0, "read, not told"
    await subscribed(peer, driver)
    await peer.put("Slow", 6.0)
    peer.asked.clear()
    await until(driver, lambda sample: sample.value == 6.0)
    assert "Slow" not in peer.asked
    lost, again = said(driver)
    assert lost.startswith(f"the subscription is lost: it has been silent for {LOST_S:g} s; slow points are read")
    assert again == "the server tells changes again"
    await driver.close()


LOSSES: dict[str, tuple[Callable[[Any], Any], str]] = {
    "ended": (
        lambda one: one.enqueue_statuschange(ua.StatusCode(ua.StatusCodes.BadTimeout)),
        "the server has ended it (BadTimeout)",
    ),
    "lost": (
        lambda one: setattr(one, "_notification_seq", one._notification_seq + 1),
        "notifications were lost before number",
    ),
}


@pytest.mark.parametrize("loss", LOSSES)
async def test_what_the_server_says_or_leaves_out_ends_belief_at_once(peer: Peer, loss: str) -> None:
    work, why = LOSSES[loss]
    driver = peer.driver()
    await driver.open()
    await subscribed(peer, driver)
    await peer.to_subscription(work)
    peer.asked.clear()
    async with asyncio.timeout(LOST_S):
        while "Slow" not in peer.asked:
            await driver.read(driver.plan([SLOW, FAST]))
            await asyncio.sleep(0.02)
    (text,) = said(driver)
    assert why in text
    await driver.close()


async def test_a_subscription_that_lives_but_tells_no_changes_is_found_by_comparing(
    peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slow, "COMPARE_S", 0.5)
    monkeypatch.setattr(slow, "LAG_S", 0.3)
    driver = peer.driver()
    await driver.open()
    await subscribed(peer, driver)
    await peer.to_subscription(lambda one: one.monitored_item_srv.delete_all_monitored_items())
    await peer.put("Slow", 9.0)
    assert await until(driver, lambda sample: sample.value == 9.0) < 1.5
    async with asyncio.timeout(5.0):
        while not (found := said(driver)):
            (sample, _) = await driver.read(driver.plan([SLOW, FAST]))
            assert sample.value == 9.0, "read for as long as there is a doubt"
            await asyncio.sleep(0.02)
    assert "a change was not told" in found[0]
    await driver.close()


async def test_what_changes_all_the_time_is_no_reason_for_doubt(peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slow, "COMPARE_S", 0.2)
    monkeypatch.setattr(slow, "LAG_S", 0.3)
    driver = peer.driver()
    await driver.open()
    await subscribed(peer, driver)
    for count in range(40):
        await peer.put("Slow", 10.0 + count)
        await driver.read(driver.plan([SLOW, FAST]))
        await asyncio.sleep(0.04)
    assert not said(driver)
    await driver.close()


async def test_a_server_that_wants_to_be_silent_for_long_is_read(peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    service = peer.server.server.iserver.subscription_service
    monkeypatch.setattr(service, "_clamp_keep_alive_count", lambda _: 1000)
    driver = peer.driver()
    await driver.open()
    for value in (1.0, 2.0, 3.0):
        await peer.put("Slow", value)
        assert (await driver.read(driver.plan([SLOW])))[0].value == value
        await asyncio.sleep(0.1)
    assert "wants to be silent for 100 s at a time" in said(driver)[0]
    await driver.close()


async def test_a_new_session_subscribes_anew(peer: Peer) -> None:
    driver = peer.driver()
    for _ in range(2):
        await driver.open()
        await subscribed(peer, driver)
        await peer.relay.stop()
        with pytest.raises(DriverError):
            await driver.read(driver.plan([SLOW, FAST]))
        await driver.close()
        await peer.relay.start()
    await driver.open()
    await peer.put("Slow", 7.0)
    assert (await driver.read(driver.plan([SLOW])))[0].value == 7.0
    await driver.close()


@pytest.mark.parametrize("hangs_up", [False, True])
async def test_a_server_that_answers_nothing_else_when_it_subscribes_is_read_all_the_same(
    peer: Peer, monkeypatch: pytest.MonkeyPatch, hangs_up: bool
) -> None:
    """Its connection is not lost over and over for what is only to spare it."""
    service = peer.server.server.iserver.subscription_service
    create = service.create_subscription

    async def late(*arguments: Any, **more: Any) -> Any:
        if hangs_up:
            for client in peer.server.server.bserver.clients:
                client.transport.abort()
        await asyncio.sleep(0.8)  # its requests are served one after the other
        return await create(*arguments, **more)

    monkeypatch.setattr(service, "create_subscription", late)
    driver, lost, values = peer.driver(), 0, list[float]()
    plan, loop = driver.plan([SLOW, FAST]), asyncio.get_running_loop()
    await driver.open()
    until_s = loop.time() + 0.8 * slow.RETRY_S
    while loop.time() < until_s:
        try:
            values.append((await driver.read(plan))[0].value)
        except DriverError:
            lost += 1
            await driver.close()
            await driver.open()
        await asyncio.sleep(0.05)
    await driver.close()
    assert lost == 1
    assert len(values) > 20


async def test_a_comparison_is_not_put_off_by_a_write(peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A node without a value has no type yet: it is read before each write to it."""
    monkeypatch.setattr(slow, "COMPARE_S", 0.3)
    monkeypatch.setattr(slow, "LAG_S", 0.1)
    driver, typeless = peer.driver(), Point("none", "s=None", "rw")
    plan = driver.plan([SLOW, FAST])
    await driver.open()
    await subscribed(peer, driver)
    await peer.to_subscription(lambda one: one.monitored_item_srv.delete_all_monitored_items())
    await peer.put("Slow", 9.0)
    for _ in range(4):
        await asyncio.sleep(0.4)
        await driver.write([(typeless, 1.0)])
        (sample, _) = await driver.read(plan)
    assert sample.value == 9.0
    await driver.close()
