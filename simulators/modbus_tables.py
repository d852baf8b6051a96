"""A Modbus device with the four tables of the standard: coils, discrete inputs, holding and input registers.

Source: Modbus Application Protocol V1.1b3, 6.1-6.6, 6.11, 6.12 and 6.21 (functions 1-6, 15, 16, 43/14).
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field

from simulators.modbus_rtu import ILLEGAL_ADDRESS, ILLEGAL_FUNCTION, ILLEGAL_VALUE, Refused

Table = MutableMapping[int, int]
TABLES = ("coil", "discrete", "holding", "input")
MOST_READ = {"coil": 2000, "discrete": 2000, "holding": 125, "input": 125}
MOST_WRITTEN = {"coil": 1968, "holding": 123}
COIL_ON, COIL_OFF = 0xFF00, 0x0000
READ_DEVICE_ID = 0x0E
BASIC_STREAM_AND_SINGLE = 0x81
"""How much of the identification there is: the three basic objects, together or one by one."""
READ_SINGLE = 4


class Pattern(dict[int, int]):
    """Every address that is not set holds its own number, or the last bit of it."""

    def __init__(self, mask: int) -> None:
        super().__init__()
        self._mask = mask

    def __missing__(self, address: int) -> int:
        return address & self._mask

    def __contains__(self, address: object) -> bool:
        return isinstance(address, int) and 0 <= address <= 0xFFFF

    def values_of(self, addresses: range) -> list[int]:
        """What many addresses hold, at once where none of them was set."""
        return [self[address] for address in addresses] if self else [address & self._mask for address in addresses]


@dataclass(slots=True)
class Tables:
    """One device. What a table does not have is refused with exception 2, a value outside of `limits` (of a holding
    register) with 3, a request that touches a place of `refusals` with the exception given there.
    """

    tables: Mapping[str, Table]
    identity: Sequence[str] = ()
    limits: Mapping[int, tuple[int, int]] = field(default_factory=dict)
    refusals: Mapping[tuple[str, int], int] = field(default_factory=dict)

    def perform(self, function: int, payload: bytes) -> bytes:
        """What follows the function code in the answer. Raises :class:`Refused`."""
        functions: dict[int, Callable[[bytes], bytes]] = {
            1: lambda data: self._read_bits("coil", data),
            2: lambda data: self._read_bits("discrete", data),
            3: lambda data: self._read_registers("holding", data),
            4: lambda data: self._read_registers("input", data),
            5: self._write_coil,
            6: self._write_register,
            15: self._write_coils,
            16: self._write_registers,
            43: self._identify,
        }
        perform = functions.get(function)
        if perform is None:
            raise Refused(ILLEGAL_FUNCTION)
        try:
            return perform(payload)
        except (struct.error, IndexError) as error:
            raise Refused(ILLEGAL_VALUE) from error

    def _read_bits(self, table: str, payload: bytes) -> bytes:
        values = self._values(table, payload)
        packed = bytearray((len(values) + 7) // 8)
        for place, value in enumerate(values):
            packed[place // 8] |= (value & 1) << place % 8
        return bytes([len(packed)]) + packed

    def _read_registers(self, table: str, payload: bytes) -> bytes:
        values = self._values(table, payload)
        return struct.pack(f">B{len(values)}H", 2 * len(values), *values)

    def _values(self, table: str, payload: bytes) -> list[int]:
        start, count = struct.unpack(">HH", payload)
        if not 1 <= count <= MOST_READ[table]:
            raise Refused(ILLEGAL_VALUE)
        content, addresses = self._checked(table, start, count), range(start, start + count)
        return content.values_of(addresses) if isinstance(content, Pattern) else [content[one] for one in addresses]

    def _write_coil(self, payload: bytes) -> bytes:
        address, value = struct.unpack(">HH", payload)
        if value not in {COIL_ON, COIL_OFF}:
            raise Refused(ILLEGAL_VALUE)
        self._put("coil", address, [int(value == COIL_ON)])
        return payload

    def _write_register(self, payload: bytes) -> bytes:
        address, value = struct.unpack(">HH", payload)
        self._put("holding", address, [value])
        return payload

    def _write_coils(self, payload: bytes) -> bytes:
        start, count, size = struct.unpack(">HHB", payload[:5])
        if not 1 <= count <= MOST_WRITTEN["coil"] or size != (count + 7) // 8 or len(payload) != 5 + size:
            raise Refused(ILLEGAL_VALUE)
        self._put("coil", start, [payload[5 + place // 8] >> place % 8 & 1 for place in range(count)])
        return payload[:4]

    def _write_registers(self, payload: bytes) -> bytes:
        start, count, size = struct.unpack(">HHB", payload[:5])
        if not 1 <= count <= MOST_WRITTEN["holding"] or size != 2 * count or len(payload) != 5 + size:
            raise Refused(ILLEGAL_VALUE)
        self._put("holding", start, struct.unpack(f">{count}H", payload[5:]))
        return payload[:4]

    def _put(self, table: str, start: int, values: Sequence[int]) -> None:
        content = self._checked(table, start, len(values))
        for address, value in enumerate(values, start):
            low, high = self.limits.get(address, (0, 0xFFFF))
            if table == "holding" and not low <= value <= high:
                raise Refused(ILLEGAL_VALUE)
        content.update(enumerate(values, start))

    def _checked(self, table: str, start: int, count: int) -> Table:
        """A table in which all of these are. Raises :class:`Refused`."""
        content, addresses = self.tables[table], range(start, start + count)
        for address in addresses if self.refusals else ():
            if (table, address) in self.refusals:
                raise Refused(self.refusals[table, address])
        ends = (start, start + count - 1) if isinstance(content, Pattern) else addresses
        if not all(map(content.__contains__, ends)):
            raise Refused(ILLEGAL_ADDRESS)
        return content

    def _identify(self, payload: bytes) -> bytes:
        kind, code, number = payload
        if kind != READ_DEVICE_ID or not self.identity:
            raise Refused(ILLEGAL_FUNCTION)
        if not 1 <= code <= READ_SINGLE:
            raise Refused(ILLEGAL_VALUE)
        objects = [(place, text.encode("ascii")) for place, text in enumerate(self.identity)]
        if code == READ_SINGLE:
            objects = objects[number : number + 1]
            if not objects:
                raise Refused(ILLEGAL_ADDRESS)
        listed = b"".join(bytes([place, len(text)]) + text for place, text in objects)
        return bytes([kind, code, BASIC_STREAM_AND_SINGLE, 0, 0, len(objects)]) + listed
