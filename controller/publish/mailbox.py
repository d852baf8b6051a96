"""What waits for one client of the stream: little, and always the newest."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

DELTAS = 4
EVENTS = 256


class Mailbox:
    """A client that reads slowly gets fewer, newer frames; what waits for it never grows.

    Beyond ``DELTAS`` waiting deltas it gets a fresh snapshot instead; beyond ``EVENTS`` waiting journal rows it is told
    ``resync`` and asks for them itself. ``snapshot`` and ``resync`` give those frames for the newest tick.
    """

    def __init__(self, snapshot: Callable[[], bytes], resync: Callable[[], bytes]) -> None:
        self._snapshot = snapshot
        self._resync = resync
        self._deltas: list[bytes] = []
        self._events: list[bytes] = []
        self._beat = b""
        self._behind = True
        self._missed = False
        self._closed = False
        self._ready = asyncio.Event()
        self._ready.set()

    def delta(self, frame: bytes) -> None:
        """Offer the newest delta."""
        if self._behind or len(self._deltas) >= DELTAS:
            self._deltas.clear()
            self._behind = True
        else:
            self._deltas.append(frame)
        self._ready.set()

    def event(self, frame: bytes) -> None:
        """Offer a journal row."""
        if len(self._events) >= EVENTS:
            self.miss()
        if not self._missed:
            self._events.append(frame)
        self._ready.set()

    def miss(self) -> None:
        """Some rows cannot be offered any more: the client has to ask for them."""
        self._events.clear()
        self._missed = True
        self._ready.set()

    def beat(self, frame: bytes) -> None:
        """Offer a heartbeat; it replaces one that still waits."""
        self._beat = frame
        self._ready.set()

    def close(self) -> None:
        """Nothing more will be taken."""
        self._closed = True
        self._ready.set()

    async def take(self) -> bytes | None:
        """Everything that waits, as soon as something does; ``None`` once closed."""
        content = b""
        while not content:
            await self._ready.wait()
            if self._closed:
                return None
            content = self._content()
            self._ready.clear()
        return content

    def _content(self) -> bytes:
        whole = self._behind or self._missed
        state = self._snapshot() if whole else b"".join(self._deltas)
        resync = self._resync() if self._missed else b""
        # A beat that waited may be older than the state: after it, it would look as if the server had gone back.
        content = resync + self._beat + state + b"".join(self._events)
        self._deltas.clear()
        self._events.clear()
        self._behind = whole and not state
        self._missed = False
        self._beat = b""
        return content
