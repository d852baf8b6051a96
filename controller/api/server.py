"""The HTTP server in a thread of its own, with its own event loop: nothing it does can delay a scan."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from controller.api.gateway import Gateway

START_S = 30.0
STOP_S = 5.0


class ServerError(Exception):
    """The server did not start."""


class Server:
    """Serves a gateway on a listening loopback socket, which stays the caller's.

    Raises ``ValueError`` for a socket that others than this computer can reach: there are no accounts and no TLS yet.
    """

    def __init__(self, gateway: Gateway, listener: socket.socket) -> None:
        host, self.port = listener.getsockname()[:2]
        if not ipaddress.ip_address(host).is_loopback:
            raise ValueError(f"refusing to serve on {host}: there are no accounts and no TLS; use a loopback address")
        # Connections inherit it. asyncio sets it only on sockets made with an explicit protocol number, and without it
        # every answer waits 40 ms for the other side's delayed acknowledgement.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._gateway = gateway
        self._listener = listener
        self._answering = threading.Event()
        self._stopping: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="http", daemon=True)

    def start(self) -> None:
        """Import the framework and serve; blocks until it answers. Raises :class:`ServerError`."""
        self._thread.start()
        self._answering.wait(START_S)
        if not self._thread.is_alive() or not self._answering.is_set():
            raise ServerError("the HTTP server did not start")

    def stop(self) -> None:
        """End every stream, finish what is being answered, and end the thread: within ``STOP_S``. Idempotent."""
        with self._lock:
            if self._loop is not None and self._stopping is not None:
                self._loop.call_soon_threadsafe(self._stopping.set)
        if self._thread.is_alive():
            self._thread.join(STOP_S)

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        finally:
            with self._lock:
                self._loop = None
            self._answering.set()

    async def _serve(self) -> None:
        """Imports here: the framework costs half a second, and the scan must not wait for it."""
        from controller.api.serving import serve

        self._stopping = asyncio.Event()
        with self._lock:
            self._loop = asyncio.get_running_loop()
        await serve(self._gateway, self._listener, self._stopping, self._answering)
