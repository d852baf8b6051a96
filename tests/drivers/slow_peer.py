"""Nodes on an asyncua server that are slow, what is asked of them, and what its subscriptions can suffer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from asyncua import ua
from asyncua.common.callback import CallbackType

from drivers.contract import ConnectionSpec, Messenger, Point, Sample
from drivers.instruments.generic_opcua import GenericOpcUa
from drivers.opcua import watch

URI = "urn:test:slow"
STAMP = datetime(2026, 11, 23, 20, 0, 0, tzinfo=UTC)
EVERY_S = 0.1
LOST_S = watch.LATE * EVERY_S + watch.GRACE_S
"""After so long nothing of a silent subscription is believed."""
START = {"Slow": 1.0, "Fast": 2.0, "Own.SP": 3.0}
SLOW, FAST = Point("slow", "s=Slow", slow=True), Point("fast", "s=Fast", "rw")


class Peer:
    """Nodes on the asyncua server, what is asked of them, and its subscriptions; behind a relay."""

    def __init__(self, server: Any, relay: Any) -> None:
        self.server, self.relay = server, relay
        self.asked: list[str] = []

    async def fill(self) -> None:
        await self.delete_them()  # those of sessions that were cut off
        if "slow" not in self.server.nodes:
            self.server.nodes["slow"] = await self.server.run(self._make())
        for name, value in START.items():
            await self.put(name, value)
        self.server.server.iserver.callback_service.addListener(CallbackType.PreRead, self._read)

    async def stop(self) -> None:
        await self.delete_them()
        self.server.server.iserver.callback_service.removeListener(CallbackType.PreRead, self._read)

    async def _make(self) -> int:
        index: int = await self.server.server.register_namespace(URI)
        for name in START:
            objects = self.server.server.nodes.objects
            node = await objects.add_variable(ua.NodeId(name, index), f"{index}:{name}", 0.0, ua.VariantType.Double)
            await node.set_writable()
        return index

    async def _read(self, event: Any, _dispatcher: object) -> None:
        if event.is_external:
            self.asked += [str(one.NodeId.Identifier) for one in event.request_params.NodesToRead]

    async def put(self, name: str, value: float, status: int = 0) -> None:
        data = ua.DataValue(ua.Variant(value, ua.VariantType.Double), ua.StatusCode(status), STAMP)
        node = ua.NodeId(name, self.server.nodes["slow"])
        await self.server.run(self.server.server.write_attribute_value(node, data))

    @property
    def subscriptions(self) -> dict[int, Any]:
        found: dict[int, Any] = self.server.server.iserver.subscription_service.subscriptions
        return found

    async def to_subscription(self, work: Callable[[Any], Any]) -> None:
        """Do something to the only subscription, in the server's loop."""

        async def there() -> None:
            (one,) = self.subscriptions.values()
            done = work(one)
            if asyncio.iscoroutine(done):
                await done

        await self.server.run(there())

    async def delete_them(self) -> None:
        """As a server does that forgets its subscriptions without a word."""
        ids = list(self.subscriptions)
        await self.server.run(self.server.server.iserver.subscription_service.delete_subscriptions(ids))

    async def published(self) -> None:
        """Until everything that was reported is on the wire."""
        async with asyncio.timeout(5.0):
            while True:
                if not any(one._triggered_events for one in self.subscriptions.values()):
                    return
                await asyncio.sleep(0.01)

    async def report(self, text: str, kind: int = 2041, active: bool | None = None, times: int = 1) -> None:
        async def there() -> None:
            event = await self.server.server.get_event_generator(kind)
            event.event.Severity, event.event.SourceName = 650, "Pump 1"
            if active is not None:
                setattr(event.event, "ActiveState/Id", active)
            for _ in range(times):
                await event.trigger(message=text)

        await self.server.run(there())

    def driver(self, **options: object) -> GenericOpcUa:
        url = f"opc.tcp://127.0.0.1:{self.relay.port}"
        return GenericOpcUa(
            ConnectionSpec("plc", url, {"namespace": URI, "slow_every": EVERY_S, "events": True, **options}, 0.5)
        )


async def until(driver: GenericOpcUa, done: Callable[[Sample], bool], within_s: float = 5.0) -> float:
    """Read as a link does until the slow sample is as wanted; gives the seconds that took."""
    plan, loop = driver.plan([SLOW, FAST]), asyncio.get_running_loop()
    started = loop.time()
    async with asyncio.timeout(within_s):
        while True:
            if done((await driver.read(plan))[0]):
                return loop.time() - started
            await asyncio.sleep(0.02)


async def subscribed(peer: Peer, driver: GenericOpcUa) -> None:
    """Read until the slow node is not asked for any more."""
    plan = driver.plan([SLOW, FAST])
    async with asyncio.timeout(5.0):
        while True:
            peer.asked.clear()
            await driver.read(plan)
            if "Slow" not in peer.asked:
                return
            await asyncio.sleep(0.02)


def said(driver: Messenger) -> list[str]:
    return [message.text for message in driver.take_messages()]
