"""The Reglo ICC driver against its simulator and the manual, the simulator against the ``ismatec`` package."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from ismatec.peristaltic_pump import RegloICC

from drivers.conformance import DriverConformance
from drivers.contract import (
    ConnectionSpec,
    DriverError,
    Identity,
    Malformed,
    Point,
    Quality,
    Sample,
    Timeout,
    WriteState,
)
from drivers.instruments.ismatec_reglo import IsmatecReglo
from tests.drivers.conftest import PtyPeer
from tests.drivers.simulated import Simulated, SimulatedBench, points, until

READABLE = ("running", "1.speed", "1.running", "1.revolutions", "2.flow", "2.volume", "3.clockwise", "3.tube", "4.rate")
TRUE = {"3.tube": 3.17, "3.clockwise": 1.0}
"""Values that nothing in the conformance checks moves."""


@pytest.fixture(scope="module")
def reglo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulated]:
    with Simulated("ismatec_reglo", tmp_path_factory.mktemp("pty"), event_period=0.05) as simulated:
        yield simulated


@pytest.fixture(scope="module")
def reglo_on_tcp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulated]:
    with Simulated("ismatec_reglo", tmp_path_factory.mktemp("tcp"), port=0) as simulated:
        yield simulated


def make(url: str, **options: object) -> IsmatecReglo:
    return IsmatecReglo(ConnectionSpec("reglo", url, {"slowest_reply": 0.1, **options}, 0.4))


async def opened(url: str) -> IsmatecReglo:
    driver = make(url)
    await driver.open()
    return driver


async def read(driver: IsmatecReglo, *addresses: str) -> list[Sample]:
    return list(await driver.read(driver.plan(points(*addresses))))


async def write(driver: IsmatecReglo, address: str, value: float) -> tuple[WriteState, str]:
    (outcome,) = await driver.write([(Point(address, address, "rw"), value)])
    return outcome.state, outcome.detail


async def stop_all(driver: IsmatecReglo) -> None:
    for channel in "1234":
        assert await write(driver, f"{channel}.speed", 0.0) == (WriteState.APPLIED, "")
    await driver.close()


async def stop_all_at(url: str) -> None:
    """As often as a link would, and without keeping the line, or no later test could open it."""
    driver, to_stop = make(url), {f"{channel}.speed" for channel in "1234"}
    async with asyncio.timeout(20.0):
        while to_stop:
            with contextlib.suppress(DriverError):
                await driver.open()
                for address in sorted(to_stop):
                    if (await write(driver, address, 0.0))[0] is WriteState.APPLIED:
                        to_stop.discard(address)
            await driver.close()


class TestConformance(DriverConformance):
    """The contract, on a pseudo-terminal, with events all the time."""

    @pytest.fixture
    async def bench(self, reglo: Simulated) -> AsyncIterator[SimulatedBench]:
        yield SimulatedBench(
            reglo,
            make,
            points(*READABLE),
            Point("x", "5.speed"),
            (Point("1.speed", "1.speed", "rw"), 12.3),
            outside=(Point("1.speed", "1.speed", "rw"), 150.0),
            true=TRUE,
        )
        await stop_all_at(reglo.url)


class TestConformanceOnTcp(DriverConformance):
    """The contract, behind a device server."""

    @pytest.fixture
    async def bench(self, reglo_on_tcp: Simulated) -> AsyncIterator[SimulatedBench]:
        yield SimulatedBench(
            reglo_on_tcp,
            make,
            points(*READABLE),
            Point("x", "1.torque"),
            (Point("2.flow", "2.flow", "rw"), 1.234),
            outside=(Point("2.flow", "2.flow", "rw"), 200.0),
            true=TRUE,
        )
        await stop_all_at(reglo_on_tcp.url)


async def test_who_answers(reglo: Simulated) -> None:
    driver = make(reglo.url)
    assert await driver.open() == Identity("Ismatec", "REGLO ICC", "12345ABC", "0208")
    await driver.close()


async def test_a_number_that_is_no_channel_is_the_pumps_until_channels_are_addressed(tmp_path: Path) -> None:
    with Simulated("ismatec_reglo", tmp_path, number=5) as reglo:
        for _ in range(2):  # in the second session channels are addressed already
            driver = make(reglo.url, address=5)
            assert (await driver.open()).model == "REGLO ICC"
            assert await write(driver, "1.speed", 10.0) == (WriteState.APPLIED, "")
            assert await write(driver, "1.speed", 0.0) == (WriteState.APPLIED, "")
            assert [sample.value for sample in await read(driver, "running", "1.speed")] == [0.0, 0.0]
            await driver.close()
        reglo.fault("reboot", 0.02)
        await driver.open()
        assert await write(driver, "2.speed", 10.0) == (WriteState.APPLIED, "")
        await stop_all(driver)


async def test_channels_run_apart_and_stop_at_0(reglo: Simulated) -> None:
    driver = await opened(reglo.url)
    assert await write(driver, "1.speed", 20.0) == (WriteState.APPLIED, "")
    assert await write(driver, "2.flow", 0.0123) == (WriteState.APPLIED, "")
    speed, flow, still, turned_flow = await read(driver, "1.speed", "2.flow", "3.speed", "1.flow")
    assert [(one.value, one.quality) for one in (speed, flow, still)] == [(20.0, 0), (0.0123, 0), (0.0, 0)]
    assert (turned_flow.quality, turned_flow.detail) == (Quality.BAD, "the channel is in mode L")
    assert await write(driver, "1.speed", 30.0) == (WriteState.APPLIED, "")
    assert await write(driver, "2.flow", 0.0) == (WriteState.APPLIED, "")
    speed, flow = await read(driver, "1.speed", "2.flow")
    assert (speed.value, flow.value) == (30.0, 0.0)
    await stop_all(driver)


async def test_a_driver_that_comes_while_the_pump_runs_learns_from_events(tmp_path: Path) -> None:
    with Simulated("ismatec_reglo", tmp_path, event_period=0.3) as reglo:
        driver = await opened(reglo.url)
        await write(driver, "1.speed", 20.0)
        await driver.close()
        driver = await opened(reglo.url)
        (speed,) = await read(driver, "1.speed")
        assert (speed.value, speed.quality) == (20.0, Quality.UNCERTAIN)
        assert speed.detail == "not known whether this channel runs"
        await until(driver, "1.speed", lambda sample: sample.quality is Quality.GOOD)
        await stop_all(driver)


async def test_a_dose_ends_by_itself_and_is_refused_while_anything_runs(reglo: Simulated) -> None:
    driver = await opened(reglo.url)
    assert await write(driver, "1.rate", 120.0) == (WriteState.APPLIED, "")
    (before,) = await read(driver, "1.revolutions")
    assert await write(driver, "1.dose", 0.5) == (WriteState.APPLIED, "")
    state, why = await write(driver, "1.dose", 0.5)
    assert (state, why) == (WriteState.REFUSED, "channel 1 runs, or may run: stop it first")
    await until(driver, "1.running", lambda sample: not sample.value)
    assert (await read(driver, "1.flow"))[0].value == 0.0
    assert 0 <= (await read(driver, "1.revolutions"))[0].value - before.value <= 1
    await driver.close()


@pytest.mark.parametrize(("address", "value", "why"), [
    ("1.speed", 100.5, "the pump refuses '1S010050'"),
    ("2.flow", 200.0, "channel 2 does not start: the largest flow is 138 mL/min"),
    ("3.clockwise", 0.5, "3.clockwise must be 0 or 1, not 0.5"),
    ("1.running", 1.0, "1.running cannot be written"),
    ("4.dose", 0.0, "4.dose must be 1e-06 to 9999, not 0"),
])  # fmt: skip
async def test_what_the_pump_cannot_do_is_refused(reglo: Simulated, address: str, value: float, why: str) -> None:
    driver = await opened(reglo.url)
    assert await write(driver, address, value) == (WriteState.REFUSED, why)
    await stop_all(driver)


async def test_a_running_channel_is_not_told_a_flow_that_it_cannot_reach(reglo: Simulated) -> None:
    driver = await opened(reglo.url)
    assert await write(driver, "2.flow", 1.5) == (WriteState.APPLIED, "")
    assert await write(driver, "2.flow", 200.0) == (
        WriteState.REFUSED, "channel 2 does not reach that: the largest flow is 138 mL/min",
    )  # fmt: skip
    assert (await read(driver, "2.flow"))[0].value == 1.5
    assert await write(driver, "2.flow", 138.0) == (WriteState.APPLIED, "")
    await stop_all(driver)


async def test_a_pump_that_does_not_tell_its_largest_flow(manual: ManualPeer) -> None:
    driver = await opened(f"serial://{manual.path}")
    manual.answers |= {"2f2000+0": b"2000E+0\r\n"}
    for reply in (b"#", b"8280 ul/min\r\n"):
        manual.answers["2!"] = reply
        manual.send(b"^U2|A|0000000000|0000100000|0000\r\n")
        assert await write(driver, "2.flow", 2.0) == (WriteState.APPLIED, "")
        assert manual.commands[-2:] == ["2!", "2f2000+0"]
    await driver.close()


async def test_direction(reglo: Simulated) -> None:
    driver = await opened(reglo.url)
    for value in (0.0, 1.0):
        assert await write(driver, "2.clockwise", value) == (WriteState.APPLIED, "")
        assert (await read(driver, "2.clockwise"))[0].value == value
    await driver.close()


async def test_after_a_loss_of_power_a_command_for_one_channel_is_not_taken_by_all(reglo: Simulated) -> None:
    driver = await opened(reglo.url)
    await write(driver, "2.speed", 10.0)
    reglo.fault("reboot", 0.5)
    async with asyncio.timeout(5):
        while True:
            with contextlib.suppress(Timeout):
                (speed,) = await read(driver, "2.speed")
                break
    assert (speed.value, speed.quality) == (0.0, Quality.GOOD)
    assert await write(driver, "2.speed", 10.0) == (WriteState.APPLIED, "")
    found = await read(driver, "1.running", "2.running", "3.running", "4.running")
    assert [sample.value for sample in found] == [0.0, 1.0, 0.0, 0.0]
    await stop_all(driver)


def test_somebody_elses_driver(reglo: Simulated) -> None:
    theirs = RegloICC(reglo.address["pty"])
    try:
        assert theirs.get_n_pump_channels() == 4
        theirs.set_mode_pump_flow_rate(3, 1.3)
        assert theirs.get_flow_rate_ml_min(3) == pytest.approx(1.3)
        theirs.set_mode_pump_rpm(3, 12.3)
        assert theirs.get_flow_rate_rpm(3) == pytest.approx(12.3)
        assert not theirs.running()
        theirs.start(3)
        assert theirs.running()
        theirs.stop(3)
        assert not theirs.running()
        assert theirs.clockwise(3)
    finally:
        theirs.disconnect()


class ManualPeer(PtyPeer):
    """A pump that answers as the manual's examples do; `before` and `after` come with the next answer."""

    def __init__(self) -> None:
        super().__init__()
        self.answers = {
            "1#": b"REGLO ICC 0208 306\r\n", "1~": b"1\r\n", "1xE1": b"*", "1xS": b"12345ABC\r\n", "1E": b"+",
            "4xM": b"L\r\n", "4S": b"12.30\r\n", "2xM": b"M\r\n", "4f": b"3250E+1\r\n", "2f": b"1300E-3\r\n",
            "1f1300-3": b"1300E-3\r\n", "3xC": b"0000001511\r\n", "3xG": b"0000001511\r\n", "2+": b"3.17 mm\r\n",
            "1xD": b"K\r\n", "2I": b"*", "2L": b"*", "2S012300": b"*", "2S": b"123.00\r\n", "2H": b"*",
        }  # fmt: skip
        # Its answer means nothing, and on a busy machine comes later than the silence after which it should be over.
        self.answers["1xE0"] = b""
        self.commands: list[str] = []

    def answer(self, data: bytearray) -> bytes | None:
        line, found, _ = bytes(data).partition(b"\r")
        if not found:
            return None
        del data[: len(line) + 1]
        self.commands.append(line.decode())
        return self.answers.get(line.decode(), b"#")


