"""From points to the fewest requests. Pure: no I/O, no libraries.

Modbus: waking up dominates a transaction, so neighbouring registers are read together, bridging small gaps; but some
instruments refuse anything but whole blocks (Hamilton Arc), and those are never merged. OPC UA: one Read of all nodes,
in portions, because a very long one stalls whoever decodes it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Hashable, Iterable, Sequence
from typing import NamedTuple, TypeVar

Item = TypeVar("Item", bound=Hashable)

MAX_REGISTERS = 125
"""Registers in one Modbus read (Modbus Application Protocol V1.1b3, 6.3)."""

MAX_LENGTH = 0x10000
"""Addresses that there are."""

MAX_GAP = 10
"""Unused registers worth bridging at 19200 baud: as long on the line as another transaction."""


class Span(NamedTuple):
    """``length`` registers or bits from wire address ``start`` of device ``unit``; an ``exact`` one is read alone and
    whole. ``table`` says which of the device's address spaces it is in.
    """

    unit: int
    start: int
    length: int
    exact: bool = False
    table: int = 0

    @property
    def end(self) -> int:
        """The first address behind the span."""
        return self.start + self.length

    def covers(self, other: Span) -> bool:
        """Whether a read of this span contains ``other``."""
        same = (self.unit, self.table) == (other.unit, other.table)
        return same and self.start <= other.start and other.end <= self.end


def coalesce(spans: Iterable[Span], max_gap: int = MAX_GAP, max_length: int = MAX_REGISTERS) -> tuple[Span, ...]:
    """The fewest reads that cover ``spans``: sorted, without repetition, each at most ``max_length`` long.

    Spans closer than ``max_gap`` registers become one read, unless one of them is exact.
    """
    reads: list[Span] = []
    for span in sorted(set(spans), key=_order):
        last = reads[-1] if reads else None
        if last is not None and _mergeable(last, span, max_gap, max_length):
            reads[-1] = last._replace(length=max(last.end, span.end) - last.start)
        else:
            reads.append(span)
    return tuple(reads)


def covering(reads: Sequence[Span], span: Span) -> int:
    """The place of a read of :func:`coalesce` that contains ``span``."""
    behind = bisect_right(reads, _order(span._replace(length=span.end + MAX_LENGTH)), key=_order)
    return next(place for place in range(behind - 1, -1, -1) if reads[place].covers(span))


def _order(span: Span) -> tuple[int, ...]:
    return span.unit, span.table, span.start, span.length, span.exact


def _mergeable(last: Span, span: Span, max_gap: int, max_length: int) -> bool:
    if last.exact or span.exact or span.start - last.end > max_gap or last[::4] != span[::4]:
        return False
    return max(last.end, span.end) - last.start <= max_length


def distinct(items: Iterable[Item]) -> tuple[tuple[Item, ...], tuple[int, ...]]:
    """The different items in order of first appearance, and for each given item its place among them."""
    places: dict[Item, int] = {}
    where = tuple(places.setdefault(item, len(places)) for item in items)
    return tuple(places), where


def portions(items: Sequence[Item], size: int) -> list[Sequence[Item]]:
    """``items`` cut into runs of at most ``size``."""
    return [items[start : start + size] for start in range(0, len(items), size)]
