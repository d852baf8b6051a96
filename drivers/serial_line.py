"""A line of bytes in an asyncio loop: bytes out, bytes in, one exchange at a time.

The port is opened and configured by pyserial, or is a TCP socket; reading and writing are done here on its file
descriptor, because pyserial's own non-blocking write spins in the event loop for ever once the kernel's buffer is full,
which a frozen device brings about (pyserial 3.5, ``serialposix.Serial.write``).

Several drivers can use one port (RS-485, devices with addresses): each has a :class:`SerialLine` of its own, and they
take turns on the one port behind it.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from weakref import WeakKeyDictionary

from drivers.contract import LinkLost, Malformed, Timeout
from drivers.ports import Port, PortSettings, reason_of

BUFFER_LIMIT = 4096
"""Bytes kept while waiting for a reply; no instrument's reply is longer than a tenth of this."""


class _Wire:
    """One open port. ``turn`` is held by whoever speaks; ``stray_at`` is when bytes came that nobody asked for, and
    nothing is sent before ``rest_until``.
    """

    def __init__(self, settings: PortSettings, port: Port) -> None:
        self.settings = settings
        self.users: set[SerialLine] = set()
        self.doubts: dict[int, float] = {}
        self.turn = asyncio.Lock()
        self.buffer = bytearray()
        self.arrived: asyncio.Future[None] | None = None
        self._port: Port | None = port
        self._over = False
        self._loop = asyncio.get_running_loop()
        self.stray_at = self.last_byte_at = self.sent_at = self.rest_until = self._loop.time()
        self._loop.add_reader(port.fileno(), self._readable)

    @property
    def is_open(self) -> bool:
        """Whether the port is still there."""
        return self._port is not None

    def close(self) -> None:
        """Give the port back."""
        port, self._port = self._port, None
        if port is not None:
            self._loop.remove_reader(port.fileno())
            port.close()
        self._wake()

    def write(self, request: bytes) -> None:
        """Put bytes on the line, all or an error. Raises :class:`LinkLost`, :class:`Timeout`."""
        place = self.settings.place
        if self._port is None:
            raise LinkLost(f"{place} was unplugged")
        self.buffer.clear()
        self.last_byte_at = self.sent_at = self._loop.time()
        try:
            sent = os.write(self._port.fileno(), request)
        except BlockingIOError as error:
            raise Timeout(f"{place}: the device takes no more bytes") from error
        except OSError as error:
            self.close()
            raise LinkLost(f"{place}: {reason_of(error)}") from error
        if sent < len(request):
            raise Timeout(f"{place}: the device takes no more bytes")

    async def reply(self, complete: Callable[[bytes], bool], within_s: float) -> bytes:
        """Collect what comes until it is complete. Raises :class:`Timeout`, :class:`Malformed`, :class:`LinkLost`."""
        self._over = False
        # A timer and not asyncio.timeout, which takes a quarter of the time of a whole exchange.
        limit = self._loop.call_later(within_s, self._end)
        try:
            while True:
                self.arrived = self._loop.create_future()
                await self.arrived
                if self._port is None:
                    raise LinkLost(f"{self.settings.place} was unplugged")
                if complete(data := bytes(self.buffer)):
                    return data
                if self._over:
                    raise _no_reply(data, within_s)
        except Malformed:
            self.stray_at = self._loop.time()
            raise
        finally:
            limit.cancel()
            self.arrived = None

    def _end(self) -> None:
        """The time for the reply is over."""
        self._over = True
        self._wake()

    def _readable(self) -> None:
        """Called by the event loop when bytes came, or the device went away."""
        try:
            data = os.read(self._port.fileno(), BUFFER_LIMIT) if self._port else b""
        except BlockingIOError:
            return
        except OSError:
            data = b""
        self.last_byte_at = self._loop.time()
        if not data:
            self.close()
            return
        if self.arrived is None:
            self.stray_at = self.last_byte_at
            for user in self.users:
                user.hear(data)
        else:
            self.buffer += data[: BUFFER_LIMIT - len(self.buffer)]
            self._wake()

    def _wake(self) -> None:
        if self.arrived is not None and not self.arrived.done():
            self.arrived.set_result(None)


_OPEN: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, _Wire]] = WeakKeyDictionary()
"""The open ports of each event loop, by place."""
_OPENING: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = WeakKeyDictionary()


