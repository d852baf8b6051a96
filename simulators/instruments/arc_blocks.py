"""Blocks of registers of a Hamilton Arc sensor, what is in them, and who may write them.

Source: Hamilton "pH ARC Sensors Modbus RTU Programmer's Manual" 624300/01.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass

USER, ADMINISTRATOR, SPECIALIST = 0x03, 0x0C, 0x30


@dataclass(frozen=True, slots=True)
class Block:
    """Registers that can only be had whole: `read` gives its words, `write` takes `write_count` words from `level`."""

    count: int
    read: Callable[[], bytes] | None = None
    write: Callable[[Sequence[int]], None] | None = None
    write_count: int = 0
    level: int = SPECIALIST


def float_words(value: float) -> bytes:
    """IEEE single as it stands on the wire: low word first, big-endian inside a word."""
    high, low = struct.unpack(">2s2s", struct.pack(">f", value))
    return bytes(low + high)


def from_float_words(values: Sequence[int]) -> float:
    """The IEEE single in two registers, low word first."""
    return float(struct.unpack(">f", struct.pack(">HH", values[1], values[0]))[0])


def integer_words(value: int) -> bytes:
    """Unsigned 32-bit number, low word first."""
    return struct.pack(">HH", value & 0xFFFF, value >> 16)


def from_words(values: Sequence[int]) -> int:
    """The unsigned 32-bit number in two registers, low word first."""
    return values[0] | values[1] << 16


def text_words(text: str, registers: int) -> bytes:
    """Latin-1 text, two characters a register, padded with zeros and cut to size."""
    return text.encode("latin-1")[: 2 * registers].ljust(2 * registers, b"\0")


def fixed(content: bytes) -> Block:
    """Words that are always the same."""
    return Block(len(content) // 2, lambda: content)