@pytest.fixture
async def manual() -> AsyncIterator[ManualPeer]:
    peer = ManualPeer()
    yield peer
    peer.unplug()


async def test_the_examples_of_the_manual(manual: ManualPeer) -> None:
    driver = await opened(f"serial://{manual.path}")
    found = await read(driver, "4.rate", "2.rate", "3.revolutions", "3.volume", "2.tube", "1.clockwise", "running")
    assert [sample.value for sample in found] == [32.5, 0.0013, 1511, 1511, 3.17, 0.0, 1.0]
    manual.send(b"^U2|C|0000000000|0000100000|0000\r\n")
    manual.commands.clear()
    assert await write(driver, "2.speed", 123.0) == (WriteState.APPLIED, "")
    assert manual.commands[-4:] == ["2L", "2S012300", "2S", "2H"]
    await driver.close()


@pytest.mark.parametrize("cut", range(1, 8))
async def test_events_between_question_and_answer_are_no_answer(manual: ManualPeer, cut: int) -> None:
    driver = await opened(f"serial://{manual.path}")
    event = b"^X4|A\r\n"
    manual.mangle = lambda reply: [(0.0, event[:cut]), (0.02, event[cut:] + reply + event)]
    (speed,) = await read(driver, "4.speed")
    assert (speed.value, speed.quality) == (0.0, Quality.GOOD)
    await driver.close()


