"""A device server: an instrument's serial line behind a TCP socket on the loopback interface."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable

BACKLOG = 8


class TcpPort:
    """The instrument's end of a socket; hosts connect to ``127.0.0.1:port``, a free one if `port` is 0.

    `receive` is called with the bytes as they arrive, in arbitrary pieces; answers go to whoever spoke last, as they do
    on a line of several hosts. Must be used inside a running event loop.
    """

    def __init__(self, port: int, receive: Callable[[bytes], None]) -> None:
        self._receive = receive
        self._hosts: set[socket.socket] = set()
        self._speaker: socket.socket | None = None
        self._door: socket.socket | None = None
        # Bound but not listening, it keeps the port ours while the instrument is unplugged.
        refuse_taken(port)
        self._held = bound(port)
        self.port: int = self._held.getsockname()[1]

    @property
    def plugged(self) -> bool:
        """Whether hosts can connect now."""
        return self._door is not None

    def plug(self) -> None:
        """Listen. Raises OSError when the port cannot be had."""
        self._door = bound(self.port)
        self._door.listen(BACKLOG)
        self._door.setblocking(False)
        asyncio.get_running_loop().add_reader(self._door, self._accept)

    def unplug(self) -> None:
        """End every connection and stop listening. Safe to repeat."""
        for host in list(self._hosts):
            self._leave(host)
        if self._door is not None:
            asyncio.get_running_loop().remove_reader(self._door)
            self._door.close()
            self._door = None

    def drop(self, duration_s: float) -> None:
        """Unplug now and plug in again after `duration_s` seconds."""
        self.unplug()
        asyncio.get_running_loop().call_later(duration_s, self._replug)

    def send(self, data: bytes) -> None:
        """Send to whoever spoke last. What nobody reads is lost once the kernel's buffer is full."""
        if self._speaker is None or not data:
            return
        with contextlib.suppress(BlockingIOError):
            try:
                self._speaker.send(data)
            except OSError as error:
                if isinstance(error, BlockingIOError):
                    raise
                self._leave(self._speaker)

    def _accept(self) -> None:
        assert self._door is not None
        with contextlib.suppress(BlockingIOError, ConnectionError):
            host, _ = self._door.accept()
            host.setblocking(False)
            host.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._hosts.add(host)
            self._speaker = host
            asyncio.get_running_loop().add_reader(host, self._readable, host)

    def _readable(self, host: socket.socket) -> None:
        try:
            data = host.recv(4096)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._leave(host)
            return
        self._speaker = host
        self._receive(data)

    def _leave(self, host: socket.socket) -> None:
        self._hosts.discard(host)
        if self._speaker is host:
            self._speaker = None
        asyncio.get_running_loop().remove_reader(host)
        host.close()

    def _replug(self) -> None:
        if not self.plugged:
            self.plug()


def refuse_taken(port: int) -> None:
    """Raises OSError when somebody listens at the port, who would share it with a simulator of the same user."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as alone:
        alone.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        alone.bind(("127.0.0.1", port))


def bound(port: int) -> socket.socket:
    """A bound loopback socket. One that never listens keeps the port ours while the listener is away."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    sock.bind(("127.0.0.1", port))
    return sock
