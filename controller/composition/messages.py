"""What instruments say of their own accord: on record as it comes, but never more than the record can bear."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Protocol

from controller.clock import iso_utc
from controller.commands import Event, EventType, Json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from drivers.contract import Message

log = logging.getLogger("biovisor.messages")
MOST = 30
"""Messages of one instrument that are kept in a minute: one that chatters must not fill the disk."""
MINUTE_NS = 60_000_000_000


class Record(Protocol):
    """What is used of the store."""

    def append(self, entries: Sequence[Event], /) -> object:
        """Put these on record."""


class Messages:
    """Takes messages by the name of their link. ``now_ns`` is process time."""

    def __init__(self, record: Record, now_ns: Callable[[], int]) -> None:
        self._record, self._now_ns = record, now_ns
        self._since: dict[str, int] = {}
        self._count: dict[str, int] = {}

    def take(self, link: str, message: Message) -> None:
        """Put it on record; of too many in a minute, only that there were too many."""
        now = self._now_ns()
        if now - self._since.get(link, -MINUTE_NS) >= MINUTE_NS:
            self._since[link], self._count[link] = now, 0
        self._count[link] += 1
        if self._count[link] < MOST:
            self._append(link, f"{link}: {_text(message)}", _details(message))
        elif self._count[link] == MOST:
            self._append(link, f"{link}: says too much; the rest of this minute is not on record", {})

    def _append(self, link: str, text: str, details: Mapping[str, Json]) -> None:
        log.info(text)
        self._record.append([Event(EventType.MESSAGE, "Status Change", link, text, value=dict(details) or None)])


def _text(message: Message) -> str:
    return f"{message.source}: {message.text}" if message.source else message.text


def _details(message: Message) -> dict[str, Json]:
    """What the record keeps beside the words; empty when there is nothing."""
    found: dict[str, Json] = {"severity": message.severity} if message.severity else {}
    return found | ({"time": iso_utc(round(message.source_time))} if message.source_time is not None else {})