@pytest.mark.parametrize("cut", range(1, 30, 3))
async def test_an_event_begun_before_the_question(manual: ManualPeer, cut: int) -> None:
    driver = await opened(f"serial://{manual.path}")
    event = b"^U4|A|0000000000|0000100000|0012.30\r\n"
    manual.send(event[:cut])
    await asyncio.sleep(0.02)
    manual.mangle = lambda reply: [(0.0, event[cut:] + reply)]
    (running,) = await read(driver, "running")
    assert (running.value, running.quality) == (1.0, Quality.GOOD)
    manual.mangle = lambda reply: [(0.0, reply)]
    (speed,) = await read(driver, "4.speed")
    assert (speed.value, speed.quality) == (12.3, Quality.GOOD)
    await driver.close()


@pytest.mark.parametrize(("cause", "quality", "word"), [
    (b"A", Quality.GOOD, ""), (b"1", Quality.GOOD, "stopped by hand"), (b"2", Quality.UNCERTAIN, "over temperature"),
    (b"3", Quality.UNCERTAIN, "over current"),
])  # fmt: skip
async def test_why_a_channel_stopped(manual: ManualPeer, cause: bytes, quality: Quality, word: str) -> None:
    driver = await opened(f"serial://{manual.path}")
    manual.mangle = lambda reply: [(0.0, b"^X4|" + cause + b"\r\n" + reply)]
    (speed,) = await read(driver, "4.speed")
    assert (speed.value, speed.quality, speed.detail) == (0.0, quality, word)
    await driver.close()


