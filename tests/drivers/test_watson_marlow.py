"""Watson-Marlow pump on a serial line: status, confirmed writes, echo, framing, and a count that never falls."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from drivers.conformance import Bench, DriverConformance
from drivers.contract import ConnectionSpec, DriverError, Malformed, Point, Quality, Refused, WriteState
from drivers.instruments.watson_marlow import WatsonMarlow
from tests.drivers.conftest import PtyPeer
from tests.drivers.simulated import Simulated, SimulatedBench

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
    outside = (SPEED, 10_000.0)

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
    assert pump.commands == ["1SP40.0", "1RS", "1GO", "1RS"]
    assert await read(driver, SPEED, RUNNING) == [40.0, 1.0]
    pump.commands.clear()
    (outcome,) = await driver.write([(SPEED, 50.0)])
    assert outcome.state is WriteState.APPLIED
    assert pump.commands == ["1SP50.0", "1RS"]
    pump.commands.clear()
    (outcome,) = await driver.write([(SPEED, 0.0)])
    assert outcome.state is WriteState.APPLIED
    assert pump.commands == ["1ST", "1RS"]
    assert await read(driver, SPEED, RUNNING) == [0.0, 0.0]
    await driver.close()


@pytest.mark.parametrize("running", [False, True])
async def test_a_speed_that_gets_lost_starts_nothing(pump: Any, running: bool) -> None:
    """Nothing acknowledges it, and the pump keeps the speed of last time."""
    pump.speed, pump.running = 220.0, running
    driver = await opened(pump)
    pump.commands.clear()
    pump.deaf = "SP"
    (outcome,) = await driver.write([(SPEED, 9.0)])
    what = f"the pump {'runs' if running else 'stands'} at 220 rpm"
    assert (outcome.state, outcome.detail) == (WriteState.REFUSED, what)
    assert (pump.running, pump.commands) == (running, ["1SP9.0", "1RS"])
    await driver.close()


async def test_a_start_and_a_stop_that_get_lost_are_refused(pump: Any) -> None:
    driver = await opened(pump)
    pump.deaf = "GO"
    (outcome,) = await driver.write([(SPEED, 9.0)])
    assert (outcome.state, outcome.detail) == (WriteState.REFUSED, "the pump stands at 9 rpm")
    pump.running, pump.deaf = True, "ST"
    (outcome,) = await driver.write([(SPEED, 0.0)])
    assert (outcome.state, outcome.detail) == (WriteState.REFUSED, "the pump runs at 9 rpm")
    await driver.close()


async def test_a_smallest_step_that_gets_lost_is_not_taken_for_the_one_beside_it(pump: Any) -> None:
    pump.speed, pump.running = 0.1, True
    driver = await opened(pump)
    pump.deaf = "SP"
    (outcome,) = await driver.write([(SPEED, 0.2)])
    assert (outcome.state, outcome.detail) == (WriteState.REFUSED, "the pump runs at 0.1 rpm")
    await driver.close()


async def test_a_pump_that_turns_the_other_way(pump: Any) -> None:
    pump.direction = "CCW"
    driver = await opened(pump)
    (outcome,) = await driver.write([(SPEED, 40.0)])
    assert (outcome.state, outcome.detail) == (WriteState.REFUSED, "the pump is set to turn counterclockwise")
    assert not pump.running
    pump.running = True  # by its front panel
    assert await read(driver, SPEED, RUNNING) == [-40.0, 1.0]
    (outcome,) = await driver.write([(SPEED, 90.0)])
    assert outcome.state is WriteState.REFUSED
    assert pump.speed == 40.0, "it would only turn faster the wrong way"
    pump.direction = "CW"  # by its front panel
    assert await read(driver, SPEED) == [40.0]
    (outcome,) = await driver.write([(SPEED, 50.0)])
    assert (outcome.state, pump.speed) == (WriteState.APPLIED, 50.0)
    pump.direction = "CCW"
    (outcome,) = await driver.write([(SPEED, 0.0)])
    assert (outcome.state, pump.running) == (WriteState.APPLIED, False)
    await driver.close()
    driver = await opened(pump, direction="ccw")
    (outcome,) = await driver.write([(SPEED, 30.0)])
    assert (outcome.state, await read(driver, SPEED)) == (WriteState.APPLIED, [30.0])
    await driver.close()


@pytest.mark.parametrize(("model", "options", "revolutions"), [
    (b"520Du", {}, 10.0), (b"620DuN", {}, 10.0), (b"530Du", {}, 10982.0), (b"630Du", {}, 10982.0),
    (b"505Di", {}, None), (b"505Di", {"pulses": 1280}, 109820 / 1280), (b"520Du", {"pulses": 10}, 10982.0),
])  # fmt: skip
async def test_revolutions_by_the_model(
    pump: Any, model: bytes, options: dict[str, Any], revolutions: float | None
) -> None:
    """The basic protocol can be chosen at the 530, 630 and 730 as well, and they count tenths."""
    driver = await opened(pump, **options)
    pump.mangle = lambda _: [(0.0, model + b" 15.84 520R 9.6MM 0.0 CW P/N 1 109820 0 !\r")]
    (sample,) = await driver.read(driver.plan([REVOLUTIONS]))
    assert (None if sample.quality is Quality.BAD else sample.value) == revolutions
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
    assert (pump.commands, pump.running) == (["1SP30.0", "1RS"], False)
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
    assert len(gaps) == 5  # the second write finds the pump running
    assert min(gaps) > 0.0099
    await driver.close()


@pytest.mark.parametrize(("reply", "values"), [
    (b"520Du 15.84 520R 9.6MM 220.0 CW P/N 1 123456789 1 !\r", [220.0, 123456789 / 10982, 1.0]),
    (b"323Du 110 CW 1 !\r", [110.0, None, 1.0]), (b"323Du 110 CW 0 !\r", [0.0, None, 0.0]),
])  # fmt: skip
async def test_the_replies_of_the_manuals(pump: Any, reply: bytes, values: list[float | None]) -> None:
    driver = await opened(pump)
    pump.mangle = lambda _: [(0.0, reply)]
    found = await driver.read(driver.plan((SPEED, REVOLUTIONS, RUNNING)))
    assert [None if sample.quality is Quality.BAD else sample.value for sample in found] == values
    await driver.close()


class EnhancedPeer(PtyPeer):
    """A 530Du with fixed answers."""

    def __init__(self) -> None:
        super().__init__()
        self.answers = {
            "ZY": b"<1,0,47>",
            "RS": framed(b"1,530Du,15.12,520R,9.6,220.0,CW,123456789,12345,1,0,0,0,0,0,0,"),
        }
        self.commands: list[str] = []

    def answer(self, data: bytearray) -> bytes | None:
        frame, found, _ = bytes(data).partition(b">")
        if not found:
            return None
        del data[: len(frame) + 1]
        self.commands.append(frame.decode().removeprefix("<1,").removesuffix(",??"))
        return self.answers.get(self.commands[-1], b"")


def framed(body: bytes, ones: bool = False) -> bytes:
    return b"<%b%02X>" % (body, (-sum(body) - ones) % 256)


@pytest.fixture
async def enhanced() -> AsyncIterator[EnhancedPeer]:
    peer = EnhancedPeer()
    yield peer
    peer.unplug()


async def test_the_frames_of_the_enhanced_protocol(enhanced: EnhancedPeer) -> None:
    assert framed(b"1,0,") == b"<1,0,47>"
    driver = await opened(enhanced, protocol="enhanced")
    assert await read(driver, SPEED, REVOLUTIONS, RUNNING) == [220.0, 1234.5, 1.0]
    enhanced.commands.clear()
    (outcome,) = await driver.write([(SPEED, 220.2)])
    assert (outcome.state, enhanced.commands) == (WriteState.APPLIED, ["SP,220", "RS"])
    enhanced.commands.clear()
    enhanced.answers["RS"] = framed(b"1,530Du,15.12,520R,9.6,220.0,CW,123456789,12345,0,0,0,0,0,0,0,")
    (outcome,) = await driver.write([(SPEED, 0.5)])
    assert (outcome.state, enhanced.commands) == (WriteState.APPLIED, ["ST", "RS"])
    enhanced.answers["ZY"] = framed(b"1,0,", ones=True)
    await driver.close()
    driver = await opened(enhanced, protocol="enhanced")
    await driver.close()


async def test_a_leak_makes_the_speed_doubtful(enhanced: EnhancedPeer) -> None:
    enhanced.answers["RS"] = framed(b"1,530Du,15.12,520R,9.6,220.0,CW,123456789,12345,1,1,0,0,0,0,0,")
    driver = await opened(enhanced, protocol="enhanced")
    (speed,) = await driver.read(driver.plan([SPEED]))
    assert (speed.value, speed.quality, speed.detail) == (220.0, Quality.UNCERTAIN, "leak detected")
    await driver.close()


async def test_what_is_no_answer_is_passed_over(enhanced: EnhancedPeer) -> None:
    driver = await opened(enhanced, protocol="enhanced")
    enhanced.mangle = lambda reply: [(0.0, b"<1,RS,??>" + reply)]
    assert await read(driver, SPEED) == [220.0]
    await driver.close()


@pytest.mark.parametrize("reply", [
    b"<1,530Du,15.12,520R,9.6,220.0,CW,123456789,12345,1,0,0,0,0,0,0,00>", b"<1,0,47>", b"<>", b"<1,530Du", b"x" * 5000,
    framed(b"2,530Du,15.12,520R,9.6,220.0,CW,123456789,12345,1,0,0,0,0,0,0,"), b"",
])  # fmt: skip
async def test_garbage_of_the_enhanced_protocol_is_never_a_value(enhanced: EnhancedPeer, reply: bytes) -> None:
    driver = await opened(enhanced, protocol="enhanced")
    right, enhanced.answers["RS"] = enhanced.answers["RS"], reply
    with pytest.raises(DriverError):
        await read(driver, SPEED)
    enhanced.answers["RS"] = right
    assert await read(driver, SPEED) == [220.0]
    await driver.close()


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulated]:
    with Simulated(
        "watson_marlow", tmp_path_factory.mktemp("tcp"), port=0, protocol="enhanced", model="630Du", number=4
    ) as simulated:
        yield simulated


class TestEnhancedConformance(DriverConformance):
    """The contract, in the enhanced protocol and behind a device server."""

    @pytest.fixture
    async def bench(self, simulated: Simulated) -> SimulatedBench:
        def make_enhanced(url: str) -> WatsonMarlow:
            options: dict[str, object] = {"protocol": "enhanced", "number": 4, "slowest_reply": 0.1}
            return WatsonMarlow(ConnectionSpec("pump", url, options, 0.4))

        return SimulatedBench(
            simulated,
            make_enhanced,
            (SPEED, REVOLUTIONS, RUNNING),
            Point("odd", "torque"),
            (SPEED, 42.0),
            outside=(SPEED, 300.0),
        )


@pytest.mark.parametrize(
    "settings", [{"model": "323Du"}, {"model": "530Du", "protocol": "enhanced", "checksum": "ones"}]
)
async def test_the_simulators_other_models(tmp_path: Path, settings: dict[str, Any]) -> None:
    with Simulated("watson_marlow", tmp_path, echo=True, **settings) as pump:
        protocol = settings.get("protocol", "basic")
        driver = WatsonMarlow(ConnectionSpec("pump", pump.url, {"protocol": protocol, "slowest_reply": 0.1}, 0.4))
        assert (await driver.open()).model == settings["model"]
        (outcome,) = await driver.write([(SPEED, 33.0)])
        assert outcome.state is WriteState.APPLIED
        assert await read(driver, SPEED, RUNNING) == [33.0, 1.0]
        await driver.close()


@pytest.mark.parametrize("options", [{"number": 0}, {"number": 33}, {"number": "1"}, {"number": True}, {"pulses": -1}])
def test_wrong_options(options: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="must be a whole number"):
        WatsonMarlow(ConnectionSpec("pump", "serial:///dev/null", options))
