"""A loopback relay in front of a TCP server: the place where the network can be made to fail, byte by byte."""

from __future__ import annotations

import asyncio
import contextlib
import socket

from simulators.faults import Faults
from simulators.tcp_port import refuse_taken

CHUNK = 65536


class TcpTap:
    """Listens on a loopback port, a free one if `port` is 0, and passes everything on to `127.0.0.1:target`.

    With :data:`Fault.DISCONNECT`, and without power, every connection is reset and new ones are refused, and the same
    port comes back afterwards. Other faults act on what the server sends. Errors of either side end that connection
    only.
    """

    def __init__(self, target: int, faults: Faults, port: int = 0) -> None:
        self._target = target
        self._faults = faults
        refuse_taken(port)
        self._held = _bound(port)
        self.port: int = self._held.getsockname()[1]
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._plugging: asyncio.Task[None] | None = None
        faults.on_disconnect = self._drop
        faults.drops_without_power = True

    async def open(self) -> None:
        """Start to listen. Raises OSError when the port cannot be had."""
        self._server = await asyncio.start_server(self._relay, sock=_bound(self.port))

    async def close(self) -> None:
        """End every connection and stop listening."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in self._writers:
            writer.transport.abort()

    def _drop(self, duration_s: float) -> None:
        self._plugging = asyncio.get_running_loop().create_task(self._unplug(duration_s))

    async def _unplug(self, duration_s: float) -> None:
        await self.close()
        await asyncio.sleep(duration_s)
        if self._server is None:
            await self.open()

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            writer.transport.abort()
            return
        pair = {writer, far_writer}
        self._writers |= pair
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(self._requests(reader, far_writer))
                both.create_task(self._replies(far_reader, writer))
        finally:
            self._writers -= pair

    async def _requests(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(CHUNK):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def _replies(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(CHUNK):
                await asyncio.sleep(self._faults.delay_s)
                writer.write(self._faults.mangle(data))
                await writer.drain()
        writer.close()


def _bound(port: int) -> socket.socket:
    """A bound loopback socket. One that never listens keeps the port ours while the listener is away."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    sock.bind(("127.0.0.1", port))
    return sock
