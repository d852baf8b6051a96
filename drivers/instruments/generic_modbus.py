"""Any device that speaks Modbus: PLCs, transmitters, controllers whose register map is in their manual.

A point is ``[UNIT.]TABLE.ADDRESS[.TYPE[.ORDER]]``: ``holding.100.float32``, ``3.input.0x10.int16``, ``coil.5``,
``holding.40.float32.CDAB``, and ``holding.7.bit3`` for one bit of a register. Addresses are those of the wire, from 0.
Holding registers and coils can be written, single bits of a register cannot. What is near each other is read at once.
Many devices go on answering with the values they had when the program behind them has stopped: the option ``counter``
names a point that changes as long as it runs.
"""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from drivers.contract import (
    BadAddress,
    ConnectionSpec,
    Identity,
    Plan,
    Point,
    Quality,
    Reason,
    Refused,
    Sample,
)
from drivers.modbus import BITS, IDENTIFY, READ_COILS, READ_DISCRETE, READ_HOLDING, READ_INPUT, Ask, identity_texts
from drivers.modbus_driver import ModbusDriver
from drivers.modbus_plan import Item
from drivers.options import Options
from drivers.planning import Span
from drivers.registers import CODES, ORDERS, Form

VERIFIED_ON: tuple[str, ...] = (
    "its simulator, which pymodbus, pyModbusTCP, minimalmodbus and mbpoll read alike",
    "the server of pymodbus, in the clear and over TLS",
)

TABLES = {"coil": READ_COILS, "discrete": READ_DISCRETE, "holding": READ_HOLDING, "input": READ_INPUT}
ADDRESS = re.compile(
    r"(?:(?P<unit>\d{1,3})\.)?(?P<table>coil|discrete|holding|input)\.(?P<start>\d{1,5}|0x[0-9a-fA-F]{1,4})"
    rf"(?:\.(?:bit(?P<bit>\d{{1,2}})|(?P<kind>{'|'.join(CODES)})(?:\.(?P<order>{'|'.join(ORDERS)}))?))?"
)
END = 0x10000
"""The first address that does not exist."""


STANDS_STILL = "the device's counter stands still"
WORTHLESS = 1.5
"""How much longer than until values are doubtful it takes until they are Bad."""


@dataclass(frozen=True, slots=True)
class WatchedPlan:
    """The points, and how they are read together with the counter, which comes before them."""

    points: tuple[Point, ...]
    reads: Plan


class GenericModbus(ModbusDriver):
    """One server, or the devices on one line.

    Options: ``unit`` (1); ``order`` (ABCD) and ``type`` (uint16) of points that do not say it; ``several`` (false),
    whether single coils and registers are written as lists of one, by functions 15 and 16; ``identify`` (true), whether
    the device is asked who it is by function 43; ``counter``, the address of a point that changes as long as the values
    are alive, and ``stale_after`` (10 s), after which all are Uncertain if it does not, and Bad after half as long
    again; and those of :class:`ModbusDriver`.
    """

    address_option: ClassVar[str] = "unit"
    recognises: ClassVar[bool] = False

    def __init__(self, spec: ConnectionSpec) -> None:
        options = Options(spec)
        super().__init__(spec, options, baudrate=19200, stopbits=1, parity="E")
        self._unit = options.integer("unit", 1, self.units[0], self.units[-1])
        self._form = Form(options.choice("type", "uint16", tuple(CODES)), options.choice("order", "ABCD", ORDERS))
        self._several = options.flag("several", default=False)
        self._identify = options.flag("identify", default=True)
        counter = options.text("counter")
        self._stale_s = options.number("stale_after", 10.0, 0.5, 3600.0)
        options.end()
        self._beater = Point("the counter", counter) if counter else None
        self._beat, self._beat_at = math.nan, 0.0
        try:
            self.plan([])
        except BadAddress as error:
            raise ValueError(f"connection {spec.name!r}: {error}") from error

    def plan(self, points: Sequence[Point]) -> Plan:
        """The fewest reads, of the counter as well. Raises :class:`BadAddress`."""
        if self._beater is None:
            return super().plan(points)
        return WatchedPlan(tuple(points), super().plan([self._beater, *points]))

    async def open(self) -> Identity:
        """Connect and ask who is there. Raises :class:`DriverError`."""
        self._beat = math.nan
        return await super().open()

    async def read(self, plan: Plan) -> Sequence[Sample]:
        """As every Modbus driver does; all values are judged by the counter."""
        if not isinstance(plan, WatchedPlan):
            return await super().read(plan)
        counter, *samples = await super().read(plan.reads)
        quality, why = self._judge(counter)
        return [_worth(sample, quality, why) for sample in samples]

    async def identify(self) -> Identity:
        """Who the device of option ``unit`` is; one that does not know the question has no name."""
        texts = await self._who(self._unit)
        return Identity(texts.get(0, "Modbus"), texts.get(1, f"device {self._unit}"), firmware=texts.get(2, ""))

    async def probe(self, unit: int) -> None:
        """Who the device is: no other answer, and no other refusal, looks like it."""
        await self._who(unit)

    def writing(self, point: Point, item: Item, value: float) -> Ask:
        """As the device wants it."""
        return item.writing(value, always_several=self._several)

    def item(self, point: Point) -> Item:
        """Where a point is."""
        found = ADDRESS.fullmatch(point.address)
        if found is None:
            raise BadAddress(
                f"{point.key}: {point.address!r} is not [UNIT.]TABLE.ADDRESS[.TYPE[.ORDER]], TABLE being one of "
                f"{', '.join(TABLES)} and TYPE one of {', '.join(CODES)}, bit0 … bit15"
            )
        unit = int(found["unit"]) if found["unit"] else self._unit
        start, table = int(found["start"], 16 if "x" in found["start"] else 10), TABLES[found["table"]]
        if table in BITS or found["bit"]:
            form = Form()
        else:
            form = Form(found["kind"] or self._form.kind, found["order"] or self._form.order)
        bit = int(found["bit"]) if found["bit"] else None
        of_bits = table in BITS and (found["kind"] or found["bit"])
        if of_bits or (bit or 0) > 15 or start + form.length > END or unit not in self.units:
            raise BadAddress(f"{point.key}: there is no {point.address!r} in a Modbus device")
        return Item(Span(unit, start, form.length, table=table), form, bit)

    def _judge(self, counter: Sample) -> tuple[Quality, str]:
        """What all values are worth by the counter."""
        if counter.quality is not Quality.GOOD:
            return Quality.UNCERTAIN, f"the device's counter cannot be read: {counter.detail}"
        now = asyncio.get_running_loop().time()
        if counter.value != self._beat:
            self._beat, self._beat_at = counter.value, now
        still = now - self._beat_at
        if still < self._stale_s:
            return Quality.GOOD, ""
        return (Quality.UNCERTAIN if still < WORTHLESS * self._stale_s else Quality.BAD), STANDS_STILL

    async def _who(self, unit: int) -> dict[int, str]:
        """What a device says of itself: nothing if it does not know the question, or is not to be asked that."""
        ask = Ask(unit, IDENTIFY) if self._identify else Ask(unit, READ_HOLDING, 0, 1)
        try:
            data = await self.line.ask(ask)
        except Refused:
            return {}
        return identity_texts(data) if self._identify else {}


def _worth(sample: Sample, quality: Quality, why: str) -> Sample:
    if quality <= sample.quality:
        return sample
    return sample._replace(quality=quality, reason=Reason.STALE, detail=why)
