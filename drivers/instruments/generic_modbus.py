"""Any device that speaks Modbus: PLCs, transmitters, controllers whose register map is in their manual.

A point is ``[UNIT.]TABLE.ADDRESS[.TYPE[.ORDER]]``: ``holding.100.float32``, ``3.input.0x10.int16``, ``coil.5``,
``holding.40.float32.CDAB``, and ``holding.7.bit3`` for one bit of a register. Addresses are those of the wire, from 0.
Holding registers and coils can be written, single bits of a register cannot. What is near each other is read at once.
"""

from __future__ import annotations

import math
import re
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from drivers.contract import (
    BadAddress,
    ConnectionSpec,
    DriverError,
    Identity,
    LinkLost,
    Malformed,
    Plan,
    Point,
    Quality,
    Reason,
    Refused,
    Sample,
    Timeout,
    WriteOutcome,
    WriteState,
)
from drivers.modbus import (
    IDENTIFY,
    READ_COILS,
    READ_DISCRETE,
    READ_HOLDING,
    READ_INPUT,
    WRITE_COIL,
    WRITE_REGISTER,
    WRITE_REGISTERS,
    Ask,
    identity_texts,
)
from drivers.modbus_rtu import RtuLine
from drivers.modbus_tcp import TcpAddress, TcpLine
from drivers.options import Options
from drivers.planning import MAX_REGISTERS, Span, coalesce
from drivers.ports import parse_port
from drivers.registers import CODES, ORDERS, Form

VERIFIED_ON = ("its simulator", "the pymodbus server", "pyModbusTCP", "mbpoll reads the simulator alike")

TABLES = {"coil": READ_COILS, "discrete": READ_DISCRETE, "holding": READ_HOLDING, "input": READ_INPUT}
ADDRESS = re.compile(
    r"(?:(?P<unit>\d{1,3})\.)?(?P<table>coil|discrete|holding|input)\.(?P<start>\d{1,5}|0x[0-9a-fA-F]{1,4})"
    rf"(?:\.(?:bit(?P<bit>\d{{1,2}})|(?P<kind>{'|'.join(CODES)})(?:\.(?P<order>{'|'.join(ORDERS)}))?))?"
)
MOST_BITS = 2000
MOST_ADDRESS = 0xFFFF


class Item(NamedTuple):
    """Where a point is: its span, and what of it: a number, a bit of a register, or (without either) a coil."""

    span: Span
    form: Form | None = None
    bit: int | None = None

    def value(self, words: Sequence[int]) -> float:
        """Of the registers or bits of the span."""
        if self.form is not None:
            return self.form.value(words)
        return float(words[0] >> (self.bit or 0) & 1)


@dataclass(frozen=True, slots=True)
class ModbusPlan:
    """Reads that cover the points, and for each point which read and where it is."""

    points: tuple[Point, ...]
    items: tuple[Item, ...]
    reads: tuple[Span, ...]


