"""Hamilton Arc sensors (pH, oxygen, conductivity, cell density): the register map of the programmer's manual.

Source: Hamilton "pH ARC Sensors Modbus RTU Programmer's Manual" 624300/01 and its VisiFerm counterpart 624179/05.
Register numbers here are those of the manual (1-based); the wire address is one less. Setting: `units`, which says
what the sensor with each number measures, {1: ph, 2: do} if it is left out; others are `conductivity`, `vcd`, which is
true, and `capacitance`, which a probe fitted to the vessel measures.
"""

from __future__ import annotations

import asyncio
import math
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import cast

from simulators.faults import SERIAL_FAULTS, Fault
from simulators.instrument import Context, SpecError
from simulators.instruments.arc_blocks import (
    ADMINISTRATOR,
    SPECIALIST,
    USER,
    Block,
    fixed,
    float_words,
    from_words,
    integer_words,
    text_words,
)
from simulators.instruments.arc_calibration import Calibration
from simulators.instruments.arc_units import (
    CELSIUS,
    DENSITY,
    FAHRENHEIT,
    KELVIN,
    MICROSIEMENS,
    MILLISIEMENS,
    MISTAKEN,
    PERCENT_SAT,
    PERCENT_VOL,
    PH,
    UNIT_NAMES,
    in_unit,
)
from simulators.modbus_rtu import ILLEGAL_ADDRESS, ILLEGAL_VALUE, Refused
from simulators.rtu_server import RtuLine

PASSWORDS = {USER: 0, ADMINISTRATOR: 18_111_978, SPECIALIST: 16_021_966}
"""Factory passwords, printed in the manual."""

MEDIUM = 14.5
"""Conductivity of a culture medium in mS/cm; the plant does not change it."""

FAULTS = SERIAL_FAULTS | {Fault.WRONG_UNIT}

BAUD_19200 = 4
RECALL = 732_255
"""Written to register 8192, it brings the factory's settings back."""

STATUS_RANGE, STATUS_OPERATING, STATUS_CALIBRATION, STATUS_ERROR = 0x01, 0x02, 0x04, 0x10


INTERNAL_COMMUNICATION = 0x1000000


@dataclass(frozen=True, slots=True)
class Channel:
    """One measuring channel: what it is called, its units (the first is the factory's), and its limits in that unit."""

    title: str
    units: tuple[int, ...]
    low: float
    high: float
    value: Callable[[], float]


