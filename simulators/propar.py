"""ProPar at the instrument's end: messages in either framing, chained parameters, status codes.

Source: Bronkhorst manual 9.17.027, chapter 3.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

CHAIN, TYPE = 0x80, 0x60
TEXT = 0x60
SIZES = {0x00: 1, 0x20: 2, 0x40: 4}
STATUS, STORE, STORE_SILENTLY, BROADCAST, REQUEST = 0, 1, 2, 3, 4
NO_SUCH_COMMAND, WRONG_TYPE, PROTOCOL = 2, 5, 4
START, STOP, ESCAPED = b"\x10\x02", b"\x10\x03", b"\x10\x10"
LONGEST = 600


class Message(NamedTuple):
    """To or from a node; without a sequence number it is text."""

    sequence: int | None
    node: int
    data: bytes


class Denied(Exception):
    """The instrument does not do it; the argument is the status code."""


class Parameters(Protocol):
    """What an instrument offers, by process and number. Both raise :class:`Denied`."""

    def get(self, process: int, number: int) -> bytes:
        """The value as it is sent."""
        ...

    def put(self, process: int, number: int, data: bytes) -> None:
        """Store a value."""
        ...


class Frames:
    """Messages of both kinds in a stream of bytes; what is between them is dropped."""

    def __init__(self) -> None:
        self._buffer = b""

    def feed(self, data: bytes) -> list[bytes]:
        """The frames that are complete now."""
        self._buffer = (self._buffer + data)[-LONGEST:]
        frames = []
        while (span := self._next()) is not None:
            frames.append(self._buffer[span[0] : span[1]])
            self._buffer = self._buffer[span[1] :]
        return frames

    def _next(self) -> tuple[int, int] | None:
        """Where the first complete frame begins and ends."""
        text, binary = self._buffer.find(b":"), self._buffer.find(START)
        if text >= 0 and (binary < 0 or text < binary):
            end = self._buffer.find(b"\r\n", text)
            return (text, end + 2) if end >= 0 else None
        if binary < 0:
            return None
        end = binary + len(START)
        while end + 1 < len(self._buffer):
            pair = self._buffer[end : end + 2]
            if pair == STOP:
                return binary, end + 2
            end += 2 if pair == ESCAPED else 1
        return None


def decode(frame: bytes) -> Message | None:
    """What a frame says; None when it is damaged."""
    if frame.startswith(START):
        inside = frame[2:-2].replace(ESCAPED, b"\x10")
        whole = len(inside) > 3 and inside[2] == len(inside) - 3
        return Message(inside[0], inside[1], inside[3:]) if whole else None
    try:
        inside = bytes.fromhex(frame[1:-2].decode("ascii"))
    except ValueError:
        return None
    return Message(None, inside[1], inside[2:]) if len(inside) > 2 and inside[0] == len(inside) - 1 else None


def encode(message: Message) -> bytes:
    """The frame of a message."""
    if message.sequence is None:
        return f":{len(message.data) + 1:02X}{message.node:02X}{message.data.hex().upper()}\r\n".encode()
    inside = bytes([message.sequence, message.node, len(message.data)]) + message.data
    return START + inside.replace(b"\x10", ESCAPED) + STOP


class Cursor:
    """A place in the data of a message."""

    def __init__(self, data: bytes) -> None:
        self._data, self.at = data, 0

    @property
    def more(self) -> bool:
        """Whether it is not at the end."""
        return self.at < len(self._data)

    def take(self, count: int) -> bytes:
        """The next bytes. Raises :class:`IndexError` when there are not so many."""
        taken = self._data[self.at : self.at + count]
        if len(taken) < count:
            raise IndexError
        self.at += count
        return taken


def carry_out(data: bytes, instrument: Parameters) -> bytes | None:
    """Do what a message asks for: the data of the reply, or None where there is none."""
    cursor, code = Cursor(data), 0
    try:
        (command,) = cursor.take(1)
        if command == REQUEST:
            return _answer(cursor, instrument)
        if command not in {STORE, STORE_SILENTLY, BROADCAST}:
            raise Denied(NO_SUCH_COMMAND)
        _store(cursor, instrument)
    except Denied as denied:
        code = denied.args[0]
    except IndexError:
        return bytes([PROTOCOL])
    return None if data[0] in {STORE_SILENTLY, BROADCAST} else bytes([STATUS, code, cursor.at])


def _answer(cursor: Cursor, instrument: Parameters) -> bytes:
    """Values under the indexes that the asker chose."""
    reply, chained = bytearray([STORE_SILENTLY]), False
    while cursor.more:
        if not chained:
            reply += cursor.take(1)
        index, process, number = cursor.take(3)
        if (index ^ number) & TYPE:
            raise Denied(WRONG_TYPE)
        value = instrument.get(process & ~CHAIN, number & ~(CHAIN | TYPE))
        reply.append(index)
        if number & TYPE == TEXT:
            (length,) = cursor.take(1)
            value = bytes([length]) + (value.ljust(length)[:length] if length else value + b"\0")
        elif len(value) != SIZES[number & TYPE]:
            raise Denied(WRONG_TYPE)
        reply += value
        chained = bool(index & CHAIN)
    return bytes(reply)


def _store(cursor: Cursor, instrument: Parameters) -> None:
    """Store values, one after the other, up to the first that is denied."""
    process, chained = 0, False
    while cursor.more:
        if not chained:
            process = cursor.take(1)[0] & ~CHAIN
        (number,) = cursor.take(1)
        place = number & ~(CHAIN | TYPE)
        if number & TYPE == TEXT:
            instrument.put(process, place, cursor.take(cursor.take(1)[0]))
        else:
            value = cursor.take(SIZES[number & TYPE])
            if len(instrument.get(process, place)) != len(value):
                raise Denied(WRONG_TYPE)
            instrument.put(process, place, value)
        chained = bool(number & CHAIN)