@pytest.mark.parametrize("reply", [b"**", b"12.30\r\n13.00\r\n", b"\xff\r\n", b"1300E-3\r\n", b"x" * 4000, b"12.3"])
async def test_garbage_is_never_a_value_and_passes(manual: ManualPeer, reply: bytes) -> None:
    driver = await opened(f"serial://{manual.path}")
    manual.send(b"^U4|A|0000000000|0000100000|0000\r\n")
    manual.answers["4S"] = reply
    with pytest.raises(Malformed):
        await read(driver, "4.speed")
    manual.answers["4S"] = b"12.30\r\n"
    assert (await read(driver, "4.speed"))[0].value == 12.3
    await driver.close()


async def test_an_end_of_a_dose_that_was_not_heard_is_not_taken_for_running(manual: ManualPeer) -> None:
    driver = await opened(f"serial://{manual.path}")
    manual.send(b"^U4|A|0000000000|0000100000|0000\r\n")
    assert (await read(driver, "4.speed"))[0].quality is Quality.GOOD
    manual.answers["4S"] = b"\xff\r\n"  # events are off while the line is made certain again
    with pytest.raises(Malformed):
        await read(driver, "4.speed")
    manual.answers["4S"] = b"12.30\r\n"
    (speed,) = await read(driver, "4.speed")
    assert (speed.quality, speed.detail) == (Quality.UNCERTAIN, "not known whether this channel runs")
    manual.send(b"^X4|A\r\n")
    assert (await read(driver, "4.speed"))[0].value == 0.0
    await driver.close()


