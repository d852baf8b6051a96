"""Lines that several drivers use: what happens to one of them must not become another's value, or another's outage."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from drivers.contract import ConnectionSpec, DriverError, LinkLost, Point, Quality, Timeout
from drivers.instruments.masterflex_ls import MasterflexLs
from drivers.ports import parse_port
from drivers.serial_line import SerialLine
from tests.drivers.conftest import PtyPeer

CR = b"\r"


def line(url: str, late_s: float = 0.0) -> SerialLine:
    return SerialLine(parse_port(url, 9600), 0.0, late_s=late_s)


def whole(data: bytes) -> bool:
    return data.endswith(b"!")


@contextlib.contextmanager
def unreachable() -> Iterator[str]:
    """A host that does not answer when somebody connects: nobody takes the connections that wait there."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(3):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield f"tcp://127.0.0.1:{listener.getsockname()[1]}"


async def test_a_host_that_does_not_answer_keeps_no_other_port_from_opening(pump: Any) -> None:
    with unreachable() as url:
        lost, port = line(url), line(f"serial://{pump.path}")
        opening = asyncio.create_task(lost.open())
        await asyncio.sleep(0.05)
        async with asyncio.timeout(1.0):
            await port.open()
        assert not opening.done()
        opening.cancel()
        await asyncio.wait([opening])
        port.close()


async def test_bytes_that_came_while_the_loop_was_busy_are_no_answer(pump: Any) -> None:
    """They are in the kernel, unread, when the request goes out."""
    port = line(f"serial://{pump.path}")
    await port.open()
    pump.answer = lambda data: (data.clear(), b"right!")[1]
    os.write(pump.master, b"old!")
    assert await port.exchange(b"?", whole, 0.5) == b"right!"
    port.close()


async def test_what_the_loop_still_wanted_to_tell_is_no_lost_line(pump: Any) -> None:
    """The bytes that it saw are read before a request, and when it comes to tell of them there are none."""
    port = line(f"serial://{pump.path}")
    await port.open()
    pump.answer = lambda data: (data.clear(), b"right!")[1]
    for _ in range(20):
        asking = asyncio.create_task(port.exchange(b"?", whole, 0.5))
        os.write(pump.master, b"old!")
        assert await asking == b"right!"
    assert port.is_open
    port.close()


