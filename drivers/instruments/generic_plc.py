"""A PLC that serves its data block over OPC UA, Siemens S7-1200/1500 style.

Point addresses are paths in the block: ``Temp.PV`` is the node ``"DB_Reactor"."Temp"."PV"``. All values are Real
(Float) but the heartbeat, a DInt. The PLC's own counter, ``Plc.Heartbeat``, is read with everything else: a CPU in STOP
goes on answering with the values it had, and only the counter tells.
"""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from drivers.contract import (
    BadAddress,
    ConnectionSpec,
    DriverError,
    Identity,
    Message,
    Plan,
    Point,
    Quality,
    Sample,
    WriteOutcome,
    WriteState,
)
from drivers.opcua import (
    OpcUaClient,
    Pulse,
    Reading,
    SlowOptions,
    SlowReader,
    read_settings,
    reading,
    sample,
    send,
    slow_addresses,
)
from drivers.options import Options
from drivers.planning import distinct

if TYPE_CHECKING:
    from asyncua import ua
    from asyncua.common.node import Node

VERIFIED_ON: tuple[str, ...] = ("data blocks on asyncua and node-opcua servers", "its simulator")

NAMESPACE = "http://www.siemens.com/simatic-s7-opcua"
COUNTER = "Plc.Heartbeat"
IDENTITY = ("Plc.OrderNumber", "Plc.SerialNumber", "Plc.FwVersion")
DINT_POINTS = frozenset({"Host.Heartbeat", COUNTER})
ADDRESS = re.compile(r"\w+(\[\d+\])?(\.\w+(\[\d+\])?)*")
MAX_DINT = 2**31
MAX_REAL = 3.4028234e38

STALE_S = 2.0
DEAD_S = 3.0
"""The PLC counts each second (wall time): after two missed counts its values are doubtful, after three worthless."""
STANDS_STILL = "the PLC's program stands still"
UNCOUNTED = "the PLC's counter cannot be read any more"


@dataclass(frozen=True, slots=True)
class PlcPlan:
    """The different addresses to read, the PLC's counter first, and where each point's value is among them."""

    points: tuple[Point, ...]
    addresses: tuple[str, ...]
    where: tuple[int, ...]
    slow: frozenset[str]


class GenericPlc:
    """One PLC. Options: ``db`` (name of the data block), those of :class:`drivers.opcua.OpcUaSettings` and of
    :class:`drivers.opcua.SlowOptions`.
    """

    schemes: ClassVar[tuple[str, ...]] = ("opc.tcp",)

    def __init__(self, spec: ConnectionSpec) -> None:
        options = Options(spec)
        self._db = options.text("db", "DB_Reactor")
        self._wire = OpcUaClient(read_settings(options, spec))
        self._reader = SlowReader(self._wire, SlowOptions.read(options))
        options.end()
        self._namespace = 0
        self._nodes: dict[str, Node] = {}
        self._restart()

    def plan(self, points: Sequence[Point]) -> PlcPlan:
        """Every address once, in one Read. Raises :class:`BadAddress`."""
        for point in points:
            if not ADDRESS.fullmatch(point.address):
                raise BadAddress(f"{point.key}: {point.address!r} is not a path like Temp.PV in the data block")
        addresses, where = distinct([COUNTER, *(point.address for point in points)])
        return PlcPlan(tuple(points), addresses, where[1:], slow_addresses(points) - {COUNTER})

    async def open(self) -> Identity:
        """Connect and read the PLC's name plate. Raises :class:`DriverError`."""
        await self._reader.close()
        self._nodes.clear()
        self._restart()
        await self._wire.open()
        self._namespace = await self._wire.namespace(NAMESPACE)
        order, serial, firmware = await self._wire.read_texts([self._node(address) for address in IDENTITY])
        return Identity("Siemens", order or "S7 PLC", serial, firmware, self._wire.via)

    async def read(self, plan: Plan) -> Sequence[Sample]:
        """All points in one Read, but for slow ones, judged by the PLC's counter. Raises :class:`DriverError`."""
        if not isinstance(plan, PlcPlan):
            raise TypeError("a plan of another driver")
        nodes = [self._node(address) for address in plan.addresses]
        slow = [self._node(address) for address in plan.slow]
        readings = [reading(value) for value in await self._reader.read_data(nodes, slow)]
        quality, why = self._judge(readings[0])
        return [sample(readings[place], quality, why) for place in plan.where]

    async def write(self, writes: Sequence[tuple[Point, float]]) -> Sequence[WriteOutcome]:
        """All of them in one Write, each in its own type; unknown while the program stands still."""
        outcomes = {place: self._refusal(point, value) for place, (point, value) in enumerate(writes)}
        sent = [place for place, refusal in outcomes.items() if refusal is None]
        results = await self._send([writes[place] for place in sent]) if sent else []
        outcomes.update(zip(sent, results, strict=True))
        return [outcome for outcome in outcomes.values() if outcome is not None]

    def take_messages(self) -> Sequence[Message]:
        """What the PLC has reported."""
        return self._reader.messages()

    async def close(self) -> None:
        """End the session."""
        await self._reader.close()
        await self._wire.close()

    async def _send(self, writes: Sequence[tuple[Point, float]]) -> list[WriteOutcome]:
        try:
            typed = [(point, value, self._node(point.address), _variant(point, value)) for point, value in writes]
        except DriverError as error:
            return [WriteOutcome(*write, WriteState.REFUSED, f"not sent: {error}") for write in writes]
        outcomes = await send(self._wire, typed)
        if not self._doubt:
            return outcomes
        taken, unknown = WriteState.APPLIED, WriteState.UNKNOWN
        return [one._replace(state=unknown, detail=self._doubt) if one.state is taken else one for one in outcomes]

    def _restart(self) -> None:
        self._pulse = Pulse(STALE_S, DEAD_S)
        self._counts, self._doubt = False, ""

    def _judge(self, counter: Reading) -> tuple[Quality, str]:
        """What everything is worth by the PLC's counter, and why; one that was never there says nothing."""
        quality, why = self._pulse.judge(counter, asyncio.get_running_loop().time()), STANDS_STILL
        if counter.quality is Quality.GOOD:
            self._counts = True
        elif self._counts:
            quality, why = Quality.UNCERTAIN, UNCOUNTED
        self._doubt = why if quality is not Quality.GOOD else ""
        return quality, why

    def _refusal(self, point: Point, value: float) -> WriteOutcome | None:
        """What cannot be sent at all."""
        limit = MAX_DINT if point.address in DINT_POINTS else MAX_REAL
        if point.access == "r":
            return WriteOutcome(point, value, WriteState.REFUSED, "read only")
        if not math.isfinite(value) or abs(value) >= limit:
            return WriteOutcome(point, value, WriteState.REFUSED, f"{value} does not fit the PLC's type")
        return None

    def _node(self, address: str) -> Node:
        """The node of an address, made once per connection: ``ns=3;s="DB_Reactor"."Temp"."PV"``."""
        node = self._nodes.get(address)
        if node is None:
            parts = (re.sub(r"^\w+", r'"\g<0>"', part) for part in (self._db, *address.split(".")))
            node = self._wire.client.get_node(f"ns={self._namespace};s={'.'.join(parts)}")
            self._nodes[address] = node
        return node


def _variant(point: Point, value: float) -> ua.Variant:
    """The value in the type of the PLC's variable."""
    from asyncua import ua

    if point.address in DINT_POINTS:
        return ua.Variant(round(value), ua.VariantType.Int32)
    return ua.Variant(value, ua.VariantType.Float)
