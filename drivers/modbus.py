"""Modbus messages as client: what is asked, and what is an answer to it (Modbus Application Protocol V1.1b3).

Requests are pymodbus' messages. An answer must have exactly the function, the number of bytes and, where it repeats
them, the address and values of its request: pymodbus' client takes any reply of the right device for the answer.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from drivers.contract import Malformed, Refused
from drivers.lazy import load

if TYPE_CHECKING:
    from pymodbus.pdu import ModbusPDU

READ_COILS, READ_DISCRETE, READ_HOLDING, READ_INPUT = 1, 2, 3, 4
WRITE_COIL, WRITE_REGISTER, WRITE_COILS, WRITE_REGISTERS = 5, 6, 15, 16
IDENTIFY, BASIC_IDENTITY = 0x2B, b"\x2b\x0e\x01"
BITS = (READ_COILS, READ_DISCRETE)
READS = (*BITS, READ_HOLDING, READ_INPUT)
ON = 0xFF00
EXCEPTION_SIZE = 2
EXCEPTIONS = {
    1: "illegal function", 2: "illegal address", 3: "illegal value", 4: "device failure", 5: "will take long",
    6: "busy", 8: "memory parity error", 10: "gateway path unavailable", 11: "gateway target does not answer",
}  # fmt: skip
LIBRARY = (
    "pymodbus.framer", "pymodbus.pdu.bit_message", "pymodbus.pdu.register_message", "pymodbus.pdu.mei_message",
)  # fmt: skip


async def load_library() -> None:
    """Import what requests need, beside the event loop."""
    await load(*LIBRARY)


class Ask(NamedTuple):
    """One request: ``count`` coils or registers from wire address ``start`` of device ``unit``, or ``values`` for
    them. For :data:`IDENTIFY` all but the unit is without meaning.
    """

    unit: int
    function: int
    start: int = 0
    count: int = 0
    values: tuple[int, ...] = ()

    def message(self) -> ModbusPDU:
        """The request as a message of pymodbus."""
        from pymodbus.pdu import bit_message, mei_message, register_message

        place = {"dev_id": self.unit, "address": self.start}
        registers, bits = list(self.values), [bool(value) for value in self.values]
        match self.function:
            case 1:
                return bit_message.ReadCoilsRequest(count=self.count, **place)
            case 2:
                return bit_message.ReadDiscreteInputsRequest(count=self.count, **place)
            case 3:
                return register_message.ReadHoldingRegistersRequest(count=self.count, **place)
            case 4:
                return register_message.ReadInputRegistersRequest(count=self.count, **place)
            case 5:
                return bit_message.WriteSingleCoilRequest(bits=bits, **place)
            case 6:
                return register_message.WriteSingleRegisterRequest(registers=registers, **place)
            case 15:
                return bit_message.WriteMultipleCoilsRequest(bits=bits, **place)
            case 16:
                return register_message.WriteMultipleRegistersRequest(registers=registers, **place)
            case 0x2B:
                return mei_message.ReadDeviceInformationRequest(read_code=1, object_id=0, dev_id=self.unit)
        raise ValueError(f"function {self.function} is not known here")

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

    def result(self, reply: bytes) -> list[int]:
        """The bits or registers of a whole answer; of :data:`IDENTIFY` its bytes.

        Raises :class:`Refused` for the device's exception, :class:`Malformed`.
        """
        if reply[0] & 0x80:
            raise Refused(f"device {self.unit}: {EXCEPTIONS.get(reply[1], f'exception {reply[1]}')}")
        body = reply[1:]
        if self.function == IDENTIFY:
            return list(body)
        if self.function not in READS:
            self._confirm(body)
            return []
        if body[0] != len(body) - 1:
            raise Malformed(f"device {self.unit}: the reply counts {body[0]} bytes and has {len(body) - 1}")
        if self.function in BITS:
            return [body[1 + place // 8] >> place % 8 & 1 for place in range(self.count)]
        return list(struct.unpack(f">{self.count}H", body[1:]))

    def _size(self, reply: bytes) -> int | None:
        """Bytes of the answer, the function's included; ``None`` while that is not known."""
        if self.function in BITS:
            return 2 + (self.count + 7) // 8
        if self.function in READS:
            return 2 + 2 * self.count
        return _identity_size(reply) if self.function == IDENTIFY else 5

    def _confirm(self, body: bytes) -> None:
        """A write is answered by its address and by its value, or how many there were. Raises :class:`Malformed`."""
        start, word = struct.unpack(">HH", body)
        single = {WRITE_COIL: ON if self.values[0] else 0, WRITE_REGISTER: self.values[0]}
        if (start, word) != (self.start, single.get(self.function, len(self.values))):
            raise Malformed(f"device {self.unit}: the reply confirms another write")


def identity_texts(body: Sequence[int]) -> dict[int, str]:
    """The objects of an answer to :data:`IDENTIFY`: 0 vendor, 1 product code, 2 revision."""
    data, texts, at = bytes(body), {}, 6
    for _ in range(data[5]):
        number, size = data[at], data[at + 1]
        texts[number] = data[at + 2 : at + 2 + size].decode("ascii", "replace").strip()
        at += 2 + size
    return texts


def _identity_size(reply: bytes) -> int | None:
    """The objects are of any length: each says its own."""
    if len(reply) < 7:
        return None
    size = 7
    for _ in range(reply[6]):
        if len(reply) < size + 2:
            return None
        size += 2 + reply[size + 1]
    return size
