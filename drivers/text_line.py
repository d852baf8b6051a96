"""Instruments that speak lines of ASCII ended by CR: commands, replies, and the echo of either.

A line that is a recent command of ours is its echo and is dropped. After a time-out the line is in doubt, as in
:mod:`drivers.modbus`: wait until it is silent, then ask something whose answer looks different from every other.
"""

from __future__ import annotations

from collections import deque

from drivers.contract import Malformed
from drivers.serial_line import SerialLine, SerialSettings

LONGEST_LINE = 256
GAP_S = 0.010
CR = b"\r"


class TextLine:
    """The only speaker on one serial port. Times are wall seconds, as in :class:`drivers.modbus.RtuLine`."""

    def __init__(self, settings: SerialSettings, reply_s: float, quiet_s: float) -> None:
        self.in_doubt = True
        self._line = SerialLine(settings, GAP_S)
        self._reply_s = reply_s
        self._quiet_s = quiet_s
        self._echoes: deque[bytes] = deque(maxlen=4)

    async def open(self) -> None:
        """Open the port; it is in doubt until probed. Raises :class:`LinkLost`."""
        await self._line.open()
        self.in_doubt = True

    async def silence(self) -> None:
        """Wait until the line is silent for longer than the slowest reply."""
        await self._line.silence(self._quiet_s)

    async def tell(self, command: str) -> None:
        """Send a command that is not answered. Raises :class:`LinkLost`, :class:`Timeout`."""
        await self._line.send(self._encode(command))

    async def ask(self, command: str) -> str:
        """Send a command and return its one line of reply, without CR.

        Raises :class:`Timeout`, :class:`Malformed`, :class:`LinkLost`; the line is then in doubt.
        """
        known, self.in_doubt = not self.in_doubt, True
        data = await self._line.exchange(self._encode(command), self._has_reply, self._reply_s)
        if known:
            self.in_doubt = False
        return self._replies(data)[0].decode("ascii")

    def close(self) -> None:
        """Give the port back. Idempotent, never raises."""
        self._line.close()

    def _encode(self, command: str) -> bytes:
        data = command.encode("ascii")
        self._echoes.append(data)
        return data + CR

    def _has_reply(self, data: bytes) -> bool:
        """Whether a whole reply is there. Raises :class:`Malformed` for what cannot become one."""
        if len(data) > LONGEST_LINE or not data.isascii():
            raise Malformed(f"not a line of text: {data[:24].hex(' ')}")
        replies = self._replies(data)
        if len(replies) > 1:
            raise Malformed(f"more than one reply: {data[:48]!r}")
        return len(replies) == 1

    def _replies(self, data: bytes) -> list[bytes]:
        """The complete lines that are no echo."""
        lines = [line.strip(b"\n ") for line in data.split(CR)[:-1]]
        return [line for line in lines if line and line not in self._echoes]
