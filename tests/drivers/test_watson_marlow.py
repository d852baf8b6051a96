"""Watson-Marlow pump on a serial line: status, confirmed writes, echo, framing, and a count that never falls."""

from __future__ import annotations

import os
import time
from itertools import pairwise
from typing import Any

import pytest

from drivers.conformance import Bench, DriverConformance
from drivers.contract import ConnectionSpec, DriverError, Malformed, Point, Refused, WriteState
from drivers.instruments.watson_marlow import WatsonMarlow

SPEED, REVOLUTIONS, RUNNING = (
    Point("tag speed", "speed", "rw"),
    Point("tag total", "revolutions"),
    Point("tag running", "running"),
)


def make(peer: Any, **options: object) -> WatsonMarlow:
    """A driver that waits less for late replies than it does by default."""
    url = f"serial://{peer.path}?baudrate=9600&stopbits=2"
    return WatsonMarlow(ConnectionSpec("pump", url, {"slowest_reply": 0.15, **options}, timeout_s=0.3))


async def opened(peer: Any, **options: object) -> WatsonMarlow:
    driver = make(peer, **options)
    await driver.open()
    return driver


async def read(driver: WatsonMarlow, *points: Point) -> list[float]:
    return [sample.value for sample in await driver.read(driver.plan(points))]


class PumpBench(Bench):
    """The bench of the conformance tests."""

    readable = (SPEED, REVOLUTIONS, RUNNING)
    unknown = Point("odd", "torque")
    setting = (SPEED, 12.3)

    def __init__(self, peer: Any) -> None:
        self.peer = peer

    def driver(self) -> WatsonMarlow:
        return make(self.peer)

    async def silence(self) -> None:
        self.peer.silent = True

    async def restore(self) -> None:
        self.peer.silent = False


class TestConformance(DriverConformance):
    """The contract, without and with echo."""

    @pytest.fixture(params=[False, True], ids=["plain", "echo"])
    async def bench(self, pump: Any, request: pytest.FixtureRequest) -> PumpBench:
        pump.echo = request.param
        return PumpBench(pump)


async def test_start_and_stop_on_the_wire(pump: Any) -> None:
    driver = await opened(pump)
    pump.commands.clear()
    (outcome,) = await driver.write([(SPEED, 40.0)])
    assert outcome.state is WriteState.APPLIED
    assert pump.commands == ["1SP40.0", "1GO", "1RS"]
    assert await read(driver, SPEED, RUNNING) == [40.0, 1.0]
    pump.commands.clear()
    (outcome,) = await driver.write([(SPEED, 0.0)])
    assert outcome.state is WriteState.APPLIED
    assert pump.commands == ["1SP0.0", "1ST", "1RS"]
    assert await read(driver, SPEED, RUNNING) == [0.0, 0.0]
    await driver.close()


async def test_a_pump_that_stands_reads_no_speed_whatever_it_is_set_to(pump: Any) -> None:
    pump.speed, pump.running = 40.0, False
    driver = await opened(pump)
    assert await read(driver, SPEED, RUNNING) == [0.0, 0.0]
    await driver.write([(SPEED, 40.0)])
    assert await read(driver, SPEED, RUNNING) == [40.0, 1.0]
    pump.running = False  # by its front panel
    assert await read(driver, SPEED, RUNNING) == [0.0, 0.0]
    await driver.close()


async def test_a_pump_that_does_not_obey_refuses(pump: Any) -> None:
    driver = await opened(pump)
    pump.stuck = True
    (outcome,) = await driver.write([(SPEED, 40.0)])
    assert (outcome.state, outcome.detail) == (WriteState.REFUSED, "the pump stands at 0 rpm")
    await driver.close()


@pytest.mark.parametrize("value", [-1.0, 10_000.0])
async def test_impossible_speeds(pump: Any, value: float) -> None:
    driver = await opened(pump)
    pump.commands.clear()
    (outcome,) = await driver.write([(SPEED, value)])
    assert outcome.state is WriteState.REFUSED
    assert pump.commands == []
    await driver.close()


async def test_only_the_speed_can_be_written(pump: Any) -> None:
    driver = await opened(pump)
    outcomes = await driver.write([(REVOLUTIONS, 1.0), (SPEED, 1.0)])
    assert [outcome.state for outcome in outcomes] == [WriteState.REFUSED, WriteState.APPLIED]
    await driver.close()


async def test_a_write_without_confirmation_is_unknown_and_sent_once(pump: Any) -> None:
    driver = await opened(pump)
    pump.commands.clear()
    pump.mangle = lambda reply: []
    (outcome,) = await driver.write([(SPEED, 30.0)])
    assert outcome.state is WriteState.UNKNOWN
    assert pump.commands == ["1SP30.0", "1GO", "1RS"]
    await driver.close()


async def test_revolutions_never_fall(pump: Any) -> None:
    driver = await opened(pump)
    seen = []
    for pulses in (10982, 21964, 21964, 0, 10982, 5491):
        pump.pulses = pulses
        seen += await read(driver, REVOLUTIONS)
    assert seen == pytest.approx([1.0, 2.0, 2.0, 2.0, 3.0, 3.5])
    await driver.close()


@pytest.mark.parametrize(
    "reply",
    [b"garbage\r", b"\xff\xfe\r", b"520Du 15.84\r", b"1\r", b"x" * 5000, b"no end", b"1\r1\r", b""],
)
async def test_garbage_is_never_a_value_and_passes(pump: Any, reply: bytes) -> None:
    driver = await opened(pump)
    pump.mangle = lambda _: [(0.0, reply)]
    with pytest.raises(DriverError):
        await read(driver, SPEED)
    pump.mangle = lambda right: [(0.0, right)]
    assert await read(driver, SPEED) == [0.0]
    await driver.close()


async def test_a_late_status_is_not_the_confirmation_of_a_later_write(pump: Any) -> None:
    driver = await opened(pump)
    pump.mangle = lambda reply: [(0.2, reply)]
    with pytest.raises(DriverError):
        await read(driver, SPEED)
    pump.mangle = lambda reply: [(0.0, reply)]
    (outcome,) = await driver.write([(SPEED, 20.0)])
    assert outcome.state is WriteState.APPLIED
    await driver.close()


async def test_another_pump_answers(pump: Any) -> None:
    pump.answer = lambda data: (data.clear(), b"520Du 15.84 520R 9.6MM 0.0 CW P/N 2 0 0 !\r")[1]
    with pytest.raises((Refused, Malformed)):
        await make(pump).open()


async def test_commands_keep_their_distance(pump: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    times: list[float] = []
    write = os.write

    def watched(descriptor: int, data: bytes) -> int:
        if data[1:3] in {b"SP", b"GO", b"RS"}:
            times.append(time.monotonic())
        return write(descriptor, data)

    driver = await opened(pump)
    monkeypatch.setattr(os, "write", watched)
    await driver.write([(SPEED, 5.0), (SPEED, 6.0)])
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert len(gaps) == 5
    assert min(gaps) > 0.0099
    await driver.close()


@pytest.mark.parametrize("options", [{"number": 0}, {"number": 33}, {"number": "1"}, {"number": True}, {"pulses": 0}])
def test_wrong_options(options: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="must be a whole number"):
        WatsonMarlow(ConnectionSpec("pump", "serial:///dev/null", options))
