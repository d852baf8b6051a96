"""Nova BioProfile FLEX2 analyser through the OPC UA server of its Bridge PC, shared by several vessels.

Points, per vessel: ``<vessel>.start`` (w: number n of the sample to measure, named ``<vessel>-<n>``), ``.sample`` (r:
number of the newest result, 0 while none is known), and the analytes of :data:`drivers.instruments.nova_words.ANALYTES`
in the instrument's units: gases mmHg, ions, glutamine and glutamate mmol/L, glucose and lactate g/L, osmolality
mOsm/kg, densities 10*6/mL, viability and saturations %, diameter um.

The server has tags only: no methods, no events. Only the newest result of all vessels is there; it is believed when two
readings of the whole tree agree, for its tags are not set together. An amended result replaces the first. A command is
a bit that the server answers Good even if the analyser ignores it: what became of a start is unknown until its result
is there, and it is never sent twice. The arguments are read back before the bit is set.

Source: Nova LPN 60644B section 9, at second hand. Nodes are found by browsing, in whatever namespace.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, ClassVar

from drivers.contract import (
    ConnectionSpec,
    DriverError,
    Identity,
    LinkLost,
    Plan,
    Point,
    Quality,
    Reason,
    Refused,
    Sample,
    WriteOutcome,
    WriteState,
)
from drivers.instruments import nova_words as words
from drivers.instruments.nova_start import Order, Starter
from drivers.opcua import OpcUaClient, Pulse, Reading, Tree, read_settings, reading, sample
from drivers.options import Options

if TYPE_CHECKING:
    from asyncua import ua
    from asyncua.common.node import Node

VERIFIED_ON: tuple[str, ...] = ("its simulator, written from the same public transcripts of the manual",)

SCHEDULES = ("ESMScheduleAnalysis", "EXT_OLSScheduleAnalysis", "AutosamplerScheduleAnalysis")
FINE = frozenset({"", "none", "ok", "0"})
"""Words of an ErrorStatus that mean no error, in small letters (recalled)."""
MAX_NUMBER = 10**9
UP_S = 10.0
"""How long a command's bit is left up for an analyser that does not take it down itself."""
STANDS_STILL = "the analyser's software stands still"


@dataclass(frozen=True, slots=True)
class FlexPlan:
    """What is told of which vessel."""

    points: tuple[Point, ...]
    words: tuple[words.Word, ...]
    names: tuple[str, ...]


@dataclass(slots=True)
class Newest:
    """The newest result of one vessel."""

    number: int = 0
    samples: dict[str, Sample] = field(default_factory=dict)
    time: float | None = None


