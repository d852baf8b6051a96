"""The IKA driver against its simulator and against exchanges byte by byte; the simulator against the ``ika``
package of other authors.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from ika.overhead_stirrer import OverheadStirrer

from drivers.conformance import DriverConformance
from drivers.contract import ConnectionSpec, Driver, DriverError, Identity, Point, Quality, Sample, WriteState
from drivers.instruments.ika import Ika
from simulators.faults import Faults
from simulators.instrument import Context
from simulators.instruments.ika import Stirrer
from tests.drivers.scripted import Scripted
from tests.drivers.simulated import Simulated, SimulatedBench, points

READABLE = ("speed", "setpoint", "torque", "temperature", "torque_limit", "speed_limit", "safety_speed")
TRUE = {"torque_limit": 30.0, "speed_limit": 2000.0, "temperature": 22.0}
"""Values that nothing in the conformance checks moves."""
SETPOINT, TORQUE, LIMIT = (Point(name, name, "rw") for name in ("setpoint", "torque_limit", "speed_limit"))
NAME = {b"IN_NAME \r\n": b"EUROSTAR 60 \r\n"}
STANDS = {b"IN_PV_4 \r\n": b"0.0 4 \r\n"}
APPLIED = (WriteState.APPLIED, "")


@pytest.fixture(scope="module")
def stirrer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulated]:
    with Simulated("ika", tmp_path_factory.mktemp("pty")) as simulated:
        yield simulated


def make(url: str, **options: object) -> Ika:
    return Ika(ConnectionSpec("stirrer", url, {"slowest_reply": 0.1, **options}, 0.4))


@asynccontextmanager
async def opened(url: str, **options: object) -> AsyncIterator[Ika]:
    driver = make(url, **options)
    try:
        await driver.open()
        yield driver
    finally:
        await driver.close()


@asynccontextmanager
async def scripted(answers: dict[bytes, bytes], **options: object) -> AsyncIterator[tuple[Scripted, Ika]]:
    with Scripted({**NAME, **answers}, b"\r\n") as peer:
        async with opened(peer.url, **options) as driver:
            yield peer, driver


async def read(driver: Driver, *addresses: str) -> list[Sample]:
    return list(await driver.read(driver.plan(points(*addresses))))


async def write(driver: Driver, point: Point, value: float) -> tuple[WriteState, str]:
    (outcome,) = await driver.write([(point, value)])
    return outcome.state, outcome.detail


async def until(driver: Driver, address: str, value: float) -> Sample:
    """Read until it is there and Good, in at most two seconds."""
    async with asyncio.timeout(2.0):
        while True:
            (sample,) = await read(driver, address)
            if sample.quality is Quality.GOOD and abs(sample.value - value) < max(1.0, 0.01 * value):
                return sample


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
    async def bench(self, stirrer: Simulated) -> SimulatedBench:
        return SimulatedBench(
            stirrer,
            make,
            points(*READABLE),
            Point("x", "colour"),
            (SETPOINT, 250.0),
            outside=(SETPOINT, 2500.0),
            true=TRUE,
        )


async def test_starts_turns_and_stops(stirrer: Simulated) -> None:
    async with opened(stirrer.url) as driver:
        assert await write(driver, SETPOINT, 300.0) == APPLIED
        await until(driver, "speed", 300.0)
        assert [sample.value for sample in await read(driver, "setpoint", "torque")] == [
            300.0,
            pytest.approx(3.0, abs=0.1),
        ]
        assert await write(driver, SETPOINT, 0.0) == APPLIED
        await until(driver, "speed", 0.0)
        assert (await read(driver, "setpoint"))[0].value == 0.0


@pytest.mark.parametrize("how", [{"forgets": True}, {"answers": True}, {"forgets": True, "answers": True}])
async def test_firmware_that_forgets_or_answers(tmp_path: Path, how: dict[str, bool]) -> None:
    with Simulated("ika", tmp_path, **how) as simulated:
        async with opened(simulated.url) as driver:
            assert await write(driver, SETPOINT, 300.0) == APPLIED
            await until(driver, "speed", 300.0)
            assert await write(driver, SETPOINT, 400.0) == APPLIED
            await until(driver, "speed", 400.0)
            assert await write(driver, SETPOINT, 0.0) == APPLIED


async def test_a_speed_it_does_not_take_starts_nothing(stirrer: Simulated) -> None:
    async with opened(stirrer.url) as driver:
        await until(driver, "speed", 0.0)
        kept = await driver.answer("speed_limit")
        for value in (20.0, 2500.0):
            state, why = await write(driver, SETPOINT, value)
            assert (state, "setpoint stays at" in why) == (WriteState.REFUSED, True)
        assert [sample.value for sample in await read(driver, "speed", "setpoint")] == [0.0, 0.0]
        assert await write(driver, LIMIT, 3000.0) == (
            WriteState.REFUSED,
            f"speed_limit stays at {kept['speed_limit']:g}",
        )
        assert await write(driver, TORQUE, 60.0) == APPLIED


async def test_it_stands_although_it_was_started(stirrer: Simulated) -> None:
    async with opened(stirrer.url) as driver:
        await write(driver, SETPOINT, 300.0)
        await until(driver, "speed", 300.0)
        stirrer.fault("reboot", 0.05)
        await driver.line.silence()
        await until(driver, "speed", 0.0)
        (setpoint,) = await read(driver, "setpoint")
        assert (setpoint.value, setpoint.quality) == (300.0, Quality.UNCERTAIN)
        assert setpoint.detail == "it was started, and stands"
        await driver.open()
        (setpoint,) = await read(driver, "setpoint")
        assert (setpoint.value, setpoint.quality) == (0.0, Quality.GOOD)


async def test_a_channel_it_does_not_have_is_bad_alone(tmp_path: Path) -> None:
    with Simulated("ika", tmp_path, temperature=None) as simulated:
        async with opened(simulated.url) as driver:
            speed, temperature = await read(driver, "speed", "temperature")
            assert (speed.quality, temperature.quality) == (Quality.GOOD, Quality.BAD)


async def test_the_watchdog_is_fed_by_reading(stirrer: Simulated) -> None:
    async with opened(stirrer.url, watchdog=1500) as driver:
        assert (await read(driver, "torque"))[0].quality is Quality.GOOD
    with pytest.raises(ValueError, match="'watchdog' must be 0, or at least 20"):
        make("serial:///dev/null", watchdog=5)


def test_a_simulated_stirrer_that_is_left_alone(tmp_path: Path) -> None:
    now = 0.0
    device = Stirrer(Context("ika", {}, {}, tmp_path, 1, Faults(1), lambda _address: None, lambda: now))
    for command, reply in (("OUT_SP_4 300", None), ("OUT_SP_42@60", "60"), ("START_4", None), ("OUT_WD2@20", "20")):
        assert device.command(command) == reply
    speeds = []
    for now in (5.0, 15.0, 26.0, 31.0):  # noqa: B007  # the device's clock
        device.step()
        speeds.append(device.command("IN_PV_4"))
    assert speeds == ["300.0 4", "300.0 4", "60.0 4", "60.0 4"]
    assert (device.command("OUT_WD1@20"), device.command("OUT_WD1@5")) == ("20", None)
    now = 60.0
    device.step()
    assert device.command("IN_PV_4") == "0.0 4"


async def test_the_watchdog_on_the_wire() -> None:
    answers = {**STANDS, b"IN_SP_4 \r\n": b"100.0 4 \r\n", b"OUT_WD1@60 \r\n": b"60 \r\n"}
    async with scripted(answers, watchdog=60) as (peer, driver):
        await read(driver, "speed")
        assert peer.commands[1:] == [b"OUT_WD1@60 \r\n", b"IN_PV_4 \r\n", b"IN_SP_4 \r\n"]
        peer.answers[b"OUT_WD1@60 \r\n"] = b"20 \r\n"
        with pytest.raises(DriverError, match="not the time of its watchdog: '20'"):
            await read(driver, "speed")


async def test_an_exchange_byte_by_byte() -> None:
    async with scripted({b"IN_PV_4 \r\n": b"100.0 4 \r\n", b"IN_SP_4 \r\n": b"250.0 4 \r\n"}) as (peer, driver):
        assert await driver.identify() == Identity("IKA", "EUROSTAR 60")
        assert (await read(driver, "speed"))[0].value == 100.0
        asked = len(peer.commands)
        assert await write(driver, SETPOINT, 250.0) == APPLIED
        assert peer.commands[asked:] == [b"IN_PV_4 \r\n", b"OUT_SP_4 250 \r\n", b"IN_SP_4 \r\n", b"IN_SP_4 \r\n"]
        told, asked_back = (at for at, _ in peer.asked[asked + 1 : asked + 3])
        assert asked_back - told >= 0.1


async def test_a_stop_that_is_not_seen_is_unknown() -> None:
    async with scripted({b"IN_PV_4 \r\n": b"100.0 4 \r\n", b"IN_SP_4 \r\n": b"100.0 4 \r\n"}) as (peer, driver):
        assert await write(driver, SETPOINT, 0.0) == (WriteState.UNKNOWN, "told to stop, but it turns at 100")
        (setpoint,) = await read(driver, "setpoint")
        assert (setpoint.quality, setpoint.detail) == (Quality.UNCERTAIN, "it was stopped, and turns")
        await write(driver, SETPOINT, 100.0)
        assert b"START_4 \r\n" in peer.commands


async def test_a_stop_is_sent_even_if_it_does_not_tell_its_speed() -> None:
    async with scripted({}) as (peer, driver):
        assert (await write(driver, SETPOINT, 0.0))[0] is WriteState.UNKNOWN
        assert b"STOP_4 \r\n" in peer.commands


async def test_a_start_after_which_the_speed_is_wrong_is_unknown() -> None:
    async with scripted({**STANDS, b"IN_SP_4 \r\n": b"250.0 4 \r\n"}) as (peer, driver):
        peer.on[b"START_4 \r\n"] = lambda: peer.answers.update({b"IN_SP_4 \r\n": b"0.0 4 \r\n"})
        assert await write(driver, SETPOINT, 250.0) == (WriteState.UNKNOWN, "started, but setpoint stays at 0")


@pytest.mark.parametrize("reply", [b"100.0 5", b"100.0", b"100,0 4", b"4", b"Er 2"])
async def test_what_is_no_value_of_the_channel_is_not_believed(reply: bytes) -> None:
    async with scripted({b"IN_PV_4 \r\n": reply + b" \r\n"}) as (_, driver):
        with pytest.raises(DriverError, match="not a value of channel 4"):
            await driver.answer("motion")
        assert driver.line.in_doubt


async def test_a_number_is_no_name() -> None:
    with Scripted({b"IN_NAME \r\n": b"100.0 4 \r\n"}, b"\r\n") as peer:
        driver = make(peer.url)
        with pytest.raises(DriverError, match="not a name"):
            await driver.open()
        await driver.close()


@pytest.mark.parametrize("fault", ["crc", "garbage", "truncate", "delay", "disconnect"])
async def test_a_faulty_line_is_noticed_and_gets_over_it(stirrer: Simulated, fault: str) -> None:
    async with opened(stirrer.url) as driver:
        stirrer.fault(fault, 0.3, **({"magnitude": 0.25} if fault == "delay" else {}))
        with pytest.raises(DriverError):
            await read(driver, "temperature")
        async with asyncio.timeout(3.0):
            while await trouble(driver, "temperature"):
                await driver.close()


async def test_somebody_elses_driver(tmp_path: Path) -> None:
    with Simulated("ika", tmp_path, forgets=True) as simulated:
        theirs = OverheadStirrer(simulated.address["pty"])
        theirs.set_target_speed(300)
        assert theirs.target_speed() == 300
        theirs.start_stirring()
        assert any(theirs.speed() >= 295 for _ in range(20))
        assert theirs.torque() > 2.0
        theirs.stop_stirring()
        theirs._ser.close()
