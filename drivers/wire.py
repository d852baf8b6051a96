"""An open port: bytes out, bytes in, one exchange at a time.

Reading and writing are done here on its file descriptor, because pyserial's own non-blocking write spins in the event
loop for ever once the kernel's buffer is full, which a frozen device brings about (pyserial 3.5,
``serialposix.Serial.write``).
"""

from __future__ import annotations

import asyncio
import math
import os
import select
from collections.abc import Callable
from typing import Protocol

from drivers.contract import LinkLost, Malformed, Timeout
from drivers.patience import stall
from drivers.ports import Port, PortSettings, reason_of

BUFFER_LIMIT = 4096
"""Bytes kept while waiting for a reply; no instrument's reply is longer than a tenth of this."""
SPARE_TURNS = 2


class User(Protocol):
    """Who uses a port with others; ``answered`` is whether he was the last time that he asked."""

    answered: bool

    def hear(self, data: bytes) -> None:
        """Take bytes that nobody asked for."""


class Wire:
    """One open port. ``turn`` is held by whoever speaks; ``stray_at`` is when bytes came that nobody asked for, and
    nothing is sent before ``rest_until``. ``unanswered`` counts requests since anything came at all, ``waiting`` who
    waits for a turn and was answered last time.
    """

    def __init__(self, settings: PortSettings, port: Port) -> None:
        self.settings = settings
        self.users: set[User] = set()
        self.doubts: dict[int, float] = {}
        self.turn = asyncio.Lock()
        self.buffer = bytearray()
        self.arrived: asyncio.Future[None] | None = None
        self._port: Port | None = port
        self.unanswered = self.waiting = 0
        self._over = False
        self._limit: asyncio.TimerHandle
        self._loop = asyncio.get_running_loop()
        self.stray_at = self.last_byte_at = self.sent_at = self.rest_until = self._loop.time()
        self._loop.add_reader(port.fileno(), self._readable)
        self._waiting = select.poll()
        self._waiting.register(port.fileno(), select.POLLIN)

    @property
    def is_open(self) -> bool:
        """Whether the port is still there."""
        return self._port is not None

    @property
    def is_deaf(self) -> bool:
        """Whether nobody is heard here any more, though all had their turn: a connection whose other end is gone, and
        which its users, never all away at once, would keep for ever.
        """
        return self.unanswered > len(self.users) + SPARE_TURNS and not any(user.answered for user in self.users)

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
        if self._port is not None and self._waiting.poll(0):
            self._readable()  # what came while the event loop was busy is no answer to this
        if self._port is None:
            raise LinkLost(f"{place} was unplugged")
        self.buffer.clear()
        self.unanswered += 1
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
        due = self._loop.time() + within_s
        self._limit = self._loop.call_at(due, self._end, due, within_s)
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
            self._limit.cancel()
            self.arrived = None

    def _end(self, due: float, within_s: float) -> None:
        """The time for the reply is over, but for what we ourselves have missed of it: that is waited for once."""
        if (more := stall(due, within_s)) > 0.0:
            self._limit = self._loop.call_later(more, self._end, math.inf, within_s)
            return
        self._over = True
        self._wake()

    def _readable(self) -> None:
        """Called by the event loop when bytes came, or the device went away."""
        data = self._take()
        if data == b"":
            # A terminal gives nothing also when somebody was here before: then there is nothing to be read.
            data = self._take() if self._waiting.poll(0) else None
        if data is None:
            return
        self.last_byte_at = self._loop.time()
        if not data:
            self.close()
            return
        self.unanswered = 0
        if self.arrived is None:
            self.stray_at = self.last_byte_at
            for user in self.users:
                user.hear(data)
        else:
            self.buffer += data[: BUFFER_LIMIT - len(self.buffer)]
            self._wake()

    def _take(self) -> bytes | None:
        """What came, ``None`` when that is nothing; no bytes when the device is gone."""
        if self._port is None:
            return None
        try:
            return os.read(self._port.fileno(), BUFFER_LIMIT)
        except BlockingIOError:
            return None
        except OSError:
            return b""

    def _wake(self) -> None:
        if self.arrived is not None and not self.arrived.done():
            self.arrived.set_result(None)


def _no_reply(data: bytes, within_s: float) -> Timeout | Malformed:
    if data:
        return Malformed(f"incomplete reply: {show(data)}")
    return Timeout(f"no answer within {within_s:g} s")


def show(data: bytes) -> str:
    """The first bytes in hexadecimal, for a message."""
    return data[:24].hex(" ") + (" …" if len(data) > 24 else "")
