"""BlueSens BlueVary against its simulator, on a pseudo-terminal and over Modbus TCP, and in bytes."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
from pymodbus.client import AsyncModbusTcpClient

from drivers.conformance import Disturbance, DriverConformance
from drivers.contract import ConnectionSpec, Identity, Point, Quality, Reason, Timeout, WriteState
from drivers.instruments.bluevary import BlueVary
from tests.drivers.conftest import PtyPeer, crc
from tests.drivers.simulated import Simulated, SimulatedBench, points

TRUE = {"co2": 5.25, "gas2": 17.5, "humidity": 62.5}


@pytest.fixture(scope="module")
def on_pty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulated]:
    with Simulated("bluevary", tmp_path_factory.mktemp("pty"), **TRUE) as simulated:
        yield simulated


@pytest.fixture(scope="module")
def on_tcp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulated]:
    with Simulated("bluevary", tmp_path_factory.mktemp("tcp"), framing="tcp", **TRUE) as simulated:
        yield simulated


def make(url: str, **options: object) -> BlueVary:
    line = {} if url.startswith("modbus") else {"slowest_reply": 0.32}
    return BlueVary(ConnectionSpec("gas", url, {**line, **options}, 0.4))


class TestConformance(DriverConformance):
    """The contract, on a pseudo-terminal."""

    @pytest.fixture
    async def bench(self, on_pty: Simulated) -> SimulatedBench:
        return SimulatedBench(on_pty, make, points(*TRUE), Point("x", "methane"), true=TRUE)


class TestConformanceOnTcp(DriverConformance):
    """The contract, over Modbus TCP."""

    @pytest.fixture
    async def bench(self, on_tcp: Simulated) -> SimulatedBench:
        without = (Disturbance.DAMAGED,)
        return SimulatedBench(on_tcp, make, points(*TRUE), Point("x", "methane"), true=TRUE, without=without)


async def test_who_answers_and_nothing_is_written(on_pty: Simulated) -> None:
    driver = make(on_pty.url)
    assert await driver.open() == Identity("BlueSens", "BlueVary")
    (outcome,) = await driver.write([(Point("x", "co2", "rw"), 1.0)])
    assert (outcome.state, outcome.detail) == (WriteState.REFUSED, "read only")
    await driver.close()


async def test_somebody_elses_client_on_the_simulator(on_tcp: Simulated) -> None:
    theirs = AsyncModbusTcpClient("127.0.0.1", port=on_tcp.address["port"], retries=0)
    await theirs.connect()
    for unit, value in ((2, 5.25), (3, 17.5), (4, 62.5)):
        registers = (await theirs.read_holding_registers(0, count=2, device_id=unit)).registers
        decoded = theirs.convert_from_registers(registers, theirs.DATATYPE.FLOAT32, word_order="little")
        assert decoded == value
    assert (await theirs.read_holding_registers(1, count=2, device_id=2)).exception_code == 2
    assert (await theirs.read_input_registers(0, count=2, device_id=2)).exception_code == 1
    theirs.close()


class ChannelPeer(PtyPeer):
    """Channels as bytes: the values of those that are there, by device number."""

    def __init__(self, values: dict[int, float]) -> None:
        super().__init__()
        self.values = values
        self.seen: list[bytes] = []

    def answer(self, data: bytearray) -> bytes | None:
        if len(data) < 8:
            return None
        frame = bytes(data[:8])
        del data[:8]
        self.seen.append(frame)
        if frame[0] not in self.values:
            return b""
        packed = struct.pack(">f", self.values[frame[0]])
        words = (packed[2:] + packed[:2])[: 2 * frame[5]]
        body = bytes([frame[0], 3, len(words)]) + words
        return body + crc(body)


async def test_what_is_on_the_line() -> None:
    peer = ChannelPeer({2: 5.25})
    driver = make(f"serial://{peer.path}")
    await driver.open()
    peer.seen.clear()
    (sample,) = await driver.read(driver.plan(points("co2")))
    assert (sample.value, sample.quality) == (5.25, Quality.GOOD)
    assert peer.seen == [bytes.fromhex("02 03 00 00 00 02") + crc(bytes.fromhex("02 03 00 00 00 02"))]
    await driver.close()
    peer.unplug()


async def test_a_channel_that_is_silent_or_impossible_is_bad_alone() -> None:
    peer = ChannelPeer({2: 5.25, 4: 1e20})
    driver = make(f"serial://{peer.path}")
    await driver.open()
    for _ in range(2):
        co2, gas2, humidity = await driver.read(driver.plan(points("co2", "gas2", "humidity")))
        assert (co2.value, gas2.reason) == (5.25, Reason.LINK)
        assert (humidity.quality, humidity.detail) == (Quality.BAD, "1e+20 % cannot be")
        await asyncio.sleep(0.01)
    peer.values.clear()
    with pytest.raises(Timeout):
        await driver.open()
    await driver.close()
    peer.unplug()


class Swapped(ChannelPeer):
    """Channels with the high word first."""

    def answer(self, data: bytearray) -> bytes | None:
        reply = super().answer(data)
        if not reply or reply[2] != 4:
            return reply
        body = reply[:3] + reply[5:7] + reply[3:5]
        return body + crc(body)


@pytest.mark.parametrize("value", [0.04, 5.25, 17.5, 20.95, 45.0, 62.5, 100.0])
async def test_words_in_another_order_are_never_a_value(value: float) -> None:
    peer = Swapped({2: value})
    driver = make(f"serial://{peer.path}")
    await driver.open()
    (sample,) = await driver.read(driver.plan(points("co2")))
    assert (sample.quality, sample.detail.endswith("% cannot be")) == (Quality.BAD, True)
    peer.values[2] = 0.0
    (sample,) = await driver.read(driver.plan(points("co2")))
    assert (sample.value, sample.quality) == (0.0, Quality.GOOD)
    await driver.close()
    peer.unplug()


@pytest.mark.parametrize("options", [{"co2": 3}, {"co2": 0, "gas2": 0, "humidity": 0}, {"ch4": 5}, {"co2": 300}])
def test_wrong_options(options: dict[str, object], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="connection 'gas'"):
        BlueVary(ConnectionSpec("gas", f"serial://{tmp_path}", options))
