"""One subscription on a server, and whether it is known to be alive.

A subscription tells only changes. That it is silent because nothing changes is known from its keep-alives, which are
asked for at every publishing interval: one that stays away, a notification that is missing in their count, or the
server's word that the subscription has ended, and nothing of it is believed any more. It is never mended: a new one is
made. Source: OPC UA part 4, 5.14 (subscriptions) and 5.14.1.1 (keep-alives and sequence numbers).
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from drivers.contract import Malformed, Refused
from drivers.opcua.client import OpcUaClient
from drivers.opcua.events import EVENTS, Heard, event_item
from drivers.opcua.points import MAX_NODES
from drivers.planning import portions

if TYPE_CHECKING:
    from asyncua import ua

PUBLISHING_S = 1.0
"""Longest interval between two notifications that is asked for, so that silence is noticed soon."""
LATE = 2.5
"""Keep-alives' intervals after which a silent subscription is dead; and in addition"""
GRACE_S = 0.5
LONGEST_SILENCE_S = 30.0
"""A server that wants to be silent for longer is not subscribed to."""
LIFETIME_S = 60.0
"""After so long without us the server forgets the subscription."""
SUBSCRIBING_S = 3.0
"""How long each of the services may take: nobody waits for it. What is given up here the server keeps all the same."""
LAST_NUMBER = 0xFFFFFFFF


