"""Hamilton Arc on Modbus RTU: values, exact blocks, and everything a serial line can do wrong."""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import pytest
import serial

from drivers.conformance import Bench, DriverConformance
from drivers.contract import (
    ConnectionSpec,
    DriverError,
    LinkLost,
    Malformed,
    Point,
    Quality,
    Reason,
    Timeout,
    WriteState,
)
from drivers.instruments.hamilton_arc import HamiltonArc
from drivers.modbus_rtu import RtuLine
from drivers.ports import parse_port
from tests.drivers.conftest import arc_bits

QUIET = 0.25


def make(peer: Any, timeout_s: float = 0.2, **options: object) -> HamiltonArc:
    """A driver that waits less for late replies than it does by default."""
    url = f"serial://{peer.path}?baudrate=19200&stopbits=2"
    return HamiltonArc(ConnectionSpec("probes", url, {"slowest_reply": QUIET, **options}, timeout_s))


def points(*addresses: str) -> list[Point]:
    return [Point(f"tag {address}", address) for address in addresses]


class ArcBench(Bench):
    """The bench of the conformance tests."""

    readable = points("1.PMC1", "2.PMC1", "1.PMC6", "1.quality")
    unknown = Point("odd", "1.PMC9")
    setting = None
    true: ClassVar[Mapping[str, float]] = {"1.PMC1": 7.04, "2.PMC1": 41.5, "1.PMC6": 37.0, "1.quality": 100.0}

    def __init__(self, peer: Any) -> None:
        self.peer = peer

    def driver(self) -> HamiltonArc:
        return make(self.peer)

    async def silence(self) -> None:
        self.peer.silent = True

    async def restore(self) -> None:
        self.peer.silent = False


class TestConformance(DriverConformance):
    """The contract."""

    @pytest.fixture
    async def bench(self, arc: Any) -> ArcBench:
        return ArcBench(arc)


async def test_values_identity_and_one_request_per_block(arc: Any) -> None:
    driver = make(arc)
    identity = await driver.open()
    assert (identity.vendor, identity.model) == ("Hamilton", "pH Arc + VisiFerm DO Arc")
    assert identity.firmware == "EPHUM011 + ODOUM043"
    before = arc.requests
    plan = driver.plan(points("1.PMC1", "2.PMC1", "1.PMC6", "1.quality", "1.PMC1"))
    samples = await driver.read(plan)
    assert arc.requests - before == 4
    assert [sample.value for sample in samples] == pytest.approx([7.04, 41.5, 37.0, 100.0, 7.04], rel=1e-6)
    assert {sample.quality for sample in samples} == {Quality.GOOD}
    await driver.close()


@pytest.mark.parametrize(
    "address", ["PMC1", "0.PMC1", "33.PMC1", "1.PMC2", "x.PMC1", "1.", "", "1.PMC1.x", "1.quality.%"]
)
def test_wrong_addresses(address: str) -> None:
    driver = HamiltonArc(ConnectionSpec("p", "serial:///dev/null"))
    with pytest.raises(DriverError):
        driver.plan(points(address))


@pytest.mark.parametrize(
    ("status", "quality"),
    [
        (0x01, Quality.BAD),
        (0x02, Quality.UNCERTAIN),
        (0x04, Quality.UNCERTAIN),
        (0x08, Quality.UNCERTAIN),
        (0x18, Quality.BAD),
    ],
)
async def test_status_bits_become_quality(arc: Any, status: int, quality: Quality) -> None:
    arc.put(1, 7.0, unit=12, status=status)
    driver = make(arc)
    await driver.open()
    (sample,) = await driver.read(driver.plan(points("1.PMC1")))
    assert (sample.quality, sample.reason) == (quality, Reason.DEVICE)
    assert sample.detail
    await driver.close()


