"""Reading nodes of which some are slow: those come from a subscription for as long as it is known to be alive.

When it is not, and until a slow node's first value has come, slow nodes are read like all others: a value is one that
the server has just given, or one of which a living subscription says that it is still the newest. Once a minute slow
nodes are read as well; a subscription that has missed a change is not believed any more. It is made again beside the
reading, which does not wait for it.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import Collection, Mapping, Sequence, Set
from typing import TYPE_CHECKING, NamedTuple

from drivers.contract import DriverError, Message, Point
from drivers.opcua.client import OpcUaClient
from drivers.opcua.events import Heard
from drivers.opcua.watch import Watch
from drivers.options import Options

if TYPE_CHECKING:
    from asyncua import ua
    from asyncua.common.node import Node

SERVER_STATE = "i=2259"
"""Read when everything else is subscribed to: a link is proved at every read."""
RETRY_S = 5.0
"""After a subscription that was lost or refused the next one is tried."""
LONGEST_RETRY_S = 600.0
"""If subscribing costs the connection each time: a small server answers nothing else meanwhile."""
COMPARE_S = 60.0
"""How often subscribed values are compared with those that are read."""
LAG_S = 2.0
"""How long after its sampling a change may be on its way."""


class SlowOptions(NamedTuple):
    """How often slow points are sampled (s), and whether the server's events are asked for."""

    every_s: float = 1.0
    events: bool = False

    @classmethod
    def read(cls, options: Options) -> SlowOptions:
        """Take ``slow_every`` and ``events``. Raises ``ValueError``."""
        return cls(options.number("slow_every", 1.0, 0.1, 60.0), options.flag("events", False))


def slow_addresses(points: Sequence[Point]) -> frozenset[str]:
    """The addresses that nobody wants to be read every time. What can be written is wanted: a read-back decides what
    became of a write, and may not be older than that.
    """
    slow = {point.address for point in points if point.slow and point.access == "r"}
    return frozenset(slow - {point.address for point in points if not point.slow or point.access != "r"})


class SlowReader:
    """Reads nodes on ``wire``. :meth:`close` comes before the wire's own; afterwards it is as new."""

    def __init__(self, wire: OpcUaClient, options: SlowOptions) -> None:
        self._wire, self._every_s = wire, options.every_s
        self._heard = Heard() if options.events else None
        self._said = Heard()
        self._told = ""
        self._spare_until, self._spare_s = -math.inf, RETRY_S
        self._reset()

    def _reset(self) -> None:
        self._watch: Watch | None = None
        self._work: asyncio.Task[None] | None = None
        self._try_at = -math.inf
        self._compare_at = math.inf
        self._doubts: dict[ua.NodeId, ua.DataValue] = {}
        self._settle_at = math.inf

    async def read_data(self, nodes: Sequence[Node], slow: Collection[Node]) -> list[ua.DataValue]:
        """The values of ``nodes`` in order; those in ``slow`` may come from the subscription. Raises DriverError."""
        if not slow and self._heard is None:
            return await self._wire.read_data(nodes)
        wanted = {node.nodeid for node in slow}
        comparing = asyncio.get_running_loop().time() >= self._compare_at
        held = {} if comparing else self._believed(wanted)
        asked = [node for node in nodes if node.nodeid not in held]
        proof = asked or [self._wire.client.get_node(SERVER_STATE)]
        got = {node.nodeid: value for node, value in zip(proof, await self._wire.read_data(proof), strict=True)}
        if comparing and wanted:
            self._compare({node: got[node] for node in wanted if node in got})
        self._subscribe(wanted)
        return [got[node.nodeid] if node.nodeid in got else held[node.nodeid] for node in nodes]

    def messages(self) -> Sequence[Message]:
        """What the server has reported, and what became of its subscription, since the last call."""
        return [*self._said.give(), *(self._heard.give() if self._heard is not None else ())]

    async def close(self) -> None:
        """Stop subscribing. Bounded, idempotent, never raises; the session's end is the subscription's."""
        work, now = self._work, asyncio.get_running_loop().time()
        why = self._watch.over(now) if self._watch is not None else ""
        if work is not None and not work.done():
            why = "the connection ended while subscribing"
        self._reset()
        if why:
            self._lost(why)
            self._spare_until = now + self._spare_s
            self._spare_s = min(2.0 * self._spare_s, LONGEST_RETRY_S)
        if work is not None:
            work.cancel()
            await asyncio.wait([work])

    def _believed(self, wanted: Collection[ua.NodeId]) -> Mapping[ua.NodeId, ua.DataValue]:
        """What the subscription is known to be right about."""
        now = asyncio.get_running_loop().time()
        if self._watch is None or self._watch.over(now):
            return {}
        return self._watch.told(wanted)

    def _subscribe(self, wanted: Set[ua.NodeId]) -> None:
        """See to it, in the background, that the subscription is alive and follows these nodes."""
        now = asyncio.get_running_loop().time()
        if self._work is not None and not self._work.done():
            return
        why = self._watch.over(now) if self._watch is not None else ""
        if why:
            self._lost(why)
        elif self._watch is not None and wanted <= self._watch.followed | self._watch.refused:
            return
        if why or self._watch is None:
            if now < max(self._try_at, self._spare_until):
                return
            self._try_at = now + RETRY_S
        self._work = asyncio.create_task(self._follow(wanted))

    async def _follow(self, wanted: Set[ua.NodeId]) -> None:
        """Never raises: what failed is told, and tried again."""
        watch, before = self._watch, self._watch
        if watch is None or watch.over(asyncio.get_running_loop().time()):
            watch = Watch(self._wire, self._every_s, self._heard)
        try:
            if before is not None and before is not watch:
                with contextlib.suppress(DriverError):
                    await before.end()
            await watch.follow(wanted)
        except DriverError as error:
            watch.distrust(str(error))
        self._watch = watch
        self._doubts.clear()
        self._compare_at = asyncio.get_running_loop().time() + COMPARE_S
        if watch.over(asyncio.get_running_loop().time()):
            return
        self._spare_s = RETRY_S
        if self._told:
            self._said.say("the server tells changes again")
            self._told = ""

    def _lost(self, why: str) -> None:
        """Told once, until there is one that lives."""
        if not self._told:
            self._told = why
            missed = "; what the server reports meanwhile is not heard" if self._heard is not None else ""
            self._said.say(f"the subscription is lost: {why}; slow points are read instead{missed}")

    def _compare(self, read: Mapping[ua.NodeId, ua.DataValue]) -> None:
        """Doubt values that are not what was read; believe nothing if they stay so for longer than they may."""
        now = asyncio.get_running_loop().time()
        watch = self._watch
        if watch is None or watch.over(now):
            self._doubts.clear()
            self._compare_at = now + COMPARE_S
            return
        differ = {node: held for node, held in watch.told(read).items() if not _same(held, read[node])}
        if not self._doubts:
            self._doubts, self._settle_at = differ, now + self._every_s + LAG_S
        self._doubts = {node: held for node, held in self._doubts.items() if differ.get(node) is held}
        if self._doubts and now >= self._settle_at:
            watch.distrust("a change was not told")
            self._doubts.clear()
        if not self._doubts:
            self._compare_at = now + COMPARE_S


def _same(one: ua.DataValue, other: ua.DataValue) -> bool:
    """Whether value and status are; NaN is like NaN."""
    first, second = (value.Value.Value if value.Value is not None else None for value in (one, other))
    return (first == second or str(first) == str(second)) and one.StatusCode == other.StatusCode
