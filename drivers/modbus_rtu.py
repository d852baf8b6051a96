"""Modbus RTU, on a serial line or through a device server (RTU over TCP), as client.

An RTU reply does not say what it answers, so that after a time-out every later value may be another register's. Here a
device that failed once is *in doubt* until the line kept silent for longer than its slowest reply and it then answered
a request that no other answer can be mistaken for (devices answer in order, so whatever is still to come belongs to
nobody).
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

from drivers.contract import LinkLost, Malformed, Refused
from drivers.modbus import READ_HOLDING, Ask, load_library
from drivers.ports import PortSettings
from drivers.serial_line import SerialLine

if TYPE_CHECKING:
    from pymodbus.framer import FramerRTU

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
        self._doubts: dict[int, float] = {}
        self._framer: FramerRTU | None = None

    async def open(self) -> None:
        """Open the port and wait until the line has been silent. Raises :class:`LinkLost`."""
        await load_library()
        from pymodbus.framer import FramerRTU
        from pymodbus.pdu import DecodePDU

        self._framer = FramerRTU(DecodePDU(is_server=False))
        await self._line.open()
        await self.silence()
        self._doubts.clear()

    def in_doubt(self, unit: int) -> bool:
        """Whether a late reply of this device may still come, so that it must be probed before it is believed."""
        return unit in self._doubts

    def settled(self, unit: int) -> bool:
        """Whether a device in doubt has been silent for long enough to be probed."""
        last = max(self._doubts.get(unit, 0.0), self._line.stray_at)
        return asyncio.get_running_loop().time() - last >= self._quiet_s

    async def silence(self) -> None:
        """Wait until the whole line is silent for longer than the slowest reply."""
        await self._line.silence(self._quiet_s)

    def trust(self, unit: int) -> None:
        """The device answered a probe: nothing older is still to come."""
        self._doubts.pop(unit, None)

    async def read(self, unit: int, start: int, length: int) -> list[int]:
        """``length`` holding registers from wire address ``start``; raises what :meth:`ask` does."""
        return await self.ask(Ask(unit, READ_HOLDING, start, length))

    async def ask(self, ask: Ask) -> list[int]:
        """Send a request and return the bits or registers of its answer.

        Raises :class:`Refused` (the device's exception; it stays trusted), :class:`Timeout`, :class:`Malformed`,
        :class:`LinkLost`.
        """
        framer = self._codec()
        known = ask.unit not in self._doubts
        self._doubts[ask.unit] = asyncio.get_running_loop().time()
        frame = framer.buildFrame(ask.message())
        reply = await self._line.exchange(frame, partial(_is_whole, ask), self._reply_s)
        body, checksum = reply[:-CHECKSUM_SIZE], reply[-CHECKSUM_SIZE:]
        if framer.compute_CRC(body).to_bytes(CHECKSUM_SIZE, "big") != checksum:
            raise Malformed(f"device {ask.unit}: checksum wrong")
        try:
            result = ask.result(body[1:])
        except Refused:
            if known:
                self.trust(ask.unit)
            raise
        if known:
            self.trust(ask.unit)
        return result

    def close(self) -> None:
        """Give the port back. Idempotent, never raises."""
        self._line.close()

    def _codec(self) -> FramerRTU:
        if self._framer is None:
            raise LinkLost("the line is not open")
        return self._framer


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
