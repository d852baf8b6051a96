"""Modbus RTU, on a serial line or through a device server (RTU over TCP), as client.

An RTU reply does not say what it answers, so that after a time-out every later value may be another register's. Here a
device that failed once is *in doubt* until the line kept silent for longer than its slowest reply and it then answered
a request that no other answer can be mistaken for (devices answer in order, so whatever is still to come belongs to
nobody).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from functools import partial

from drivers.contract import Malformed, Refused
from drivers.lazy import load
from drivers.modbus import READ_HOLDING, Ask, Take, load_library
from drivers.ports import PortSettings
from drivers.serial_line import SerialLine

MIN_GAP_S = 0.00175
CHECKSUM_SIZE = 2


class RtuLine:
    """One master on an RTU line, which it may share with others of this process. Times are wall seconds: ``reply_s``
    is the time-out of one request, ``quiet_s`` is how long after a request its reply might still come.
    """

    def __init__(self, settings: PortSettings, reply_s: float, quiet_s: float) -> None:
        # 3.5 characters of silence frame a message; above 19200 baud a fixed time (Modbus over serial line V1.02).
        self._line = SerialLine(settings, max(MIN_GAP_S, 3.5 * settings.seconds_per_byte()))
        self._reply_s = reply_s
        self._quiet_s = quiet_s

    @property
    def is_open(self) -> bool:
        """Whether anything can be sent."""
        return self._line.is_open

    @property
    def url(self) -> str:
        """Where the line is, with its settings."""
        return self._line.settings.url

    async def open(self) -> None:
        """Open the port and wait until the line has been silent. Raises :class:`LinkLost`."""
        await load_library()
        await load("pymodbus.framer")
        await self._line.open()
        await self.silence()

    def in_doubt(self, unit: int) -> bool:
        """Whether a late reply of this device may still come, so that it must be probed before it is believed."""
        return unit in self._line.doubts

    def doubted_at(self, unit: int) -> float:
        """When a device in doubt was last asked, in loop time; 0 for one that is not."""
        return self._line.doubts.get(unit, 0.0)

    def settled(self, unit: int) -> bool:
        """Whether a device in doubt has been silent for long enough to be probed."""
        last = max(self._line.doubts.get(unit, 0.0), self._line.stray_at)
        return asyncio.get_running_loop().time() - last >= self._quiet_s

    async def silence(self) -> None:
        """Wait until the whole line is silent for longer than the slowest reply."""
        await self._line.silence(self._quiet_s)

    def trust(self, unit: int) -> None:
        """The device answered a probe: nothing older is still to come."""
        self._line.doubts.pop(unit, None)

    async def read(self, unit: int, start: int, length: int) -> list[int]:
        """``length`` holding registers from wire address ``start``; raises what :meth:`ask` does."""
        ask = Ask(unit, READ_HOLDING, start, length)
        return ask.registers(await self.ask(ask))

    async def ask(self, ask: Ask) -> bytes:
        """Send a request and return the data of its answer (:meth:`drivers.modbus.Ask.data`).

        Raises :class:`Refused` (the device's exception; it stays trusted), :class:`Timeout`, :class:`Malformed`,
        :class:`LinkLost`; after the last three the device is in doubt.
        """
        doubts = self._line.doubts
        known, answered = ask.unit not in doubts, False
        try:
            request = sealed(bytes([ask.unit]) + ask.request())
            reply = await self._line.exchange(request, partial(_is_whole, ask), self._reply_s)
            if sealed(reply[:-CHECKSUM_SIZE]) != reply:
                raise Malformed(f"device {ask.unit}: checksum wrong")
            if known and ask.unit in doubts:
                raise Malformed(f"device {ask.unit}: an earlier request was not answered; this may be its reply")
            data = ask.data(reply[1:-CHECKSUM_SIZE])
            answered = True
            return data
        except Refused:
            answered = True
            raise
        finally:
            # Also when it was cancelled: the reply may still come.
            if not answered:
                doubts[ask.unit] = self._line.sent_at

    async def ask_each(self, asks: Iterable[Ask], take: Take) -> None:
        """Send requests one after the other and give ``take`` their answers in order.

        Raises what :meth:`ask` does, but for the device's exceptions, for the first request whose answer is not taken.
        """
        for ask in asks:
            try:
                answer: bytes | Refused = await self.ask(ask)
            except Refused as error:
                answer = error
            take(answer)

    def close(self) -> None:
        """Give the port back. Idempotent, never raises."""
        self._line.close()


def sealed(body: bytes) -> bytes:
    """A frame: the body and its checksum."""
    from pymodbus.framer import FramerRTU

    return body + FramerRTU.compute_CRC(body).to_bytes(CHECKSUM_SIZE, "big")


def _is_whole(ask: Ask, reply: bytes) -> bool:
    """Whether ``reply`` has the length of the answer (or of an exception). Raises :class:`Malformed` if it cannot."""
    if not reply:
        return False
    if reply[0] != ask.unit:
        raise Malformed(f"device {ask.unit}: the reply is another one's: {reply[:8].hex(' ')}")
    if len(reply) < 2 + CHECKSUM_SIZE:
        ask.is_whole(reply[1:2])
        return False
    return ask.is_whole(reply[1:-CHECKSUM_SIZE])
