"""Modbus TCP, in the clear or over TLS (Modbus/TCP Security), as client.

Every reply names the request it answers, so late ones are dropped by their number and no device is ever in doubt.
"""

from __future__ import annotations

import asyncio
import ssl
import struct
from typing import NamedTuple
from urllib.parse import urlsplit

from drivers.contract import LinkLost, Malformed, Timeout
from drivers.modbus import Ask, load_library

HEADER = struct.Struct(">HHHB")
"""Number of the request, protocol (0), bytes that follow it, unit."""
BEFORE_LENGTH = 6
SHORTEST, LONGEST = 3, 254
"""Bytes that follow the length: unit, function and what it says."""
UNKNOWN_TO_SERVER = "the server may want a certificate of ours, or another one"
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
            raise ValueError(
                f"{url!r} is no Modbus server; expected modbus://HOST:502 or, with TLS, modbuss://HOST:802"
            )
        return cls(host, port, parts.scheme == "modbuss")

    @property
    def place(self) -> str:
        """For messages."""
        return f"{self.host}:{self.port}"


class Tls(NamedTuple):
    """How a server is known (see :mod:`drivers.tls`): ``name`` is the one its certificate must have."""

    context: ssl.SSLContext
    name: str


class TcpLine:
    """One connection to a server. ``reply_s`` is the time-out of one request in wall seconds."""

    def __init__(self, address: TcpAddress, reply_s: float, tls: Tls | None = None) -> None:
        self._address, self._reply_s, self._tls = address, reply_s, tls
        self._stream: _Replies | None = None
        self._number = 0
        self._turn = asyncio.Lock()

    @property
    def is_open(self) -> bool:
        """Whether anything can be sent."""
        return self._stream is not None and not self._stream.why

    async def open(self) -> None:
        """Connect. Raises :class:`LinkLost`, with what is wrong with a certificate in words; how long that may take is
        for the caller to limit.
        """
        self.close()
        await load_library()
        address, tls = self._address, self._tls
        try:
            _, self._stream = await asyncio.get_running_loop().create_connection(
                lambda: _Replies(address.place, UNKNOWN_TO_SERVER if tls else ""),
                address.host,
                address.port,
                ssl=tls.context if tls else None,
                server_hostname=tls.name if tls else None,
            )
        except ssl.SSLError as error:
            raise LinkLost(f"{address.place}: no secure connection: {_reason(error)}") from error
        except OSError as error:
            raise LinkLost(f"cannot reach {address.place}: {error.strerror or error}") from error

    async def ask(self, ask: Ask) -> bytes:
        """Send a request and return the data of its answer (:meth:`drivers.modbus.Ask.data`).

        Raises :class:`Refused` (the device's exception), :class:`Timeout`, :class:`Malformed`, :class:`LinkLost`.
        """
        async with self._turn:
            stream = self._stream
            if stream is None:
                raise LinkLost(f"{self._address.place} is not connected")
            self._number = self._number % 0xFFFF + 1
            request = ask.request()
            frame = HEADER.pack(self._number, 0, len(request) + 1, ask.unit) + request
            unit, reply = await stream.exchange(frame, self._number, self._reply_s)
        if unit != ask.unit:
            raise Malformed(f"device {ask.unit}: device {unit} answers")
        if not ask.is_whole(reply):
            raise Malformed(f"device {ask.unit}: the reply is too short")
        return ask.data(reply)

    def close(self) -> None:
        """End the connection. Idempotent, never raises."""
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.end("closed")


class _Replies(asyncio.Protocol):
    """The replies that come on a connection; those that nobody waits for any more are dropped."""

    def __init__(self, place: str, suspicion: str) -> None:
        self.why = ""
        self._suspicion = suspicion
        self._place = place
        self._transport: asyncio.Transport | None = None
        self._buffer = b""
        self._number = 0
        self._reply: asyncio.Future[tuple[int, bytes]] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The server is there."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    async def exchange(self, frame: bytes, number: int, within_s: float) -> tuple[int, bytes]:
        """Send a request and wait for the reply with its number: the unit, and what comes from the function code on.

        Raises :class:`LinkLost`, :class:`Timeout`, :class:`Malformed`.
        """
        if self._transport is None or self.why:
            raise LinkLost(f"{self._place}: {self.why or 'not connected'}")
        loop = asyncio.get_running_loop()
        self._number, self._reply = number, loop.create_future()
        self._transport.write(frame)
        # A timer of our own costs a third of asyncio.timeout, which has a task to cancel.
        timer = loop.call_later(within_s, self._give_up, within_s)
        try:
            return await self._reply
        finally:
            timer.cancel()

    def _give_up(self, within_s: float) -> None:
        """Half a reply is not waited for: the rest might be taken from another."""
        self._settle(Timeout(f"{self._place}: no answer within {within_s:g} s"))
        if self._buffer:
            self.end("half a reply came")

    def data_received(self, data: bytes) -> None:
        """Take whole replies off the stream. What is no reply ends it: nobody knows where the next one begins."""
        self._buffer += data
        while len(self._buffer) >= HEADER.size:
            number, protocol, size, unit = HEADER.unpack_from(self._buffer)
            if protocol or not SHORTEST <= size <= LONGEST:
                self._settle(Malformed(f"{self._place}: not a Modbus reply: {self._buffer[:8].hex(' ')}"))
                self.end("what came was not Modbus")
                return
            end = BEFORE_LENGTH + size
            if len(self._buffer) < end:
                return
            self._suspicion = ""
            reply, self._buffer = self._buffer[HEADER.size : end], self._buffer[end:]
            if number == self._number:
                self._settle((unit, reply))

    def connection_lost(self, exc: Exception | None) -> None:
        """The server, the network or we have ended it."""
        # Since TLS 1.3 we are connected before the server has judged our certificate, and not every server says why.
        # Its word can also be lost: a reset throws away what we had not read yet.
        reasons = [_reason(exc)] if exc is not None else []
        if self._suspicion and (exc is None or isinstance(exc, ConnectionError)):
            reasons.append(self._suspicion)
        self.end(": ".join(["the connection has ended", *reasons]))

    def end(self, why: str) -> None:
        """End it; ``why`` is what later requests are told."""
        self.why = self.why or why
        if self._transport is not None:
            self._transport.abort()
        self._settle(LinkLost(f"{self._place}: {self.why}"))

    def _settle(self, result: tuple[int, bytes] | Exception) -> None:
        reply, self._reply = self._reply, None
        if reply is None or reply.done():
            return
        if isinstance(result, Exception):
            reply.set_exception(result)
        else:
            reply.set_result(result)


def _reason(error: Exception) -> str:
    """What is wrong with a certificate, or with the connection, in words."""
    words = getattr(error, "verify_message", "") or getattr(error, "reason", "") or getattr(error, "strerror", "")
    return str(words or error)