class NovaFlex2:
    """One analyser. Options: ``separator``, ``command`` (of :data:`SCHEDULES`), ``sample_type``, ``operator``, ``poll``
    (s between two readings of the results), ``stale_after`` (s without a heartbeat), and those of
    :class:`drivers.opcua.OpcUaSettings`.
    """

    schemes: ClassVar[tuple[str, ...]] = ("opc.tcp",)

    def __init__(self, spec: ConnectionSpec) -> None:
        options = Options(spec)
        self._separator = options.text("separator", "->")
        self._order = Order(
            options.choice("command", SCHEDULES[0], SCHEDULES), options.text("sample_type"), options.text("operator")
        )
        self._poll_s = options.number("poll", 2.0, 0.05, 600.0)
        self._stale_s = options.number("stale_after", 30.0, 0.2, 600.0)
        self._wire = OpcUaClient(read_settings(options, spec))
        options.end()
        self._tree: Tree | None = None
        self._found: dict[tuple[str, ...], ua.NodeId] = {}
        self._newest: dict[str, Newest] = {}
        self._sent: set[str] = set()
        self._raised: tuple[float, Starter] | None = None
        self._poll_at = -math.inf
        self._restart()

    def plan(self, points: Sequence[Point]) -> FlexPlan:
        """Check the addresses. Raises :class:`BadAddress`."""
        meant = tuple(words.word_of(point) for point in points)
        names = sorted({word.name for word in meant} & words.ANALYTES.keys())
        return FlexPlan(tuple(points), meant, tuple(names))

    async def open(self) -> Identity:
        """Connect and find the tags. Raises :class:`DriverError`."""
        self._restart()
        await self._wire.open()
        self._tree = Tree(self._wire, self._separator)
        needed = (words.UPTIME, words.SAMPLE_TIME, words.SAMPLE_ID)
        await self._find((*needed, words.MODIFIED_TIME, words.ANALYZER_ID))
        missing = ["/".join(path) for path in needed if path not in self._found]
        if missing:
            raise Refused(f"this is no FLEX2: it has no {', '.join(missing)}")
        serial = await self._texts([words.ANALYZER_ID])
        return Identity("Nova Biomedical", "BioProfile FLEX2", serial[0], "", self._wire.via)

    async def read(self, plan: Plan) -> Sequence[Sample]:
        """What is known of each vessel; the results are read anew when the last reading is old. Raises DriverError."""
        if not isinstance(plan, FlexPlan):
            raise TypeError("a plan of another driver")
        now = asyncio.get_running_loop().time()
        quality = await self._heartbeat(now)
        if now >= self._poll_at:
            self._poll_at = now + self._poll_s
            await self._poll(plan.names)
        if self._raised is not None and now >= self._raised[0]:
            _, starter = self._raised
            self._raised = None
            await starter.lower()
        return [self._judged(self._sample(word), quality) for word in plan.words]

    async def write(self, writes: Sequence[tuple[Point, float]]) -> Sequence[WriteOutcome]:
        """Start analyses, each once for ever."""
        return [WriteOutcome(point, value, *await self._write_one(point, value)) for point, value in writes]

    async def close(self) -> None:
        """End the session."""
        await self._wire.close()
        self._tree = None

    def _restart(self) -> None:
        self._found.clear()
        self._poll_at = -math.inf
        self._previous: dict[str, object] = {}
        self._read_once = False
        self._raised = None
        self._beat: tuple[str, int] = ("", 0)
        self._pulse = Pulse(self._stale_s, 1.5 * self._stale_s)

    async def _heartbeat(self, now: float) -> Quality:
        """What everything is worth while the uptime moves on, or does not."""
        if self._tree is None:
            raise LinkLost("not connected")
        (uptime,) = await self._texts([words.UPTIME])
        if uptime != self._beat[0]:
            self._beat = (uptime, self._beat[1] + 1)
        return self._pulse.judge(Reading(float(self._beat[1]), Quality.GOOD, "", None), now)

    async def _poll(self, names: Sequence[str]) -> None:
        """Read the whole newest result; believe it when it is the same as last time."""
        paths = [words.SAMPLE_TIME, words.MODIFIED_TIME, words.SAMPLE_ID]
        paths += [path for name in names for path in words.nodes_of(name)]
        await self._find(paths)
        paths = [path for path in paths if path in self._found]
        values = dict(zip(paths, await self._wire.read_data(self._nodes(paths)), strict=True))
        now: dict[str, object] = {"/".join(path): (_content(value), value.StatusCode) for path, value in values.items()}
        before, self._previous = self._previous, now
        if any(before.get(path) != content for path, content in now.items()):
            return
        self._read_once = True
        vessel, number = words.split(_content(values[words.SAMPLE_ID]))
        newest = self._newest.setdefault(vessel, Newest())
        if number < newest.number or not number:
            return
        newest.number, newest.time = number, _time(values[words.SAMPLE_TIME])
        amended = _time(values.get(words.MODIFIED_TIME))
        detail = "amended" if amended and newest.time and amended > newest.time else ""
        newest.samples = {name: _result(name, values, newest.time, detail) for name in names}

    def _sample(self, word: words.Word) -> Sample:
        newest = self._newest.get(word.vessel, Newest())
        if not (self._read_once or newest.number) or word.name == words.START:
            return Sample(math.nan, Quality.BAD, Reason.NOT_READ, 0)
        if word.name == words.SAMPLE:
            return Sample(float(newest.number), Quality.GOOD, Reason.OK, 0, newest.time)
        missing = Sample(math.nan, Quality.BAD, Reason.NOT_READ, 0, None, "no result of this vessel yet")
        return newest.samples.get(word.name, missing)

    def _judged(self, one: Sample, quality: Quality) -> Sample:
        if one.quality is not Quality.GOOD or quality is Quality.GOOD:
            return one
        return Sample(one.value, quality, Reason.STALE, 0, one.source_time, STANDS_STILL)

    async def _write_one(self, point: Point, value: float) -> tuple[WriteState, str]:
        try:
            vessel, called = self._asked(point, value)
        except DriverError as error:
            return WriteState.REFUSED, str(error)
        if not self._read_once:
            return WriteState.REFUSED, "not sent: what was measured last is not known yet"
        newest = self._newest[vessel].number if vessel in self._newest else 0
        if newest >= value:
            applied, refused = WriteState.APPLIED, WriteState.REFUSED
            later = f"not sent: {vessel}-{newest} has been measured already"
            return (applied, "measured before") if newest == value else (refused, later)
        if called in self._sent:
            return WriteState.UNKNOWN, "sent before, but there is no result yet"
        try:
            if self._tree is None:
                raise LinkLost("not connected")
            starter = Starter(self._wire, self._tree, self._order)
            await starter.prepare(called, vessel)
        except DriverError as error:
            return WriteState.REFUSED, f"not sent: {error}"
        self._sent.add(called)
        state, why = await starter.go()
        if state is WriteState.REFUSED:
            self._sent.discard(called)
        else:
            self._raised = (asyncio.get_running_loop().time() + UP_S, starter)
        return state, why

    @staticmethod
    def _asked(point: Point, value: float) -> tuple[str, str]:
        """The vessel and the name of the sample to measure. Raises :class:`DriverError` when it is none."""
        vessel, name = words.word_of(point)
        if name != words.START:
            raise Refused("read only")
        if not (1 <= value <= MAX_NUMBER and value == int(value)):
            raise Refused(f"a sample's number is a whole one from 1, not {value:g}")
        return vessel, f"{vessel}-{int(value)}"

    async def _find(self, paths: Iterable[tuple[str, ...]]) -> None:
        """Where tags are, asked once per session."""
        unknown = [path for path in paths if path not in self._found]
        if unknown and self._tree is not None:
            self._found.update(await self._tree.find(unknown))

    async def _texts(self, paths: Sequence[tuple[str, ...]]) -> list[str]:
        present = [path for path in paths if path in self._found]
        found = dict(zip(present, await self._wire.read_texts(self._nodes(present)), strict=True))
        return [found.get(path, "") for path in paths]

    def _nodes(self, paths: Sequence[tuple[str, ...]]) -> list[Node]:
        return [self._wire.client.get_node(self._found[path]) for path in paths]


