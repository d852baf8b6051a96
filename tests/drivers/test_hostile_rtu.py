"""A device that answers late at random: an answer that came too late is never taken for another's.

Register n holds n, so that every value tells whose it is. Answers take 10 to 250 ms, the time-out is 200 ms, and in the
middle the device is killed and started again.
"""

from __future__ import annotations

import asyncio
import random
import struct
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from drivers.contract import ConnectionSpec, DriverError, Point, Quality, Timeout
from drivers.instruments.generic_modbus import GenericModbus
from drivers.link_state import kind_of
from tests.drivers.conftest import PtyPeer, crc
from tests.drivers.simulated import Simulated
from tests.drivers.steady import steady

TIMEOUT_S = 0.2
OPTIONS = {"slowest_reply": 0.27}
HOSTILE = {"pattern": True, "late_ms": [10, 250]}


def make(url: str) -> GenericModbus:
    return GenericModbus(ConnectionSpec("plc", url, dict(OPTIONS), 2 * TIMEOUT_S))


def some_points(chance: random.Random) -> list[Point]:
    """One to three registers anywhere; mostly one, so that all answers look alike."""
    numbers = [chance.randrange(60_000) for _ in range(chance.choice([1, 1, 1, 1, 2, 3]))]
    return [Point(str(number), f"{chance.choice(['holding', 'input'])}.{number}") for number in numbers]


class Reader:
    """Reads as a link does: what fails is counted, and then the line is opened again."""

    def __init__(self, driver: GenericModbus, seed: int) -> None:
        self._driver = driver
        self._chance = random.Random(seed)
        self._opened = False
        self.reads = self.right = 0
        self.failed: Counter[str] = Counter()

    async def run(self, number: int) -> None:
        """Read so many times; fails at the first wrong value."""
        for _ in range(number):
            self.reads += 1
            try:
                await self._read()
            except DriverError as error:
                self.failed[kind_of(error)] += 1
                if not isinstance(error, Timeout) or self._chance.random() < 0.2:
                    await self._driver.close()
                    self._opened = False
                    await asyncio.sleep(0.02)

    async def close(self) -> None:
        await self._driver.close()

    async def _read(self) -> None:
        if not self._opened:
            await self._driver.open()
            self._opened = True
        plan = self._driver.plan(some_points(self._chance))
        samples = await self._driver.read(plan)
        for point, sample in zip(plan.points, samples, strict=True):
            assert sample.quality is Quality.BAD or sample.value == int(point.key), (point, sample)
        if all(sample.quality is Quality.GOOD for sample in samples):
            self.right += 1
        else:
            self.failed["in part"] += 1


class Hostile(Simulated):
    """Several hostile devices, each on a line of its own; on the ports of last time when there was one."""

    def __init__(self, directory: Path, lines: int, wire: str, last: Hostile | None = None) -> None:
        names = ["generic_modbus", *(f"device-{number}" for number in range(1, lines))]
        ports = dict.fromkeys(names, 0) if last is None else {name: last.addresses[name].get("port") for name in names}
        more = {name: {"port": ports[name]} if wire == "tcp" else {} for name in names}
        super().__init__("generic_modbus", directory, more, **HOSTILE)

    @property
    def urls(self) -> list[str]:
        """Of all of them."""
        return [str(address["url"]) for address in self.addresses.values()]


async def survive(directory: Path, wire: str, lines: int, reads: int) -> Sequence[Reader]:
    """Read ``reads`` times on each of some lines, with the power failing in the middle."""
    devices = Hostile(directory, lines, wire)
    readers = [Reader(make(url), seed) for seed, url in enumerate(devices.urls)]
    try:
        await asyncio.gather(*(reader.run(reads // 2) for reader in readers))
        going_on = asyncio.gather(*(reader.run(reads - reads // 2) for reader in readers))
        await asyncio.sleep(0.15)
        devices.kill()
        devices = Hostile(directory, lines, wire, devices)
        await going_on
        assert [reader.right + reader.failed.total() for reader in readers] == [reads] * lines
        return readers
    finally:
        for reader in readers:
            await reader.close()
        devices.kill()


@pytest.mark.parametrize("wire", ["pty", "tcp"])
async def test_a_late_answer_is_never_anothers(tmp_path: Path, wire: str) -> None:
    readers = await survive(tmp_path, wire, lines=6, reads=10)
    assert sum(reader.right for reader in readers) > 20
    assert sum((reader.failed for reader in readers), Counter())["timeout"] > 3


@pytest.mark.soak
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("wire", ["pty", "tcp"])
async def test_no_wrong_value_in_ten_thousand_reads(tmp_path: Path, wire: str) -> None:
    readers = await survive(tmp_path, wire, lines=20, reads=500)
    failed = sum((reader.failed for reader in readers), Counter())
    assert sum(reader.reads for reader in readers) == 10_000
    assert sum(reader.right for reader in readers) > 5_000
    assert failed["timeout"] > 1_000
    print(f"\n{wire}: 10,000 reads, {sum(reader.right for reader in readers)} right, 0 wrong, {dict(failed)}")


class LatePeer(PtyPeer):
    """Register n holds n. Counts the answers that came after the time-out; none comes close to it."""

    def __init__(self) -> None:
        super().__init__()
        self.late = 0
        chance = random.Random(4)

        def mangle(reply: bytes) -> list[tuple[float, bytes]]:
            delay = chance.choice([*[chance.uniform(0.01, 0.1)] * 3, chance.uniform(0.23, 0.25)])
            self.late += delay > TIMEOUT_S
            return [(delay, reply)]

        self.mangle = mangle

    def answer(self, data: bytearray) -> bytes | None:
        size = 7 if data[1:2] == b"\x2b" else 8
        if len(data) < size:
            return None
        unit, function, start, count = struct.unpack(">BBHH", data[:6])
        del data[:size]
        if function == 0x2B:
            body = bytes([unit, 0xAB, 1])
        else:
            body = struct.pack(f">BBB{count}H", unit, function, 2 * count, *range(start, start + count))
        return body + crc(body)


@steady
async def test_every_late_answer_is_a_time_out_that_is_counted() -> None:
    with LatePeer() as peer:
        driver = make(f"serial://{peer.path}?parity=N")
        timeouts = right = 0
        while True:
            try:
                await driver.open()
                break
            except Timeout:
                timeouts += 1
        for number in range(24):
            try:
                (sample,) = await driver.read(driver.plan([Point("x", f"holding.{number}")]))
            except Timeout:
                timeouts += 1
                continue
            assert sample.value == number
            right += 1
        assert timeouts == peer.late > 2
        assert right > 2
        await driver.close()
