"""Any OPC UA server whose tags are only known to its site: everything is configuration, nothing is code.

A point's address is a node id in the namespace of the option ``namespace`` (``s=Unit1.pH.PV``, ``i=1234``), one with a
namespace of its own (``nsu=urn:other;s=Unit1.pH.PV``), or a path of browse names below Objects
(``/Units/Fermenter/Variables/TEMP/Value_TEMP``). ``#2`` behind it is the third element of an array. Namespaces are
resolved by their URI at every connect; an index is refused, for the server may give another one at every start.

A number is written in the type that the server holds. A server goes on answering with old values when what feeds it
has stopped: the option ``counter`` names a node, a number or a time, that changes as long as all is well. Times are
read as UTC seconds.
"""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import Iterable, Sequence
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
    Reason,
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
    Tree,
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

VERIFIED_ON: tuple[str, ...] = (
    "an asyncua server with node ids and paths of the published shapes",
    "the simulated PLC",
    "a node-opcua server over Basic256Sha256",
)

IDENTIFIER = re.compile(r"(?:nsu=(?P<uri>[^;]+);)?(?P<id>s=.+|i=\d{1,10}|g=[0-9a-fA-F-]{36}|b=[\w+/]+=*)")
ELEMENT = re.compile(r"(?P<node>.+)#(?P<element>\d{1,6})")
BUILD_INFO = ("i=2263", "i=2261", "i=2264")
"""Manufacturer, product and software version of every server (part 5, ServerStatus)."""
SEARCH_S = 10.0
"""How often a path that does not exist is looked for again."""
STANDS_STILL = "the server's counter stands still"
BOOLEAN, FLOAT, DOUBLE = 1, 10, 11
BITS = {2: (-7, 7), 3: (0, 8), 4: (-15, 15), 5: (0, 16), 6: (-31, 31), 7: (0, 32), 8: (-63, 63), 9: (0, 64)}
"""The exponents of the limits of whole numbers, by built-in type (part 6)."""
MAX_FLOAT = 3.4028234e38


@dataclass(frozen=True, slots=True, eq=False)
class Address:
    """A node's identifier and namespace URI ("" for the standard's), or its path; and the element of its array.

    A driver makes one for each text: they are looked up in every read, and so compared by identity.
    """

    identifier: str = ""
    uri: str = ""
    path: tuple[str, ...] = ()
    element: int | None = None


@dataclass(frozen=True, slots=True)
class OpcUaPlan:
    """The different addresses to read, the counter first if there is one, where each point's value is, and which of
    them nobody wants to be read every time.
    """

    points: tuple[Point, ...]
    addresses: tuple[Address, ...]
    where: tuple[int, ...]
    slow: frozenset[Address]


