"""Bronkhorst EL-FLOW mass-flow controllers with Modbus, on one line or on a network.

Source: manuals 9.17.035 and 9.17.061, chapter 3.5: functions 3, 6 and 16, registers by PDU address; exception 2 for an
address that does not exist and for a part of a parameter, 4 for what cannot be read or written and for illegal values.
Settings and signals: those of :mod:`simulators.instruments.bronkhorst`, `nodes` being ``{"1": {}}``; and those of the
wire, see :mod:`simulators.modbus_wire`.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import NamedTuple

from simulators.faults import SERIAL_FAULTS, Fault
from simulators.instrument import Context
from simulators.instruments.bronkhorst_meter import Instrument, instruments_of
from simulators.modbus_rtu import ILLEGAL_ADDRESS, ILLEGAL_FUNCTION, ILLEGAL_VALUE, Refused
from simulators.modbus_wire import serve_modbus
from simulators.propar import Denied

FAULTS = SERIAL_FAULTS | {Fault.WRONG_UNIT}
SERIAL = "baudrate=19200&parity=N"
"""A pseudo-terminal cannot have parity."""
READ, WRITE_ONE, WRITE_SEVERAL = 3, 6, 16
MOST_READ, MOST_WRITTEN = 125, 123
FAILURE = 4
WINK, WINKING = 0x0000, 0x3900
UNKNOWN_PROCESS, UNKNOWN_PARAMETER = 3, 4


class Register(NamedTuple):
    """A parameter at its address: process and number, how many registers it has, and how many bytes it is."""

    process: int
    number: int
    registers: int
    size: int


MAP = {
    0x0020: Register(1, 0, 1, 2),
    0x0021: Register(1, 1, 1, 2),
    0x0022: Register(1, 2, 1, 2),
    0x0023: Register(1, 3, 1, 2),
    0x0024: Register(1, 4, 1, 1),
    0x0030: Register(1, 16, 1, 1),
    0x0034: Register(1, 20, 1, 1),
    0x8168: Register(1, 13, 2, 4),
    0x8188: Register(1, 17, 5, 10),
    0x81F8: Register(1, 31, 4, 7),
    0xA100: Register(33, 0, 2, 4),
    0xA118: Register(33, 3, 2, 4),
    0xA138: Register(33, 7, 2, 4),
    0xE808: Register(104, 1, 2, 4),
    0xF108: Register(113, 1, 3, 6),
    0xF110: Register(113, 2, 7, 14),
    0xF118: Register(113, 3, 8, 16),
    0xF128: Register(113, 5, 3, 5),
    0xF130: Register(113, 6, 7, 13),
    0xF208: Register(114, 1, 2, 4),
}


class Registers:
    """The registers of one instrument. `other_unit` says whether someone has changed its unit."""

    def __init__(self, instrument: Instrument, other_unit: Callable[[], bool]) -> None:
        self._instrument, self._other_unit = instrument, other_unit

    def perform(self, function: int, payload: bytes) -> bytes:
        """What follows the function code in the answer. Raises :class:`Refused`."""
        functions = {READ: self._read, WRITE_ONE: self._write_one, WRITE_SEVERAL: self._write_several}
        if function not in functions:
            raise Refused(ILLEGAL_FUNCTION)
        self._instrument.other_unit = self._other_unit()
        self._instrument.step()
        try:
            return functions[function](payload)
        except struct.error as error:
            raise Refused(ILLEGAL_VALUE) from error
        except Denied as denied:
            absent = denied.args[0] in {UNKNOWN_PROCESS, UNKNOWN_PARAMETER}
            raise Refused(ILLEGAL_ADDRESS if absent else FAILURE) from denied
        finally:
            self._instrument.step()

    def _read(self, payload: bytes) -> bytes:
        start, count = struct.unpack(">HH", payload)
        if not 1 <= count <= MOST_READ:
            raise Refused(ILLEGAL_VALUE)
        if start == WINK:
            raise Refused(FAILURE)
        words = b"".join(self._words(register) for register in _parameters(start, count))
        return bytes([len(words)]) + words

    def _words(self, register: Register) -> bytes:
        """A byte stands in the lower half; a text is ended by zeros."""
        value = self._instrument.get(register.process, register.number)
        if register.size == 1:
            return b"\0" + value
        return value[: register.size].ljust(2 * register.registers, b"\0")

    def _write_one(self, payload: bytes) -> bytes:
        start, _ = struct.unpack(">HH", payload)
        self._put(start, payload[2:])
        return payload

    def _write_several(self, payload: bytes) -> bytes:
        start, count, size = struct.unpack(">HHB", payload[:5])
        if not 1 <= count <= MOST_WRITTEN or size != 2 * count or len(payload) != 5 + size:
            raise Refused(ILLEGAL_VALUE)
        self._put(start, payload[5:])
        return payload[:4]

    def _put(self, start: int, words: bytes) -> None:
        """One parameter after the other, up to the first that is refused."""
        if start == WINK:
            if int.from_bytes(words) != WINKING:
                raise Refused(FAILURE)
            return
        for register in _parameters(start, len(words) // 2):
            data, words = words[: 2 * register.registers], words[2 * register.registers :]
            if register.size == 1 and data[0]:
                raise Refused(FAILURE)
            self._instrument.put(register.process, register.number, data[-1:] if register.size == 1 else data)


def _parameters(start: int, count: int) -> list[Register]:
    """The parameters in these registers. Raises :class:`Refused` unless there are only whole ones."""
    found, end = [], start + count
    while start < end:
        register = MAP.get(start)
        if register is None or start + register.registers > end:
            raise Refused(ILLEGAL_ADDRESS)
        found.append(register)
        start += register.registers
    return found


async def run(context: Context) -> None:
    """Be the instruments until cancelled."""
    instruments = instruments_of(context, "1")

    def power_up() -> None:
        """All of them."""
        for instrument in instruments:
            instrument.power_up()

    def other_unit() -> bool:
        """Whether the fault is on."""
        return context.faults.active(Fault.WRONG_UNIT) is not None

    context.faults.on_reboot = power_up
    await serve_modbus(context, {one.node: Registers(one, other_unit) for one in instruments}, SERIAL)
