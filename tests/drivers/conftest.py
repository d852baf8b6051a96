"""Independent peers for the drivers: byte-level responders on ptys, and an asyncua server behind a relay.

None of them shares a line of code with the drivers or with the simulators.
"""

from __future__ import annotations

import asyncio
import os
import struct
import threading
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import Any, Self

import pytest

from drivers.contract import Point
from tests.drivers.terminal import Terminal

Replies = Sequence[tuple[float, bytes]]


class PtyPeer(ABC):
    """The far end of a serial line. ``mangle`` turns a reply into timed pieces; ``silent`` drops requests."""

    def __init__(self) -> None:
        self._terminal = Terminal()
        self.master, self.path = self._terminal.master, self._terminal.path
        os.set_blocking(self.master, False)
        self.silent = False
        self.mangle: Callable[[bytes], Replies] = lambda reply: [(0.0, reply)]
        self.received = bytearray()
        self.requests = 0
        asyncio.get_running_loop().add_reader(self.master, self._readable)

    @abstractmethod
    def answer(self, data: bytearray) -> bytes | None:
        """Take one request off ``data`` and return its reply; ``None`` while it is incomplete."""

    def _readable(self) -> None:
        try:
            self.received += os.read(self.master, 4096)
        except OSError:
            return
        if self.silent:
            self.received.clear()
            return
        while self.received and (reply := self.answer(self.received)) is not None:
            self.requests += 1
            for delay, piece in self.mangle(reply) if reply else ():
                asyncio.get_running_loop().call_later(delay, self.send, piece)

    def send(self, data: bytes) -> None:
        """Put bytes on the line, asked for or not."""
        if self.master >= 0:
            os.write(self.master, data)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.unplug()

    def unplug(self) -> None:
        """The device is gone, with its port."""
        if self.master < 0:
            return
        asyncio.get_running_loop().remove_reader(self.master)
        self._terminal.close()
        self.master = -1


def crc(data: bytes) -> bytes:
    """Modbus CRC-16, bit by bit (Modbus over serial line V1.02, 6.2.2)."""
    value = 0xFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ 0xA001 if value & 1 else value >> 1
    return struct.pack("<H", value)


def arc_float(value: float) -> bytes:
    """A float as an Arc sends it: low word first."""
    packed = struct.pack(">f", value)
    return packed[2:] + packed[:2]


def arc_bits(value: int) -> bytes:
    """32 bits as an Arc sends them: low word first."""
    return struct.pack(">HH", value & 0xFFFF, value >> 16)


class ArcPeer(PtyPeer):
    """Hamilton Arc sensors: whole blocks or an exception. ``values[unit][wire address]`` are the blocks' bytes."""

    def __init__(self) -> None:
        super().__init__()
        self.dead: set[int] = set()
        self.values: dict[int, dict[int, bytes]] = {}
        self.put(1, 7.04, unit=12, firmware=b"EPHUM011")
        self.put(2, 41.5, unit=5, firmware=b"ODOUM043")

    def put(self, unit_id: int, value: float, *, unit: int, status: int = 0, firmware: bytes = b"EPHUM011") -> None:
        """Set one sensor's measurement, 37.0 Cel and full quality."""
        zero = arc_float(0.0)
        self.values[unit_id] = {
            1031: firmware.ljust(16, b"\0"),
            2089: arc_bits(1 << unit) + arc_float(value) + arc_bits(status) + zero + arc_float(14.0),
            2409: arc_bits(1 << 2) + arc_float(37.0) + arc_bits(0) + zero + arc_float(130.0),
            4871: arc_float(100.0),
        }

    def answer(self, data: bytearray) -> bytes | None:
        if len(data) < 8:
            return None
        frame = bytes(data[:8])
        del data[:8]
        unit, function, start, count = struct.unpack(">BBHH", frame[:6])
        block = self.values.get(unit, {}).get(start)
        if crc(frame[:6]) != frame[6:] or unit in self.dead or unit not in self.values:
            return b""
        if function not in {3, 4} or block is None or len(block) != 2 * count:
            body = bytes([unit, function | 0x80, 2])
        else:
            body = bytes([unit, function, len(block)]) + block
        return body + crc(body)


