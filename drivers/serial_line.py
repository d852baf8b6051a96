"""A serial port in an asyncio loop: bytes out, bytes in, one exchange at a time.

The port is opened and configured by pyserial; reading and writing are done here on its file descriptor, because
pyserial's own non-blocking write spins in the event loop for ever once the kernel's buffer is full, which a frozen
device brings about (pyserial 3.5, ``serialposix.Serial.write``).
"""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from drivers.contract import LinkLost, Malformed, Timeout
from drivers.lazy import load

if TYPE_CHECKING:
    import serial

BUFFER_LIMIT = 4096
"""Bytes kept while waiting for a reply; no instrument's reply is longer than a tenth of this."""

NUMBERS = {"baudrate": 9600, "bytesize": 8, "stopbits": 1}


@dataclass(frozen=True, slots=True)
class SerialSettings:
    """Where a port is and how it speaks."""

    path: str
    baudrate: int = 9600
    bytesize: int = 8
    parity: str = "N"
    stopbits: int = 1

    @classmethod
    def parse(cls, url: str, baudrate: int, stopbits: int) -> SerialSettings:
        """Read ``serial:///dev/ttyUSB0?baudrate=19200&stopbits=2&parity=N&bytesize=8``; the rest is the device's own.

        Raises ``ValueError`` with a readable message.
        """
        parts = urlsplit(url)
        if parts.scheme != "serial" or parts.netloc or not parts.path.startswith("/"):
            raise ValueError(f"{url!r} is not a serial port; expected serial:///dev/ttyUSB0?baudrate=19200&stopbits=2")
        words = dict(parse_qsl(parts.query, strict_parsing=bool(parts.query)))
        parity = words.pop("parity", "N").upper()
        unknown = sorted(set(words) - set(NUMBERS))
        if unknown or parity not in {"N", "E", "O"}:
            raise ValueError(f"{url!r}: {', '.join(unknown) or 'parity ' + parity} is not a setting of a serial port")
        numbers = {"bytesize": 8, "baudrate": baudrate, "stopbits": stopbits}
        numbers.update({key: int(value) for key, value in words.items()})
        return cls(parts.path, numbers["baudrate"], numbers["bytesize"], parity, numbers["stopbits"])

    def seconds_per_byte(self) -> float:
        """The time one byte takes on the line: start bit, data, parity, stop bits."""
        return (1 + self.bytesize + (self.parity != "N") + self.stopbits) / self.baudrate