class Watch:
    """A subscription to values, and to events if ``heard`` collects them. ``every_s`` is how often values are sampled.

    ``followed`` are the nodes in it, ``refused`` those that cannot be, or that the server samples too seldom.
    """

    def __init__(self, wire: OpcUaClient, every_s: float, heard: Heard | None) -> None:
        self.followed: set[ua.NodeId] = set()
        self.refused: set[ua.NodeId] = set()
        self._wire, self._every_s, self._heard = wire, every_s, heard
        self._nodes: list[ua.NodeId] = []
        self._newest: dict[ua.NodeId, ua.DataValue] = {}
        self._id: int | None = None
        self._silence_s = math.inf
        self._told_at = -math.inf
        self._next: int | None = None
        self._over = ""

    def over(self, now: float) -> str:
        """Why nothing of it is believed at loop time ``now``; "" while it is alive."""
        if self._id is None:
            return self._over or "not subscribed yet"
        if not self._over and now - self._told_at > self._silence_s:
            self.distrust(f"it has been silent for {self._silence_s:g} s")
        return self._over

    def told(self, nodes: Iterable[ua.NodeId]) -> dict[ua.NodeId, ua.DataValue]:
        """What was told last of those of the nodes that are followed, as far as it has come."""
        return {node: self._newest[node] for node in nodes if node in self.followed and node in self._newest}

    def distrust(self, why: str) -> None:
        """Believe nothing of it from now on; the first reason counts."""
        self._over = self._over or why

    async def follow(self, nodes: Iterable[ua.NodeId]) -> None:
        """Make the subscription if it is not there, and take more nodes into it. Raises :class:`DriverError`."""
        if self._id is None:
            await self._create()
            if self._heard is not None:
                await self._hear()
        fresh = [node for node in nodes if node not in self.followed and node not in self.refused]
        for some in portions(fresh, MAX_NODES):
            first = len(self._nodes)
            self._nodes += some
            results = await self._add([self._item(node, first + place) for place, node in enumerate(some)])
            for node, result in zip(some, results, strict=True):
                (self.followed if self._is_soon(result) else self.refused).add(node)

    async def end(self) -> None:
        """Tell the server that it is not needed any more. Raises :class:`DriverError`."""
        if self._id is not None:
            self.distrust("it was ended")
            await self._wire.unsubscribe(self._id)

    async def _create(self) -> None:
        from asyncua import ua

        interval_s = min(self._every_s, PUBLISHING_S)
        wanted = ua.CreateSubscriptionParameters()
        wanted.RequestedPublishingInterval = 1000.0 * interval_s
        wanted.RequestedMaxKeepAliveCount = 1
        wanted.RequestedLifetimeCount = math.ceil(LIFETIME_S / interval_s)
        wanted.MaxNotificationsPerPublish = 0
        wanted.PublishingEnabled = True
        call = self._wire.client.uaclient.create_subscription(wanted, self._take)
        given = await self._wire.within("subscribing", call, SUBSCRIBING_S)
        quiet_s = max(given.RevisedPublishingInterval, 0.0) / 1000.0 * max(given.RevisedMaxKeepAliveCount, 1)
        self._id, self._silence_s = given.SubscriptionId, LATE * quiet_s + GRACE_S
        self._told_at = max(self._told_at, asyncio.get_running_loop().time())
        if not self._silence_s <= LONGEST_SILENCE_S:
            self.distrust(f"the server wants to be silent for {quiet_s:g} s at a time")
            raise Refused(self._over)

    async def _hear(self) -> None:
        """Subscribe to events, in the fields of alarms if the server knows those. Raises :class:`DriverError`."""
        for alarms in (True, False):
            (result,) = await self._add([event_item(alarms=alarms)])
            if result.StatusCode.is_good():
                return
        raise Refused(f"the server does not tell its events ({result.StatusCode.name})")

    def _is_soon(self, result: ua.MonitoredItemCreateResult) -> bool:
        """Whether a node is followed, and as often as is asked for: a server may grant much less than that."""
        longest_s = LATE * max(self._every_s, PUBLISHING_S)
        return bool(result.StatusCode.is_good()) and result.RevisedSamplingInterval <= 1000.0 * longest_s

    def _item(self, node: ua.NodeId, handle: int) -> ua.MonitoredItemCreateRequest:
        from asyncua import ua
        from asyncua.ua.attribute_ids import AttributeIds

        item = ua.MonitoredItemCreateRequest()
        item.ItemToMonitor.NodeId = node
        item.ItemToMonitor.AttributeId = AttributeIds.Value
        item.MonitoringMode = ua.MonitoringMode.Reporting
        item.RequestedParameters.ClientHandle = handle
        item.RequestedParameters.SamplingInterval = 1000.0 * self._every_s
        item.RequestedParameters.QueueSize = 1
        item.RequestedParameters.DiscardOldest = True
        return item

    async def _add(self, items: Sequence[ua.MonitoredItemCreateRequest]) -> Sequence[ua.MonitoredItemCreateResult]:
        from asyncua import ua

        wanted = ua.CreateMonitoredItemsParameters()
        wanted.SubscriptionId = self._id or 0
        wanted.TimestampsToReturn = ua.TimestampsToReturn.Both
        wanted.ItemsToCreate = list(items)
        call = self._wire.client.uaclient.create_monitored_items(wanted)
        results = await self._wire.within("subscribing", call, SUBSCRIBING_S)
        if len(results) != len(items):
            raise Malformed(f"{len(results)} results for {len(items)} nodes to subscribe to")
        return results

    async def _take(self, told: ua.PublishResult) -> None:
        """What the server publishes: never raises, for the library would only write that to its log."""
        from asyncua import ua

        self._told_at = asyncio.get_running_loop().time()
        message = told.NotificationMessage
        parts = message.NotificationData or []
        self._count(message.SequenceNumber, told_anything=bool(parts))
        for part in parts:
            if isinstance(part, ua.DataChangeNotification):
                self._take_values(part.MonitoredItems or [])
            elif isinstance(part, ua.EventNotificationList) and self._heard is not None:
                self._heard.take([event.EventFields for event in part.Events or [] if event.ClientHandle == EVENTS])
            elif isinstance(part, ua.StatusChangeNotification):
                self.distrust(f"the server has ended it ({part.Status.name})")

    def _take_values(self, items: Iterable[ua.MonitoredItemNotification]) -> None:
        for item in items:
            if item.ClientHandle < len(self._nodes):
                self._newest[self._nodes[item.ClientHandle]] = item.Value

    def _count(self, number: int, *, told_anything: bool) -> None:
        """Notifications are numbered; a keep-alive has the number of the one that comes next."""
        if self._next is not None and number != self._next:
            self.distrust(f"notifications were lost before number {number}")
        self._next = number % LAST_NUMBER + 1 if told_anything else number
