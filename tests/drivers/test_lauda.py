"""The Lauda driver against its simulator and against exchanges printed in manuals; the simulator against the
``LaudaDriver`` package of other authors.
"""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import serial

from drivers.conformance import DriverConformance
from drivers.contract import ConnectionSpec, Driver, DriverError, Identity, Point, Quality, Sample, WriteState
from drivers.instruments.lauda import Lauda
from tests.drivers.scripted import Scripted
from tests.drivers.simulated import Simulated, SimulatedBench, points

READABLE = (
    "bath", "controlled", "pump_pressure", "level", "setpoint", "pump_step", "high_limit", "low_limit", "safe_setpoint",
    "safe_after", "keys_locked", "running", "status",
)  # fmt: skip
TRUE = {"high_limit": 150.0, "low_limit": -30.0, "level": 5.0}
"""Values that nothing in the conformance checks moves."""
SETPOINT, RUNNING, PUMP, HIGH, KEYS = (
    Point(name, name, "rw") for name in ("setpoint", "running", "pump_step", "high_limit", "keys_locked")
)
TYPE = {b"TYPE\r": b"LOOP\r\n", b"VERSION_R\r": b"ERR_3\r\n", b"STATUS\r": b"0\r\n"}
WARM = {b"IN_PV_00\r": b"036.98\r\n"}


@pytest.fixture(scope="module")
def thermostat(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulated]:
    with Simulated("lauda", tmp_path_factory.mktemp("pty")) as simulated:
        yield simulated


def make(url: str, **options: object) -> Lauda:
    return Lauda(ConnectionSpec("bath", url, {"slowest_reply": 0.1, **options}, 0.4))


@asynccontextmanager
async def opened(url: str, **options: object) -> AsyncIterator[Lauda]:
    driver = make(url, **options)
    try:
        await driver.open()
        yield driver
    finally:
        await driver.close()


@asynccontextmanager
async def scripted(answers: dict[bytes, bytes], **options: object) -> AsyncIterator[tuple[Scripted, Lauda]]:
    with Scripted({**TYPE, **answers}) as peer:
        async with opened(peer.url, **options) as driver:
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
    """The contract, on a pseudo-terminal."""

    @pytest.fixture
    async def bench(self, thermostat: Simulated) -> SimulatedBench:
        return SimulatedBench(
            thermostat,
            make,
            points(*READABLE),
            Point("x", "colour"),
            (SETPOINT, -20.5),
            outside=(SETPOINT, 200.0),
            true=TRUE,
        )


async def test_starts_warms_and_goes_to_standby(thermostat: Simulated) -> None:
    async with opened(thermostat.url) as driver:
        assert await driver.identify() == Identity("Lauda", "PRO P 10", "", "1.08")
        assert await write(driver, SETPOINT, 80.0) == (WriteState.APPLIED, "")
        assert await write(driver, RUNNING, 1.0) == (WriteState.APPLIED, "")
        assert [sample.value for sample in await read(driver, "running", "pump_pressure")] == [1.0, 0.4]
        assert await write(driver, RUNNING, 0.0) == (WriteState.APPLIED, "")
        assert [sample.value for sample in await read(driver, "running", "pump_pressure")] == [0.0, 0.0]
        assert await write(driver, PUMP, 6.0) == await write(driver, KEYS, 1.0) == (WriteState.APPLIED, "")
        await write(driver, KEYS, 0.0)


@pytest.mark.parametrize(("point", "value", "why"), [
    (SETPOINT, 200.0, "ERR_6: value not allowed"), (HIGH, -35.0, "ERR_32: upper limit not above the lower"),
    (PUMP, 9.0, "ERR_6: value not allowed"), (PUMP, 1.5, "pump_step must be a whole number, not 1.5"),
    (RUNNING, 2.0, "running must be 0 to 1, not 2"),
])  # fmt: skip
async def test_a_value_it_does_not_take_is_refused(thermostat: Simulated, point: Point, value: float, why: str) -> None:
    async with opened(thermostat.url) as driver:
        assert await write(driver, point, value) == (WriteState.REFUSED, why)


async def test_a_sensor_that_is_not_there_is_bad_alone(thermostat: Simulated) -> None:
    async with opened(thermostat.url) as driver:
        bath, external = await read(driver, "bath", "external")
        assert (bath.quality, external.quality) == (Quality.GOOD, Quality.BAD)
        assert external.detail == "ERR_3: unknown command"


async def test_in_standby_after_a_power_failure(thermostat: Simulated) -> None:
    async with opened(thermostat.url) as driver:
        await write(driver, RUNNING, 1.0)
        thermostat.fault("reboot", 0.05)
        await driver.open()
        assert (await read(driver, "running"))[0].value == 0.0


async def test_on_a_bus_and_in_trouble(tmp_path: Path) -> None:
    with Simulated("lauda", tmp_path, number=15, stat="1100100", external=36.5) as simulated:
        async with opened(simulated.url, number=15) as driver:
            external, setpoint, status = await read(driver, "external", "setpoint", "status")
            assert (external.value, external.quality) == (36.5, Quality.UNCERTAIN)
            assert external.detail == "error, alarm, low level"
            assert (setpoint.quality, status.value) == (Quality.GOOD, -1.0)
            simulated.fault("wrong_address", 0.3)
            with pytest.raises(DriverError, match="not an answer of A015: 'A016_-1'"):
                await read(driver, "bath")


