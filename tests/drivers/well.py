"""An instrument that does not exist, and a sound driver for it: to try the conformance checks on.

A request is a digit, a letter, what is to be set, ``*``, the sum of all that in hexadecimal and CR. An answer is the
digit and a number or a word, likewise: it does not say what it answers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar

from drivers.conformance import Bench, Disturbance
from drivers.contract import ConnectionSpec, Driver, Identity, Point, Refused
from drivers.device_line import TextLine
from drivers.polled import Answers, Entry, Polled
from drivers.ports import parse_port

TIMEOUT_S, QUIET_S, LATE_S = 0.3, 0.25, 0.2
TRUE = {"a": 1.5, "b": 2.5, "c": 3.5}
MOST = 50.0
Pieces = Sequence[tuple[float, bytes]]


def framed(text: str) -> str:
    """With its sum."""
    return f"{text}*{sum(text.encode()) % 256:02X}"


class Instrument(asyncio.Protocol):
    """One connection to it; ``of`` is what stays."""

    def __init__(self, of: Far) -> None:
        self._of = of
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._of.transports.append(transport)

    def data_received(self, data: bytes) -> None:
        *lines, self._received = (self._received + data).split(b"\r")
        for line in lines:
            for delay, piece in self._of.mangle(self._of.answer(line.decode())):
                asyncio.get_running_loop().call_later(delay, self._send, piece)

    def _send(self, piece: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(piece)


class Far:
    """The instrument itself, and what is wrong with its wire."""

    def __init__(self) -> None:
        self.port, self.setpoint, self.serial = 0, 0.0, 4711
        self.transports: list[asyncio.Transport] = []
        self.mangle: Callable[[bytes], Pieces] = whole
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen where it did last."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: Instrument(self), "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Gone, with all connections."""
        for transport in self.transports:
            transport.abort()
        self.transports.clear()
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
            self._server = None

    async def restore(self) -> None:
        """Nothing is wrong any more."""
        self.mangle = whole
        if self._server is None:
            await self.start()

    def answer(self, line: str) -> bytes:
        """To one request."""
        command = line.rpartition("*")[0]
        letter, value = command[1:2].lower(), command[2:]
        if letter == "s" and value and float(value) <= MOST:
            self.setpoint = float(value)
        said = {"i": f"WELL-7 {self.serial}", "s": f"{self.setpoint:.2f}"}.get(letter, f"{TRUE.get(letter, 0.0):.2f}")
        return f"{framed('1' + said)}\r".encode()


def whole(answer: bytes) -> Pieces:
    """As it is."""
    return [(0.0, answer)]


WRONG: Mapping[Disturbance, Callable[[bytes], Pieces]] = {
    Disturbance.GARBAGE: lambda answer: [(0.0, bytes(range(33, 33 + len(answer))) + b"\r")],
    Disturbance.TRUNCATED: lambda answer: [(0.0, answer[: len(answer) // 2])],
    Disturbance.DAMAGED: lambda answer: [(0.0, answer[:1] + bytes([answer[1] ^ 2]) + answer[2:])],
    Disturbance.FOREIGN: lambda answer: [(0.0, f"{framed('2' + answer[1:].decode().rpartition('*')[0])}\r".encode())],
    Disturbance.LATE: lambda answer: [(LATE_S, answer)],
}


class Well(Polled):
    """The sound driver."""

    points: ClassVar[Mapping[str, Entry]] = {
        **dict.fromkeys(TRUE, Entry()),
        "setpoint": Entry("rw", "s", 0.0, 100.0),
    }

    def __init__(self, port: int) -> None:
        spec = ConnectionSpec("well", f"tcp://127.0.0.1:{port}", {}, TIMEOUT_S)
        self.text = TextLine(parse_port(spec.url, 9600), spec.timeout_s / 2, QUIET_S, gap_s=0.0)
        super().__init__(self.text)

    async def identify(self) -> Identity:
        """The only answer that is a word."""
        model, _, serial = (await self.ask("I")).partition(" ")
        if not model.startswith("WELL"):
            raise self.line.doubt(f"not a name: {model!r}")
        return Identity("Nobody", model, serial)

    async def answer(self, question: str) -> Answers:
        """One number."""
        return {"setpoint" if question == "s" else question: await self.number(question.upper())}

    async def put(self, address: str, value: float) -> None:
        """The answer says what it made of it."""
        if (taken := await self.number(f"S{value:.2f}")) != value:
            raise Refused(f"it keeps {taken:g}")

    async def number(self, command: str) -> float:
        """A number that it answers."""
        text = await self.ask(command)
        try:
            return float(text)
        except ValueError as error:
            raise self.line.doubt(f"not a number: {text!r}") from error

    async def ask(self, command: str) -> str:
        """What it answers, the sum and the digit looked at and taken off."""
        return self.opened(await self.text.ask_line(framed(f"1{command}")))

    def opened(self, reply: str) -> str:
        """What is in an answer."""
        body = reply.rpartition("*")[0]
        if framed(body) != reply or body[:1] != "1":
            raise self.line.doubt(f"not an answer: {reply!r}")
        return body[1:]


class WellBench(Bench):
    """The instrument with one of the drivers."""

    def __init__(self, far: Far, make: Callable[[int], Driver]) -> None:
        self._far, self._make = far, make
        self.readable = [Point(address, address) for address in TRUE]
        self.unknown = Point("x", "x")
        self.setting = (Point("setpoint", "setpoint", "rw"), 12.0)
        self.outside = (Point("setpoint", "setpoint", "rw"), MOST + 10.0)
        self.true = TRUE

    def driver(self) -> Driver:
        """A new one."""
        return self._make(self._far.port)

    async def silence(self) -> None:
        """It hears, and says nothing."""
        self._far.mangle = lambda answer: ()

    async def restore(self) -> None:
        """All is well."""
        await self._far.restore()

    async def disturb(self, disturbance: Disturbance) -> bool:
        """Every one there is."""
        if disturbance is Disturbance.UNPLUGGED:
            await self._far.stop()
        else:
            self._far.mangle = WRONG[disturbance]
        return True
