"""Bronkhorst mass-flow controllers and meters that were ordered with Modbus, RTU or TCP (manuals 9.17.035, 9.17.061).

The points of the driver ``bronkhorst``, with the same names and meaning. A parameter is read alone and whole: the
instrument refuses a part of one, and addresses at which there is none. A setpoint outside of the capacity is not sent,
for the instrument would cut it; every write is read back. The control mode is kept without power: it is written only
when it is another.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from drivers.contract import (
    Access,
    BadAddress,
    ConnectionSpec,
    DriverError,
    Identity,
    Malformed,
    Plan,
    Point,
    Quality,
    Reason,
    Refused,
    Sample,
    Timeout,
)
from drivers.instruments.bronkhorst_words import (
    ALARM,
    CAPACITY,
    FIRMWARE,
    FLOW,
    FOLLOWS,
    FULL,
    MEASURE,
    MODE,
    MODEL,
    SERIAL,
    SETPOINT,
    SETPOINT_WORD,
    SINGLE,
    UNIT,
    judged_flow,
    judged_setpoint,
    percent,
    unfollowed,
    wrong_unit,
)
from drivers.modbus import READ_HOLDING, Ask, ModbusException
from drivers.modbus_driver import ModbusDriver
from drivers.modbus_plan import Item, Reading
from drivers.modbus_rtu import RtuLine
from drivers.options import Options
from drivers.planning import Span
from drivers.propar import BYTE, WORD, Parameter
from drivers.registers import Form

VERIFIED_ON: tuple[str, ...] = (
    "frames made by hand from the addresses of the manual",
    "its simulator, over RTU and TCP, which minimalmodbus and pymodbus read and write alike",
)

FORMS = {"B": Form(), ">H": Form(), ">I": Form("uint32"), ">f": Form("float32")}
"""A byte has a register of its own."""
TEXTS = {SERIAL: 8, MODEL: 7, FIRMWARE: 3, UNIT: 4}
"""Registers of each. No other read is as long as that of the serial number, which therefore clears a doubt."""
LONGS, LONG_STRIDE, PROCESS_STRIDE = 0x8000, 8, 32
"""Where parameters of more than a register begin, and how far each is from the next."""
ILLEGAL_VALUE = 4
"""The exception with which this instrument says that it did not take a value, or takes none there."""
SCALE = FULL / 100.0


class Entry(NamedTuple):
    """A point: its parameter, what may be done with it, what can be written, and the points by which it is judged."""

    parameter: Parameter
    access: Access = "r"
    low: float = -math.inf
    high: float = math.inf
    judged_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MfcPlan:
    """What is asked for, and a plan of that and of what it is judged by; ``places`` are those of the latter."""

    points: tuple[Point, ...]
    whole: Plan
    places: tuple[str, ...]


class BronkhorstModbus(ModbusDriver):
    """One instrument, on a line that several can share, or on a network.

    Options: ``node`` (its Modbus address, 1), ``unit`` (its capacity unit; when given, every flow in another one is
    Bad, and no setpoint is sent); and those of :class:`ModbusDriver`.
    """

    address_option: ClassVar[str] = "node"
    points: ClassVar[Mapping[str, Entry]] = {
        "flow": Entry(FLOW, judged_by=("alarm",)),
        "setpoint": Entry(SETPOINT, "rw", 0.0, 1e9, ("control_mode",)),
        "control_mode": Entry(MODE, "rw", 0.0, 255.0),
        "alarm": Entry(ALARM),
        "measure": Entry(MEASURE, judged_by=("alarm",)),
        "setpoint_percent": Entry(SETPOINT_WORD, "rw", 0.0, 100.0, ("control_mode",)),
        **{name: Entry(parameter) for name, parameter in SINGLE.items()},
    }

    def __init__(self, spec: ConnectionSpec) -> None:
        options = Options(spec)
        super().__init__(spec, options, baudrate=19200, stopbits=1, parity="E")
        self._node = options.integer("node", 1, 1, 247)
        self._unit = options.text("unit")
        options.end()

    async def identify(self) -> Identity:
        """The serial number; what an instrument does not know of itself is left out."""
        serial = await self._text(SERIAL)
        told = []
        for parameter in (MODEL, FIRMWARE):
            try:
                told.append(await self._text(parameter))
            except Refused:
                told.append("")
        return Identity("Bronkhorst", told[0] or "mass-flow instrument", serial, told[1])

    async def probe(self, unit: int) -> None:
        """Its serial number. A refusal is none: it could be the one of an earlier question."""
        try:
            await self._text(SERIAL)
        except Refused as error:
            raise Malformed(str(error)) from error

    def item(self, point: Point) -> Item:
        """The registers of a parameter."""
        entry = self.points.get(point.address)
        if entry is None:
            raise BadAddress(f"{point.key}: {point.address!r} is not one of {', '.join(self.points)}")
        return self._item(entry.parameter)

    def plan(self, points: Sequence[Point]) -> MfcPlan:
        """Every parameter once, with those that say how far it is to be believed. Raises :class:`BadAddress`."""
        for point in points:
            self.item(point)
        wanted = [name for point in points for name in (point.address, *self.points[point.address].judged_by)]
        places = tuple(dict.fromkeys(wanted))
        return MfcPlan(tuple(points), super().plan([Point(name, name) for name in places]), places)

    async def read(self, plan: Plan) -> Sequence[Sample]:
        """As every Modbus driver does; flow and setpoint with what is to be thought of them."""
        if not isinstance(plan, MfcPlan):
            raise TypeError("a plan of another driver")
        found = dict(zip(plan.places, await super().read(plan.whole), strict=True))
        wrong = await self._wrong_unit(found.values()) if not {"flow", "setpoint"}.isdisjoint(found) else ""
        return [_judged(point.address, found, wrong) for point in plan.points]

    def writing(self, point: Point, item: Item, value: float) -> Ask:
        """Within the limits of the point, and in its own count."""
        entry = self.points[point.address]
        if "w" not in entry.access:
            raise ValueError(f"{point.address} cannot be written")
        if not entry.low <= value <= entry.high:
            raise ValueError(f"{point.address} must be {entry.low:g} to {entry.high:g}, not {value:g}")
        if point.address == "control_mode" and value != int(value):
            raise ValueError("a control mode is a whole number")
        return item.writing(value * SCALE if point.address == "setpoint_percent" else value)

    async def put(self, point: Point, value: float, ask: Ask) -> None:
        """Send only what the instrument can take as it is meant, and read back what became of it."""
        address = point.address
        try:
            if address == "control_mode" and await self._number(MODE) == value:
                return
            capacity = await self._allowed(value) if address == "setpoint" else 100.0
        except DriverError as error:
            raise Refused(f"not sent: {error}") from error
        try:
            await super().put(point, value, ask)
        except ModbusException as error:
            if error.code == ILLEGAL_VALUE:
                raise Refused(f"it does not take {value:g}") from error
            raise
        try:
            kept, mode = await self._number(self.points[address].parameter), await self._number(MODE)
        except Refused as error:
            raise Malformed(f"sent, but not to be read back: {error}") from error
        if address == "control_mode":
            if kept != value:
                raise Refused(f"it keeps its control mode {kept:g}")
            return
        kept = kept / SCALE if address == "setpoint_percent" else kept
        if not abs(kept - value) <= capacity / FULL:
            raise Refused(f"it keeps its setpoint at {kept:g}")
        if mode not in FOLLOWS:
            raise Refused(unfollowed(int(mode)))

    async def _allowed(self, setpoint: float) -> float:
        """The capacity. Raises :class:`Refused` for a setpoint beyond it, or in another unit."""
        if self._unit and (wrong := wrong_unit(await self._text(UNIT), self._unit)):
            raise Refused(f"it counts {wrong}")
        capacity = await self._number(CAPACITY)
        if not setpoint <= capacity * (1.0 + 1.0 / FULL):
            raise Refused(f"setpoint must be 0 to {capacity:g}, not {setpoint:g}")
        return capacity

    async def _wrong_unit(self, found: Iterable[Sample]) -> str:
        """Why no flow is to be believed; empty when the unit is the wanted one. What else was answered stays so. Raises
        :class:`LinkLost`.
        """
        if not self._unit:
            return ""
        doubted = isinstance(self.line, RtuLine) and self.line.in_doubt(self._node)
        if doubted or any(sample.reason is Reason.LINK for sample in found):
            return "its unit is not known"  # no time may be left to ask
        try:
            return wrong_unit(await self._text(UNIT), self._unit)
        except (Refused, Timeout, Malformed) as error:
            return f"its unit is not known: {error}"

    async def _number(self, parameter: Parameter) -> float:
        """One parameter. Raises :class:`DriverError`."""
        reading = Reading([self._item(parameter)], [0])
        return reading.samples(await self.line.ask(reading.ask))[0].value

    async def _text(self, parameter: Parameter) -> str:
        """A text, without what fills it up. Raises :class:`DriverError`."""
        data = await self.line.ask(Ask(self._node, READ_HOLDING, _address(parameter), TEXTS[parameter]))
        text = data.decode("latin-1").partition("\0")[0].strip()
        if not text.isprintable():
            raise Malformed(f"device {self._node}: not a text: {data.hex(' ')}")
        return text

    def _item(self, parameter: Parameter) -> Item:
        form = FORMS[parameter.form]
        whole = form.length > 1 or parameter is ALARM
        return Item(Span(self._node, _address(parameter), form.length, whole, READ_HOLDING), form)


def _address(parameter: Parameter) -> int:
    """On the wire: by process and number, each longer parameter in a block of its own."""
    place = parameter.process * PROCESS_STRIDE + parameter.number
    return place if parameter.kind in {BYTE, WORD} else LONGS + LONG_STRIDE * place


def _judged(address: str, found: Mapping[str, Sample], wrong: str) -> Sample:
    """A point with what the others say of it."""
    sample = found[address]
    if address in {"measure", "setpoint_percent"}:
        value = percent(sample.value) if address == "measure" else sample.value / SCALE
        sample, wrong = sample._replace(value=value), ""
    judges = [found[name] for name in BronkhorstModbus.points[address].judged_by]
    if sample.quality is Quality.BAD or not judges:
        return sample
    (judge,) = judges
    if judge.quality is Quality.BAD:
        # An instrument that has no such parameter may be as it will; one that did not answer may have an alarm.
        quality = Quality.UNCERTAIN if judge.reason is Reason.DEVICE and not wrong else Quality.BAD
        return judge._replace(value=sample.value, quality=quality, detail=wrong or judge.detail)
    if address in {"flow", "measure"}:
        return judged_flow(sample.value, int(judge.value), wrong)
    return judged_setpoint(sample.value, int(judge.value), wrong)