@pytest.mark.parametrize(("unit", "status", "groups", "detail"), [
    (1, 0x08, (0, 0x3, 0, 0), "warning present: calibration recommended, last calibration failed"),
    (1, 0x18, (0x2000020, 0, 0, 0x4), "warning present, error present: calibration recommended, "
     "glass resistance too high, temperature sensor defective, hardware 0x4"),
    (2, 0x10, (0x20, 0, 0, 0), "error present: measurement 0x20"),  # its manual is not known
    (1, 0x02, (0x20, 0, 0, 0), "temperature outside the operating range"),
])  # fmt: skip
async def test_what_a_sensor_warns_of_is_told_in_words(
    arc: Any, unit: int, status: int, groups: tuple[int, ...], detail: str
) -> None:
    firmware = b"EPHUM011" if unit == 1 else b"ODOUM043"
    arc.put(unit, 7.0, unit=12 if unit == 1 else 5, status=status, firmware=firmware)
    recommended = (0, 0x1, 0, 0) if status == 0x18 else groups
    arc.values[unit] |= {4735: b"".join(map(arc_bits, recommended)), 4799: b"".join(map(arc_bits, groups))}
    driver = make(arc)
    await driver.open()
    (sample,) = await driver.read(driver.plan(points(f"{unit}.PMC1")))
    assert sample.detail == detail
    arc.put(unit, 7.0, unit=12 if unit == 1 else 5, firmware=firmware)
    (sample,) = await driver.read(driver.plan(points(f"{unit}.PMC1")))
    assert (sample.quality, sample.detail) == (Quality.GOOD, "")
    await driver.close()


async def test_a_sensor_set_to_another_unit_is_bad(arc: Any) -> None:
    arc.put(2, 8.1, unit=7)
    driver = make(arc)
    await driver.open()
    ph, oxygen = await driver.read(driver.plan(points("1.PMC1", "2.PMC1")))
    assert ph.quality is Quality.GOOD
    assert (oxygen.quality, oxygen.detail) == (Quality.BAD, "measures in mg/L, expected pH or %-sat")
    await driver.close()


async def test_exchanged_sensors_are_noticed_by_the_unit_of_the_point(arc: Any) -> None:
    arc.put(1, 7.1, unit=5, firmware=b"ODOUM043")
    arc.put(2, 6.9, unit=12)
    driver = make(arc)
    await driver.open()
    ph, oxygen, whichever = await driver.read(driver.plan(points("1.PMC1.pH", "2.PMC1.%-sat", "1.PMC1")))
    assert (ph.quality, ph.detail) == (Quality.BAD, "measures in %-sat, expected pH")
    assert (oxygen.quality, oxygen.detail) == (Quality.BAD, "measures in pH, expected %-sat")
    assert whichever.quality is Quality.GOOD
    await driver.close()


@pytest.mark.parametrize("value", [math.nan, math.inf])
async def test_what_is_no_number_is_bad(arc: Any, value: float) -> None:
    arc.put(1, value, unit=12)
    arc.values[1][4871] = arc.values[1][2089][4:8]
    driver = make(arc)
    await driver.open()
    for sample in await driver.read(driver.plan(points("1.PMC1.pH", "1.quality"))):
        assert (sample.quality, sample.detail, math.isnan(sample.value)) == (Quality.BAD, "not a number", True)
    await driver.close()


async def test_a_point_can_name_its_unit(arc: Any) -> None:
    arc.put(2, 14.2, unit=10, firmware=b"CONUM012")
    driver = make(arc)
    assert (await driver.open()).model == "pH Arc + Conducell Arc"
    plan = driver.plan(points("2.PMC1.mS/cm", "2.PMC1.uS/cm", "2.PMC1", "1.PMC1.pH"))
    right, *wrong, ph = await driver.read(plan)
    assert (right.value, right.quality) == (pytest.approx(14.2), Quality.GOOD)
    assert [sample.detail for sample in wrong] == [
        "measures in mS/cm, expected uS/cm", "measures in mS/cm, expected pH or %-sat",
    ]  # fmt: skip
    assert (ph.value, ph.quality) == (pytest.approx(7.04), Quality.GOOD)
    arc.put(2, 3.1, unit=28)
    (density,) = await driver.read(driver.plan(points("2.PMC1.bit28")))
    assert (density.value, density.quality) == (pytest.approx(3.1), Quality.GOOD)
    await driver.close()