async def test_a_start_that_is_not_answered_is_unknown_and_sent_once(manual: ManualPeer) -> None:
    driver = await opened(f"serial://{manual.path}")
    manual.answers |= {"1E": b"-", "2O": b"*", "2v5000-1": b"5000E-1\r\n", "2H": b""}
    state, _ = await write(driver, "2.dose", 0.5)
    assert (state, manual.commands.count("2H")) == (WriteState.UNKNOWN, 1)
    manual.answers["1E"] = b"+"
    state, why = await write(driver, "2.dose", 0.5)
    assert (state, why) == (WriteState.REFUSED, "channel 2 runs, or may run: stop it first")
    await driver.close()


async def test_what_the_pump_makes_of_a_number_is_looked_at(manual: ManualPeer) -> None:
    driver = await opened(f"serial://{manual.path}")
    manual.answers |= {"1E": b"-", "1f2000+0": b"1380E-1\r\n"}
    assert await write(driver, "1.rate", 2.0) == (WriteState.REFUSED, "the pump keeps 0.138 instead of 2")
    await driver.close()


@pytest.mark.parametrize(("answers", "address", "value", "outcome"), [
    ({"2S": b"100.00\r\n"}, "2.speed", 123.0, (WriteState.REFUSED, "channel 2 keeps another speed")),
    ({"2L": b"-"}, "2.speed", 123.0, (WriteState.REFUSED, "the settings do not allow '2L'")),
    ({"1J": b"*"}, "1.clockwise", 1.0, (WriteState.REFUSED, "channel 1 keeps its direction")),
    ({"1E": b"*"}, "2.speed", 123.0, (WriteState.UNKNOWN, "not an answer to E: '*'")),
    ({"2H": b"-", "2xe": b"C 0000E+1\r\n"}, "2.speed", 123.0,
     (WriteState.REFUSED, "channel 2 does not start: no cycles are set")),
    ({"2H": b"-", "2xe": b"Q\r\n"}, "2.speed", 123.0, (WriteState.REFUSED, "channel 2 does not start: Q")),
    ({"1f1300-3": b"1.3\r\n", "1E": b"-"}, "1.rate", 0.0013, (WriteState.UNKNOWN, "not an answer to 1f1300-3: '1.3'")),
])  # fmt: skip
async def test_what_becomes_of_a_write(
    manual: ManualPeer, answers: dict[str, bytes], address: str, value: float, outcome: tuple[WriteState, str]
) -> None:
    driver = await opened(f"serial://{manual.path}")
    manual.answers |= answers
    assert await write(driver, address, value) == outcome
    await driver.close()


@pytest.mark.parametrize("event", [b"^U2|A|0000000000|0000100000|0000\r\n", b"^Z9\r\n"])
async def test_a_channel_in_another_mode_or_of_which_nothing_is_known_is_stopped_first(
    manual: ManualPeer, event: bytes
) -> None:
    driver = await opened(f"serial://{manual.path}")
    manual.mangle = lambda reply: [(0.0, event + reply)]
    manual.commands.clear()
    assert await write(driver, "2.speed", 123.0) == (WriteState.APPLIED, "")
    assert [command for command in manual.commands if command[0] == "2" and command != "2xM"] == [
        "2I", "2L", "2S012300", "2S", "2H",
    ]  # fmt: skip
    await driver.close()


async def test_a_question_that_is_refused_spoils_its_own_point_only(manual: ManualPeer) -> None:
    driver = await opened(f"serial://{manual.path}")
    rate, tube = await read(driver, "3.rate", "2.tube")
    assert (rate.quality, rate.detail, tube.value) == (Quality.BAD, "the pump refuses '3f'", 3.17)
    await driver.close()


async def test_a_pump_without_a_serial_number_and_another_device(manual: ManualPeer) -> None:
    manual.answers["1xS"] = b"#"
    driver = make(f"serial://{manual.path}")
    assert (await driver.open()).serial == ""
    await driver.close()
    manual.answers["1#"] = b"12.30\r\n"
    with pytest.raises(Malformed, match="not the name of a pump"):
        await driver.open()
    await driver.close()


@pytest.mark.parametrize("options", [{"address": 0}, {"address": 9}, {"slowest_reply": 0}, {"channels": 4}])
def test_wrong_options(options: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="option"):
        make("serial:///dev/null", **options)
