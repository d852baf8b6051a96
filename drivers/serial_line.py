"""A line of bytes in an asyncio loop: bytes out, bytes in, one exchange at a time.

Several drivers can use one port (RS-485, devices with addresses): each has a :class:`SerialLine` of its own, and they
take turns on the one port behind it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from weakref import WeakKeyDictionary

from drivers.contract import LinkLost, Malformed, Timeout
from drivers.ports import PortSettings
from drivers.wire import Wire

_OPEN: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, Wire]] = WeakKeyDictionary()
"""The open ports of each event loop, by place."""
_OPENING: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, asyncio.Lock]] = WeakKeyDictionary()
"""One opens a port, the others join it; a host that does not answer keeps nobody from opening another port."""


class SerialLine:
    """One driver's way to a port. ``gap_s`` is the least silence between two transmissions.

    Bytes that nobody asked for go to ``unasked``, if given, and no further; :attr:`stray_at` is the loop time of the
    last of them. An answer that does not say whose it is may come ``late_s`` after its request: for so long nobody else
    on the port asks anything after a request that was not answered. :attr:`answered` is whether the last one was.
    """

    def __init__(
        self,
        settings: PortSettings,
        gap_s: float,
        unasked: Callable[[bytes], None] | None = None,
        *,
        late_s: float = 0.0,
    ) -> None:
        self.settings = settings
        self.answered = False
        self._gap_s = gap_s
        self._unasked = unasked
        self._late_s = late_s
        self._wire: Wire | None = None
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
        async with _OPENING.setdefault(loop, {}).setdefault(place, asyncio.Lock()):
            wire = wires.get(place)
            if wire is not None and wire.is_deaf:
                wire.close()
            if wire is None or not wire.is_open:
                wires[place] = wire = Wire(self.settings, await self.settings.open())
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
        await self._take_turn(wire)
        answered, on_its_way_s = False, within_s
        try:
            await self._send(wire, request)
            reply = await wire.reply(complete, within_s)
            answered = True
            return reply
        except (Timeout, Malformed, LinkLost):
            on_its_way_s = 0.0  # only to one that was cancelled an answer is likely to come, and be the next one's
            raise
        finally:
            if not answered:
                wire.rest_until = max(wire.rest_until, wire.sent_at + max(on_its_way_s, self._late_s))
            self.answered = answered
            wire.turn.release()

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
        self.answered = False
        if wire is None:
            return
        wire.users.discard(self)
        if not wire.users:
            wire.close()

    def _opened(self) -> Wire:
        if self._wire is None or not self._wire.is_open:
            raise LinkLost(f"{self.settings.place} is not open")
        return self._wire

    async def _take_turn(self, wire: Wire) -> None:
        """Wait for it. Who was not answered last time lets those go first who were: a silent device is to cost its
        neighbours no reading.
        """
        heard = self.answered
        for _ in wire.users.copy():
            wire.waiting += heard
            try:
                await wire.turn.acquire()
            finally:
                wire.waiting -= heard
            if heard or not wire.waiting:
                return
            wire.turn.release()
        await wire.turn.acquire()

    async def _send(self, wire: Wire, request: bytes) -> None:
        loop = asyncio.get_running_loop()
        if (wait := max(wire.last_byte_at + self._gap_s, wire.rest_until) - loop.time()) > 0:
            await asyncio.sleep(wait)
        self._asked_at = loop.time()
        wire.write(request)
