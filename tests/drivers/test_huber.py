"""The Huber driver against its simulator and against frames byte by byte; the simulator against the ``huber``
package of other authors.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from huber import Bath

from drivers.conformance import DriverConformance
from drivers.contract import ConnectionSpec, Driver, DriverError, Identity, Point, Quality, Sample, WriteState
from drivers.instruments.huber import Huber
from tests.drivers.scripted import Scripted
from tests.drivers.simulated import Simulated, SimulatedBench, points

READABLE = (
    "setpoint", "internal", "return", "pump_pressure", "power", "error", "warning", "running", "circulation",
    "min_setpoint", "max_setpoint",
)  # fmt: skip
TRUE = {"min_setpoint": -40.0, "max_setpoint": 150.0, "error": 0.0}
"""Values that nothing in the conformance checks moves."""
SETPOINT, RUNNING, CIRCULATION = (Point(name, name, "rw") for name in ("setpoint", "running", "circulation"))
SERIAL = {b"{M1B****\r\n": b"{S1B5A1C\r\n", b"{M1C****\r\n": b"{S1C0003\r\n"}
NO_ERROR = {b"{M05****\r\n": b"{S050000\r\n"}


@pytest.fixture(scope="module")
def thermostat(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulated]:
    with Simulated("huber", tmp_path_factory.mktemp("pty")) as simulated:
        yield simulated


@pytest.fixture(scope="module")
def on_tcp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulated]:
    with Simulated("huber", tmp_path_factory.mktemp("tcp"), port=0) as simulated:
        yield simulated


def make(url: str) -> Huber:
    return Huber(ConnectionSpec("bath", url, {"slowest_reply": 0.1}, 0.4))


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Huber]:
    driver = make(url)
    try:
        await driver.open()
        yield driver
    finally:
        await driver.close()


@asynccontextmanager
async def scripted(answers: dict[bytes, bytes]) -> AsyncIterator[tuple[Scripted, Huber]]:
    with Scripted({**SERIAL, **NO_ERROR, **answers}, b"\r\n") as peer:
        async with opened(peer.url) as driver:
            yield peer, driver


async def read(driver: Driver, *addresses: str) -> list[Sample]:
    return list(await driver.read(driver.plan(points(*addresses))))


async def write(driver: Driver, point: Point, value: float) -> tuple[WriteState, str]:
    (outcome,) = await driver.write([(point, value)])
    return outcome.state, outcome.detail


async def trouble(driver: Driver, address: str) -> bool:
    """Whether it cannot be opened and read again yet."""
    try:
        await driver.open()
        return (await read(driver, address))[0].quality is not Quality.GOOD
    except DriverError:
        await asyncio.sleep(0.02)
        return True


class TestConformance(DriverConformance):
    """The contract, on a pseudo-terminal and on its own socket."""

    @pytest.fixture(params=["thermostat", "on_tcp"])
    async def bench(self, request: pytest.FixtureRequest) -> SimulatedBench:
        simulated: Simulated = request.getfixturevalue(request.param)
        return SimulatedBench(
            simulated,
            make,
            points(*READABLE),
            Point("x", "colour"),
            (SETPOINT, -20.5),
            outside=(SETPOINT, 200.0),
            true=TRUE,
        )


async def test_starts_warms_and_stops(thermostat: Simulated) -> None:
    async with opened(thermostat.url) as driver:
        assert await write(driver, SETPOINT, 80.0) == (WriteState.APPLIED, "")
        assert await write(driver, RUNNING, 1.0) == (WriteState.APPLIED, "")
        power, circulation = await read(driver, "power", "circulation")
        assert (power.value > 1000.0, circulation.value) == (True, 1.0)
        assert await write(driver, RUNNING, 0.0) == (WriteState.APPLIED, "")
        assert [sample.value for sample in await read(driver, "power", "circulation")] == [0.0, 0.0]
        assert await write(driver, CIRCULATION, 1.0) == (WriteState.APPLIED, "")
        assert (await read(driver, "circulation"))[0].value == 1.0
        await write(driver, CIRCULATION, 0.0)


async def test_a_setpoint_beyond_its_limits_is_refused(thermostat: Simulated) -> None:
    async with opened(thermostat.url) as driver:
        await write(driver, SETPOINT, 25.0)
        assert await write(driver, SETPOINT, 160.0) == (WriteState.REFUSED, "setpoint stays at 25")
        assert (await write(driver, SETPOINT, 327.67))[0] is WriteState.REFUSED
        assert await write(driver, RUNNING, 0.5) == (WriteState.REFUSED, "running must be 0 or 1, not 0.5")


async def test_after_a_power_failure_it_is_where_its_panel_was(thermostat: Simulated) -> None:
    async with opened(thermostat.url) as driver:
        await write(driver, SETPOINT, 37.0)
        await write(driver, RUNNING, 1.0)
        thermostat.fault("reboot", 0.05)
        await driver.open()
        assert [sample.value for sample in await read(driver, "setpoint", "running")] == [20.0, 0.0]


async def test_an_error_makes_what_is_measured_doubtful(tmp_path: Path) -> None:
    with Simulated("huber", tmp_path, error=-4, process=36.5) as simulated:
        async with opened(simulated.url) as driver:
            process, setpoint, error = await read(driver, "process", "setpoint", "error")
            assert (process.value, process.quality, process.detail) == (36.5, Quality.UNCERTAIN, "error -4")
            assert (setpoint.quality, error.value) == (Quality.GOOD, -4.0)
            assert await write(driver, RUNNING, 1.0) == (WriteState.REFUSED, "running stays at 0")


async def test_what_it_lacks_is_bad_and_nothing_else(tmp_path: Path) -> None:
    with Simulated("huber", tmp_path, without=["02", "05", "16", "1B", "1C"]) as simulated:
        async with opened(simulated.url) as driver:
            internal, back, process = await read(driver, "internal", "return", "process")
            assert internal.quality is Quality.GOOD
            assert (back.quality, back.detail) == (Quality.BAD, "it has no variable 02")
            assert (process.quality, process.detail) == (Quality.BAD, "it has no such sensor")
            assert await write(driver, CIRCULATION, 1.0) == (WriteState.REFUSED, "it has no variable 16")


async def test_who_answers(thermostat: Simulated, tmp_path: Path) -> None:
    async with opened(thermostat.url) as driver:
        assert await driver.identify() == Identity("Huber", "thermostat", "123456")
    with Simulated("huber", tmp_path, without=["1B", "1C"], read_only=True) as simulated:
        async with opened(simulated.url) as driver:
            assert await driver.identify() == Identity("Huber", "thermostat")
            assert await write(driver, SETPOINT, 37.0) == (WriteState.REFUSED, "setpoint stays at 20")


@pytest.mark.parametrize(("data", "value"), [
    (b"09C4", 25.0), (b"F6F5", -23.15), (b"C4F9", -151.11), (b"7FFE", 327.66), (b"8000", 327.68), (b"C350", 500.0),
    (b"09c4", 25.0),
])  # fmt: skip
async def test_temperatures_byte_by_byte(data: bytes, value: float) -> None:
    async with scripted({b"{M01****\r\n": b"{S01" + data + b"\r\n"}) as (_, driver):
        (sample,) = await read(driver, "internal")
        assert (sample.value, sample.quality) == (pytest.approx(value), Quality.GOOD)


@pytest.mark.parametrize(
    "reply", [b"{S0209C4", b"{M0109C4", b"{S019C4", b"{S01****", b"S0109C4", b"{S01C400", b"25.00"]
)
async def test_a_frame_that_is_no_answer_is_not_believed(reply: bytes) -> None:
    async with scripted({b"{M01****\r\n": reply + b"\r\n"}) as (_, driver):
        with pytest.raises(DriverError, match="not a"):
            await driver.answer("internal")
        assert driver.line.in_doubt


async def test_setting_byte_by_byte() -> None:
    async with scripted({b"{M000E74\r\n": b"{S000E74\r\n", b"{M00F830\r\n": b"{S00F830\r\n"}) as (peer, driver):
        assert await write(driver, SETPOINT, 37.0) == (WriteState.APPLIED, "")
        assert await write(driver, SETPOINT, -20.0) == (WriteState.APPLIED, "")
        assert peer.commands[-2:] == [b"{M000E74\r\n", b"{M00F830\r\n"]


async def test_an_answer_that_is_late_by_one_is_asked_for_again() -> None:
    answers = {b"{M000E74\r\n": b"{S0007D0\r\n", b"{M00****\r\n": b"{S000E74\r\n"}
    async with scripted(answers) as (_, driver):
        assert await write(driver, SETPOINT, 37.0) == (WriteState.APPLIED, "")


async def test_a_write_that_is_not_answered_is_unknown() -> None:
    async with scripted({}) as (_, driver):
        assert (await write(driver, SETPOINT, 37.0))[0] is WriteState.UNKNOWN


async def test_values_are_doubtful_while_the_error_is_not_known() -> None:
    async with scripted({b"{M01****\r\n": b"{S0109C4\r\n"}) as (peer, driver):
        peer.answers.pop(b"{M05****\r\n")
        with pytest.raises(DriverError, match="no answer"):
            await read(driver, "internal")
        internal, error = await read(driver, "internal", "error")
        assert (internal.quality, internal.detail) == (Quality.UNCERTAIN, "its error is not known")
        assert error.quality is Quality.BAD


@pytest.mark.parametrize("fault", ["crc", "garbage", "truncate", "delay", "disconnect"])
async def test_a_faulty_line_is_noticed_and_gets_over_it(thermostat: Simulated, fault: str) -> None:
    async with opened(thermostat.url) as driver:
        thermostat.fault(fault, 0.3, **({"magnitude": 0.25} if fault == "delay" else {}))
        with pytest.raises(DriverError):
            await read(driver, "internal")
        async with asyncio.timeout(3.0):
            while await trouble(driver, "internal"):
                await driver.close()


async def test_somebody_elses_driver(on_tcp: Simulated) -> None:
    theirs = Bath("127.0.0.1")
    theirs.port = on_tcp.address["port"]
    async with theirs:
        await theirs.set_setpoint(37.0)
        await theirs.start()
        state = await theirs.get()
        assert (state["on"], state["temperature"]["setpoint"]) == (True, 37.0)
        assert 15.0 < state["temperature"]["bath"] < 40.0
        assert state["status"] == {
            "controlling": True, "circulating": True, "pumping": True, "error": False, "warning": False
        }  # fmt: skip
        await theirs.stop()
        writer = theirs.connection["writer"]
    await writer.wait_closed()