async def test_a_dead_sensor_does_not_take_the_other_with_it(arc: Any) -> None:
    driver = make(arc, 0.6)
    await driver.open()
    plan = driver.plan(points("1.PMC1", "2.PMC1"))
    arc.dead.add(1)
    for _ in range(5):
        ph, oxygen = await driver.read(plan)
        assert (ph.quality, ph.reason) == (Quality.BAD, Reason.LINK)
        assert math.isnan(ph.value)
        assert oxygen.value == pytest.approx(41.5)
        await asyncio.sleep(0.1)
    arc.dead.clear()
    for _ in range(60):
        ph, oxygen = await driver.read(plan)
        await asyncio.sleep(0.02)
    assert (ph.quality, oxygen.quality) == (Quality.GOOD, Quality.GOOD)
    await driver.close()


async def test_opens_with_one_sensor_and_refuses_none(arc: Any) -> None:
    arc.dead.add(1)
    driver = make(arc)
    assert (await driver.open()).model == "VisiFerm DO Arc"
    arc.dead.add(2)
    with pytest.raises(Timeout):
        await driver.open()
    await driver.close()


async def test_partial_blocks_are_refused_by_the_sensor(arc: Any) -> None:
    line = RtuLine(parse_port(f"serial://{arc.path}", 19200, 2), 0.2, 0.05)
    await line.open()
    with pytest.raises(DriverError, match="illegal address"):
        await line.read(1, 2091, 2)
    assert not line.in_doubt(1)
    assert len(await line.read(1, 2089, 10)) == 10
    line.close()


async def test_frames_of_the_sheet(arc: Any) -> None:
    """The request and reply of the protocol sheet: computed from the manual's register map, and not captured."""
    seen: list[bytes] = []
    reply = bytes.fromhex("01 03 14 10 00 00 00 47 AE 40 E1 00 00 00 00 00 00 00 00 00 00 41 60 31 52")
    line = RtuLine(parse_port(f"serial://{arc.path}", 19200, 2), 0.2, 0.05)
    await line.open()
    arc.answer = lambda data: (seen.append(bytes(data)), data.clear(), reply)[2]
    assert (await line.read(1, 2089, 10))[2:4] == [0x47AE, 0x40E1]
    assert seen == [bytes.fromhex("01 03 08 29 00 0A 16 65")]
    line.close()


def flip(reply: bytes) -> bytes:
    return reply[:5] + bytes([reply[5] ^ 0x10]) + reply[6:]


GARBAGE: dict[str, Callable[[bytes], Sequence[tuple[float, bytes]]]] = {
    "crc": lambda reply: [(0.0, flip(reply))],
    "truncated": lambda reply: [(0.0, reply[:-3])],
    "oversized": lambda reply: [(0.0, reply + b"\x00\x00")],
    "noise before": lambda reply: [(0.0, b"\xff\x00" + reply)],
    "function": lambda reply: [(0.0, reply[:1] + b"\x04" + reply[2:])],
    "device": lambda reply: [(0.0, bytes([reply[0] ^ 3]) + reply[1:])],
    "echo": lambda reply: [(0.0, bytes.fromhex("010308290 00A1665".replace(" ", ""))), (0.0, reply)],
    "nothing": lambda reply: [],
    "random": lambda reply: [(0.0, random.Random(len(reply)).randbytes(40))],
    "long": lambda reply: [(0.0, b"\x01\x03" * 4000)],
}


