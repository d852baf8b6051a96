"""What answers is read and written as if the rest were not there, within the time that a link gives for all of it."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Sequence

import pytest

from drivers.contract import ConnectionSpec, Driver, Plan, Point, Quality, Sample, WriteState
from drivers.instruments.generic_modbus import GenericModbus
from drivers.instruments.hamilton_arc import HamiltonArc
from drivers.instruments.lauda import Lauda
from drivers.patience import write_each
from tests.drivers.conftest import ArcPeer, PtyPeer, crc, points
from tests.drivers.steady import steady

DEADLINE_S = 0.5
"""Of a link, for a read or a write as a whole; one question has half of it."""
PERIOD_S = 0.55


class Registers(PtyPeer):
    """Devices 1 to 4 on an RTU line: register n holds n. Those in ``deaf`` do not answer."""

    def __init__(self) -> None:
        super().__init__()
        self.deaf: set[int] = set()

    def answer(self, data: bytearray) -> bytes | None:
        size = 7 if data[1:2] == b"\x2b" else 8
        if len(data) < size:
            return None
        unit, function, start, count = struct.unpack(">BBHH", data[:6])
        del data[:size]
        if unit in self.deaf:
            return b""
        body = {
            3: struct.pack(f">BBB{count % 126}H", unit, function, 2 * count % 256, *range(start, start + count % 126)),
            6: struct.pack(">BBHH", unit, function, start, count),
            0x2B: bytes([unit, 0xAB, 1]),
        }[function]
        return body + crc(body)


class Bath(PtyPeer):
    """A Lauda thermostat that does not know the questions in ``deaf``."""

    def __init__(self) -> None:
        super().__init__()
        self.deaf: set[str] = set()

    def answer(self, data: bytearray) -> bytes | None:
        line, found, _ = bytes(data).partition(b"\r")
        if not found:
            return None
        del data[: len(line) + 1]
        question = line.decode()
        words = {"TYPE": "RP 10", "VERSION_R": "1.00", "STATUS": "0"}
        return b"" if question in self.deaf else f"{words.get(question, '21.50')}\r\n".encode()


async def seen(driver: Driver, plan: Plan, reads: int) -> list[str]:
    """The qualities of some reads, one per period, each within the deadline; G for Good, B for Bad."""
    found = []
    for _ in range(reads):
        async with asyncio.timeout(DEADLINE_S):
            found.append(_qualities(await driver.read(plan)))
        await asyncio.sleep(PERIOD_S)
    return found


def _qualities(samples: Sequence[Sample]) -> str:
    return "".join("G" if sample.quality is Quality.GOOD else "B" for sample in samples)


def modbus(peer: Registers) -> GenericModbus:
    spec = ConnectionSpec("line", f"serial://{peer.path}?parity=N", {"unit": 1, "slowest_reply": 0.5}, DEADLINE_S)
    return GenericModbus(spec)


@steady
async def test_two_devices_that_fall_silent_together_do_not_take_the_line_with_them() -> None:
    with Registers() as peer:
        driver = modbus(peer)
        await driver.open()
        plan = driver.plan(points("1.holding.7", "2.holding.7", "3.holding.7", "4.holding.7"))
        assert await seen(driver, plan, 1) == ["GGGG"]
        peer.deaf = {2, 3}
        first, *later = await seen(driver, plan, 4)
        assert first.startswith("GBB")
        assert later == ["GBBG"] * 3
        peer.deaf.clear()
        assert (await seen(driver, plan, 3))[-1] == "GGGG"
        await driver.close()


@steady
async def test_a_write_to_a_silent_device_does_not_take_the_others_with_it() -> None:
    with Registers() as peer:
        driver = modbus(peer)
        await driver.open()
        wanted = points("1.holding.7", "2.holding.7", "3.holding.7", "4.holding.7")
        plan = driver.plan(wanted)
        await driver.read(plan)
        peer.deaf = {2, 3}
        for expected in ("applied unknown unknown applied", "applied refused refused applied"):
            async with asyncio.timeout(DEADLINE_S):
                outcomes = await driver.write([(point, 5.0) for point in wanted])
            assert [outcome.point for outcome in outcomes] == wanted
            told = " ".join(outcome.state.value for outcome in outcomes)
            assert told == expected or told == "applied unknown unknown refused"
            await seen(driver, plan, 2)
        assert [outcome.detail.startswith("not sent") for outcome in outcomes] == [False, True, True, False]
        peer.deaf.clear()
        await seen(driver, plan, 3)
        assert {outcome.state for outcome in await driver.write([(point, 5.0) for point in wanted])} == {
            WriteState.APPLIED
        }
        await driver.close()


@steady
async def test_two_questions_that_are_not_answered_leave_the_others() -> None:
    with Bath() as peer:
        driver = Lauda(ConnectionSpec("bath", f"serial://{peer.path}", {}, DEADLINE_S))
        await driver.open()
        plan = driver.plan(points("bath", "controlled", "external", "level", "setpoint"))
        assert await seen(driver, plan, 1) == ["GGGGG"]
        peer.deaf = {"IN_PV_01", "IN_PV_03"}
        *first, third, fourth = await seen(driver, plan, 4)  # a read finds out about one of them
        assert all(read.startswith("GB") for read in first)
        assert (third, fourth) == ("GBBGG", "GBBGG")
        peer.deaf.clear()
        assert (await seen(driver, plan, 3))[-1] == "GGGGG"
        await driver.close()


@steady
async def test_two_silent_sensors_leave_the_others() -> None:
    with ArcPeer() as arc:
        for unit in (3, 4):
            arc.put(unit, 6.0, unit=12)
        driver = HamiltonArc(ConnectionSpec("arc", f"serial://{arc.path}", {"slowest_reply": 0.5}, DEADLINE_S))
        await driver.open()
        plan = driver.plan(points("1.PMC1", "2.PMC1", "3.PMC1", "4.PMC1"))
        assert await seen(driver, plan, 1) == ["GGGG"]
        arc.dead = {2, 3}
        first, *later = await seen(driver, plan, 4)
        assert first.startswith("GBB")
        assert later == ["GBBG"] * 3
        arc.dead.clear()
        assert (await seen(driver, plan, 3))[-1] == "GGGG"
        await driver.close()


async def nothing_against(_point: Point, _value: float) -> str:
    return ""


async def test_after_an_unknown_write_the_rest_has_only_so_much_time() -> None:
    begun = []

    async def put(point: Point, value: float) -> tuple[WriteState, str]:
        begun.append(value)
        await asyncio.sleep({1.0: 0.0, 2.0: 0.05, 3.0: 60.0}[value])
        return (WriteState.UNKNOWN, "silent") if value == 2.0 else (WriteState.APPLIED, "")

    (point,) = points("x")
    outcomes = await write_each([(point, value) for value in (1.0, 2.0, 3.0, 4.0)], nothing_against, put, 0.2)
    assert [outcome.state.value for outcome in outcomes] == ["applied", "unknown", "unknown", "refused"]
    assert outcomes[-1].detail.startswith("not sent")
    assert begun == [1.0, 2.0, 3.0]


async def test_what_is_cut_short_before_it_is_sent_is_refused() -> None:
    async def ready(point: Point, value: float) -> str:
        await asyncio.sleep({1.0: 0.0, 2.0: 60.0}[value])
        return ""

    async def put(point: Point, value: float) -> tuple[WriteState, str]:
        return WriteState.UNKNOWN, "silent"

    (point,) = points("x")
    outcomes = await write_each([(point, 1.0), (point, 2.0)], ready, put, 0.2)
    assert [outcome.state.value for outcome in outcomes] == ["unknown", "refused"]
    assert outcomes[-1].detail.startswith("not sent")


async def test_nothing_is_begun_when_the_time_is_over_already() -> None:
    """A dose would be on the wire, and its answer not waited for."""
    begun = []

    async def put(point: Point, value: float) -> tuple[WriteState, str]:
        begun.append(value)
        await asyncio.sleep(0.15)
        return (WriteState.UNKNOWN, "silent") if value == 2.0 else (WriteState.APPLIED, "")

    (point,) = points("x")
    outcomes = await write_each([(point, value) for value in (1.0, 2.0, 3.0)], nothing_against, put, 0.2)
    assert begun == [1.0, 2.0]
    assert [outcome.state.value for outcome in outcomes] == ["applied", "unknown", "refused"]
    assert outcomes[-1].detail.startswith("not sent")


async def test_a_time_out_of_its_own_is_not_taken_for_the_end_of_patience() -> None:
    async def put(point: Point, value: float) -> tuple[WriteState, str]:
        raise TimeoutError

    with pytest.raises(TimeoutError):
        await write_each([(points("x")[0], 1.0)], nothing_against, put, 0.2)