class HalfOpen:
    """A device server that lost its power after its first connection, which nobody was told of; it is back now."""

    def __init__(self) -> None:
        self.connections = 0
        self.serving: list[asyncio.Task[Any]] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Only what connects after the first time is heard."""
        self.connections += 1
        if (task := asyncio.current_task()) is not None:
            self.serving.append(task)
        forgotten = self.connections == 1
        with contextlib.suppress(OSError):
            while await reader.read(64):
                if not forgotten:
                    writer.write(b"right!")
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def test_a_connection_without_another_end_is_given_up_though_somebody_always_uses_it() -> None:
    device = HalfOpen()
    server = await asyncio.start_server(device.serve, "127.0.0.1", 0)
    url = f"tcp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    lines = [line(url) for _ in range(3)]
    for one in lines:
        await one.open()
    answers = []
    for turn in range(12):
        one = lines[turn % 3]
        try:
            answers.append(await one.exchange(b"?", whole, 0.02))
        except (Timeout, LinkLost):
            await one.open()  # the others stay
    assert len(answers) >= 3
    assert device.connections == 2
    for one in lines:
        one.close()
    await asyncio.wait(device.serving)
    server.close()
    await server.wait_closed()


async def test_who_is_heard_keeps_the_connection_of_the_silent_ones(pump: Any) -> None:
    """However often others are not answered."""
    heard, silent = line(f"serial://{pump.path}"), line(f"serial://{pump.path}")
    await heard.open()
    pump.answer = lambda data: (data.clear(), b"right!")[1]
    assert await heard.exchange(b"?", whole, 0.5) == b"right!"
    pump.silent = True
    for _ in range(8):
        await silent.open()
        with pytest.raises(Timeout):
            await silent.exchange(b"?", whole, 0.01)
        silent.close()
    pump.silent = False
    assert await heard.exchange(b"?", whole, 0.5) == b"right!"
    heard.close()


def echoing(pump: Any, asked: list[bytes], delay_s: float) -> None:
    """An answer says what was asked, after a while; nobody answers to ``!``."""

    def answer(data: bytearray) -> bytes:
        asked.append(bytes(data))
        reply = b"" if data == b"!" else bytes(data) + b"!"
        data.clear()
        return reply

    pump.answer = answer
    pump.mangle = lambda reply: [(delay_s, reply)]


async def test_the_answer_to_a_cancelled_request_is_not_the_next_ones(pump: Any) -> None:
    """A link gives up a read in the middle: nobody is to ask until its answer cannot come any more."""
    asked: list[bytes] = []
    echoing(pump, asked, 0.05)
    first, second = line(f"serial://{pump.path}"), line(f"serial://{pump.path}")
    await first.open()
    await second.open()
    asking = asyncio.create_task(first.exchange(b"1", whole, 0.2))
    await asyncio.sleep(0.02)
    asking.cancel()
    assert asked == [b"1"]
    assert await second.exchange(b"2", whole, 0.2) == b"2!"
    assert asking.cancelled()
    first.close()
    second.close()


async def test_who_is_not_answered_lets_the_others_go_first(pump: Any) -> None:
    asked: list[bytes] = []
    echoing(pump, asked, 0.02)
    silent, *heard = (line(f"serial://{pump.path}") for _ in range(4))
    for one in (silent, *heard):
        await one.open()
    for one in heard:
        await one.exchange(b"0", whole, 0.5)
    with pytest.raises(Timeout):
        await silent.exchange(b"!", whole, 0.01)
    asked.clear()
    work = [heard[0].exchange(b"1", whole, 0.5), silent.exchange(b"!", whole, 0.05)]
    work += [one.exchange(b"%d" % number, whole, 0.5) for number, one in enumerate(heard[1:], 2)]
    answers = await asyncio.gather(*work, return_exceptions=True)
    assert asked == [b"1", b"2", b"3", b"!"]
    assert (answers[0], type(answers[1]), *answers[2:]) == (b"1!", Timeout, b"2!", b"3!")
    for one in (silent, *heard):
        one.close()


class Chain(PtyPeer):
    """Masterflex drives 1 and 2: their answers do not say whose they are. Those of 1 are late, and then 2 is deaf."""

    def __init__(self) -> None:
        super().__init__()
        self.late = 0.0

    def answer(self, data: bytearray) -> bytes | None:
        command, found, _ = bytes(data).partition(CR)
        if not found:
            return None
        del data[: len(command) + 1]
        number, letter = int(command[2:4]), command[4:5]
        if self.late and number == 2:
            return b""
        delay = self.late if number == 1 else 0.0
        self.mangle = lambda reply: [(delay, reply)]
        return b"\x02" + {b"I": b"I10030", b"C": b"C0%d000.00" % number}[letter] + CR


async def test_a_neighbours_late_answer_is_not_taken_for_ones_own() -> None:
    chain = Chain()
    url = f"serial://{chain.path}?parity=N&bytesize=8"
    first, second = (
        MasterflexLs(ConnectionSpec(f"drive-{number}", url, {"number": number, "assign": False}, 0.4))
        for number in (1, 2)
    )
    turns = first.plan([Point("turns", "revolutions")])
    for drive in (first, second):
        await drive.open()
        assert (await drive.read(turns))[0].quality is Quality.GOOD
    chain.late = 0.25
    asking = asyncio.gather(first.read(turns), second.read(turns), return_exceptions=True)
    assert [type(answer) for answer in await asking] == [Timeout, Timeout]
    chain.late = 0.0
    for drive, value in ((first, 1000.0), (second, 2000.0)):
        with contextlib.suppress(DriverError):
            assert (await drive.read(turns))[0].value == value
        await drive.close()
    chain.unplug()