class ArcSensor:
    """One sensor: two channels (PMC1, PMC6 = temperature), operator levels, identity.

    `temperature` in degree Celsius. A read that is not exactly one block is refused with exception 2; a write without
    the operator level it needs, or with a value out of place, with exception 3.
    """

    def __init__(
        self,
        address: int,
        firmware: str,
        primary: Channel,
        temperature: Callable[[], float],
        calibration: Calibration | None = None,
    ) -> None:
        self._calibration = calibration
        self._address = address
        self._level = USER
        self._passwords = dict(PASSWORDS)
        self._user_text = text_words("SIMULATED", 8)
        self._settings = {
            4102: integer_words(BAUD_19200),
            4988: b"".join(map(float_words, (110.0, 140.0, 20.0, 0.0))),
            4996: b"".join(map(float_words, (60.0, 100.0, 20.0, 0.0))),
        }
        self._units: dict[int, int] = {}
        self._measured = primary.value
        self._temperature = temperature
        self.mistaken: Callable[[], bool] = lambda: False
        """Whether values are shown in a unit nobody asked for."""
        thermometer = Channel("T", (CELSIUS, KELVIN, FAHRENHEIT), -20.0, 130.0, temperature)
        blocks = self._identity(firmware)
        blocks |= self._channel_blocks(2080, primary) | self._channel_blocks(2400, thermometer)
        blocks |= {} if calibration is None else calibration.blocks()
        blocks |= {1920 + 4 * bit: fixed(text_words(name, 4)) for bit, name in UNIT_NAMES.items()}
        self._blocks = blocks
        self._factory_units = dict(self._units)

    def power_up(self) -> None:
        """Everybody is a user again; settings are kept."""
        self._level = USER

    def read(self, address: int, count: int) -> Sequence[int]:
        """One whole block. Raises :class:`Refused` (2) for anything else."""
        block = self._blocks.get(address + 1)
        if block is None or block.read is None or block.count != count:
            raise Refused(ILLEGAL_ADDRESS)
        return struct.unpack(f">{count}H", block.read())

    def write(self, address: int, values: Sequence[int]) -> None:
        """Registers from the start of a block. Raises :class:`Refused`: 2 no such setting, 3 level or value."""
        block = self._blocks.get(address + 1)
        if block is None or block.write is None or block.write_count != len(values):
            raise Refused(ILLEGAL_ADDRESS)
        if self._level < block.level:
            raise Refused(ILLEGAL_VALUE)
        block.write(values)

    def _identity(self, firmware: str) -> dict[int, Block]:
        return {
            1032: fixed(text_words(firmware, 8)),
            1568: Block(8, lambda: self._user_text, self._write_text, 8, ADMINISTRATOR),
            2048: fixed(integer_words(1 << 0 | 1 << 5)),
            4096: fixed(integer_words(self._address)),
            **{start: self._setting(start) for start in self._settings},
            4288: Block(4, lambda: integer_words(self._level) + integer_words(0), self._write_level, 4, USER),
            4292: Block(0, None, self._write_password, 4),
            4736: fixed(bytes(16)),
            4800: Block(8, self._errors),
            4872: fixed(float_words(100.0)),
            8192: Block(0, None, self._recall, 2),
        }

    def _channel_blocks(self, start: int, channel: Channel) -> dict[int, Block]:
        self._units[start] = channel.units[0]

        def measured() -> bytes:
            """The channel's block: unit, value, status, limits. Without its measuring head it shows 0 and an error."""
            unit = self._units[start]
            if self.mistaken():
                unit = MISTAKEN.get(unit, unit)
            limits = (in_unit(value, unit) for value in (channel.low, channel.high))
            measured = channel.value()
            failed = not math.isfinite(measured)
            value = float_words(in_unit(0.0 if failed else measured, unit))
            status = integer_words(self._status() | (STATUS_ERROR if failed else 0))
            return integer_words(1 << unit) + value + status + b"".join(float_words(limit) for limit in limits)

        def select(values: Sequence[int]) -> None:
            """Change the unit to the one whose bit is set."""
            wanted = from_words(values)
            choices = {1 << unit: unit for unit in channel.units}
            if wanted not in choices:
                raise Refused(ILLEGAL_VALUE)
            self._units[start] = choices[wanted]

        return {
            start: fixed(text_words(channel.title, 8)),
            start + 8: fixed(integer_words(sum(1 << unit for unit in channel.units))),
            start + 10: Block(10, measured, select, 2, ADMINISTRATOR),
        }

    def _status(self) -> int:
        celsius = self._temperature()
        outside = STATUS_RANGE if not -20.0 <= celsius <= 130.0 else 0
        failed = STATUS_CALIBRATION if self._calibration is not None and self._calibration.status else 0
        return outside | failed | (STATUS_OPERATING if not 0.0 <= celsius <= 110.0 else 0)

    def _errors(self) -> bytes:
        """Measurement, calibration, interface, hardware: without its measuring head it cannot reach that inside."""
        lost = not math.isfinite(self._measured())
        return bytes(12) + integer_words(INTERNAL_COMMUNICATION if lost else 0)

    def _setting(self, start: int) -> Block:
        """A speed (taken, but a pseudo-terminal has none) or what counts as a sterilisation or a cleaning."""
        count = len(self._settings[start]) // 2

        def store(values: Sequence[int]) -> None:
            """Keep it."""
            self._settings[start] = struct.pack(f">{count}H", *values)

        return Block(count, lambda: self._settings[start], store, count)

    def _write_text(self, values: Sequence[int]) -> None:
        self._user_text = struct.pack(">8H", *values)

    def _write_level(self, values: Sequence[int]) -> None:
        level, password = from_words(values), from_words(values[2:])
        if self._passwords.get(level) != password:
            raise Refused(ILLEGAL_VALUE)
        self._level = level

    def _write_password(self, values: Sequence[int]) -> None:
        level, password = from_words(values), from_words(values[2:])
        if level not in {ADMINISTRATOR, SPECIALIST}:
            raise Refused(ILLEGAL_VALUE)
        self._passwords[level] = password

    def _recall(self, values: Sequence[int]) -> None:
        if from_words(values) != RECALL:
            raise Refused(ILLEGAL_VALUE)
        self._passwords = dict(PASSWORDS)
        self._units = dict(self._factory_units)


