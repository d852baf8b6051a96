"""Modbus TCP, in the clear or over TLS (Modbus/TCP Security), as client.

Every reply names the request it answers, so late ones are dropped by their number and no device is ever in doubt.
"""

from __future__ import annotations

import asyncio
import ssl
import struct
from collections import deque
from collections.abc import Callable, Iterable
from typing import NamedTuple
from urllib.parse import urlsplit

from drivers.contract import DriverError, LinkLost, Malformed, Refused, Timeout
from drivers.modbus import Ask, Take, load_library
from drivers.patience import stall

HEADER = struct.Struct(">HHHB")
"""Number of the request, protocol (0), bytes that follow it, unit."""
BEFORE_LENGTH = 6
SHORTEST, LONGEST = 3, 254
"""Bytes that follow the length: unit, function and what it says."""
ROOM = 4096
"""Bytes taken off a connection at once; the longest reply has 260."""
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
        self._turn, self._waiting = asyncio.Lock(), 0

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
        answers: list[bytes | Refused] = []
        await self.ask_each([ask], answers.append)
        (answer,) = answers
        if isinstance(answer, Refused):
            raise answer
        return answer

    async def ask_each(self, asks: Iterable[Ask], take: Take) -> None:
        """Send requests, each as soon as the one before is answered, and give ``take`` their answers in order, while
        the device works on the next. Between two of them others may send theirs.

        Raises what :meth:`ask` does, but for the device's exceptions, for the first request whose answer is not taken.
        """
        left = deque(asks)
        while left:
            self._waiting += 1
            try:
                await self._turn.acquire()
            finally:
                self._waiting -= 1
            try:
                if self._stream is None:
                    raise LinkLost(f"{self._address.place} is not connected")
                await self._stream.exchange(_Row(left, take, lambda: self._waiting > 0), self._reply_s)
            finally:
                self._turn.release()

    def close(self) -> None:
        """End the connection. Idempotent, never raises."""
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.end("closed")


class _Row(NamedTuple):
    """Requests that follow each other on a connection; what is answered is taken from ``left``. It ends early when
    ``others_wait`` for the line.
    """

    left: deque[Ask]
    take: Take
    others_wait: Callable[[], bool]

    def answered(self, unit: int, reply: bytes) -> bytes | Refused:
        """The answer to the first request of those left. Raises :class:`Malformed`, :class:`Timeout`."""
        ask = self.left[0]
        if unit != ask.unit:
            raise Malformed(f"device {ask.unit}: device {unit} answers")
        if not ask.is_whole(reply):
            raise Malformed(f"device {ask.unit}: the reply is too short")
        try:
            answer: bytes | Refused = ask.data(reply)
        except Refused as error:
            answer = error
        self.left.popleft()
        return answer


class _Replies(asyncio.BufferedProtocol):
    """The replies that come on a connection; those that nobody waits for any more are dropped.

    They come into room of our own: what asyncio makes for every reception otherwise, 256 KiB, costs more than a reply.
    """

    def __init__(self, place: str, suspicion: str) -> None:
        self.why = ""
        self._suspicion = suspicion
        self._place = place
        self._transport: asyncio.Transport | None = None
        self._room = memoryview(bytearray(ROOM))
        self._buffer = b""
        self._number = 0
        self._row: _Row | None = None
        self._end: asyncio.Future[None] | None = None
        self._loop = asyncio.get_running_loop()
        self._within_s = self._deadline = 0.0
        self._stalled = False
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The server is there."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    async def exchange(self, row: _Row, within_s: float) -> None:
        """Send the requests of a row and give their answers away, until it ends. Each reply must come ``within_s``.

        Raises :class:`LinkLost`, :class:`Timeout`, :class:`Malformed`.
        """
        if self._transport is None or self.why:
            raise LinkLost(f"{self._place}: {self.why or 'not connected'}")
        self._end = self._loop.create_future()
        self._row, self._within_s = row, within_s
        self._send(row.left[0])
        # A timer of our own costs a third of asyncio.timeout, which has a task to cancel.
        self._timer = self._loop.call_at(self._deadline, self._look)
        try:
            await self._end
        finally:
            self._row = None
            self._timer.cancel()

    def _send(self, ask: Ask) -> None:
        assert self._transport is not None
        self._number = self._number % 0xFFFF + 1
        request = ask.request()
        self._transport.write(HEADER.pack(self._number, 0, len(request) + 1, ask.unit) + request)
        self._deadline = self._loop.time() + self._within_s
        self._stalled = False

    def _look(self) -> None:
        """One timer for a row: every request has put off its deadline. Half a reply is not waited for: the rest might
        be taken from another.
        """
        if self._row is None:
            return
        if self._loop.time() < self._deadline:
            self._timer = self._loop.call_at(self._deadline, self._look)
            return
        if not self._stalled and (more := stall(self._deadline, self._within_s)) > 0.0:
            self._stalled = True
            self._timer = self._loop.call_later(more, self._look)
            return
        self._settle(Timeout(f"{self._place}: no answer within {self._within_s:g} s"))
        if self._buffer:
            self.end("half a reply came")

    def get_buffer(self, sizehint: int) -> memoryview:
        """Where what comes is to be put."""
        return self._room

    def buffer_updated(self, nbytes: int) -> None:
        """Take whole replies off the stream. What is no reply ends it: nobody knows where the next one begins."""
        self._buffer += self._room[:nbytes]
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
            if number == self._number and self._row is not None:
                self._answered(self._row, unit, reply)

    def _answered(self, row: _Row, unit: int, reply: bytes) -> None:
        """Take the answer once the next request is on its way: the device works while we do."""
        try:
            answer = row.answered(unit, reply)
        except DriverError as error:
            self._settle(error)
            return
        goes_on = bool(row.left) and not row.others_wait()
        if goes_on:
            self._send(row.left[0])
        row.take(answer)
        if not goes_on:
            self._settle()

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

    def _settle(self, error: DriverError | None = None) -> None:
        """The row is at its end."""
        end, self._row = self._end, None
        if end is None or end.done():
            return
        if error is None:
            end.set_result(None)
        else:
            end.set_exception(error)


def _reason(error: Exception) -> str:
    """What is wrong with a certificate, or with the connection, in words."""
    words = getattr(error, "verify_message", "") or getattr(error, "reason", "") or getattr(error, "strerror", "")
    return str(words or error)
