"""Modbus messages as client: what is asked, and what is an answer to it (Modbus Application Protocol V1.1b3).

Requests are pymodbus' messages. An answer must have exactly the function, the number of bytes and, where it repeats
them, the address and values of its request: pymodbus' client takes any reply of the right device for the answer.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from drivers.contract import Malformed, Refused, Timeout
from drivers.lazy import load

if TYPE_CHECKING:
    from pymodbus.pdu import ModbusPDU

READ_COILS, READ_DISCRETE, READ_HOLDING, READ_INPUT = 1, 2, 3, 4
WRITE_COIL, WRITE_REGISTER, WRITE_COILS, WRITE_REGISTERS = 5, 6, 15, 16
IDENTIFY = 0x2B
BASIC_IDENTITY = b"\x0e\x01"
BITS = (READ_COILS, READ_DISCRETE)
READS = (*BITS, READ_HOLDING, READ_INPUT)
ON = 0xFF00
EXCEPTION_SIZE = 2
NOBODY_THERE = 11
EXCEPTIONS = {
    1: "illegal function", 2: "illegal address", 3: "illegal value", 4: "device failure", 5: "will take long",
    6: "busy", 8: "memory parity error", 10: "gateway path unavailable", NOBODY_THERE: "gateway target does not answer",
}  # fmt: skip
NOTHING_DONE = (1, 2, 3, 6, 10)
"""Exceptions after which it is certain that a write was not carried out."""
NOT_THERE = (2, 3)
"""Exceptions to a read of which only a part exists, or which is too long for the device."""
Take: TypeAlias = Callable[[bytes | Refused], None]
"""Is given the data of an answer, or the device's exception."""
LIBRARY = ("pymodbus.pdu.bit_message", "pymodbus.pdu.register_message", "pymodbus.pdu.mei_message")
KEPT_REQUESTS = 4096


async def load_library() -> None:
    """Import what requests need, beside the event loop."""
    await load(*LIBRARY)


class ModbusException(Refused):
    """The device's exception. Unless ``nothing_done``, a write may have been carried out, or may still be; if
    ``not_there``, a part of what was read may be.
    """

    def __init__(self, unit: int, code: int) -> None:
        super().__init__(f"device {unit}: {EXCEPTIONS.get(code, f'exception {code}')}")
        self.code = code
        self.nothing_done = code in NOTHING_DONE
        self.not_there = code in NOT_THERE


class Ask(NamedTuple):
    """One request: ``number`` coils or registers from wire address ``start`` of device ``unit``, or ``values`` for
    them. For :data:`IDENTIFY` all but the unit is without meaning.
    """

    unit: int
    function: int
    start: int = 0
    number: int = 0
    values: tuple[int, ...] = ()

    def request(self) -> bytes:
        """The request from its function code on."""
        return _encoded(self)

    def is_whole(self, reply: bytes) -> bool:
        """Whether ``reply``, from its function code on, is as long as the answer. Raises :class:`Malformed` if it is
        longer, or cannot become it.
        """
        if not reply:
            return False
        if reply[0] & 0x7F != self.function:
            raise Malformed(f"device {self.unit}: the reply is to function {reply[0] & 0x7F}, not {self.function}")
        size = EXCEPTION_SIZE if reply[0] & 0x80 else self._size(reply)
        if size is not None and len(reply) > size:
            raise Malformed(f"device {self.unit}: the reply is too long")
        return len(reply) == size

    def data(self, reply: bytes) -> bytes:
        """The bytes of bits or registers in a whole answer; of :data:`IDENTIFY` its objects, of a write nothing.

        Raises :class:`ModbusException`, :class:`Timeout` when a gateway says that the device is silent, and
        :class:`Malformed`.
        """
        if reply[0] & 0x80:
            if reply[1] == NOBODY_THERE:
                raise Timeout(f"device {self.unit}: {EXCEPTIONS[NOBODY_THERE]}")
            raise ModbusException(self.unit, reply[1])
        if self.function in READS:
            return reply[2:]
        if self.function == IDENTIFY:
            return reply[6:]
        self._confirm(reply[1:])
        return b""

    def registers(self, data: bytes) -> list[int]:
        """The registers in the data of an answer."""
        return list(struct.unpack(f">{self.number}H", data))

    def _size(self, reply: bytes) -> int | None:
        """Bytes of the answer, the function's included; ``None`` while that is not known."""
        if self.function == IDENTIFY:
            return self._identity_size(reply)
        if self.function not in READS:
            return 5
        size = (self.number + 7) // 8 if self.function in BITS else 2 * self.number
        if len(reply) > 1 and reply[1] != size:
            raise Malformed(f"device {self.unit}: the reply has {reply[1]} bytes, not {size}")
        return 2 + size

    def _identity_size(self, reply: bytes) -> int | None:
        """The objects are of any length: each says its own."""
        if len(reply) < 7:
            return None
        if reply[1:3] != BASIC_IDENTITY:
            raise Malformed(f"device {self.unit}: the reply is no identity")
        size = 7
        for _ in range(reply[6]):
            if len(reply) < size + 2:
                return None
            size += 2 + reply[size + 1]
        return size

    def _confirm(self, body: bytes) -> None:
        """A write is answered by its address and by its value, or how many there were. Raises :class:`Malformed`."""
        start, word = struct.unpack(">HH", body)
        single = {WRITE_COIL: ON if self.values[0] else 0, WRITE_REGISTER: self.values[0]}
        if (start, word) != (self.start, single.get(self.function, len(self.values))):
            raise Malformed(f"device {self.unit}: the reply confirms another write")


def identity_texts(data: bytes) -> dict[int, str]:
    """The objects of an answer to :data:`IDENTIFY`: 0 vendor, 1 product code, 2 revision."""
    texts, at = {}, 1
    for _ in range(data[0]):
        number, size = data[at], data[at + 1]
        texts[number] = data[at + 2 : at + 2 + size].decode("ascii", "replace").strip("\0 ")
        at += 2 + size
    return texts


@lru_cache(KEPT_REQUESTS)
def _encoded(ask: Ask) -> bytes:
    """What is read is asked again and again."""
    message = _message(ask)
    return bytes([ask.function]) + message.encode()


def _message(ask: Ask) -> ModbusPDU:
    from pymodbus.pdu import bit_message, mei_message, register_message

    if ask.function == IDENTIFY:
        return mei_message.ReadDeviceInformationRequest(read_code=1, object_id=0, dev_id=ask.unit)
    reads: dict[int, type[ModbusPDU]] = {
        READ_COILS: bit_message.ReadCoilsRequest,
        READ_DISCRETE: bit_message.ReadDiscreteInputsRequest,
        READ_HOLDING: register_message.ReadHoldingRegistersRequest,
        READ_INPUT: register_message.ReadInputRegistersRequest,
    }
    if ask.function in reads:
        return reads[ask.function](dev_id=ask.unit, address=ask.start, count=ask.number)
    registers: dict[int, type[ModbusPDU]] = {
        WRITE_REGISTER: register_message.WriteSingleRegisterRequest,
        WRITE_REGISTERS: register_message.WriteMultipleRegistersRequest,
    }
    if ask.function in registers:
        return registers[ask.function](dev_id=ask.unit, address=ask.start, registers=ask.values)
    bits: dict[int, type[ModbusPDU]] = {
        WRITE_COIL: bit_message.WriteSingleCoilRequest,
        WRITE_COILS: bit_message.WriteMultipleCoilsRequest,
    }
    return bits[ask.function](dev_id=ask.unit, address=ask.start, bits=[bool(value) for value in ask.values])