class SerialLine:
    """One driver's way to a port. ``gap_s`` is the least silence between two transmissions.

    Bytes that nobody asked for go to ``unasked``, if given, and no further; :attr:`stray_at` is the loop time of the
    last of them.
    """

    def __init__(self, settings: PortSettings, gap_s: float, unasked: Callable[[bytes], None] | None = None) -> None:
        self.settings = settings
        self._gap_s = gap_s
        self._unasked = unasked
        self._wire: _Wire | None = None
        self._asked_at = 0.0

    @property
    def stray_at(self) -> float:
        """When bytes last came that nobody had asked for, in loop time."""
        return self._wire.stray_at if self._wire is not None else 0.0

    @property
    def is_open(self) -> bool:
        """Whether anything can be sent."""
        return self._wire is not None and self._wire.is_open

    @property
    def sent_at(self) -> float:
        """When something was last sent, in loop time."""
        return self._wire.sent_at if self._wire is not None else 0.0

    @property
    def doubts(self) -> dict[int, float]:
        """Devices, by number, of which a late answer may still come, and when each was asked (loop time). All who use
        the port share them.
        """
        return self._wire.doubts if self._wire is not None else {}

    async def open(self) -> None:
        """Open the port, or join those that use it. Raises :class:`LinkLost`, also when they speak otherwise on it."""
        self.close()
        loop = asyncio.get_running_loop()
        wires = _OPEN.setdefault(loop, {})
        place = self.settings.place
        async with _OPENING.setdefault(loop, asyncio.Lock()):
            wire = wires.get(place)
            if wire is None or not wire.is_open:
                wires[place] = wire = _Wire(self.settings, await self.settings.open())
            elif wire.settings != self.settings:
                raise LinkLost(f"{place} is used by another connection with other settings")
            wire.users.add(self)
            self._wire = wire
            # Of an earlier session, perhaps of another process, answers may still come.
            self._asked_at = loop.time()

    def hear(self, data: bytes) -> None:
        """Take bytes that nobody asked for."""
        if self._unasked is not None:
            self._unasked(data)

    async def exchange(self, request: bytes, complete: Callable[[bytes], bool], within_s: float) -> bytes:
        """Send ``request`` and collect what comes until ``complete`` says that it is a whole reply.

        ``complete`` may raise :class:`Malformed` as soon as the bytes cannot become one. Raises :class:`Timeout` when
        nothing came, :class:`Malformed` when it never became complete, :class:`LinkLost`.
        """
        wire = self._opened()
        # Also who is cancelled while waiting for the turn counts as having asked: nobody can tell how far it came.
        self._asked_at = asyncio.get_running_loop().time()
        async with wire.turn:
            await self._send(wire, request)
            return await wire.reply(complete, within_s)

    async def send(self, request: bytes, rest_s: float = 0.0) -> None:
        """Send a command that has no reply; nothing follows it on the port for ``rest_s``. Raises :class:`LinkLost`,
        :class:`Timeout` when nothing is taken.
        """
        wire = self._opened()
        async with wire.turn:
            await self._send(wire, request)
            wire.rest_until = asyncio.get_running_loop().time() + rest_s

    async def silence(self, quiet_s: float) -> None:
        """Wait until nothing unasked has come, and we asked nothing, for ``quiet_s``. Others go on meanwhile: a reply
        to us that comes now is theirs to refuse, and begins the wait anew. Raises :class:`LinkLost`.
        """
        loop = asyncio.get_running_loop()
        while True:
            wait = max(self._opened().stray_at, self._asked_at) + quiet_s - loop.time()
            if wait <= 0:
                return
            await asyncio.sleep(wait)

    def close(self) -> None:
        """Leave the port; the last one closes it. Idempotent, never raises."""
        wire, self._wire = self._wire, None
        if wire is None:
            return
        wire.users.discard(self)
        if not wire.users:
            wire.close()

    def _opened(self) -> _Wire:
        if self._wire is None or not self._wire.is_open:
            raise LinkLost(f"{self.settings.place} is not open")
        return self._wire

    async def _send(self, wire: _Wire, request: bytes) -> None:
        loop = asyncio.get_running_loop()
        if (wait := max(wire.last_byte_at + self._gap_s, wire.rest_until) - loop.time()) > 0:
            await asyncio.sleep(wait)
        self._asked_at = loop.time()
        wire.write(request)


def _no_reply(data: bytes, within_s: float) -> Timeout | Malformed:
    if data:
        return Malformed(f"incomplete reply: {show(data)}")
    return Timeout(f"no answer within {within_s:g} s")


def show(data: bytes) -> str:
    """The first bytes in hexadecimal, for a message."""
    return data[:24].hex(" ") + (" …" if len(data) > 24 else "")