class PumpPeer(PtyPeer):
    """A Watson-Marlow 520Du: pump 1. Commands that begin with ``deaf`` get lost on their way to it."""

    def __init__(self) -> None:
        super().__init__()
        self.speed, self.running, self.pulses, self.echo, self.stuck = 0.0, False, 0, False, False
        self.direction, self.deaf = "CW", "nothing"
        self.commands: list[str] = []

    def answer(self, data: bytearray) -> bytes | None:
        line, found, _ = bytes(data).partition(b"\r")
        if not found:
            return None
        del data[: len(line) + 1]
        command = line.decode("ascii")
        self.commands.append(command)
        return (line + b"\r" if self.echo else b"") + self._obey(command.removeprefix("1"))

    def _obey(self, command: str) -> bytes:
        if command.startswith(self.deaf):
            return b""
        if command.startswith("SP") and not self.stuck:
            self.speed = float(command[2:])
        elif command in {"GO", "ST"} and not self.stuck:
            self.running = command == "GO"
        elif command == "ZY":
            return b"%d\r" % self.running
        elif command == "RS":
            shown = f"{self.speed:.1f} {self.direction} P/N 1 {self.pulses} {self.running:d}"
            return f"520Du 15.84 520R 9.6MM {shown} !\r".encode()
        return b""


@pytest.fixture
async def arc() -> AsyncIterator[ArcPeer]:
    """Two Arc sensors on a line."""
    peer = ArcPeer()
    yield peer
    peer.unplug()


@pytest.fixture
async def pump() -> AsyncIterator[PumpPeer]:
    """One pump on a line."""
    peer = PumpPeer()
    yield peer
    peer.unplug()


class Relay:
    """A TCP hop that can freeze (forward nothing, keep everything open) or drop its connections."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: list[asyncio.StreamWriter] = []
        self.running = asyncio.Event()
        self.running.set()
        self.port = 0

    async def start(self) -> None:
        """Listen on the port of last time, or on a new one."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Close every connection and the port."""
        assert self._server is not None
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", self._target)
        self._writers += [writer, back]
        for source, sink in ((reader, back), (there, writer)):
            task = asyncio.create_task(self._pump(source, sink))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        try:
            while data := await source.read(65536):
                await self.running.wait()
                sink.write(data)
        except OSError:
            pass
        finally:
            sink.close()


class ServerThread:
    """An asyncua server in a thread with its own loop: made once, for it takes seconds to start."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.port = 0
        self.nodes: dict[str, Any] = {}
        self.server: Any = None
        self._ready = threading.Event()
        self._end: asyncio.Event | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Start, and wait until it serves."""
        self._thread.start()
        assert self._ready.wait(60)

    def stop(self) -> None:
        """End the server and its thread."""
        assert self._end is not None
        self.loop.call_soon_threadsafe(self._end.set)
        self._thread.join(20)
        self.loop.close()

    async def run(self, work: Any) -> Any:
        """Do ``work`` in the server's loop."""
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self.loop))

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_until_complete(self._serve())

    async def _serve(self) -> None:
        from asyncua import Server

        self._end = asyncio.Event()
        self.server = Server()
        await self.server.init()
        self.server.set_endpoint("opc.tcp://127.0.0.1:0")
        async with self.server:
            self.port = self.server.bserver._server.sockets[0].getsockname()[1]
            self._ready.set()
            await self._end.wait()


@pytest.fixture(scope="session")
def opcua_server() -> Iterator[ServerThread]:
    """One asyncua server for all tests of this folder; each adds its own nodes."""
    thread = ServerThread()
    thread.start()
    yield thread
    thread.stop()


@pytest.fixture
async def relay(opcua_server: ServerThread) -> AsyncIterator[Relay]:
    """A hop to the server that can freeze and break."""
    hop = Relay(opcua_server.port)
    await hop.start()
    yield hop
    hop.running.set()
    await hop.stop()


def points(*addresses: str, access: Any = "rw") -> list[Point]:
    """Points named like their addresses."""
    return [Point(address, address, access) for address in addresses]
