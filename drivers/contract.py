"""The contract between the supervisor and every instrument driver.

A driver turns *points* (an instrument's own addresses) into *samples* (value, quality, reason, time) and
writes into outcomes. It has five methods and no other duties: it never sleeps, retries, logs, or knows
what a loop or a recipe is. Reconnecting, deadlines and back-off belong to :mod:`drivers.link`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum, IntEnum
from typing import Literal, NamedTuple, Protocol, runtime_checkable

Access = Literal["r", "w", "rw"]


class Quality(IntEnum):
    """How far a value may be trusted; the larger number is worse, and the worst of several inputs wins."""

    GOOD = 0
    UNCERTAIN = 1
    BAD = 2


class Reason(IntEnum):
    """Why a sample has its quality."""

    OK = 0
    SIMULATED = 1
    OVERRIDE = 2
    STALE = 3
    RANGE = 4
    RATE = 5
    FROZEN = 6
    DEVICE = 7
    LINK = 8
    NOT_READ = 9
    MODEL = 10
    """Calculated: the inputs are there, but nothing, or nothing sure, follows from them."""
    NO_SAMPLE = 11
    """The instrument answers, but nothing was sampled yet that it could tell of."""
    SETTLING = 12
    """Calculated from how something moves: not enough of that was seen yet to be sure."""


UNTOLD = frozenset({Reason.LINK, Reason.NOT_READ, Reason.NO_SAMPLE})
"""Why there is no value at a start, when nothing is wrong yet."""


class Sample(NamedTuple):
    """One reading of one point. ``value`` is NaN when nothing was read: never read is Bad, not zero.

    ``time_ns`` is the monotonic time of receipt; ``source_time`` is the device's own UTC time in seconds,
    or ``None`` when the device gives none. ``detail`` is the device's own word (a status, an error code).
    """

    value: float
    quality: Quality
    reason: Reason
    time_ns: int
    source_time: float | None = None
    detail: str = ""


NEVER_READ = Sample(math.nan, Quality.BAD, Reason.NOT_READ, 0)


class Point(NamedTuple):
    """One address on an instrument: ``key`` names it uniquely in the site, ``address`` is the instrument's word.

    ``gain`` and ``offset`` turn the raw number into the tag's unit: ``value = gain * raw + offset``. Drivers
    speak raw numbers; :mod:`drivers.link` applies the conversion in both directions. A ``slow`` point may be told by
    the instrument when it changes instead of being read every time, if the driver can make sure that it is told; one
    that can be written is always read.
    """

    key: str
    address: str
    access: Access = "r"
    gain: float = 1.0
    offset: float = 0.0
    slow: bool = False


class Identity(NamedTuple):
    """Who answered: compared with what the site expects before anything is written. ``via`` says by which of several
    ways to the same instrument, "" when there is only one; that is not compared.
    """

    vendor: str
    model: str
    serial: str = ""
    firmware: str = ""
    via: str = ""


class WriteState(Enum):
    """What became of a write. ``UNKNOWN`` is never repeated blindly: a read-back decides."""

    APPLIED = "applied"
    REFUSED = "refused"
    UNKNOWN = "unknown"


class WriteOutcome(NamedTuple):
    """The result of writing ``value`` to ``point``."""

    point: Point
    value: float
    state: WriteState
    detail: str = ""


class Message(NamedTuple):
    """What an instrument said of its own accord, in its words. ``source`` is what in the instrument it is about,
    ``severity`` 1 (least) to 1000, 0 when it is not told; ``source_time`` is the instrument's own UTC time in seconds.
    """

    text: str
    source: str = ""
    severity: int = 0
    source_time: float | None = None


class DriverError(Exception):
    """Base of everything a driver may raise from ``open`` or ``read``."""


class LinkLost(DriverError):
    """The connection is gone: refused, reset, unplugged."""


class Timeout(DriverError):
    """The device did not answer within its deadline."""


class Refused(DriverError):
    """The device answered and said no (exception code, status, access denied)."""


class Malformed(DriverError):
    """Bytes arrived that are not a valid answer to the request."""


class WrongIdentity(DriverError):
    """Another device than the expected one answers at this address."""


class BadAddress(DriverError):
    """The point's address means nothing to this driver; raised by ``plan``, at load time."""


class Plan(Protocol):
    """The requests that read a fixed list of points; made once by ``Driver.plan``."""

    @property
    def points(self) -> tuple[Point, ...]:
        """Those that are read, in the order of their samples."""


@runtime_checkable
class Driver(Protocol):
    """One instrument on one connection."""

    def plan(self, points: Sequence[Point]) -> Plan:
        """Pure: the fewest requests that read ``points``. Raises :class:`BadAddress`."""

    async def open(self) -> Identity:
        """Connect and say who answered. Raises :class:`DriverError`."""

    async def read(self, plan: Plan) -> Sequence[Sample]:
        """One sample per point of the plan, in its order. A point that failed alone is a Bad sample;
        an exception means the whole link failed. Raises :class:`DriverError`.
        """

    async def write(self, writes: Sequence[tuple[Point, float]]) -> Sequence[WriteOutcome]:
        """One outcome per write, in order; raw numbers. Never raises for a device's refusal or silence."""

    async def close(self) -> None:
        """Release the line. Idempotent, never raises."""


@runtime_checkable
class Messenger(Protocol):
    """What a driver may have in addition, whose instrument says something of its own accord. Messages are for the
    record only: nothing is decided by them, and one that was said while the link was down is lost.
    """

    def take_messages(self) -> Sequence[Message]:
        """What was said since the last call, oldest first; asked for after every read. Neither waits nor raises."""


@dataclass(frozen=True, slots=True)
class ConnectionSpec:
    """What a driver is built from: the connection's name, URL and the driver's own options (already checked)."""

    name: str
    url: str
    options: dict[str, object] = field(default_factory=dict)
    timeout_s: float = 0.5


class Turning(NamedTuple):
    """A point that turns a pump: the least of it (a raw number) that two seconds later is seen at another point, which
    rises. Slower ones turn the pump as well, but nothing tells. ``changes`` is a point that is another one afterwards,
    such as the rate of the next dose.
    """

    slowest: float
    shown_by: str
    changes: str = ""


class DriverFactory(Protocol):
    """What a driver package registers under the entry-point group ``biovisor.drivers``.

    It may say more of its instruments in attributes, all of which may be left out: ``schemes`` (of the URLs that it
    can use), ``address_option`` (the option that is an instrument's number on a shared line), ``disturbs`` (what
    connecting changes at the instrument, in words), ``recognises`` (false where connecting does not tell its instrument
    from another one with the same protocol), ``turns`` (:class:`Turning` by address; also of a driver that is built,
    where they depend on its options), ``points`` (its addresses, as far as they can be listed), and its module
    ``VERIFIED_ON`` (what it was checked against).
    """

    def __call__(self, spec: ConnectionSpec) -> Driver:
        """Build a driver; no I/O. Raises ``ValueError`` with a readable message for wrong options."""
