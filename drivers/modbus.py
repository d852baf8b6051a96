"""Modbus RTU on a serial line, as client.

The messages and checksums are pymodbus'; the exchange is ours. An RTU reply does not say what it answers, and pymodbus'
client takes any reply of the right device: after a time-out every later value may be another register's. Here a reply
must have exactly the device, function, length and checksum of its request, and a device that failed once is *in doubt*
until the line kept silent for longer than its slowest reply and it then answered a request of a length that no other
request has (devices answer in order, so whatever is still to come belongs to nobody).
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

from drivers.contract import LinkLost, Malformed, Refused
from drivers.lazy import load
from drivers.ports import PortSettings
from drivers.serial_line import SerialLine

if TYPE_CHECKING:
    from pymodbus.framer import FramerRTU

READ_HOLDING = 3
MIN_GAP_S = 0.00175
EXCEPTION_LENGTH = 5
EXCEPTIONS = {1: "illegal function", 2: "illegal address", 3: "illegal value", 4: "device failure", 6: "busy"}


class RtuLine:
    """The only master of one RTU line. Times are wall seconds: ``reply_s`` is the time-out of one request, ``quiet_s``
    is how long after a request its reply might still come.
    """

    def __init__(self, settings: PortSettings, reply_s: float, quiet_s: float) -> None:
        # 3.5 characters of silence frame a message; above 19200 baud a fixed time (Modbus over serial line V1.02).
        self._line = SerialLine(settings, max(MIN_GAP_S, 3.5 * settings.seconds_per_byte()))
        self._reply_s = reply_s
        self._quiet_s = quiet_s
        self._doubts: dict[int, float] = {}
        self._framer: FramerRTU | None = None

    @property
    def url(self) -> str:
        """Where the line is, with its settings."""
        return self._line.settings.url

    async def open(self) -> None:
        """Open the port and wait until the line has been silent. Raises :class:`LinkLost`."""
        await load("pymodbus.framer", "pymodbus.pdu.register_message")
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
        """``length`` holding registers from wire address ``start``.

        Raises :class:`Refused` (the device's exception; it stays trusted), :class:`Timeout`, :class:`Malformed`,
        :class:`LinkLost`.
        """
        from pymodbus.pdu.register_message import ReadHoldingRegistersRequest

        request = ReadHoldingRegistersRequest(dev_id=unit, address=start, count=length)
        size = EXCEPTION_LENGTH + 2 * length
        complete = partial(is_complete, unit=unit, function=READ_HOLDING, size=size)
        known = unit not in self._doubts
        self._doubts[unit] = asyncio.get_running_loop().time()
        reply = await self._line.exchange(self._codec().buildFrame(request), complete, self._reply_s)
        registers = self._decode(reply, unit)
        if known:
            self.trust(unit)
        if len(registers) != length:
            raise Refused(f"device {unit}: {EXCEPTIONS.get(reply[2], f'exception {reply[2]}')}")
        return registers

    def close(self) -> None:
        """Give the port back. Idempotent, never raises."""
        self._line.close()

    def _decode(self, reply: bytes, unit: int) -> list[int]:
        """The registers of a complete reply, none of an exception reply. Raises :class:`Malformed`."""
        from pymodbus.exceptions import ModbusException

        try:
            _, pdu = self._codec().handleFrame(reply, unit, 0)
        except ModbusException as error:
            raise Malformed(f"device {unit}: {error}") from error
        if pdu is None:
            raise Malformed(f"device {unit}: checksum wrong")
        return list(pdu.registers)

    def _codec(self) -> FramerRTU:
        if self._framer is None:
            raise LinkLost("the line is not open")
        return self._framer


def is_complete(reply: bytes, unit: int, function: int, size: int) -> bool:
    """Whether ``reply`` has the length of the answer (or of an exception). Raises :class:`Malformed` if it cannot."""
    if len(reply) < 2:
        return False
    if reply[0] != unit or reply[1] & 0x7F != function:
        raise Malformed(f"device {unit}: the reply is another one's: {reply[:8].hex(' ')}")
    wanted = EXCEPTION_LENGTH if reply[1] & 0x80 else size
    if len(reply) > wanted:
        raise Malformed(f"device {unit}: the reply is too long")
    return len(reply) == wanted
