"""The two framings of New Era pumps (manual 1200-01, pages 38 and 39).

Basic: a command ends with CR, an answer stands between STX and ETX. Safe: in both directions STX, the number of bytes
that follow it, the text, a CRC and ETX. A pump in safe mode sends alarms of its own accord.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Callable
from typing import NamedTuple

from drivers.contract import Malformed
from drivers.device_line import LONGEST_REPLY, DeviceLine
from drivers.ports import PortSettings

STX, ETX = 0x02, 0x03
AROUND = 4
"""Bytes of a safe packet besides STX and its text: length, CRC, ETX."""
REPLY = re.compile(r"(?P<address>\d\d)(?:A\?(?P<alarm>[A-Z])|(?P<status>[IWSPTUX]))(?P<data>.*)")
SHORTER_THAN_ALARM = 4
"""Bytes that may be the begin of an alarm, but are none."""
LARGEST = 9999.0
RESET = "R"
ERRORS = {
    "?": "not a command of this pump",
    "?NA": "not applicable now",
    "?OOR": "out of range",
    "?COM": "the pump did not understand the packet",
    "?IGN": "ignored",
}
ALARMS = {
    RESET: "the pump lost power",
    "S": "the motor stalled",
    "T": "the pump heard nothing and stopped",
    "E": "fault in the pump's program",
    "O": "the pump's program has no such phase",
}


class Reply(NamedTuple):
    """What a pump says: ``alarm`` is its letter or nothing; ``status`` is empty in an alarm."""

    status: str
    data: str
    alarm: str


class NewEraLine(DeviceLine):
    """One pump's line. ``alarmed`` is called with the letter of every alarm, asked for or not."""

    def __init__(
        self, settings: PortSettings, reply_s: float, quiet_s: float, address: int, alarmed: Callable[[str], None]
    ) -> None:
        super().__init__(settings, reply_s, quiet_s, unasked=self._between)
        self._address = f"{address:02d}"
        self._alarmed = alarmed
        self._unasked = b""

    async def command(self, text: str, *, safe: bool) -> Reply:
        """Send a command and take its answer, in the same framing. Raises what :meth:`DeviceLine.ask` does."""
        request = f"{self._address}{text}".encode("ascii")
        if not safe:
            return self._parsed((await self.ask(request + b"\r", _whole_text))[1:-1])
        return self._parsed((await self.ask(_packed(request), self._whole))[2:-3])

    async def set_mode(self, silence_s: int) -> Reply:
        """Safe mode with that many seconds, or 0 for basic mode: a packet, whose answer comes in either framing."""
        request = _packed(f"{self._address}SAF{silence_s}".encode())
        data = await self.ask(request, lambda data: (_whole_text if _is_text(data) else _whole_packet)(data))
        return self._parsed(data[1:-1] if _is_text(data) else data[2:-3])

    def _parsed(self, data: bytes) -> Reply:
        body = data.decode("ascii", "replace")
        found = REPLY.fullmatch(body)
        if found is None or found["address"] != self._address:
            raise self.doubt(f"not an answer of pump {self._address}: {body!r}")
        if found["alarm"]:
            self._alarmed(found["alarm"])
        return Reply(found["status"] or "", found["data"], found["alarm"] or "")

    def _whole(self, data: bytes) -> bool:
        """Whether a safe answer is there. An alarm that came with it must not get lost, for it is told once."""
        try:
            return _whole_packet(data)
        except Malformed:
            self._between(data)
            raise

    def _between(self, data: bytes) -> None:
        """Alarms in what nobody asked for; anything else there is nobody's."""
        data = self._unasked + data
        for found in re.finditer(rf"{self._address}A\?([A-Z])".encode(), data):
            self._alarmed(found[1].decode())
        self._unasked = data[-SHORTER_THAN_ALARM:]


def alarm_word(letter: str) -> str:
    """What an alarm means."""
    return ALARMS.get(letter, f"alarm {letter}")


def four_digits(value: float) -> str:
    """A number as a pump takes it: at most four digits, at most three of them after the point."""
    for decimals in (3, 2, 1, 0):
        text = f"{value:.{decimals}f}"
        if len(text.replace(".", "")) <= 4:
            return text
    return f"{LARGEST:.0f}"


def _packed(data: bytes) -> bytes:
    crc = binascii.crc_hqx(data, 0)
    return bytes([STX, len(data) + AROUND]) + data + crc.to_bytes(2, "big") + bytes([ETX])


def _is_text(data: bytes) -> bool:
    """Whether an answer is a basic one: an address follows STX, and not the length, which is far below the digits."""
    return data[1:2].isdigit()


def _whole_text(data: bytes) -> bool:
    """Whether a basic answer is there."""
    if data[:1] not in {b"", bytes([STX])} or len(data) > LONGEST_REPLY or not data.isascii():
        raise Malformed(f"not an answer: {data[:24]!r}")
    end = data.find(ETX)
    if -1 < end < len(data) - 1:
        raise Malformed(f"more than one answer: {data[:48]!r}")
    return end != -1


def _whole_packet(data: bytes) -> bool:
    """Whether a safe answer is there, and intact."""
    if data[:1] not in {b"", bytes([STX])}:
        raise Malformed(f"not a packet: {data[:24]!r}")
    size = 1 + data[1] if len(data) > 1 else 0
    if not size or len(data) < size:
        return False
    if len(data) > size or size <= AROUND or data[-1] != ETX:
        raise Malformed(f"not one packet: {data[:48]!r}")
    if binascii.crc_hqx(data[2:-3], 0).to_bytes(2, "big") != data[-3:-1]:
        raise Malformed(f"wrong checksum: {data[:48]!r}")
    return True
