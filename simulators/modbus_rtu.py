"""Modbus RTU as a slave sees it: frames and checksums, and the function codes of devices that have only registers.

Source: Modbus Application Protocol V1.1b3 and Modbus over Serial Line V1.02.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from typing import Protocol, TypeAlias, runtime_checkable

READ_HOLDING, READ_INPUT, WRITE_REGISTERS = 3, 4, 16
ILLEGAL_FUNCTION, ILLEGAL_ADDRESS, ILLEGAL_VALUE = 1, 2, 3
MAX_REGISTERS_READ, MAX_REGISTERS_WRITTEN = 125, 123
FIXED_LENGTH = {**dict.fromkeys(range(1, 7), 8), 7: 4, 8: 8, 11: 4, 12: 4, 17: 4, 22: 10, 24: 6, 43: 7}
"""Bytes of a request, by function code."""
COUNTED_LENGTH = {15: 6, 16: 6, 20: 2, 21: 2, 23: 10}
"""Where a request says how many bytes follow, by function code."""


class Refused(Exception):
    """A device refuses a request; `code` is the Modbus exception code."""

    def __init__(self, code: int) -> None:
        super().__init__(f"exception {code}")
        self.code = code


class RegisterDevice(Protocol):
    """What stands behind one unit id. Addresses are wire addresses (document number - 1)."""

    def read(self, address: int, count: int) -> Sequence[int]:
        """Register contents, `count` words. Raises :class:`Refused`."""
        ...

    def write(self, address: int, values: Sequence[int]) -> None:
        """Take register contents. Raises :class:`Refused`."""
        ...


@runtime_checkable
class AnyDevice(Protocol):
    """What stands behind one unit id and knows function codes of its own."""

    def perform(self, function: int, payload: bytes) -> bytes:
        """Carry out a request; what follows the function code in the answer. Raises :class:`Refused`."""
        ...


Device: TypeAlias = RegisterDevice | AnyDevice


def crc16(data: bytes) -> bytes:
    """CRC-16/MODBUS, low byte first, as it stands on the wire."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ 0xA001 if crc & 1 else crc >> 1
    return struct.pack("<H", crc)


def seal(body: bytes) -> bytes:
    """A frame: the body with its checksum."""
    return body + crc16(body)


def intact(frame: bytes) -> bool:
    """Whether a frame is long enough and its checksum fits."""
    return len(frame) >= 4 and crc16(frame[:-2]) == frame[-2:]


def request_length(start: bytes) -> int | None:
    """Length of the request that starts like this; None while unknown or when only silence can end it."""
    if len(start) < 2:
        return None
    if start[1] in FIXED_LENGTH:
        return FIXED_LENGTH[start[1]]
    at = COUNTED_LENGTH.get(start[1])
    return at + 3 + start[at] if at is not None and len(start) > at else None


class Framer:
    """Cuts a byte stream into requests, by length where the function code tells it and by silence elsewhere."""

    def __init__(self) -> None:
        self._buffer = b""

    def feed(self, data: bytes) -> list[bytes]:
        """Complete requests with a good checksum; the rest stays until more bytes or :meth:`silence`."""
        self._buffer += data
        frames: list[bytes] = []
        while (length := request_length(self._buffer)) is not None and len(self._buffer) >= length:
            frame, rest = self._buffer[:length], self._buffer[length:]
            if not intact(frame):
                break  # out of step: only silence on the line can tell where the next frame starts
            frames.append(frame)
            self._buffer = rest
        return frames

    def silence(self) -> bytes | None:
        """The line has been silent for 3.5 characters: what is buffered is a frame if its checksum says so."""
        frame, self._buffer = self._buffer, b""
        return frame if intact(frame) else None


def answer(frame: bytes, devices: Mapping[int, Device]) -> bytes | None:
    """The reply to an intact request, or None when nobody on the line is meant (unknown unit, broadcast)."""
    device = devices.get(frame[0])
    if device is None:
        return None
    try:
        body = perform(frame[1], frame[2:-2], device)
    except Refused as refusal:
        return seal(bytes([frame[0], frame[1] | 0x80, refusal.code]))
    return seal(frame[:2] + body)


def perform(function: int, payload: bytes, device: Device) -> bytes:
    """What follows the function code in the answer to a request. Raises :class:`Refused`."""
    if isinstance(device, AnyDevice):
        return device.perform(function, payload)
    if function in {READ_HOLDING, READ_INPUT} and len(payload) == 4:
        return _read(payload, device)
    if function == WRITE_REGISTERS and len(payload) >= 5:
        return _write(payload, device)
    raise Refused(ILLEGAL_FUNCTION)


def _read(payload: bytes, device: RegisterDevice) -> bytes:
    address, count = struct.unpack(">HH", payload)
    if not 1 <= count <= MAX_REGISTERS_READ:
        raise Refused(ILLEGAL_VALUE)
    values = device.read(address, count)
    return bytes([2 * count]) + struct.pack(f">{count}H", *values)


def _write(payload: bytes, device: RegisterDevice) -> bytes:
    address, count, size = struct.unpack(">HHB", payload[:5])
    if not 1 <= count <= MAX_REGISTERS_WRITTEN or size != 2 * count or len(payload) != 5 + size:
        raise Refused(ILLEGAL_VALUE)
    device.write(address, struct.unpack(f">{count}H", payload[5:]))
    return payload[:4]
