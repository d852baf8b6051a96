"""Any Modbus device against its simulator: on a pseudo-terminal, behind a device server, over Modbus TCP."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pymodbus.client import AsyncModbusTcpClient

from drivers.conformance import Disturbance, DriverConformance
from drivers.contract import BadAddress, ConnectionSpec, Identity, Point, Quality, Reason, Timeout, WriteState
from drivers.instruments.generic_modbus import GenericModbus
from tests.drivers.simulated import Simulated, SimulatedBench, points

REGISTERS = {
    "coil": {"0": 1, "1": 0, "2": 1, "40": 1},
    "discrete": {"7": 1, "8": 0},
    "holding": {"100": 17, "101": 65531, "110": 0x4215, "111": 0, "120": 0x5678, "121": 0x1234, "130": 0b1010,
                **{str(address): 0 for address in range(200, 210)}},
    "input": {"0": 0x4215, "1": 0x8000, "16": 9},
}  # fmt: skip
TRUE = {
    "coil.0": 1.0, "coil.1": 0.0, "coil.40": 1.0, "discrete.7": 1.0, "discrete.8": 0.0, "holding.100": 17.0,
    "holding.101.int16": -5.0, "holding.110.float32": 37.25, "holding.120.uint32.CDAB": 0x12345678,
    "holding.130.bit0": 0.0, "holding.130.bit1": 1.0, "input.0.float32": 37.375, "1.input.0x10": 9.0,
}  # fmt: skip
SETTINGS: dict[str, Any] = {"registers": REGISTERS, "limits": {"200": [0, 500]}, "vendor": "Acme", "product": "X-7"}
SLOWEST = 0.32
"""A little more than the delay of the disturbance."""


@pytest.fixture(scope="module")
def on_pty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulated]:
    with Simulated("generic_modbus", tmp_path_factory.mktemp("pty"), **SETTINGS) as simulated:
        yield simulated


@pytest.fixture(scope="module")
def on_device_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulated]:
    with Simulated("generic_modbus", tmp_path_factory.mktemp("rtu"), port=0, **SETTINGS) as simulated:
        yield simulated


@pytest.fixture(scope="module")
def on_tcp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulated]:
    with Simulated("generic_modbus", tmp_path_factory.mktemp("tcp"), port=0, framing="tcp", **SETTINGS) as simulated:
        yield simulated


def make(url: str, **options: object) -> GenericModbus:
    line = {} if url.startswith("modbus") else {"slowest_reply": SLOWEST}
    return GenericModbus(ConnectionSpec("plc", url, {**line, **options}, 0.4))


def bench(simulated: Simulated, *without: Disturbance) -> SimulatedBench:
    setting = Point("sp", "holding.200", "rw")
    return SimulatedBench(
        simulated, make, points(*TRUE), Point("x", "holding.70000"), (setting, 120.0), outside=(setting, 501.0),
        true=TRUE, without=without,
    )  # fmt: skip


class TestConformance(DriverConformance):
    """The contract, on a pseudo-terminal."""

    @pytest.fixture
    async def bench(self, on_pty: Simulated) -> SimulatedBench:
        return bench(on_pty)


class TestConformanceOnADeviceServer(DriverConformance):
    """The contract, RTU over TCP."""

    @pytest.fixture
    async def bench(self, on_device_server: Simulated) -> SimulatedBench:
        return bench(on_device_server)


class TestConformanceOnTcp(DriverConformance):
    """The contract, Modbus TCP, which has no checksum of its own."""

    @pytest.fixture
    async def bench(self, on_tcp: Simulated) -> SimulatedBench:
        return bench(on_tcp, Disturbance.DAMAGED)


async def read(driver: GenericModbus, *addresses: str) -> list[Any]:
    return list(await driver.read(driver.plan(points(*addresses))))


async def write(driver: GenericModbus, address: str, value: float) -> tuple[WriteState, str]:
    (outcome,) = await driver.write([(Point(address, address, "rw"), value)])
    return outcome.state, outcome.detail


@pytest.fixture
async def driver(on_tcp: Simulated) -> Any:
    driver = make(on_tcp.url)
    await driver.open()
    yield driver
    await driver.close()


async def test_who_answers(on_tcp: Simulated, on_pty: Simulated) -> None:
    for simulated in (on_tcp, on_pty):
        driver = make(simulated.url)
        assert await driver.open() == Identity("Acme", "X-7", firmware="1.0")
        await driver.close()


async def test_a_device_that_does_not_know_the_question_has_no_name(tmp_path: Path) -> None:
    with Simulated("generic_modbus", tmp_path, identity=False, pattern=True) as device:
        for options in ({}, {"identify": False}):
            driver = make(device.url, **options)
            assert await driver.open() == Identity("Modbus", "device 1")
            assert [sample.value for sample in await read(driver, "holding.5", "coil.5")] == [5.0, 1.0]
            device.fault("silence", 0.3)
            with pytest.raises(Timeout):
                await read(driver, "holding.5")
            assert [sample.value for sample in await read(driver, "holding.6")] == [6.0]
            await driver.close()


FORMS = [
    ("uint16", "ABCD", 0x1234, [0x1234]), ("uint16", "BADC", 0x1234, [0x3412]), ("int16", "CDAB", -2, [0xFFFE]),
    ("uint32", "ABCD", 0x12345678, [0x1234, 0x5678]), ("uint32", "CDAB", 0x12345678, [0x5678, 0x1234]),
    ("uint32", "BADC", 0x12345678, [0x3412, 0x7856]), ("uint32", "DCBA", 0x12345678, [0x7856, 0x3412]),
    ("int32", "CDAB", -2, [0xFFFE, 0xFFFF]), ("float32", "ABCD", -37.25, [0xC215, 0x0000]),
    ("float32", "CDAB", 1.0, [0x0000, 0x3F80]), ("float32", "BADC", 1.0, [0x803F, 0x0000]),
    ("float32", "DCBA", 1.0, [0x0000, 0x803F]), ("uint64", "ABCD", 2**40 + 5, [0, 0x0100, 0, 5]),
    ("int64", "CDAB", -2, [0xFFFE, 0xFFFF, 0xFFFF, 0xFFFF]), ("float64", "ABCD", 0.1, [0x3FB9, 0x9999, 0x9999, 0x999A]),
    ("float64", "CDAB", 0.1, [0x999A, 0x9999, 0x9999, 0x3FB9]), ("float64", "DCBA", 1.0, [0, 0, 0, 0xF03F]),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "order", "value", "registers"), FORMS)
async def test_every_type_and_order(
    on_tcp: Simulated, driver: GenericModbus, kind: str, order: str, value: float, registers: list[int]
) -> None:
    """Written by the driver, seen in the registers by somebody else, and read back."""
    address = f"holding.201.{kind}.{order}"
    assert await write(driver, address, value) == (WriteState.APPLIED, "")
    theirs = AsyncModbusTcpClient("127.0.0.1", port=on_tcp.address["port"])
    await theirs.connect()
    assert (await theirs.read_holding_registers(201, count=len(registers))).registers == registers
    theirs.close()
    assert [sample.value for sample in await read(driver, address)] == [value]


@pytest.mark.parametrize("several", [False, True])
async def test_single_and_listed_writes(on_pty: Simulated, several: bool) -> None:
    driver = make(on_pty.url, several=several)
    await driver.open()
    for value in (1.0, 0.0):
        assert await write(driver, "coil.2", value) == (WriteState.APPLIED, "")
        assert await write(driver, "holding.209", 40 + value) == (WriteState.APPLIED, "")
        assert [sample.value for sample in await read(driver, "coil.2", "holding.209")] == [value, 40 + value]
    await driver.close()


@pytest.mark.parametrize(("address", "value", "why"), [
    ("holding.200", 501, "illegal value"), ("holding.201", 65536, "does not fit"), ("holding.201", -1, "does not fit"),
    ("holding.201.float32", 1e39, "does not fit"), ("holding.201", math.nan, "cannot be written"),
    ("coil.2", 0.5, "0 or 1"), ("coil.3", 1, "illegal address"), ("holding.7", 1, "illegal address"),
    ("holding.209.float32", 1, "illegal address"), ("input.16", 1, "only coils"), ("discrete.7", 1, "only coils"),
    ("holding.130.bit0", 1, "only coils"),
])  # fmt: skip
async def test_impossible_writes(driver: GenericModbus, address: str, value: float, why: str) -> None:
    state, detail = await write(driver, address, value)
    assert state is WriteState.REFUSED
    assert why in detail


@pytest.mark.parametrize(
    ("code", "state"),
    [(1, "refused"), (2, "refused"), (3, "refused"), (4, "unknown"), (5, "unknown"), (6, "refused"), (11, "unknown")],
)
async def test_some_exceptions_leave_open_whether_a_write_was_done(tmp_path: Path, code: int, state: str) -> None:
    refusals = {"holding": {"5": code}}
    with Simulated("generic_modbus", tmp_path, framing="tcp", pattern=True, refusals=refusals) as device:
        driver = make(device.url)
        await driver.open()
        assert (await write(driver, "holding.5", 1.0))[0] is WriteState(state)
        assert (await write(driver, "holding.6", 1.0))[0] is WriteState.APPLIED
        await driver.close()


async def test_nothing_is_sent_into_a_closed_line(on_tcp: Simulated, on_pty: Simulated) -> None:
    for simulated in (on_tcp, on_pty):
        state, detail = await write(make(simulated.url), "holding.200", 1.0)
        assert (state, detail) == (WriteState.REFUSED, "not sent: the line is not open")


async def test_a_connection_that_ends_during_a_write_leaves_it_unknown(tmp_path: Path) -> None:
    with Simulated("generic_modbus", tmp_path, framing="tcp", pattern=True, late_ms=[100, 100]) as device:
        driver = make(device.url)
        await driver.open()
        device.fault("delay", 5.0, magnitude=0.1)
        device.fault("disconnect", 0.01)
        state, _ = await write(driver, "holding.5", 1.0)
        assert state is not WriteState.APPLIED
        await driver.close()


async def test_an_exception_makes_only_its_own_points_bad(driver: GenericModbus) -> None:
    first, missing, last = await read(driver, "holding.100", "holding.300", "input.16")
    assert (first.value, last.value) == (17.0, 9.0)
    assert (missing.quality, missing.reason) == (Quality.BAD, Reason.DEVICE)
    assert missing.detail == "device 1: illegal address"


async def test_what_is_no_number_is_bad(driver: GenericModbus) -> None:
    await write(driver, "holding.201", 0x7FC0)
    await write(driver, "holding.202", 0)
    wrong, right = await read(driver, "holding.201.float32", "holding.201")
    assert (wrong.quality, wrong.detail, right.value) == (Quality.BAD, "not a number", 0x7FC0)


async def test_a_silent_device_does_not_take_the_others_with_it(tmp_path: Path) -> None:
    with Simulated("generic_modbus", tmp_path, pattern=True, units=[1, 4]) as line:
        driver = make(line.url)
        await driver.open()
        plan = driver.plan(points("2.holding.7", "1.holding.7", "3.holding.7", "4.input.9", "5.coil.1"))
        for turn in range(4):
            samples = await driver.read(plan)
            answered = [sample.value for sample in samples if sample.quality is Quality.GOOD]
            # In the first read there may be no time left for who comes after two silent ones; then he comes first.
            assert answered == [7.0, 9.0] or (turn == 0 and answered == [7.0]), turn
            bad = [sample.reason for sample in samples if sample.quality is Quality.BAD]
            assert bad == [Reason.LINK] * (5 - len(answered))
        await driver.close()


@pytest.mark.parametrize("address", [
    "", "holding", "holding.65536", "holding.0x10000", "holding.65535.float32", "coil.1.bit0", "coil.1.int16",
    "holding.1.bit16", "holding.1.text", "holding.1.float32.ABDC", "256.holding.1", "register.1", "holding.-1",
])  # fmt: skip
def test_wrong_addresses(address: str) -> None:
    with pytest.raises(BadAddress, match="x: "):
        make("modbus://127.0.0.1:502").plan([Point("x", address)])


@pytest.mark.parametrize(("url", "options", "why"), [
    ("modbus://", {}, "no Modbus server"), ("modbus://h:x", {}, "no Modbus server"), ("modbus://h/x", {}, "no Modbus"),
    ("serial://h", {}, "no line"), ("modbus://h", {"ca": "x.pem"}, "without TLS"),
    ("modbus://h", {"slowest_reply": 1}, "no option"),
    ("modbuss://h", {"ca": "/nowhere.pem"}, "/nowhere.pem"), ("modbus://h", {"unit": 256}, "0 to 255"),
    ("tcp://h:1", {"unit": 248}, "1 to 247"), ("tcp://h:1", {"server_name": "h"}, "no option"),
])  # fmt: skip
def test_wrong_options(url: str, options: dict[str, object], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        GenericModbus(ConnectionSpec("plc", url, options))


def test_what_is_near_each_other_is_read_at_once() -> None:
    near = points("holding.0", "holding.90", "coil.0", "coil.1500", "2.holding.0", "input.3")
    requests = [[reading.ask[:4] for unit in plan.units for reading in plan.readings_of(unit)] for plan in (
        make("modbus://h").plan(near), make("tcp://h:1", gap=0, most=4).plan(near),
    )]  # fmt: skip
    assert sorted(requests[0]) == [(1, 1, 0, 1501), (1, 3, 0, 91), (1, 4, 3, 1), (2, 3, 0, 1)]
    assert [ask[:3] for ask in sorted(requests[1])] == [
        (1, 1, 0),
        (1, 1, 1500),
        (1, 3, 0),
        (1, 3, 90),
        (1, 4, 3),
        (2, 3, 0),
    ]


async def test_what_does_not_exist_takes_nothing_else_with_it(on_tcp: Simulated, driver: GenericModbus) -> None:
    """Between and behind what is there: the driver finds out, once in a session, what can be read together."""
    there = [f"holding.{address}" for address in (100, 101, *range(200, 210))]
    plan = driver.plan(points(*there, "holding.150", "holding.151"))
    for _ in range(2):
        samples = await driver.read(plan)
        assert [sample.quality for sample in samples] == [Quality.GOOD] * len(there) + [Quality.BAD] * 2
        assert len(plan.readings_of(1)) == 4
    await driver.open()
    await driver.read(plan)
    assert len(plan.readings_of(1)) == 4