class GenericModbus:
    """One server, or the devices on one line.

    Options: ``unit`` (1), ``order`` (ABCD) and ``type`` (uint16) of points that do not say it; ``gap``, the unused
    registers worth reading along (10 on a line, 100 on a network); ``most``, the registers of one read (125);
    ``identify`` (true), whether the device is asked who it is by function 43; ``slowest_reply`` in seconds, for a line;
    for TLS ``ca``, ``certificate``, ``key`` (PEM files) and ``server_name``.
    """

    def __init__(self, spec: ConnectionSpec) -> None:
        options = Options(spec)
        network = spec.url.startswith(("modbus:", "modbuss:"))
        self._unit = options.integer("unit", 1, 0, 247)
        self._form = Form(options.choice("type", "uint16", tuple(CODES)), options.choice("order", "ABCD", ORDERS))
        self._gap = options.integer("gap", 100 if network else 10, 0, MAX_REGISTERS)
        self._most = options.integer("most", MAX_REGISTERS, 1, MAX_REGISTERS)
        self._identify = options.flag("identify", default=True)
        quiet_s = options.number("slowest_reply", 1.0, 0.05, 30.0)
        self._line: RtuLine | TcpLine
        if network:
            address = TcpAddress.parse(spec.url)
            self._line = TcpLine(address, spec.timeout_s / 2, _tls(options, address))
        else:
            self._line = RtuLine(parse_port(spec.url, 19200, parity="E"), spec.timeout_s / 2, quiet_s)
        options.end()

    def plan(self, points: Sequence[Point]) -> ModbusPlan:
        """The fewest reads. Raises :class:`BadAddress`."""
        items = tuple(self._item(point) for point in points)
        bits, registers = [], []
        for item in items:
            (bits if item.span.table in {READ_COILS, READ_DISCRETE} else registers).append(item.span)
        reads = (*coalesce(registers, self._gap, self._most), *coalesce(bits, 16 * self._gap, MOST_BITS))
        return ModbusPlan(tuple(points), items, reads)

    async def open(self) -> Identity:
        """Connect and ask who is there; a device that does not know the question has no name. Raises DriverError."""
        await self._line.open()
        texts = await self._who(self._unit)
        return Identity(texts.get(0, "Modbus"), texts.get(1, f"device {self._unit}"), firmware=texts.get(2, ""))

    async def read(self, plan: Plan) -> Sequence[Sample]:
        """Every read once; what is refused makes only its own points Bad. Raises when nothing is answered."""
        if not isinstance(plan, ModbusPlan):
            raise TypeError("a plan of another driver")
        blocks: dict[Span, list[int] | DriverError] = {}
        silent: dict[int, DriverError] = {}
        for span in plan.reads:
            if span.unit in silent:
                blocks[span] = silent[span.unit]
                continue
            try:
                await self._certain(span.unit)
                blocks[span] = await self._line.ask(Ask(span.unit, span.table, span.start, span.length))
            except Refused as error:
                blocks[span] = error
            except (Timeout, Malformed) as error:
                blocks[span] = silent[span.unit] = error
        failures = [block for block in blocks.values() if isinstance(block, DriverError)]
        if failures and len(failures) == len(blocks):
            raise failures[0]
        return [_sample(item, plan.reads, blocks) for item in plan.items]

    async def write(self, writes: Sequence[tuple[Point, float]]) -> Sequence[WriteOutcome]:
        """One after the other; a device confirms a write by repeating it."""
        return [WriteOutcome(point, value, *await self._write_one(point, value)) for point, value in writes]

    async def close(self) -> None:
        """Give the line back."""
        self._line.close()

    async def _write_one(self, point: Point, value: float) -> tuple[WriteState, str]:
        item = self._item(point)
        try:
            ask = _writing(item, value)
            await self._certain(item.span.unit)
        except ValueError as error:
            return WriteState.REFUSED, str(error)
        except DriverError as error:
            return WriteState.REFUSED, f"not sent: {error}"
        try:
            await self._line.ask(ask)
        except Refused as error:
            return WriteState.REFUSED, str(error)
        except LinkLost as error:
            return WriteState.REFUSED if "not" in str(error) else WriteState.UNKNOWN, str(error)
        except DriverError as error:
            return WriteState.UNKNOWN, str(error)
        return WriteState.APPLIED, ""

    async def _certain(self, unit: int) -> None:
        """On a line, let late replies of a device pass, then ask who it is. Raises DriverError."""
        if not isinstance(self._line, RtuLine) or not self._line.in_doubt(unit):
            return
        await self._line.silence()
        await self._who(unit)
        self._line.trust(unit)

    async def _who(self, unit: int) -> Mapping[int, str]:
        """What a device says of itself: nothing if it does not know the question. No other answer looks like it."""
        if not self._identify:
            return {}
        try:
            return identity_texts(await self._line.ask(Ask(unit, IDENTIFY)))
        except Refused:
            return {}

    def _item(self, point: Point) -> Item:
        found = ADDRESS.fullmatch(point.address)
        if found is None:
            raise BadAddress(
                f"{point.key}: {point.address!r} is not [UNIT.]TABLE.ADDRESS[.TYPE[.ORDER]], TABLE being one of "
                f"{', '.join(TABLES)} and TYPE one of {', '.join(CODES)}, bit0 … bit15"
            )
        unit = int(found["unit"]) if found["unit"] else self._unit
        start, table = int(found["start"], 0 if "x" in found["start"] else 10), TABLES[found["table"]]
        bit = int(found["bit"]) if found["bit"] else None
        form = Form(found["kind"] or self._form.kind, found["order"] or self._form.order)
        if table in {READ_COILS, READ_DISCRETE} or bit is not None:
            form = None
        length = 1 if form is None else form.length
        wrong = bit is not None and (bit > 15 or table in {READ_COILS, READ_DISCRETE})
        if wrong or (found["kind"] and form is None) or start + length - 1 > MOST_ADDRESS or unit > 247:
            raise BadAddress(f"{point.key}: there is no {point.address!r} in a Modbus device")
        return Item(Span(unit, start, length, table=table), form, bit)


def _writing(item: Item, value: float) -> Ask:
    """The request that writes a point. Raises ``ValueError`` for what cannot be written."""
    span = item.span
    if not math.isfinite(value):
        raise ValueError(f"{value} cannot be written")
    if span.table == READ_COILS:
        if value not in {0.0, 1.0}:
            raise ValueError(f"a coil is 0 or 1, not {value:g}")
        return Ask(span.unit, WRITE_COIL, span.start, 1, (int(value),))
    if span.table != READ_HOLDING or item.form is None:
        raise ValueError("only coils and whole holding registers can be written")
    words = item.form.words(value)
    function = WRITE_REGISTER if len(words) == 1 else WRITE_REGISTERS
    return Ask(span.unit, function, span.start, len(words), words)


def _sample(item: Item, reads: Sequence[Span], blocks: Mapping[Span, list[int] | DriverError]) -> Sample:
    read = next(read for read in reads if read.covers(item.span))
    block = blocks[read]
    if isinstance(block, DriverError):
        reason = Reason.DEVICE if isinstance(block, Refused) else Reason.LINK
        return Sample(math.nan, Quality.BAD, reason, 0, None, str(block))
    at = item.span.start - read.start
    value = item.value(block[at : at + item.span.length])
    if not math.isfinite(value):
        return Sample(math.nan, Quality.BAD, Reason.DEVICE, 0, None, "not a number")
    return Sample(value, Quality.GOOD, Reason.OK, 0)


def _tls(options: Options, address: TcpAddress) -> ssl.SSLContext | None:
    """What TLS needs. Raises ``ValueError`` with the file that cannot be used."""
    files = {key: options.text(key) for key in ("ca", "certificate", "key")}
    name = options.text("server_name")
    if not address.secure:
        given = [key for key, value in {**files, "server_name": name}.items() if value]
        if given:
            raise ValueError(f"{', '.join(given)} without TLS; it needs modbuss:// in front of the address")
        return None
    try:
        context = ssl.create_default_context(cafile=files["ca"] or None)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if files["certificate"]:
            context.load_cert_chain(files["certificate"], files["key"] or None)
    except (OSError, ssl.SSLError) as error:
        raise ValueError(f"TLS: {', '.join(filter(None, files.values()))}: {error}") from error
    return context
