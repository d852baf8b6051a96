"""The serial port itself: a device that takes nothing, one that is gone, and bytes that nobody asked for."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
import serial

from drivers.contract import ConnectionSpec, LinkLost, Malformed, Point, Timeout
from drivers.instruments.watson_marlow import WatsonMarlow
from drivers.link import Link
from drivers.link_state import LinkState
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


async def test_a_reply_that_trickles_has_only_its_time(pump: Any) -> None:
    """However often bytes come, the time-out is that of the whole reply; what comes after it is nobody's."""
    pump.silent = True
    port = line(pump.path)
    await port.open()
    loop = asyncio.get_running_loop()

    async def trickle() -> None:
        while True:
            pump.send(b"x")
            await asyncio.sleep(0)

    trickling = asyncio.create_task(trickle())
    started = loop.time()
    with pytest.raises(Malformed, match="incomplete"):
        await port.exchange(b"1RS\r", whole, 0.1)
    assert 0.1 <= loop.time() - started < 1.0
    trickling.cancel()
    assert port.stray_at >= started + 0.1
    port.close()


async def test_the_time_in_which_we_stood_still_is_not_the_devices(pump: Any) -> None:
    pump.silent = True
    port = line(pump.path)
    await port.open()

    def still() -> None:
        time.sleep(0.5)
        asyncio.get_running_loop().call_later(0.05, pump.send, b"right!")

    asyncio.get_running_loop().call_later(0.05, still)
    assert await port.exchange(b"?", whole, 0.3) == b"right!"
    asyncio.get_running_loop().call_later(0.05, time.sleep, 0.5)
    with pytest.raises(Timeout, match=r"no answer within 0\.3 s"):
        await port.exchange(b"?", whole, 0.3)
    port.close()


async def test_two_callers_take_turns(pump: Any) -> None:
    port = line(pump.path, 0.005)
    await port.open()
    pump.answer = lambda data: (bytes(data) + b"!", data.clear())[0]
    replies = await asyncio.gather(*(port.exchange(b"%d" % place, whole, 0.5) for place in range(8)))
    assert replies == [b"%d!" % place for place in range(8)]
    port.close()


async def test_a_port_is_shared_and_closed_by_the_last(pump: Any) -> None:
    first, second = line(pump.path), line(pump.path)
    await first.open()
    await second.open()
    pump.answer = lambda data: (bytes(data) + b"!", data.clear())[0]
    replies = await asyncio.gather(first.exchange(b"1", whole, 0.5), second.exchange(b"2", whole, 0.5))
    assert replies == [b"1!", b"2!"]
    first.close()
    first.close()
    assert await second.exchange(b"3", whole, 0.5) == b"3!"
    with pytest.raises(LinkLost, match="not open"):
        await first.send(b"4")
    second.close()
    await first.open()
    assert await first.exchange(b"5", whole, 0.5) == b"5!"
    first.close()


async def test_all_on_a_port_speak_alike(pump: Any) -> None:
    first = line(pump.path)
    await first.open()
    other = SerialLine(parse_port(f"serial://{pump.path}?baudrate=9600", 9600, 1), 0.0)
    with pytest.raises(LinkLost, match="used by another connection with other settings"):
        await other.open()
    first.close()
    await other.open()
    other.close()


async def test_who_waits_for_silence_does_not_keep_the_others_from_speaking(pump: Any) -> None:
    waiting, busy = line(pump.path), line(pump.path)
    await waiting.open()
    await busy.open()
    pump.answer = lambda data: (data.clear(), b"right!")[1]
    silence = asyncio.ensure_future(waiting.silence(0.1))
    count = 0
    while not silence.done():
        assert await busy.exchange(b"?", whole, 0.5) == b"right!"
        count += 1
    assert count > 5
    waiting.close()
    busy.close()


async def test_an_adapter_that_hangs_does_not_stop_the_loop(pump: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A serial port can take seconds to open; who loses patience leaves none open."""
    closed = asyncio.Queue[object]()

    class Hanging(serial.Serial):
        def open(self) -> None:
            time.sleep(0.5)
            super().open()

        def close(self) -> None:
            super().close()
            closed.put_nowait(self)

    monkeypatch.setattr(serial, "Serial", Hanging)
    port, loop = line(pump.path), asyncio.get_running_loop()
    opening = asyncio.create_task(port.open())
    started, turns = loop.time(), 0
    while not opening.done():
        await asyncio.sleep(0.01)
        turns += 1
    assert turns > 10
    assert loop.time() - started >= 0.5
    port.close()
    first = await closed.get()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await port.open()
    async with asyncio.timeout(5.0):
        assert await closed.get() is not first


async def test_a_device_that_went_away_is_gone_for_all(pump: Any) -> None:
    first, second = line(pump.path), line(pump.path)
    await first.open()
    await second.open()
    pump.unplug()
    await asyncio.sleep(0.02)
    for port in (first, second):
        with pytest.raises(LinkLost):
            await port.exchange(b"?", whole, 0.2)
        with pytest.raises(LinkLost, match="cannot open"):
            await port.open()


async def test_a_silent_device_does_not_take_its_neighbour_with_it(pump: Any) -> None:
    """Pump 1 answers and is read ten times a second, pump 2 is not there: it costs its neighbour no reading."""

    def link(number: int) -> Link:
        spec = ConnectionSpec(f"pump-{number}", f"serial://{pump.path}", {"number": number, "slowest_reply": 0.5}, 0.2)
        points = [Point("speed", "speed", "rw")]
        return Link(
            spec.name, WatsonMarlow(spec), points,
            period_s=0.1, deadline_s=0.5, now_ns=time.monotonic_ns, on_event=lambda _event: None,
        )  # fmt: skip

    links = [link(1), link(2)]
    tasks = [asyncio.create_task(one.run()) for one in links]
    enough = asyncio.Event()

    def look() -> None:
        """Whether both have tried often enough."""
        if links[0].counters.reads >= 20 and links[1].counters.reconnects >= 3:
            enough.set()
        else:
            asyncio.get_running_loop().call_later(0.01, look)

    look()
    await asyncio.wait_for(enough.wait(), 10)
    assert (links[0].state, links[1].state) == (LinkState.UP, LinkState.DOWN)
    assert links[0].counters.errors == {}
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


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