def _result(name: str, values: Mapping[tuple[str, ...], ua.DataValue], time: float | None, detail: str) -> Sample:
    """One analyte, judged by what the instrument says beside it."""
    result, unit, error = words.nodes_of(name)
    if result not in values:
        return Sample(math.nan, Quality.BAD, Reason.DEVICE, 0, time, f"the instrument has no {'/'.join(result[2:-1])}")
    read = sample(reading(values[result]))
    given, wanted = _content(values.get(unit)), words.ANALYTES[name].unit
    wrong = _content(values.get(error))
    if read.quality is Quality.GOOD and wrong.lower() not in FINE:
        return Sample(read.value, Quality.BAD, Reason.DEVICE, 0, time, wrong)
    if read.quality is Quality.GOOD and given and wanted and not given.replace(" ", "").startswith(wanted):
        return Sample(math.nan, Quality.BAD, Reason.DEVICE, 0, time, f"in {given}, not {wanted}")
    return Sample(read.value, read.quality, read.reason, 0, time, read.detail or detail)


def _content(data: ua.DataValue | None) -> str:
    """A value as text, "" for none."""
    value = data.Value.Value if data is not None and data.Value is not None else None
    return "" if value is None else str(value)


def _time(data: ua.DataValue | None) -> float | None:
    """A time as UTC seconds, ``None`` when it is none or before all instruments."""
    value = data.Value.Value if data is not None and data.Value is not None else None
    if not isinstance(value, datetime) or value.year < 2000:
        return None
    return (value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp()
