"""An instrument behind a line of bytes, a pseudo-terminal or a socket: commands in, answers out, and wire faults."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol, TypeAlias

from simulators.faults import Fault
from simulators.instrument import Context, Json
from simulators.serial_port import SerialPort
from simulators.tcp_port import TcpPort

LONGEST_LINE = 256
"""Characters after which an unterminated command is thrown away."""

Answer: TypeAlias = Callable[[bytes], bytes | None]
Readdress: TypeAlias = Callable[[bytes, int], bytes]


class Framing(Protocol):
    """What makes commands of a stream of bytes."""

    def feed(self, data: bytes) -> list[bytes]:
        """The commands that are complete now."""
        ...


class Lines:
    """Commands ended by `end`; an endless one is thrown away."""

    def __init__(self, end: bytes = b"\r", longest: int = LONGEST_LINE) -> None:
        self._end, self._longest = end, longest
        self._buffer = b""

    def feed(self, data: bytes) -> list[bytes]:
        """The commands that are complete now, without their end."""
        *lines, self._buffer = (self._buffer + data).split(self._end)
        if len(self._buffer) > self._longest:
            self._buffer = b""
        return [line for line in lines if len(line) <= self._longest]


class ByteServer:
    """The wire of an instrument: `answer` is called with each command and gives the bytes that come back, or None.

    With `echo` every received byte is sent back first. `readdress` gives an answer the number of another device, so
    many away. The spec's `port` makes it a socket, otherwise it is a pseudo-terminal named after the instrument.
    """

    def __init__(
        self,
        context: Context,
        framing: Framing,
        answer: Answer,
        *,
        echo: bool = False,
        readdress: Readdress | None = None,
    ) -> None:
        self._faults = context.faults
        self._framing, self._answer = framing, answer
        self._echo, self._readdress = echo, readdress
        self._port: SerialPort | TcpPort
        context.spec.get("pty")
        if context.port is None:
            self._port = SerialPort(context.directory / context.name, self._receive)
        else:
            self._port = TcpPort(context.port, self._receive)
        context.faults.on_disconnect = self._port.drop
        if readdress is None:
            context.faults.supported -= {Fault.WRONG_ADDRESS}

    def send(self, data: bytes) -> None:
        """Put bytes on the line, asked for or not, as the line's faults leave them."""
        asyncio.get_running_loop().call_later(self._faults.delay_s, self._port.send, self._faults.mangle(data))

    def address(self, settings: str) -> dict[str, Json]:
        """Where it is reached, for the announcement; `settings` are those of the serial line (``baudrate=9600``)."""
        if isinstance(self._port, TcpPort):
            return {"url": f"tcp://127.0.0.1:{self._port.port}", "port": self._port.port}
        return {"url": f"serial://{self._port.path}?{settings}", "pty": str(self._port.path)}

    async def serve(self, context: Context, settings: str) -> None:
        """Plug in, say where, and answer until cancelled."""
        self._port.plug()
        try:
            context.ready(self.address(settings))
            await asyncio.Event().wait()
        finally:
            self._port.unplug()

    def _receive(self, data: bytes) -> None:
        if self._faults.active(Fault.REBOOT) is not None:
            return
        if self._echo:
            self.send(data)
        for command in self._framing.feed(data):
            reply = self._answer(command)
            if reply:
                self.send(self._numbered(reply))

    def _numbered(self, reply: bytes) -> bytes:
        shift = self._faults.active(Fault.WRONG_ADDRESS)
        if shift is None or self._readdress is None:
            return reply
        return self._readdress(reply, int(shift))
