"""ProPar, the protocol of Bronkhorst's instruments: its two framings, requests and their answers (manual 9.17.027).

The asker chooses the indexes under which values are to come. The process index is used as the number of the question,
for the text framing has neither checksum nor sequence number: an answer to another question is never taken for it.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple, TypeAlias

from drivers.contract import Malformed
from drivers.device_line import DeviceLine, TextLine
from drivers.ports import PortSettings

BYTE, WORD, LONG, TEXT = 0x00, 0x20, 0x40, 0x60
STATUS, WRITE, ANSWER, ASK = 0, 1, 2, 4
CHAINED, LAST_TAG = 0x80, 0x7F
DLE, STX, ETX = 0x10, 0x02, 0x03
ZERO_ENDED = 0
"""Instead of the length of a text; an answer may give the length none the less."""
CRLF = b"\r\n"
OF_A_CHANNEL = (1, 33, 65, 97, 104)
"""Processes that exist once per channel."""

Data: TypeAlias = float | str


class Parameter(NamedTuple):
    """Where it is and how it is sent; a float is a LONG, a text has no form."""

    process: int
    number: int
    kind: int
    form: str


class AsciiLine:
    """A colon, length of node and data, node, data, all in hexadecimal, in a line."""

    def __init__(self, port: PortSettings, reply_s: float, quiet_s: float) -> None:
        self.line = TextLine(port, reply_s, quiet_s, end=CRLF, reply_end=CRLF)

    async def exchange(self, node: int, data: bytes) -> tuple[int, bytes]:
        """Send data to a node; who answered, and what. Raises what :meth:`DeviceLine.ask` does."""
        reply = await self.line.ask_line(f":{len(data) + 1:02X}{node:02X}{data.hex().upper()}")
        frame = bytes.fromhex(reply[1:]) if re.fullmatch(r":(?:[0-9A-Fa-f]{2}){3,}", reply) else b""
        if not frame or frame[0] != len(frame) - 1:
            raise self.line.doubt(f"not a frame: {reply!r}")
        return frame[1], frame[2:]


class BinaryLine:
    """Sequence number, node, length of data and data between DLE STX and DLE ETX; a DLE inside is doubled."""

    def __init__(self, port: PortSettings, reply_s: float, quiet_s: float) -> None:
        self.line = DeviceLine(port, reply_s, quiet_s)
        self._sequence = 0

    async def exchange(self, node: int, data: bytes) -> tuple[int, bytes]:
        """See :meth:`AsciiLine.exchange`."""
        self._sequence = sequence = (self._sequence + 1) % 256
        inside = bytes([sequence, node, len(data)]) + data
        stuffed = inside.replace(bytes([DLE]), bytes([DLE, DLE]))
        request = bytes([DLE, STX]) + stuffed + bytes([DLE, ETX])
        frame = unstuffed(await self.line.ask(request, lambda reply: unstuffed(reply) is not None)) or b""
        if len(frame) < 4 or frame[0] != sequence or frame[2] != len(frame) - 3:
            raise self.line.doubt(f"not an answer to message {sequence}: {frame.hex(' ')}")
        return frame[1], frame[3:]


Wire: TypeAlias = AsciiLine | BinaryLine


def unstuffed(data: bytes) -> bytes | None:
    """What is inside a frame; None while it is not complete. Raises :class:`Malformed` when it cannot become one."""
    if not bytes([DLE, STX]).startswith(data[:2]):
        raise Malformed(f"not a frame: {data[:24].hex(' ')}")
    inside, escaped = bytearray(), False
    for place, byte in enumerate(data[2:], 3):
        if not escaped and byte == DLE:
            escaped = True
            continue
        if escaped and byte == ETX and place == len(data):
            return bytes(inside)
        if escaped and byte != DLE:
            raise Malformed(f"not a frame: {data[:24].hex(' ')}")
        inside.append(byte)
        escaped = False
    return None


def question(parameters: Sequence[Parameter], tag: int, channel: int) -> bytes:
    """A request for some parameters; ``tag`` and their places are the indexes under which they are to come."""
    data = bytearray([ASK])
    runs = [list(run) for _, run in groupby(enumerate(parameters), lambda pair: pair[1].process)]
    for run in runs:
        data.append(tag | (CHAINED if run is not runs[-1] else 0))
        for place, parameter in run:
            data.append((CHAINED if place != run[-1][0] else 0) | parameter.kind | place)
            data += bytes([process_of(parameter, channel), parameter.kind | parameter.number])
            if parameter.kind == TEXT:
                data.append(ZERO_ENDED)
    return bytes(data)


def values(reply: bytes, parameters: Sequence[Parameter], tag: int) -> list[Data]:
    """The values in an answer. Raises ``ValueError``, ``IndexError`` or ``struct.error`` when it is another's."""
    if reply[0] != ANSWER:
        raise ValueError("not an answer")
    found: list[Data] = []
    at, chained = 1, False
    for place, parameter in enumerate(parameters):
        if not chained:
            if reply[at] & LAST_TAG != tag:
                raise ValueError("the answer to another question")
            at += 1
        if reply[at] & ~CHAINED != parameter.kind | place:
            raise ValueError("another parameter")
        chained = bool(reply[at] & CHAINED)
        value, at = _value(reply, at + 1, parameter)
        found.append(value)
    if at != len(reply):
        raise ValueError("too long")
    return found


def _value(reply: bytes, at: int, parameter: Parameter) -> tuple[Data, int]:
    """One value, and where the next one begins."""
    if parameter.kind != TEXT:
        (number,) = struct.unpack_from(parameter.form, reply, at)
        return number, at + struct.calcsize(parameter.form)
    start = at + 1
    end = start + reply[at] if reply[at] else reply.index(0, start)
    if end > len(reply):
        raise ValueError("too short")
    return reply[start:end].decode("latin-1").strip(" \0"), end + (reply[at] == 0)


def write(parameter: Parameter, value: float, channel: int) -> bytes:
    """A request to store a number, which is to be acknowledged."""
    place = bytes([WRITE, process_of(parameter, channel), parameter.kind | parameter.number])
    return place + struct.pack(parameter.form, value)


def process_of(parameter: Parameter, channel: int) -> int:
    """Its process, on a channel."""
    return parameter.process + (channel - 1 if parameter.process in OF_A_CHANNEL else 0)