@pytest.mark.parametrize("kind", GARBAGE)
async def test_garbage_is_never_a_value_and_passes(arc: Any, kind: str) -> None:
    driver = make(arc)
    await driver.open()
    plan = driver.plan(points("1.PMC1"))
    arc.mangle = GARBAGE[kind]
    for _ in range(2):
        with pytest.raises((Timeout, Malformed)):
            await driver.read(plan)
    arc.mangle = lambda reply: [(0.0, reply)]
    async with asyncio.timeout(3):
        await driver.close()
        await driver.open()
        (sample,) = await driver.read(plan)
    assert sample.value == pytest.approx(7.04)
    await driver.close()


async def late_replies(arc: Any, rounds: int) -> tuple[int, int]:
    """F08: replies late at random, mixed blocks of the same length, cancelled reads, new sessions in between.

    Returns how many samples were right and how many reads failed; fails at the first wrong sample.
    """
    rng = random.Random(8)
    arc.mangle = lambda reply: [(rng.choice([0.0] * 25 + [0.06, 0.1, 0.14]), reply)]
    driver = make(arc, 0.1, slowest_reply=0.16)
    plans = [driver.plan(points("1.PMC1", "1.PMC6", "2.PMC1")), driver.plan(points("1.PMC6", "2.PMC1"))]
    right = {"1.PMC1": 7.04, "1.PMC6": 37.0, "2.PMC1": 41.5}
    good = failed = 0
    for round_ in range(rounds):
        plan = plans[round_ % 2]
        try:
            if round_ % 50 == 0:
                await driver.open()
            async with asyncio.timeout(0.003 if round_ % 11 == 3 else 2.0):
                samples = await driver.read(plan)
        except (DriverError, TimeoutError):
            failed += 1
            continue
        for point, sample in zip(plan.points, samples, strict=True):
            if sample.quality is Quality.GOOD:
                good += 1
                assert sample.value == pytest.approx(right[point.address], rel=1e-6), point
    await driver.close()
    return good, failed


async def test_a_late_reply_is_never_anothers(arc: Any) -> None:
    good, failed = await late_replies(arc, 60)
    assert good > 30
    assert failed > 3


@pytest.mark.soak
@pytest.mark.timeout(1800)
async def test_no_wrong_value_in_ten_thousand_reads(arc: Any) -> None:
    good, failed = await late_replies(arc, 10_000)
    assert good > 5_000
    assert failed > 500


async def test_unplugged_and_plugged_in_elsewhere(arc: Any) -> None:
    driver = make(arc)
    await driver.open()
    plan = driver.plan(points("1.PMC1"))
    await driver.read(plan)
    arc.unplug()
    with pytest.raises(LinkLost):
        await driver.read(plan)
    with pytest.raises(LinkLost, match="cannot open"):
        await driver.open()
    await driver.close()


async def test_a_port_has_one_owner(arc: Any) -> None:
    driver = make(arc)
    with (
        serial.Serial(arc.path, exclusive=True),
        pytest.raises(LinkLost, match="another program uses it"),
    ):
        await driver.open()
    await driver.open()
    await driver.close()


async def test_writes_are_refused(arc: Any) -> None:
    driver = make(arc)
    (outcome,) = await driver.write([(points("1.PMC1")[0], 7.0)])
    assert outcome.state is WriteState.REFUSED


@pytest.mark.parametrize(
    "url",
    [
        "/dev/ttyUSB0",
        "serial://host/dev/x",
        "tcp://x",
        "serial:///dev/x?speed=1",
        "serial:///dev/x?parity=Q",
        "serial:///dev/x?baudrate=fast",
    ],
)
def test_wrong_urls(url: str) -> None:
    with pytest.raises(ValueError, match=r"serial|socket|whole number"):
        HamiltonArc(ConnectionSpec("p", url))


@pytest.mark.parametrize(
    "options",
    [
        {"addresses": []},
        {"addresses": [0]},
        {"addresses": [1, 1]},
        {"addresses": "1"},
        {"slowest_reply": "1"},
        {"odd": 1},
        {"addresses": [True]},
    ],
)
def test_wrong_options(options: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="connection 'p'"):
        HamiltonArc(ConnectionSpec("p", "serial:///dev/null", options))
