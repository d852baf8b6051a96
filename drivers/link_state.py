"""What a link is, beside its values: state, events, counters, and how long it waits before it tries again."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from drivers.contract import (
    DriverError,
    Identity,
    LinkLost,
    Malformed,
    Point,
    Quality,
    Reason,
    Refused,
    Sample,
    Timeout,
    WrongIdentity,
)

FIRST_BACK_OFF_S = 0.2
LONGEST_BACK_OFF_S = 2.0
"""With the time an instrument needs to open (a silent serial line: 1 s) this keeps every recovery within 5 s."""

COMPARED = ("vendor", "model", "serial", "firmware")
"""Fields of an identity that say whether it is the same instrument."""
NOT_ACCEPTED = "nothing is written to it until it is accepted"
"""Of another instrument than the one that answered first."""

KINDS: tuple[tuple[type[BaseException], str], ...] = (
    (Timeout, "timeout"),
    (TimeoutError, "timeout"),
    (LinkLost, "link_lost"),
    (Refused, "refused"),
    (Malformed, "malformed"),
    (WrongIdentity, "wrong_identity"),
)


class LinkState(StrEnum):
    """Whether an instrument can be reached. Values are good only while it is ``UP``."""

    CONNECTING = "connecting"
    UP = "up"
    DOWN = "down"


@dataclass(frozen=True, slots=True)
class LinkEvent:
    """One change of a link's state, at process time ``time_ns``; ``detail`` is for the operator."""

    link: str
    previous: LinkState
    state: LinkState
    detail: str
    time_ns: int


@dataclass(slots=True)
class LinkCounters:
    """What a link did since it was made. ``errors`` counts failures by kind (``timeout``, ``malformed`` …)."""

    reads: int = 0
    writes: int = 0
    timeouts: int = 0
    unknown_writes: int = 0
    reconnects: int = 0
    errors: dict[str, int] = field(default_factory=dict)

    def failed(self, kind: str) -> None:
        """Count one failure of the whole link."""
        self.errors[kind] = self.errors.get(kind, 0) + 1
        self.timeouts += kind == "timeout"


class BackOff:
    """How long to wait before the next attempt, in wall seconds: doubling up to a limit."""

    def __init__(self) -> None:
        self._next = FIRST_BACK_OFF_S

    def take(self) -> float:
        """The time to wait now; the one after it is longer."""
        current = self._next
        self._next = min(2 * current, LONGEST_BACK_OFF_S)
        return current

    def reset(self) -> None:
        """The instrument answered: the next failure is tried again soon."""
        self._next = FIRST_BACK_OFF_S


def compare(identity: Identity, expected: Mapping[str, str]) -> None:
    """Whether the instrument that answers is the one that is ``expected``, by the fields that are given.

    Raises :class:`WrongIdentity`.
    """
    wrong = [
        f"{name} is {getattr(identity, name) or 'not told'}, not {value}"
        for name, value in expected.items()
        if getattr(identity, name) != value
    ]
    if wrong:
        raise WrongIdentity(f"another instrument answers: {', '.join(wrong)}")


def difference(identity: Identity, known: Identity) -> str:
    """By what it is seen that another instrument answers than the known one, or nothing. What either of them does not
    tell says nothing, and a firmware can be renewed.
    """
    pairs = zip(("vendor", "model", "serial"), identity, known, strict=False)
    return ", ".join(f"{name} {new}, not {old}" for name, new, old in pairs if new and old and new != old)


def introduce(identity: Identity, before: Identity | None) -> str:
    """Who answered; and, in words for the record, that it is somebody else than before."""
    name = f"{identity.vendor} {identity.model}".strip() + (f" at {identity.via}" if identity.via else "")
    if before is None or before._replace(via="") == identity._replace(via=""):
        return name
    pairs = zip(COMPARED, before, identity, strict=False)
    changed = ", ".join(f"{field} {old or 'not told'}" for field, old, new in pairs if old != new)
    return f"{name}; it was another one before: {changed}"


def in_tag_units(point: Point, raw: Sample, now_ns: int) -> Sample:
    """A driver's raw sample in the unit of the point's tag; Bad when that is no number."""
    value = point.gain * raw.value + point.offset
    if math.isfinite(value) or raw.quality is Quality.BAD:
        return Sample(value, raw.quality, raw.reason, now_ns, raw.source_time, raw.detail)
    return Sample(math.nan, Quality.BAD, Reason.DEVICE, now_ns, raw.source_time, f"the device gave {raw.value}")


def kind_of(error: BaseException) -> str:
    """The counter's name of a failure; ``fault`` for what a driver must not raise."""
    return next((name for kind, name in KINDS if isinstance(error, kind)), "fault")


def explain(error: BaseException) -> str:
    """A failure in an operator's words."""
    if isinstance(error, DriverError):
        return str(error) or type(error).__name__
    if isinstance(error, TimeoutError):
        return "no answer within the deadline"
    return f"fault in the driver: {type(error).__name__}: {error}"
