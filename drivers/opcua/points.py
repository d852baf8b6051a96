"""Values of nodes: what the server said, what that is worth, and what became of writes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from drivers.contract import DriverError, Point, Quality, Reason, Sample, WriteOutcome, WriteState
from drivers.planning import portions

if TYPE_CHECKING:
    from asyncua import ua
    from asyncua.common.node import Node

    from drivers.opcua.client import OpcUaClient

MAX_NODES = 100
"""Nodes in one request: a longer one stalls the event loop while it is decoded."""

WORDS = {"BadNodeIdUnknown": "there is no such node (BadNodeIdUnknown)"}
"""Statuses in an operator's words."""

NOTHING_DONE = frozenset({
    "BadAttributeIdInvalid", "BadDataEncodingInvalid", "BadDataEncodingUnsupported", "BadIndexRangeInvalid",
    "BadIndexRangeNoData", "BadInvalidArgument", "BadLocked", "BadNodeIdInvalid", "BadNodeIdUnknown",
    "BadNotImplemented", "BadNotSupported", "BadNotWritable", "BadOutOfRange", "BadSecurityModeInsufficient",
    "BadTypeMismatch", "BadUserAccessDenied", "BadWriteNotSupported",
})  # fmt: skip
"""Statuses after which it is certain that a value was not written. After others, such as BadTimeout or
BadCommunicationError, the server itself did not hear what the device behind it made of it.
"""


class Reading(NamedTuple):
    """One node's value as the server gave it; ``value`` is NaN when it is neither a number nor a time,
    ``kind`` its type, if there is a value.
    """

    value: float
    quality: Quality
    status: str
    source_time: float | None
    kind: ua.VariantType | None = None


def reading(data: ua.DataValue, element: int | None = None) -> Reading:
    """A value with what the server says of it; of an array, one ``element``."""
    value = data.Value.Value if data.Value is not None else None
    if element is not None:
        value = value[element] if isinstance(value, list) and element < len(value) else None
    kind = data.Value.VariantType if data.Value is not None else None
    number = float(value) if isinstance(value, int | float) else _seconds(value)
    code = data.StatusCode
    time = data.SourceTimestamp.timestamp() if data.SourceTimestamp is not None else None
    if code is None or not code.value or code.is_good():
        status = "" if math.isfinite(number) else f"not a number: {value!r}"
        return Reading(number, Quality.BAD if status else Quality.GOOD, status, time, kind)
    return Reading(number, Quality.UNCERTAIN if code.is_uncertain() else Quality.BAD, code.name, time, kind)


def _seconds(value: object) -> float:
    """A time as UTC seconds since 1970, NaN for what is none."""
    if not isinstance(value, datetime):
        return math.nan
    return (value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp()


class Pulse:
    """Watches a counter that should change: after ``stale_s`` without a change values are doubtful, after ``dead_s``
    worthless. A server goes on answering with the values it had when what feeds it has stopped.
    """

    def __init__(self, stale_s: float, dead_s: float) -> None:
        self._stale_s, self._dead_s = stale_s, dead_s
        self._count = math.nan
        self._since: float | None = None

    def judge(self, counter: Reading, now: float) -> Quality:
        """What the values read together with ``counter`` are worth at loop time ``now``.

        A device without a counter is not judged.
        """
        if counter.quality is not Quality.GOOD:
            return Quality.GOOD
        if self._since is None or counter.value != self._count:
            self._count, self._since = counter.value, now
        still = now - self._since
        if still < self._stale_s:
            return Quality.GOOD
        return Quality.UNCERTAIN if still < self._dead_s else Quality.BAD


def sample(read: Reading, pulse: Quality = Quality.GOOD, still: str = "") -> Sample:
    """A reading as the contract has it; ``still`` are the words for a counter that stands still."""
    if read.quality is Quality.GOOD and pulse is not Quality.GOOD:
        return Sample(read.value, pulse, Reason.STALE, 0, read.source_time, still)
    value, quality, status, time, _ = read
    reason = Reason.OK if quality is Quality.GOOD else Reason.DEVICE
    return Sample(value, quality, reason, 0, time, WORDS.get(status, status))


async def send(wire: OpcUaClient, writes: Sequence[tuple[Point, float, Node, ua.Variant]]) -> list[WriteOutcome]:
    """Write, and say of each what became of it; never raises for a refusal or silence. What was on the wire without an
    answer is unknown, what comes after it is not sent.
    """
    outcomes: list[WriteOutcome] = []
    lost = ""
    for some in portions(writes, MAX_NODES):
        if lost:
            refused = WriteState.REFUSED
            outcomes += [WriteOutcome(point, value, refused, f"not sent: {lost}") for point, value, *_ in some]
            continue
        try:
            statuses = await wire.write([node for *_, node, _ in some], [variant for *_, variant in some])
        except DriverError as error:
            lost = str(error)
            outcomes += [WriteOutcome(point, value, WriteState.UNKNOWN, lost) for point, value, *_ in some]
            continue
        for (point, value, *_), status in zip(some, statuses, strict=True):
            outcomes.append(WriteOutcome(point, value, _state(status), status))
    return outcomes


def _state(status: str) -> WriteState:
    if not status:
        return WriteState.APPLIED
    return WriteState.REFUSED if status in NOTHING_DONE else WriteState.UNKNOWN