def ph_sensor(address: int, ph: Callable[[], float], temperature: Callable[[], float]) -> ArcSensor:
    """A pH Arc sensor, 0-14 pH, which can be calibrated."""
    calibration = Calibration(ph, temperature)
    channel = Channel("pH", (PH,), 0.0, 14.0, calibration.value)
    return ArcSensor(address, "EPHUM011", channel, temperature, calibration)


def do_sensor(address: int, saturation: Callable[[], float], temperature: Callable[[], float]) -> ArcSensor:
    """A VisiFerm dissolved-oxygen sensor; `saturation` in per cent of air saturation."""
    oxygen = Channel("DO", (PERCENT_SAT, PERCENT_VOL), 0.0, 300.0, saturation)
    return ArcSensor(address, "ODOUM043", oxygen, temperature)


def conductivity_sensor(address: int, conductivity: Callable[[], float], temperature: Callable[[], float]) -> ArcSensor:
    """A Conducell sensor; `conductivity` in mS/cm."""
    channel = Channel("COND", (MILLISIEMENS, MICROSIEMENS), 0.0, 300.0, conductivity)
    return ArcSensor(address, "CONUM012", channel, temperature)


def density_sensor(address: int, density: Callable[[], float], temperature: Callable[[], float]) -> ArcSensor:
    """A cell-density sensor; `density` in 10^6 cells/mL, a unit that the manual's list has no bit for."""
    return ArcSensor(address, "ODECU010", Channel("TCD", (DENSITY,), 0.0, 300.0, density), temperature)


MAKERS = {
    "ph": ph_sensor,
    "do": do_sensor,
    "conductivity": conductivity_sensor,
    "vcd": density_sensor,
    "capacitance": density_sensor,
}
"""Sensors by the signal they measure."""


async def run(context: Context) -> None:
    """Be the sensors of one vessel on one RTU line until cancelled; `units` says which unit id measures what."""
    vessel = context.vessel
    sensors = {}
    units = context.spec.get("units", {"1": "ph", "2": "do"})
    if not isinstance(units, dict) or not set(map(str, units.values())) <= MAKERS.keys():
        raise SpecError(f"units must say which of {', '.join(MAKERS)} each number is, such as {{1: ph, 2: do}}")
    for unit, signal in cast("Mapping[str, str]", units).items():
        address = int(unit)
        make = MAKERS[signal]
        measured: Callable[[], float] = partial(vessel.read, signal) if signal != "conductivity" else lambda: MEDIUM
        measured()
        sensor = make(address, measured, partial(vessel.read, "true_temperature"))  # a thermometer of its own
        sensor.mistaken = lambda: context.faults.active(Fault.WRONG_UNIT) is not None
        sensors[address] = sensor

    def power_up() -> None:
        """All of them."""
        for sensor in sensors.values():
            sensor.power_up()

    context.faults.on_reboot = power_up
    context.spec.get("pty")
    line = RtuLine(context.directory / context.name, sensors, context.faults, port=context.port)
    line.port.plug()
    try:
        context.ready(line.address("baudrate=19200&stopbits=2"))
        await asyncio.Event().wait()
    finally:
        line.port.unplug()