async def test_the_exchanges_printed_in_the_manuals() -> None:
    answers = {b"OUT_SP_00_30.50\r": b"OK\r\n", b"IN_SP_00\r": b"20.00\r\n"}
    async with scripted(answers) as (peer, driver):
        state, why = await write(driver, SETPOINT, 30.5)
        assert (state, why) == (WriteState.UNKNOWN, "it said OK, and setpoint is still 20")
        peer.answers[b"IN_SP_00\r"] = b"30.50\r\n"
        asked = len(peer.commands)
        assert await write(driver, SETPOINT, 30.5) == (WriteState.APPLIED, "")
        assert peer.commands[asked:] == [b"IN_SP_00\r"]
    bus = {b"A015_" + key: b"A015_" + reply.replace(b"\n", b"") for key, reply in {**TYPE, **WARM}.items()}
    async with scripted(bus, number=15) as (_, driver):
        assert (await read(driver, "bath"))[0].value == 36.98


@pytest.mark.parametrize("reply", [b"OK", b"36,98", b"0 1", b"LOOP", b"1e2", b"-"])
async def test_what_is_no_number_is_not_believed(reply: bytes) -> None:
    async with scripted({b"IN_PV_00\r": reply + b"\r\n"}) as (_, driver):
        with pytest.raises(DriverError, match="not a number"):
            await driver.answer("IN_PV_00")
        assert driver.line.in_doubt


@pytest.mark.parametrize("reply", [b"OK", b"20.00", b"-1"])
async def test_what_is_no_type_is_not_believed(reply: bytes) -> None:
    with Scripted({b"TYPE\r": reply + b"\r\n"}) as peer:
        driver = make(peer.url)
        with pytest.raises(DriverError, match="not a type"):
            await driver.open()
        await driver.close()


@pytest.mark.parametrize(("stat", "words"), [
    (b"1000001\r\n", "error, external control value is missing"), (b"0000000\r\n", "error"), (b"ERR_3\r\n", "error"),
])  # fmt: skip
async def test_an_error_in_its_words(stat: bytes, words: str) -> None:
    trouble = {b"STATUS\r": b"-1\r\n", b"STAT\r": stat, b"IN_MODE_02\r": b"0\r\n"}
    async with scripted({**WARM, **trouble}) as (peer, driver):
        bath, running = await read(driver, "bath", "running")
        assert (bath.value, bath.quality, bath.detail) == (36.98, Quality.UNCERTAIN, words)
        assert (running.value, running.quality, running.detail) == (1.0, Quality.UNCERTAIN, words)
        peer.answers[b"IN_MODE_02\r"] = b"1\r\n"
        assert (await read(driver, "running"))[0] == Sample(0.0, Quality.GOOD, 0, 0)


async def test_a_mode_that_it_cannot_be_in() -> None:
    async with scripted({b"IN_MODE_02\r": b"2\r\n"}) as (_, driver):
        with pytest.raises(DriverError, match="neither on nor in standby: 2"):
            await driver.answer("IN_MODE_02")


async def test_a_write_without_an_answer_is_unknown() -> None:
    async with scripted({b"IN_SP_00\r": b"20.00\r\n", b"START\r": b"20.00\r\n"}) as (_, driver):
        assert (await write(driver, SETPOINT, 37.0))[0] is WriteState.UNKNOWN
        assert await write(driver, RUNNING, 1.0) == (WriteState.UNKNOWN, "neither OK nor an error: '20.00'")


@pytest.mark.parametrize("fault", ["crc", "garbage", "truncate", "delay", "disconnect"])
async def test_a_faulty_line_is_noticed_and_gets_over_it(thermostat: Simulated, fault: str) -> None:
    async with opened(thermostat.url) as driver:
        thermostat.fault(fault, 0.3, **({"magnitude": 0.25} if fault == "delay" else {}))
        with pytest.raises(DriverError):
            await read(driver, "bath")
        async with asyncio.timeout(3.0):
            while await trouble(driver, "bath"):
                await driver.close()


async def test_somebody_elses_driver(thermostat: Simulated, monkeypatch: pytest.MonkeyPatch) -> None:
    port = serial.Serial(thermostat.address["pty"], timeout=2)
    # It opens one port, of a fixed name, when it is imported.
    with monkeypatch.context() as patched:
        patched.setattr(serial, "Serial", lambda _name: port)
        theirs = importlib.import_module("LaudaDriver.lauda")
    theirs.set_temp(50.0)
    assert port.read_until() == b"OK\r\n"
    theirs.set_pumping_speed(theirs.PumpingSpeed.a_Low)
    assert port.read_until() == b"OK\r\n"
    theirs.start()
    assert port.read_until() == b"OK\r\n"
    assert 15.0 < theirs.read_current_temp() < 60.0
    theirs.close()
    async with opened(thermostat.url) as driver:
        assert [sample.value for sample in await read(driver, "setpoint", "pump_step", "running")] == [50.0, 2.0, 1.0]
