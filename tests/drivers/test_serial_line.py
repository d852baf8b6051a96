"""The serial port itself: a device that takes nothing, one that is gone, and bytes that nobody asked for."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from drivers.contract import LinkLost, Malformed, Timeout
from drivers.ports import SerialSettings, parse_port
from drivers.serial_line import SerialLine


def line(path: str, gap_s: float = 0.0) -> SerialLine:
    return SerialLine(parse_port(f"serial://{path}?baudrate=115200", 9600, 1), gap_s)


def whole(data: bytes) -> bool:
    return data.endswith(b"!")


async def test_a_full_line_is_a_time_out_and_never_blocks_the_loop(pump: Any) -> None:
    asyncio.get_running_loop().remove_reader(pump.master)
    port = line(pump.path)
    await port.open()
    started = time.monotonic()

    async def fill() -> None:
        for _ in range(10_000):
            await port.send(b"x" * 1000)

    with pytest.raises(Timeout, match="takes no more bytes"):
        await fill()
    assert time.monotonic() - started < 2.0
    port.close()


async def test_a_device_that_goes_away_during_an_exchange(pump: Any) -> None:
    pump.silent = True
    port = line(pump.path)
    await port.open()
    asyncio.get_running_loop().call_later(0.05, pump.unplug)
    started = time.monotonic()
    with pytest.raises(LinkLost):
        await port.exchange(b"1RS\r", whole, 2.0)
    assert time.monotonic() - started < 1.0
    with pytest.raises(LinkLost, match="not open"):
        await port.send(b"1RS\r")


async def test_bytes_nobody_asked_for_are_dropped_and_delay_the_silence(pump: Any) -> None:
    port = line(pump.path)
    await port.open()
    before = port.stray_at
    pump.send(b"noise!")
    await asyncio.sleep(0.02)
    assert port.stray_at > before
    started = asyncio.get_running_loop().time()
    await port.silence(0.1)
    assert asyncio.get_running_loop().time() - started > 0.05
    pump.answer = lambda data: (data.clear(), b"right!")[1]
    assert await port.exchange(b"?", whole, 0.5) == b"right!"
    port.close()


async def test_half_a_reply_is_malformed(pump: Any) -> None:
    port = line(pump.path)
    await port.open()
    pump.answer = lambda data: (data.clear(), b"hal")[1]
    with pytest.raises(Malformed, match="incomplete reply: 68 61 6c"):
        await port.exchange(b"?", whole, 0.05)
    port.close()


async def test_two_callers_take_turns(pump: Any) -> None:
    port = line(pump.path, 0.005)
    await port.open()
    pump.answer = lambda data: (bytes(data) + b"!", data.clear())[0]
    replies = await asyncio.gather(*(port.exchange(b"%d" % place, whole, 0.5) for place in range(8)))
    assert replies == [b"%d!" % place for place in range(8)]
    port.close()


def test_the_time_of_a_byte() -> None:
    assert SerialSettings("/dev/x", 19200, 8, "N", 2).seconds_per_byte() == pytest.approx(11 / 19200)
    assert parse_port("serial:///dev/x?parity=e&bytesize=7", 9600, 1) == SerialSettings("/dev/x", 9600, 7, "E", 1)


async def test_bytes_nobody_asked_for_can_be_heard(pump: Any) -> None:
    heard: list[bytes] = []
    port = SerialLine(parse_port(f"serial://{pump.path}", 9600, 1), 0.0, heard.append)
    other = SerialLine(parse_port(f"serial://{pump.path}", 9600, 1), 0.0)
    await port.open()
    await other.open()
    pump.send(b"news!")
    async with asyncio.timeout(2):
        while True:
            await asyncio.sleep(0.01)
            if heard:
                break
    assert heard == [b"news!"]
    other.close()
    port.close()
