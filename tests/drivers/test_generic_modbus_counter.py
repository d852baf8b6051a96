"""The counter of any Modbus device: values of a program that has stopped are not believed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from drivers.contract import ConnectionSpec, Point, Quality, Reason
from drivers.instruments.generic_modbus import GenericModbus
from tests.drivers.simulated import Simulated, points, until

STILL = "the device's counter stands still"
COUNTER = Point("counter", "holding.205", "rw")


@pytest.fixture(scope="module")
def plc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulated]:
    registers = {"holding": {"100": 17, "205": 0}}
    with Simulated("generic_modbus", tmp_path_factory.mktemp("tcp"), framing="tcp", registers=registers) as simulated:
        yield simulated


def make(url: str, counter: str, **options: object) -> GenericModbus:
    return GenericModbus(ConnectionSpec("plc", url, {"counter": counter, **options}, 0.4))


async def test_values_of_a_program_that_stands_still_are_told_by_its_counter(plc: Simulated) -> None:
    driver = make(plc.url, COUNTER.address, stale_after=0.5)
    await driver.open()
    plan = driver.plan(points("holding.100"))
    assert plan.points == tuple(points("holding.100"))
    for count in (1.0, 2.0):
        await driver.write([(COUNTER, count)])
        (sample,) = await driver.read(plan)
        assert (sample.value, sample.quality, sample.detail) == (17.0, Quality.GOOD, "")
    for quality in (Quality.UNCERTAIN, Quality.BAD):
        sample = await until(driver, "holding.100", lambda sample, quality=quality: sample.quality is quality)
        assert (sample.value, sample.reason, sample.detail) == (17.0, Reason.STALE, STILL)
    await driver.write([(COUNTER, 3.0)])
    assert (await driver.read(plan))[0].quality is Quality.GOOD
    await driver.close()


async def test_a_counter_that_is_not_there_makes_all_values_doubtful(plc: Simulated) -> None:
    driver = make(plc.url, "holding.60000")
    await driver.open()
    good, bad = await driver.read(driver.plan(points("holding.100", "holding.101")))
    assert good.quality is Quality.UNCERTAIN
    assert good.detail == "the device's counter cannot be read: device 1: illegal address"
    assert (bad.quality, bad.detail) == (Quality.BAD, "device 1: illegal address")
    await driver.close()


def test_a_counter_that_is_no_address(plc: Simulated) -> None:
    with pytest.raises(ValueError, match="connection 'plc': the counter: 'register 7' is not"):
        make(plc.url, "register 7")
