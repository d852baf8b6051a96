"""The Julabo driver against its simulator and against exchanges printed in manuals; the simulator against the
``julabo`` package of other authors.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from julabo import JulaboCF, connection_for_url

from drivers.conformance import DriverConformance
from drivers.contract import ConnectionSpec, Driver, DriverError, Identity, Point, Quality, Sample, WriteState
from drivers.instruments.julabo import Julabo
from tests.drivers.scripted import Scripted
from tests.drivers.simulated import Simulated, SimulatedBench, points, until

READABLE = ("bath", "power", "safety", "excess_limit", "setpoint", "high_warning", "pump_stage", "running", "status")
TRUE = {"excess_limit": 210.0, "high_warning": 200.0}
"""Values that nothing in the conformance checks moves."""
SETPOINT, RUNNING, PUMP = (Point(name, name, "rw") for name in ("setpoint", "running", "pump_stage"))
VERSION = {b"version\r": b"JULABO HIGHTECH FL HL/SL VERSION 1.0\r\n"}


@pytest.fixture(scope="module")
def circulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulated]:
    with Simulated("julabo", tmp_path_factory.mktemp("pty")) as simulated:
        yield simulated


@pytest.fixture(scope="module")
def on_tcp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulated]:
    with Simulated("julabo", tmp_path_factory.mktemp("tcp"), port=0) as simulated:
        yield simulated


def make(url: str, **options: object) -> Julabo:
    return Julabo(ConnectionSpec("bath", url, {"slowest_reply": 0.1, **options}, 0.4))


@asynccontextmanager
async def opened(url: str, **options: object) -> AsyncIterator[Julabo]:
    driver = make(url, **options)
    try:
        await driver.open()
        yield driver
    finally:
        await driver.close()


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
    """The contract, on a pseudo-terminal and behind a device server."""

    @pytest.fixture(params=["circulator", "on_tcp"])
    async def bench(self, request: pytest.FixtureRequest) -> SimulatedBench:
        simulated: Simulated = request.getfixturevalue(request.param)
        return SimulatedBench(
            simulated,
            make,
            points(*READABLE),
            Point("x", "colour"),
            (SETPOINT, 37.25),
            outside=(SETPOINT, 300.0),
            true=TRUE,
        )


async def test_starts_warms_and_stops(circulator: Simulated) -> None:
    async with opened(circulator.url) as driver:
        assert await write(driver, SETPOINT, 80.0) == (WriteState.APPLIED, "")
        assert await write(driver, RUNNING, 1.0) == (WriteState.APPLIED, "")
        power, status = await read(driver, "power", "status")
        assert (power.value > 50.0, status.value) == (True, 3.0)
        assert await write(driver, RUNNING, 0.0) == (WriteState.APPLIED, "")
        power, status = await read(driver, "power", "status")
        assert (power.value, status.value) == (0.0, 2.0)


@pytest.mark.parametrize(("point", "value", "why"), [
    (SETPOINT, 250.0, "setpoint stays at .*: -11 VALUE TOO LARGE"),
    (SETPOINT, -40.0, "setpoint stays at .*: -10 VALUE TOO SMALL"),
    (PUMP, 2.5, "must be a whole number"), (RUNNING, 2.0, "must be 0 to 1"),
])  # fmt: skip
async def test_a_value_it_does_not_take_is_refused_in_its_words(
    circulator: Simulated, point: Point, value: float, why: str
) -> None:
    async with opened(circulator.url) as driver:
        state, detail = await write(driver, point, value)
        assert (state, bool(re.search(why, detail))) == (WriteState.REFUSED, True)
        (status,) = await read(driver, "status")
        assert (status.value >= 0, status.quality) == (True, Quality.GOOD)


async def test_a_complaint_about_somebody_elses_command_is_no_alarm(circulator: Simulated) -> None:
    async with opened(circulator.url) as driver:
        circulator.say(b"out_sp_00 999\r")
        bath, status = await read(driver, "bath", "status")
        assert (bath.quality, status.value) == (Quality.GOOD, 2.0)


async def test_another_setpoint_in_use(circulator: Simulated) -> None:
    async with opened(circulator.url) as driver:
        circulator.say(b"out_mode_01 1\r")
        (sample,) = await read(driver, "setpoint")
        assert (sample.quality, sample.detail) == (Quality.UNCERTAIN, "its setpoint 2 is in use")
        assert await write(driver, SETPOINT, 37.0) == (WriteState.REFUSED, "its setpoint 2 is in use, not the first")
        circulator.say(b"out_mode_01 0\r")


async def test_no_external_sensor(circulator: Simulated) -> None:
    async with opened(circulator.url) as driver:
        (sample,) = await read(driver, "external")
        assert (sample.quality, sample.detail) == (Quality.BAD, "it has no such sensor")


async def test_a_panel_that_has_control(tmp_path: Path) -> None:
    with Simulated("julabo", tmp_path, remote=False, commands="basic", line_feed_only=True) as simulated:
        async with opened(simulated.url, commands="basic") as driver:
            state, why = await write(driver, RUNNING, 1.0)
            assert (state, why) == (
                WriteState.REFUSED,
                "running stays at 0: -09 COMMAND NOT ALLOWED IN CURRENT OPERATING MODE",
            )
            assert [sample.quality for sample in await read(driver, "bath", "setpoint")] == [Quality.GOOD] * 2
            assert driver.entry("external") is None


async def test_on_a_bus_with_flow_control(tmp_path: Path) -> None:
    with Simulated("julabo", tmp_path, number=32, xon=True, external=36.5) as simulated:
        async with opened(simulated.url, number=32) as driver:
            assert await write(driver, SETPOINT, 55.5) == (WriteState.APPLIED, "")
            assert (await read(driver, "external"))[0].value == 36.5
            simulated.fault("wrong_address", 0.3)
            with pytest.raises(DriverError, match="not an answer of A032: 'A033_"):
                await read(driver, "bath")


async def test_a_stop_by_power_failure_is_seen(circulator: Simulated) -> None:
    async with opened(circulator.url) as driver:
        await write(driver, RUNNING, 1.0)
        circulator.fault("reboot", 0.05)
        await driver.open()
        (running,) = await read(driver, "running")
        assert running.value == 0.0


async def test_a_serial_watchdog_stops_it_unless_it_is_told_its_setpoint(tmp_path: Path) -> None:
    with Simulated("julabo", tmp_path, site_speed=10.0, watchdog=30.0) as simulated:
        async with opened(simulated.url) as driver:
            assert await write(driver, SETPOINT, 80.0) == (WriteState.APPLIED, "")
            assert await write(driver, RUNNING, 1.0) == (WriteState.APPLIED, "")
            status = await until(driver, "status", lambda sample: sample.value < 0, 8.0)
            assert status.value == -1501.0
            bath, power, running = await read(driver, "bath", "power", "running")
            assert (bath.quality, power.value, running.value) == (Quality.UNCERTAIN, 0.0, 0.0)
            state, why = await write(driver, RUNNING, 1.0)
            assert (state, "-09 COMMAND NOT ALLOWED" in why) == (WriteState.REFUSED, True)


@pytest.mark.parametrize(("alarm", "bath", "external"), [
    (b"-01 LOW LEVEL ALARM", Quality.UNCERTAIN, Quality.UNCERTAIN),
    (b"-03 EXCESS TEMPERATURE WARNING", Quality.GOOD, Quality.GOOD),
    (b"-05 WORKING TEMPERATURE SENSOR SHORT-CIRCUITED OR INTERRUPTED", Quality.BAD, Quality.GOOD),
    (b"-15 EXTERNAL SENSOR ALARM", Quality.GOOD, Quality.BAD),
    (b"-1501 SERIAL WATCHDOG ALARM", Quality.UNCERTAIN, Quality.UNCERTAIN),
])  # fmt: skip
async def test_what_an_alarm_says_of_a_value(alarm: bytes, bath: Quality, external: Quality) -> None:
    answers = {b"status\r": alarm + b"\r\n", b"in_pv_00\r": b"36.98\r\n", b"in_pv_02\r": b"36.10\r\n"}
    with Scripted({**VERSION, **answers}) as peer:
        async with opened(peer.url) as driver:
            samples = await read(driver, "bath", "external")
            assert [sample.quality for sample in samples] == [bath, external]
            assert {sample.detail for sample in samples if sample.quality} <= {alarm.decode()}


@pytest.mark.parametrize(("status", "quality", "state"), [
    (b"-01 LOW LEVEL ALARM", Quality.UNCERTAIN, WriteState.UNKNOWN),
    (b"-40 LOW LEVEL WARNING", Quality.GOOD, WriteState.APPLIED),
    (b"03 REMOTE START", Quality.GOOD, WriteState.APPLIED),
])  # fmt: skip
async def test_one_that_an_alarm_stops_does_not_run_whatever_is_set(
    status: bytes, quality: Quality, state: WriteState
) -> None:
    with Scripted({**VERSION, b"status\r": status + b"\r\n", b"in_mode_05\r": b"1\r\n"}) as peer:
        async with opened(peer.url) as driver:
            (running,) = await read(driver, "running")
            assert (running.value, running.quality) == (1.0, quality)
            assert (await write(driver, RUNNING, 1.0))[0] is state


async def test_the_exchange_printed_in_the_manuals() -> None:
    answers = {**VERSION, b"in_mode_01\r": b"0\n", b"in_sp_00\r": b"55.5\n", b"status\r": b"03 REMOTE START\n"}
    with Scripted(answers) as peer:
        async with opened(peer.url) as driver:
            assert await write(driver, SETPOINT, 55.5) == (WriteState.APPLIED, "")
            assert peer.commands[-2:] == [b"out_sp_00 55.50\r", b"in_sp_00\r"]
            (told, _), (asked, _) = peer.asked[-2:]
            assert asked - told >= 0.25


@pytest.mark.parametrize(("reply", "identity"), [
    (b"JULABO CRYOCOMPACT CF31 VERSION 5.0", Identity("Julabo", "CRYOCOMPACT CF31", "", "5.0")),
    (b"JULABO MAGIO MS 200-230V 50/60Hz VERSION 2.2.1", Identity("Julabo", "MAGIO MS 200-230V 50/60Hz", "", "2.2.1")),
    (b"V 3.01", Identity("Julabo", "circulator", "", "3.01")),
])  # fmt: skip
async def test_versions_of_several_models(reply: bytes, identity: Identity) -> None:
    with Scripted({b"version\r": reply + b"\r\n"}) as peer:
        driver = make(peer.url)
        assert await driver.open() == identity
        await driver.close()


@pytest.mark.parametrize("reply", [b"36.98", b"03 REMOTE START", b"-08 INVALID COMMAND", b"PUMP"])
async def test_what_is_no_version_is_not_believed(reply: bytes) -> None:
    with Scripted({b"version\r": reply + b"\r\n"}) as peer:
        driver = make(peer.url)
        with pytest.raises(DriverError, match="not a version"):
            await driver.open()
        await driver.close()


async def test_a_reply_that_is_no_number() -> None:
    with Scripted({**VERSION, b"status\r": b"02 REMOTE STOP\r\n", b"in_pv_00\r": b"36,98\r\n"}) as peer:
        async with opened(peer.url) as driver:
            (bath, status) = await read(driver, "bath", "status")
            assert (bath.quality, bath.detail, status.value) == (Quality.BAD, "not a number: '36,98'", 2.0)


async def test_a_write_that_is_not_confirmed_is_unknown() -> None:
    with Scripted({**VERSION, b"in_mode_01\r": b"0\r\n"}) as peer:
        async with opened(peer.url) as driver:
            assert (await write(driver, SETPOINT, 37.0))[0] is WriteState.UNKNOWN


async def test_nothing_more_is_sent_to_one_that_does_not_answer() -> None:
    with Scripted(VERSION) as peer:
        async with opened(peer.url) as driver:
            peer.answers.clear()
            outcomes = await driver.write([(RUNNING, 1.0), (PUMP, 2.0), (RUNNING, 7.0), (SETPOINT, 37.0)])
            states = [outcome.state for outcome in outcomes]
            assert states == [WriteState.UNKNOWN, *[WriteState.REFUSED] * 3]
            assert {outcome.detail for outcome in outcomes[1:]} == {
                "not sent: what was written before was not answered in time"
            }
            assert peer.commands[:3] == [b"version\r", b"out_mode_05 1\r", b"in_mode_05\r"]
            assert set(peer.commands[3:]) <= {b"version\r"}, "only who is there may be asked"


@pytest.mark.parametrize("fault", ["crc", "garbage", "truncate", "delay", "disconnect"])
async def test_a_faulty_line_is_noticed_and_gets_over_it(circulator: Simulated, fault: str) -> None:
    async with opened(circulator.url) as driver:
        circulator.fault(fault, 0.3, **({"magnitude": 0.25} if fault == "delay" else {}))
        with pytest.raises(DriverError):
            await read(driver, "bath")
        async with asyncio.timeout(3.0):
            while await trouble(driver, "bath"):
                await driver.close()


async def test_somebody_elses_driver(circulator: Simulated) -> None:
    connection = connection_for_url(f"serial://{circulator.address['pty']}", baudrate=4800)
    await connection.open()
    theirs = JulaboCF(connection)
    assert await theirs.identification() == "JULABO CRYOCOMPACT CF31 VERSION 5.0"
    await theirs.set_point_1(34.56)
    assert await theirs.set_point_1() == 34.56
    await theirs.start()
    assert (await theirs.is_started(), await theirs.status()) == (True, "03 REMOTE START")
    assert 20.0 < await theirs.bath_temperature() < 40.0
    await theirs.stop()
    assert await theirs.is_started() is False
    await connection.close()
