"""Points in coils and registers: which requests read them, and their numbers taken out of the bytes of the answers.

All points of an answer are taken out at once by :mod:`struct`, either where they stand or, where their bytes are not in
its order, after these are picked in one go.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping, Sequence
from itertools import accumulate, repeat
from operator import itemgetter
from typing import NamedTuple, TypeAlias

from drivers.contract import NEVER_READ, DriverError, Point, Quality, Reason, Refused, Sample
from drivers.modbus import BITS, READ_COILS, READ_HOLDING, WRITE_COIL, WRITE_COILS, WRITE_REGISTER, WRITE_REGISTERS, Ask
from drivers.planning import Span, coalesce, covering
from drivers.registers import Form

MOST_BITS = 2000
BITS_PER_REGISTER = 16
NOTHING_WRONG = (repeat(Quality.GOOD), repeat(Reason.OK), repeat(0), repeat(None), repeat(""))
"""What every good sample has beside its value."""
SAMPLES: repeat[type[Sample]] = repeat(Sample)
Found: TypeAlias = list[Sample] | DriverError
"""The samples of an answer, or why there is none."""


class Item(NamedTuple):
    """Where a point is: its span, and how its number is kept there. In a register it may be only one bit of it."""

    span: Span
    form: Form = Form()
    bit: int | None = None

    def writing(self, value: float, *, always_several: bool = False) -> Ask:
        """The request that writes the point, as a list of one if ``always_several``. Raises ``ValueError`` for what
        cannot be written.
        """
        unit, start, length = self.span[:3]
        if not math.isfinite(value):
            raise ValueError(f"{value} cannot be written")
        if self.span.table == READ_COILS:
            if value not in {0.0, 1.0}:
                raise ValueError(f"a coil is 0 or 1, not {value:g}")
            return Ask(unit, WRITE_COILS if always_several else WRITE_COIL, start, 1, (int(value),))
        if self.span.table != READ_HOLDING or self.bit is not None:
            raise ValueError("only coils and whole holding registers can be written")
        several = always_several or length > 1
        return Ask(unit, WRITE_REGISTERS if several else WRITE_REGISTER, start, length, self.form.words(value))


class Reading:
    """One request, and where the numbers of ``items`` are in its answer; ``places`` are those of their points, ``run``
    the same where they are next to each other.
    """

    def __init__(self, items: Sequence[Item], places: Sequence[int]) -> None:
        self.places = places
        self._items = items
        self._bits: list[tuple[int, int]] = []
        first, length = items[0].span, max(item.span.end for item in items) - items[0].span.start
        self.ask = Ask(first.unit, first.table, first.start, length)
        picked: list[int] = []
        codes = ">"
        for index, item in enumerate(items):
            at = item.span.start - first.start
            if first.table in BITS:
                codes += "B"
                picked.append(at // 8)
                self._bits.append((index, at % 8))
                continue
            codes += item.form.code
            picked += [2 * at + place for place in item.form.places]
            if item.bit is not None:
                self._bits.append((index, item.bit))
        # One more, which is not looked at: of a single place itemgetter would make no tuple.
        self._pick = itemgetter(*picked, 0)
        layout = None if first.table in BITS else _layout(items, length)
        self._as_it_stands = layout is not None
        self._unpack = struct.Struct(layout or codes + "x").unpack
        self._has_floats = not {"f", "d"}.isdisjoint(codes)
        in_order = list(places) == list(range(places[0], places[0] + len(places)))
        self.run = slice(places[0], places[0] + len(places)) if in_order else None

    def parts(self) -> list[Reading]:
        """The same in two requests, apart where least is lost: in the widest gap, or else in the middle. Nothing if
        there is only one place to read.
        """
        spans = [item.span for item in self._items]
        cuts = [cut for cut in range(1, len(spans)) if spans[cut] != spans[cut - 1]]
        if not cuts:
            return []
        ends = [*accumulate((span.end for span in spans), max)]
        widest = max(cuts, key=lambda cut: spans[cut].start - ends[cut - 1])
        cut = widest if spans[widest].start > ends[widest - 1] else cuts[len(cuts) // 2]
        items, places = self._items, self.places
        return [Reading(items[:cut], places[:cut]), Reading(items[cut:], places[cut:])]

    def samples(self, answer: bytes) -> list[Sample]:
        """In the order of the items, of the data of the answer."""
        values = self._unpack(answer if self._as_it_stands else bytes(self._pick(answer)))
        numbers = [*map(float, values)]
        for index, bit in self._bits:
            numbers[index] = float(values[index] >> bit & 1)
        if not self._has_floats or all(map(math.isfinite, numbers)):
            return [*map(tuple.__new__, SAMPLES, zip(numbers, *NOTHING_WRONG, strict=False))]
        return [_judged(number) for number in numbers]


class ModbusPlan:
    """The fewest requests that read ``points``, whose ``items`` say where they are.

    ``gap`` are the unused registers worth reading along, ``most`` the registers of one request.
    """

    def __init__(self, points: Sequence[Point], items: Sequence[Item], gap: int, most: int) -> None:
        self.points = tuple(points)
        self._made_of = (self.points, tuple(items), gap, most)
        spans = sorted({item.span for item in items})
        registers = coalesce([span for span in spans if span.table not in BITS], gap, most)
        bits = coalesce([span for span in spans if span.table in BITS], BITS_PER_REGISTER * gap, MOST_BITS)
        by_read: dict[Span, list[int]] = {}
        for place in sorted(range(len(items)), key=lambda place: items[place].span):
            span = items[place].span
            reads = bits if span.table in BITS else registers
            by_read.setdefault(reads[covering(reads, span)], []).append(place)
        self._coalesced = [Reading([items[i] for i in places], places) for places in by_read.values()]
        self._readings, self._session = self._coalesced, 0
        self.units = tuple(dict.fromkeys(reading.ask.unit for reading in self._readings))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ModbusPlan) and self._made_of == other._made_of

    def __hash__(self) -> int:
        return hash(self._made_of)

    def begin(self, session: int) -> None:
        """In a new session the device may know more than in the last one."""
        if session != self._session:
            self._readings, self._session = self._coalesced, session

    def readings_of(self, unit: int) -> list[Reading]:
        """What is read from one device."""
        return [reading for reading in self._readings if reading.ask.unit == unit]

    def split(self, reading: Reading) -> list[Reading]:
        """From now on read in two requests what the device refuses to give in one; nothing if that cannot be."""
        parts = reading.parts()
        if parts:
            kept = [other for other in self._readings if other is not reading]
            self._readings = [*kept, *parts]
        return parts

    def samples(self, found: Mapping[Reading, Found]) -> list[Sample]:
        """All samples in the order of the points."""
        samples = [NEVER_READ] * len(self.points)
        for reading, given in found.items():
            ours = _failed(given, len(reading.places)) if isinstance(given, DriverError) else given
            if reading.run is not None:
                samples[reading.run] = ours
                continue
            for place, sample in zip(reading.places, ours, strict=True):
                samples[place] = sample
        return samples


def _layout(items: Sequence[Item], length: int) -> str | None:
    """Of an answer of ``length`` registers, if the items stand in it one behind the other in the order of the wire."""
    layout, end = ">", items[0].span.start
    for item in items:
        gap = item.span.start - end
        if gap < 0 or item.form.places != tuple(range(2 * item.form.length)):
            return None
        layout += f"{2 * gap}x{item.form.code}"
        end = item.span.start + item.form.length
    return f"{layout}{2 * (items[0].span.start + length - end)}x"


def _failed(error: DriverError, number: int) -> list[Sample]:
    reason = Reason.DEVICE if isinstance(error, Refused) else Reason.LINK
    return [Sample(math.nan, Quality.BAD, reason, 0, None, str(error))] * number


def _judged(number: float) -> Sample:
    if math.isfinite(number):
        return Sample(number, Quality.GOOD, Reason.OK, 0)
    return Sample(math.nan, Quality.BAD, Reason.DEVICE, 0, None, "not a number")
