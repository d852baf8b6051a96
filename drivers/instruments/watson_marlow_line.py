"""The two protocols of Watson-Marlow Du pumps (manuals 520DuN p. 76, 530Du p. 40, 630Du pp. 40 to 42).

Basic: ``1SP220.0`` and CR; a status is words and ends with ``!``. Enhanced: ``<1,SP,220,??>``, where ``??`` stands for
a checksum that is not looked at. The checksum is described as the ones' complement of the sum of the bytes before it,
and printed as the two's complement: answers may have either. Set commands are not answered in basic mode, and whatever
is no answer to the question is passed over in enhanced mode.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from drivers.contract import Malformed, Refused
from drivers.device_line import LONGEST_REPLY, DeviceLine, TextLine
from drivers.ports import PortSettings

# 520Du 15.84 520R 9.6MM 220.0 CW P/N 1 123456789 1 !
STATUS = re.compile(
    r"(?P<model>\S+) (?P<ml>\d+\.?\d*) (?P<head>\S+) (?P<tube>\S+) (?P<speed>\d+\.?\d*) (?P<direction>CW|CCW)"
    r" P/N (?P<number>\d+) (?P<count>\d+) (?P<running>[01]) ?!"
)
# 323Du 110 CW 1 !
SHORT_STATUS = re.compile(r"(?P<model>\S+) (?P<speed>\d+\.?\d*) (?P<direction>CW|CCW) (?P<running>[01]) ?!")
# 1,530Du,15.12,520R,9.6,220.0,CW,123456789,12345,1,0,0,0,0,0,0,
FIELDS = re.compile(
    r"(?P<number>\d+),(?P<model>[^,]+),(?P<ml>\d+\.?\d*),(?P<head>[^,]*),(?P<tube>[^,]*),(?P<speed>\d+\.?\d*),"
    r"(?P<direction>CW|CCW),\d+,(?P<count>\d+),(?P<running>[01]),(?P<leak>[01]),(?:[^,]*,){5}"
)
FRAME = re.compile(rb"<([^<>]*,)([0-9A-Fa-f]{2}|\?\?)>")
UNCHECKED = "??"


class Status(NamedTuple):
    """What the pump says of itself: the speed it is set to in {rev}/min, tachometer counts if it has any, whether it
    runs, in which direction, whether it has found a leak.
    """

    model: str
    speed: float
    counts: int | None
    running: bool
    clockwise: bool
    leak: bool = False


class BasicLine(TextLine):
    """The basic protocol."""

    def __init__(self, settings: PortSettings, reply_s: float, quiet_s: float, number: int) -> None:
        super().__init__(settings, reply_s, quiet_s)
        self._number = number

    async def order(self, command: str, value: float | None = None) -> None:
        """Send a command that sets something; tenths of a revolution per minute."""
        await self.say(f"{self._number}{command}{'' if value is None else f'{value:.1f}'}")

    async def probe(self) -> None:
        """Ask whether it runs."""
        answer = await self.ask_line(f"{self._number}ZY")
        if answer not in {"0", "1"}:
            raise self.doubt(f"not an answer to ZY: {answer!r}")

    async def status(self) -> Status:
        """Ask for the status."""
        reply = await self.ask_line(f"{self._number}RS")
        short = SHORT_STATUS.fullmatch(reply)
        if short is not None:
            return _status(short, None)
        match = STATUS.fullmatch(reply)
        if match is None:
            raise self.doubt(f"not a status: {reply!r}")
        if int(match["number"]) != self._number:
            raise Refused(f"pump {match['number']} answers for pump {self._number}")
        return _status(match, int(match["count"]))


class EnhancedLine(DeviceLine):
    """The enhanced protocol."""

    def __init__(self, settings: PortSettings, reply_s: float, quiet_s: float, number: int) -> None:
        super().__init__(settings, reply_s, quiet_s)
        self._number = number

    async def order(self, command: str, value: float | None = None) -> None:
        """Send a command that sets something; whole revolutions per minute."""
        await self.tell(self._frame(command if value is None else f"{command},{value:.0f}"))

    async def probe(self) -> None:
        """Ask whether it runs."""
        await self._answer("ZY", re.compile(rf"{self._number},[01],"))

    async def status(self) -> Status:
        """Ask for the status."""
        match = await self._answer("RS", FIELDS)
        if int(match["number"]) != self._number:
            raise Refused(f"pump {match['number']} answers for pump {self._number}")
        return _status(match, int(match["count"]))._replace(leak=match["leak"] == "1")

    async def _answer(self, command: str, pattern: re.Pattern[str]) -> re.Match[str]:
        def complete(data: bytes) -> bool:
            """Whether the answer is there, and intact."""
            return bool(_answers(data, pattern))

        return _answers(await self.ask(self._frame(command), complete), pattern)[0]

    def _frame(self, command: str) -> bytes:
        return f"<{self._number},{command},{UNCHECKED}>".encode("ascii")


def _status(found: re.Match[str], counts: int | None) -> Status:
    running, clockwise = found["running"] == "1", found["direction"] == "CW"
    return Status(found["model"], float(found["speed"]), counts, running, clockwise)


def _answers(data: bytes, pattern: re.Pattern[str]) -> list[re.Match[str]]:
    """The answers in what came, of the shape that is wanted. Raises :class:`Malformed` for a wrong checksum."""
    if len(data) > LONGEST_REPLY:
        raise Malformed(f"not a frame: {data[:24]!r}")
    found = []
    for body, checksum in FRAME.findall(data):
        match = pattern.fullmatch(body.decode("ascii", "replace"))
        if match is not None:
            if checksum.upper() not in _checksums(body):
                raise Malformed(f"wrong checksum: {data[:48]!r}")
            found.append(match)
    return found


def _checksums(body: bytes) -> tuple[bytes, bytes]:
    total = sum(body)
    return f"{~total & 0xFF:02X}".encode(), f"{-total & 0xFF:02X}".encode()


PROTOCOLS: dict[str, Callable[[PortSettings, float, float, int], BasicLine | EnhancedLine]] = {
    "basic": BasicLine,
    "enhanced": EnhancedLine,
}