class GenericOpcUa:
    """One server. Options: ``namespace``, ``counter``, ``stale_after`` (s; values are worthless after half as long
    again), those of :class:`drivers.opcua.OpcUaSettings` and of :class:`drivers.opcua.SlowOptions`.
    """

    schemes: ClassVar[tuple[str, ...]] = ("opc.tcp",)
    recognises: ClassVar[bool] = False

    def __init__(self, spec: ConnectionSpec) -> None:
        options = Options(spec)
        self._uri = options.text("namespace")
        counter = options.text("counter")
        self._stale_s = options.number("stale_after", 10.0, 0.5, 3600.0)
        self._wire = OpcUaClient(read_settings(options, spec))
        self._reader = SlowReader(self._wire, SlowOptions.read(options))
        options.end()
        self._addresses: dict[str, Address] = {}
        try:
            self._counter = self._address(Point("counter", counter)) if counter else None
        except BadAddress as error:
            raise ValueError(f"connection {spec.name!r}: {error}") from error
        self._namespaces: list[str] = []
        self._nodes: dict[Address, Node] = {}
        self._kinds: dict[Address, int] = {}
        self._tree: Tree | None = None
        self._search_at = -math.inf
        self._pulse = self._new_pulse()

    def plan(self, points: Sequence[Point]) -> OpcUaPlan:
        """Every address once. Raises :class:`BadAddress`."""
        counter = [] if self._counter is None else [self._counter]
        addresses, where = distinct([*counter, *map(self._address, points)])
        slow = slow_addresses(points)
        late = frozenset(self._address(point) for point in points if point.address in slow).difference(counter)
        return OpcUaPlan(tuple(points), addresses, where[len(counter) :], late)

    async def open(self) -> Identity:
        """Connect, and read what the server says of itself. Raises :class:`DriverError`."""
        await self._reader.close()
        self._nodes.clear()
        self._kinds.clear()
        self._search_at, self._pulse = -math.inf, self._new_pulse()
        await self._wire.open()
        self._tree = Tree(self._wire)
        self._namespaces = await self._wire.namespaces()
        if self._uri:
            await self._wire.namespace(self._uri)
        vendor, product, version = await self._wire.read_texts([self._wire.client.get_node(one) for one in BUILD_INFO])
        return Identity(vendor or "unknown", product or "OPC UA server", "", version, self._wire.via)

    async def read(self, plan: Plan) -> Sequence[Sample]:
        """All points in one Read (of at most 100 nodes), but for slow ones. Raises :class:`DriverError`."""
        if not isinstance(plan, OpcUaPlan):
            raise TypeError("a plan of another driver")
        readings = await self._read(plan.addresses, plan.slow)
        if not readings:
            # Nothing that was asked for exists: that there is a server is still to be proved.
            await self._wire.read([self._wire.client.get_node(BUILD_INFO[0])])
        quality, why = self._judge(readings)
        return [self._sample(readings, plan.addresses[place], quality, why) for place in plan.where]

    async def write(self, writes: Sequence[tuple[Point, float]]) -> Sequence[WriteOutcome]:
        """All of them in one Write, each in the type that the server holds."""
        try:
            addresses = [self._address(point) for point, _ in writes]
            # A type that is not known yet is that of the value which is there now.
            await self._read([one for one in dict.fromkeys(addresses) if one not in self._kinds])
        except DriverError as error:
            return [WriteOutcome(*write, WriteState.REFUSED, f"not sent: {error}") for write in writes]
        outcomes: dict[int, WriteOutcome] = {}
        typed: dict[int, tuple[Point, float, Node, ua.Variant]] = {}
        for place, ((point, value), address) in enumerate(zip(writes, addresses, strict=True)):
            why = self._refusal(point, value, address)
            if why:
                outcomes[place] = WriteOutcome(point, value, WriteState.REFUSED, why)
            else:
                typed[place] = (point, value, self._nodes[address], variant(value, self._kinds[address]))
        results = await send(self._wire, list(typed.values())) if typed else []
        outcomes.update(zip(typed, results, strict=True))
        return [outcomes[place] for place in range(len(writes))]

    def take_messages(self) -> Sequence[Message]:
        """What the server has reported."""
        return self._reader.messages()

    async def close(self) -> None:
        """End the session."""
        await self._reader.close()
        await self._wire.close()

    def _new_pulse(self) -> Pulse:
        return Pulse(self._stale_s, 1.5 * self._stale_s)

    def _address(self, point: Point) -> Address:
        if point.address not in self._addresses:
            self._addresses[point.address] = self._parse(point)
        return self._addresses[point.address]

    def _parse(self, point: Point) -> Address:
        found = ELEMENT.fullmatch(point.address)
        text, element = (found["node"], int(found["element"])) if found else (point.address, None)
        if text.startswith("/") and all(text[1:].split("/")):
            return Address(path=tuple(text[1:].split("/")), element=element)
        if text.startswith("ns="):
            raise BadAddress(f"{point.key}: {point.address!r}: give the namespace by its URI, indices change")
        match = IDENTIFIER.fullmatch(text)
        if match is None:
            raise BadAddress(f"{point.key}: {point.address!r} is neither a node id like s=Tag nor a path like /A/B")
        return Address(match["id"], match["uri"] or self._uri, element=element)

    async def _read(
        self, addresses: Sequence[Address], slow: frozenset[Address] = frozenset()
    ) -> dict[Address, Reading]:
        """What is known of those that exist."""
        await self._find(addresses)
        nodes = self._nodes
        present = [address for address in addresses if address in nodes]
        if not present:
            return {}
        late: list[Node] = []
        if slow:
            at_once = {nodes[address].nodeid for address in present if address not in slow}  # by whatever text
            late = [nodes[one] for one in slow if one in nodes and nodes[one].nodeid not in at_once]
        values = await self._reader.read_data([nodes[address] for address in present], late)
        readings = {one: reading(value, one.element) for one, value in zip(present, values, strict=True)}
        if not self._kinds.keys() >= readings.keys():
            self._kinds.update({one: int(read.kind.value) for one, read in readings.items() if read.kind})
        return readings

    async def _find(self, addresses: Iterable[Address]) -> None:
        """Make nodes of addresses, once per session; what does not exist is looked for again now and then."""
        missing = [address for address in addresses if address not in self._nodes]
        client = self._wire.client
        for address in missing:
            if address.identifier and (not address.uri or address.uri in self._namespaces):
                index = self._namespaces.index(address.uri) if address.uri else 0
                self._nodes[address] = client.get_node(f"ns={index};{address.identifier}")
        paths = {address: address.path for address in missing if address.path}
        now = asyncio.get_running_loop().time()
        if not paths or self._tree is None or now < self._search_at:
            return
        found = await self._tree.find(paths.values())
        self._nodes.update({one: client.get_node(found[path]) for one, path in paths.items() if path in found})
        if any(path not in found for path in paths.values()):
            self._search_at = now + SEARCH_S
            self._tree.forget()

    def _judge(self, readings: dict[Address, Reading]) -> tuple[Quality, str]:
        """What all values are worth by the counter."""
        if self._counter is None:
            return Quality.GOOD, ""
        counter = readings.get(self._counter)
        if counter is None or counter.quality is not Quality.GOOD:
            return Quality.UNCERTAIN, "the server's counter cannot be read"
        return self._pulse.judge(counter, asyncio.get_running_loop().time()), STANDS_STILL

    def _sample(self, readings: dict[Address, Reading], address: Address, quality: Quality, why: str) -> Sample:
        if address not in readings:
            what = "/".join(address.path) or address.uri
            return Sample(math.nan, Quality.BAD, Reason.DEVICE, 0, None, f"the server has no {what}")
        return sample(readings[address], quality, why)

    def _refusal(self, point: Point, value: float, address: Address) -> str:
        """Why this cannot be sent, "" when it can."""
        if point.access == "r":
            return "read only"
        if address.element is not None:
            return "an element of an array cannot be written"
        if address not in self._nodes or address not in self._kinds:
            return f"not sent: the server has no value for {point.address}"
        kind = self._kinds[address]
        return "" if fits(value, kind) else f"{value} does not fit the server's type"


def fits(value: float, kind: int) -> bool:
    """Whether a number can be said in a built-in type without changing it (but for the last bit of a conversion)."""
    if not math.isfinite(value):
        return False
    if kind in BITS:
        low, high = BITS[kind]
        whole = math.isclose(value, round(value), rel_tol=1e-12, abs_tol=1e-9)
        return whole and -(2**-low if low else 0) <= round(value) < 2**high
    return (kind == BOOLEAN and value in {0.0, 1.0}) or kind == DOUBLE or (kind == FLOAT and abs(value) <= MAX_FLOAT)


def variant(value: float, kind: int) -> ua.Variant:
    """A number in a built-in type that it :func:`fits`."""
    from asyncua import ua

    exact = bool(value) if kind == BOOLEAN else round(value) if kind in BITS else value
    return ua.Variant(exact, ua.VariantType(kind))
