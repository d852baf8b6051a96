"""Requests that follow each other on Modbus TCP: each in its own time, nobody shut out, nothing answered lost."""

from __future__ import annotations

import asyncio
import struct
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from drivers.contract import ConnectionSpec, Point, Quality, Reason, WriteState
from drivers.instruments.generic_modbus import GenericModbus
from tests.drivers.simulated import points

FAR = ("holding.0", "holding.1000", "holding.2000", "holding.3000")


class Server:
    """Register n holds n. ``before`` is awaited before an answer; ``change`` makes another one of it, by its start."""

    def __init__(self) -> None:
        self.url = ""
        self.before: Callable[[], Awaitable[object]] = lambda: asyncio.sleep(0)
        self.change: dict[int, Callable[[bytes], bytes]] = {}
        self.seen: list[tuple[int, int]] = []
        self.asked = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, request by request."""
        try:
            while True:
                request = await reader.readexactly(12)
                number, unit, function, start, word = struct.unpack(">H4xBBHH", request)
                self.seen.append((function, start))
                self.asked.set()
                await self.before()
                registers = struct.pack(f">B{word}H", 2 * word, *range(start, start + word))
                body = registers if function == 3 else request[8:]
                reply = struct.pack(">HHHBB", number, 0, 2 + len(body), unit, function) + body
                writer.write(self.change.get(start, bytes)(reply))
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    peer = Server()
    listening = await asyncio.start_server(peer.serve, "127.0.0.1", 0)
    peer.url = f"modbus://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    yield peer
    listening.close()


@pytest.fixture
async def driver(server: Server) -> AsyncIterator[GenericModbus]:
    driver = GenericModbus(ConnectionSpec("plc", server.url, {"identify": False}, 1.0))
    await driver.open()
    server.seen.clear()
    server.asked.clear()
    yield driver
    await driver.close()


async def test_each_request_has_its_own_time(server: Server, driver: GenericModbus) -> None:
    """Four answers, each within the time-out of half a second, and together far behind it."""
    server.before = lambda: asyncio.sleep(0.2)
    samples = await driver.read(driver.plan(points(*FAR)))
    assert [sample.value for sample in samples] == [0.0, 1000.0, 2000.0, 3000.0]


def stand_still() -> None:
    """The whole machine: the device, which is of this process, and the driver."""
    time.sleep(0.7)


async def test_the_time_in_which_we_stood_still_is_not_the_devices(server: Server, driver: GenericModbus) -> None:
    async def still() -> None:
        stand_still()
        await asyncio.sleep(0.05)

    server.before = still
    (sample,) = await driver.read(driver.plan(points(FAR[1])))
    assert (sample.quality, sample.value) == (Quality.GOOD, 1000.0)


async def test_a_write_is_sent_between_two_reads(server: Server, driver: GenericModbus) -> None:
    answer = asyncio.Event()
    server.before = answer.wait
    reading = asyncio.ensure_future(driver.read(driver.plan(points(*FAR))))
    await server.asked.wait()
    writing = asyncio.ensure_future(driver.write([(Point("x", "holding.7", "rw"), 5.0)]))
    await asyncio.sleep(0)
    answer.set()
    (outcome,) = await writing
    assert outcome.state is WriteState.APPLIED
    assert [sample.value for sample in await reading] == [0.0, 1000.0, 2000.0, 3000.0]
    assert server.seen == [(3, 0), (6, 7), (3, 1000), (3, 2000), (3, 3000)]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda _reply: b"", "no answer within 0.5 s"),
        (lambda reply: reply[:6] + b"\x02" + reply[7:], "device 2 answers"),
        (lambda reply: reply[:7] + b"\x04" + reply[8:], "the reply is to function 4"),
        (lambda reply: b"\xff\xff" + reply[2:], "no answer within 0.5 s"),
        (lambda reply: reply[:5] + b"\x07" + reply[6:8] + b"\x04" + reply[9:] + b"\0\0", "the reply has 4 bytes"),
    ],
)
async def test_what_was_answered_before_a_failure_is_kept(
    server: Server, driver: GenericModbus, change: Callable[[bytes], bytes], why: str
) -> None:
    server.change[2000] = change
    plan = driver.plan(points(*FAR))
    samples = await driver.read(plan)
    assert [sample.value for sample in samples[:2]] == [0.0, 1000.0]
    for sample in samples[2:]:
        assert (sample.quality, sample.reason) == (Quality.BAD, Reason.LINK)
        assert why in sample.detail
    assert (3, 3000) not in server.seen, "after a failure the device is not asked on"
    server.change.clear()
    assert [sample.value for sample in await driver.read(plan)] == [0.0, 1000.0, 2000.0, 3000.0]


async def test_the_rest_of_a_cancelled_row_is_not_asked_for(server: Server, driver: GenericModbus) -> None:
    answer = asyncio.Event()
    server.before = answer.wait
    reading = asyncio.ensure_future(driver.read(driver.plan(points(*FAR))))
    await server.asked.wait()
    reading.cancel()
    await asyncio.wait([reading])
    answer.set()
    (sample,) = await driver.read(driver.plan(points("holding.9")))
    assert sample.value == 9.0
    assert server.seen == [(3, 0), (3, 9)]