class SerialLine:
    """One port, owned exclusively. ``gap_s`` is the least silence between two transmissions.

    Bytes that nobody asked for are dropped and remembered in :attr:`stray_at`, the loop time of the last of them.
    """

    def __init__(self, settings: SerialSettings, gap_s: float) -> None:
        self.settings = settings
        self.stray_at = 0.0
        self._gap_s = gap_s
        self._port: serial.Serial | None = None
        self._buffer = bytearray()
        self._arrived: asyncio.Future[None] | None = None
        self._last_byte_at = 0.0
        self._exchange = asyncio.Lock()

    async def open(self) -> None:
        """Open and lock the port, and forget what either side had buffered. Raises :class:`LinkLost`."""
        await load("serial")
        import serial

        self.close()
        settings = self.settings
        try:
            self._port = serial.Serial(
                settings.path,
                baudrate=settings.baudrate,
                bytesize=settings.bytesize,
                parity=settings.parity,
                stopbits=settings.stopbits,
                exclusive=True,
                timeout=0,
            )
            # What an earlier session did not get out any more must not be sent in this one.
            self._port.reset_output_buffer()
        except (OSError, ValueError) as error:
            self.close()
            raise LinkLost(f"cannot open {settings.path}: {_reason(error)}") from error
        loop = asyncio.get_running_loop()
        self.stray_at = self._last_byte_at = loop.time()
        loop.add_reader(self._port.fileno(), self._readable)

    async def exchange(self, request: bytes, complete: Callable[[bytes], bool], within_s: float) -> bytes:
        """Send ``request`` and collect what comes until ``complete`` says that it is a whole reply.

        ``complete`` may raise :class:`Malformed` as soon as the bytes cannot become one. Raises :class:`Timeout` when
        nothing came, :class:`Malformed` when it never became complete, :class:`LinkLost`.
        """
        async with self._exchange:
            await self._send(request)
            self._arrived = asyncio.get_running_loop().create_future()
            try:
                async with asyncio.timeout(within_s):
                    while not complete(bytes(self._buffer)):
                        await self._more()
                return bytes(self._buffer)
            except TimeoutError as error:
                raise self._no_reply(within_s) from error
            except Malformed:
                self.stray_at = asyncio.get_running_loop().time()
                raise
            finally:
                self._arrived = None

    async def send(self, request: bytes) -> None:
        """Send a command that has no reply. Raises :class:`LinkLost`, :class:`Timeout` when nothing is taken."""
        async with self._exchange:
            await self._send(request)

    async def silence(self, quiet_s: float) -> None:
        """Wait until nothing unasked has come, and nothing was sent, for ``quiet_s``."""
        async with self._exchange:
            loop = asyncio.get_running_loop()
            while True:
                wait = max(self.stray_at, self._last_byte_at) + quiet_s - loop.time()
                if wait <= 0:
                    return
                await asyncio.sleep(wait)

    def close(self) -> None:
        """Give the port back. Idempotent, never raises."""
        port, self._port = self._port, None
        if port is None:
            return
        asyncio.get_running_loop().remove_reader(port.fileno())
        port.close()

    async def _send(self, request: bytes) -> None:
        loop = asyncio.get_running_loop()
        if (wait := self._last_byte_at + self._gap_s - loop.time()) > 0:
            await asyncio.sleep(wait)
        if self._port is None:
            raise LinkLost(f"{self.settings.path} is not open")
        self._buffer.clear()
        self._last_byte_at = loop.time()
        try:
            sent = os.write(self._port.fileno(), request)
        except BlockingIOError as error:
            raise Timeout(f"{self.settings.path}: the device takes no more bytes") from error
        except OSError as error:
            self.close()
            raise LinkLost(f"{self.settings.path}: {_reason(error)}") from error
        if sent < len(request):
            raise Timeout(f"{self.settings.path}: the device takes no more bytes")

    async def _more(self) -> None:
        """Wait for further bytes. Raises :class:`LinkLost`."""
        if self._port is None:
            raise LinkLost(f"{self.settings.path} was unplugged")
        self._arrived = asyncio.get_running_loop().create_future()
        await self._arrived

    def _readable(self) -> None:
        """Called by the event loop when bytes came, or the device went away."""
        try:
            data = os.read(self._port.fileno(), BUFFER_LIMIT) if self._port else b""
        except BlockingIOError:
            return
        except OSError:
            data = b""
        self._last_byte_at = asyncio.get_running_loop().time()
        if not data:
            self.close()
        elif self._arrived is None:
            self.stray_at = self._last_byte_at
        else:
            self._buffer += data[: BUFFER_LIMIT - len(self._buffer)]
        if self._arrived is not None and not self._arrived.done():
            self._arrived.set_result(None)

    def _no_reply(self, within_s: float) -> Timeout | Malformed:
        if self._buffer:
            self.stray_at = asyncio.get_running_loop().time()
            return Malformed(f"incomplete reply: {_show(bytes(self._buffer))}")
        return Timeout(f"no answer within {within_s:g} s")


def _reason(error: Any) -> str:
    """An operating system's error without its number and path."""
    number = getattr(error, "errno", None)
    if number == errno.EAGAIN:
        return "another program uses it"
    return os.strerror(number) if number else str(error)


def _show(data: bytes) -> str:
    """The first bytes in hexadecimal, for a message."""
    return data[:24].hex(" ") + (" …" if len(data) > 24 else "")
