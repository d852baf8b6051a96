"""Modbus TCP, in the clear or over TLS (Modbus/TCP Security), as client.

Every reply names the request it answers, so late ones are dropped by their number and no line is ever in doubt.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import struct
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from drivers.contract import LinkLost, Malformed, Timeout
from drivers.modbus import Ask, load_library

if TYPE_CHECKING:
    from pymodbus.framer import FramerSocket

HEADER = struct.Struct(">HHHB")
"""Number of the request, protocol (0), bytes that follow it, unit."""
LONGEST = 260
PORTS = {"modbus": 502, "modbuss": 802}


class TcpAddress(NamedTuple):
    """``modbus://HOST:PORT``, or ``modbuss://HOST:PORT`` for TLS."""

    host: str
    port: int
    secure: bool

    @classmethod
    def parse(cls, url: str) -> TcpAddress:
        """Raises ``ValueError`` with a readable message."""
        parts = urlsplit(url)
        try:
            host, port = parts.hostname, parts.port or PORTS.get(parts.scheme)
        except ValueError:
            host, port = None, None
        if not host or port is None or parts.path not in {"", "/"} or parts.query:
            raise ValueError(f"{url!r} is no Modbus server; expected modbus://HOST:502 or, with TLS, modbuss://HOST:802")
        return cls(host, port, parts.scheme == "modbuss")

    @property
    def place(self) -> str:
        """For messages."""
        return f"{self.host}:{self.port}"


class TcpLine:
    """One connection to a server. ``reply_s`` is the time-out of one request in wall seconds."""

    def __init__(self, address: TcpAddress, reply_s: float, tls: ssl.SSLContext | None = None) -> None:
        self._address, self._reply_s, self._tls = address, reply_s, tls
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._number = 0
        self._turn = asyncio.Lock()
        self._framer: FramerSocket | None = None

    async def open(self) -> None:
        """Connect. Raises :class:`LinkLost`, with what is wrong with a certificate in words."""
        await load_library()
        from pymodbus.framer import FramerSocket
        from pymodbus.pdu import DecodePDU

        self.close()
        self._framer = FramerSocket(DecodePDU(is_server=False))
        address = self._address
        try:
            self._reader, self._writer = await asyncio.open_connection(address.host, address.port, ssl=self._tls)
        except ssl.SSLError as error:
            why = getattr(error, "verify_message", "") or error.reason or str(error)
            raise LinkLost(f"{address.place}: no secure connection: {why}") from error
        except OSError as error:
            raise LinkLost(f"cannot reach {address.place}: {error.strerror or error}") from error

    def in_doubt(self, unit: int) -> bool:
        """Never: replies name their requests."""
        return False

    async def ask(self, ask: Ask) -> list[int]:
        """Send a request and return the bits or registers of its answer.

        Raises :class:`Refused` (the device's exception), :class:`Timeout`, :class:`Malformed`, :class:`LinkLost`.
        """
        async with self._turn:
            self._number = self._number % 0xFFFF + 1
            message = ask.message()
            message.transaction_id = self._number
            try:
                async with asyncio.timeout(self._reply_s):
                    reply = await self._exchange(self._codec().buildFrame(message), self._number, ask.unit)
            except TimeoutError as error:
                raise Timeout(f"device {ask.unit}: no answer within {self._reply_s:g} s") from error
        if not ask.is_whole(reply):
            raise Malformed(f"device {ask.unit}: the reply is too short")
        return ask.result(reply)

    def close(self) -> None:
        """End the connection. Idempotent, never raises."""
        writer, self._reader, self._writer = self._writer, None, None
        if writer is not None:
            writer.transport.abort()

    async def _exchange(self, frame: bytes, number: int, unit: int) -> bytes:
        """The reply with this number, from its function code on; older ones are dropped."""
        if self._reader is None or self._writer is None:
            raise LinkLost(f"{self._address.place} is not connected")
        reader = self._reader
        try:
            self._writer.write(frame)
            await self._writer.drain()
            while True:
                answers, protocol, size, device = HEADER.unpack(await reader.readexactly(HEADER.size))
                if protocol or not 2 <= size <= LONGEST:
                    raise Malformed(f"{self._address.place}: not a Modbus reply")
                body = await reader.readexactly(size - 1)
                if answers == number and device == unit:
                    return body
                if answers == number:
                    raise Malformed(f"device {unit}: device {device} answers")
        except (OSError, asyncio.IncompleteReadError) as error:
            self.close()
            raise LinkLost(f"{self._address.place} has ended the connection") from error
        except Malformed:
            # Where the next reply begins is not known any more.
            self.close()
            raise
        except asyncio.CancelledError:
            # Half a reply may have been taken off the stream.
            with contextlib.suppress(OSError):
                self.close()
            raise

    def _codec(self) -> FramerSocket:
        if self._framer is None:
            raise LinkLost(f"{self._address.place} is not connected")
        return self._framer
