"""The New Era driver against its simulator and the manual's frames, the simulator against the ``nesp-lib`` package."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import nesp_lib
import pytest

from drivers.conformance import DriverConformance
from drivers.contract import (
    ConnectionSpec,
    DriverError,
    Identity,
    Malformed,
    Point,
    Quality,
    Refused,
    Sample,
    WriteState,
)
from drivers.instruments import new_era_line
from drivers.instruments.new_era import NewEra
from simulators.instruments.new_era import crc16
from tests.drivers.conftest import PtyPeer
from tests.drivers.simulated import Simulated, SimulatedBench, points, until

READABLE = ("flow", "rate", "running", "infused", "withdrawn", "diameter")
FLOW = Point("flow", "flow", "rw")


@pytest.fixture(scope="module")
def syringe(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulated]:
    with Simulated("new_era", tmp_path_factory.mktemp("pty")) as simulated:
        yield simulated


@pytest.fixture(scope="module")
def safe_syringe(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulated]:
    with Simulated("new_era", tmp_path_factory.mktemp("tcp"), port=0, number=7, diameter=4.699) as simulated:
        yield simulated


MADE: list[NewEra] = []


@pytest.fixture(autouse=True)
async def closed() -> AsyncIterator[None]:
    """A test that fails does not keep the port."""
    yield
    while MADE:
        await MADE.pop().close()


def make(url: str, **options: object) -> NewEra:
    MADE.append(NewEra(ConnectionSpec("syringe", url, {"slowest_reply": 0.1, **options}, 0.4)))
    return MADE[-1]


def make_safe(url: str, **options: object) -> NewEra:
    return make(url, mode="safe", address=7, **options)


async def opened(url: str, **options: object) -> NewEra:
    driver = make(url, **options)
    await driver.open()
    return driver


async def read(driver: NewEra, *addresses: str) -> list[Sample]:
    return list(await driver.read(driver.plan(points(*addresses))))


async def write(driver: NewEra, address: str, value: float) -> tuple[WriteState, str]:
    (outcome,) = await driver.write([(Point(address, address, "rw"), value)])
    return outcome.state, outcome.detail


class TestConformance(DriverConformance):
    """The contract, in basic mode."""

    @pytest.fixture
    async def bench(self, syringe: Simulated) -> SimulatedBench:
        return SimulatedBench(
            syringe,
            make,
            points(*READABLE),
            Point("x", "colour"),
            (FLOW, 1.5),
            outside=(FLOW, 900.0),
            true={"diameter": 26.59},
        )


class TestConformanceInSafeModeOnTcp(DriverConformance):
    """The contract, in safe mode and behind a device server."""

    @pytest.fixture
    async def bench(self, safe_syringe: Simulated) -> SimulatedBench:
        return SimulatedBench(
            safe_syringe,
            make_safe,
            points(*READABLE),
            Point("x", "7.flow"),
            (FLOW, 0.0123),
            outside=(FLOW, 900.0),
            true={"diameter": 4.699},
        )


async def test_who_answers(syringe: Simulated) -> None:
    driver = make(syringe.url)
    assert await driver.open() == Identity("New Era", "NE1000", "", "3.923")


async def test_another_syringe_is_refused(syringe: Simulated) -> None:
    driver = make(syringe.url, diameter=14.43)
    with pytest.raises(Refused, match=r"a syringe of 26.59 mm, not 14.43"):
        await driver.open()
    await driver.close()
    driver = await opened(syringe.url, diameter=26.59)


@pytest.mark.parametrize("flow", [0.0123, 1.5, 1.501, 25.0, 0.001])
async def test_flows(syringe: Simulated, flow: float) -> None:
    driver = await opened(syringe.url)
    for value in (flow, flow / 2, 0.0):
        assert await write(driver, "flow", value) == (WriteState.APPLIED, "")
        found = await read(driver, "flow", "running")
        assert [sample.value for sample in found] == pytest.approx([value, float(value > 0)], rel=1e-3)


async def test_a_dose_is_given_once_at_its_rate_and_ends(syringe: Simulated) -> None:
    driver = await opened(syringe.url)
    (before,) = await read(driver, "infused")
    assert await write(driver, "rate", 20.0) == (WriteState.APPLIED, "")
    assert await write(driver, "dose", 0.1) == (WriteState.APPLIED, "")
    assert await write(driver, "dose", 0.1) == (WriteState.REFUSED, "the pump runs: stop it first")
    assert await write(driver, "flow", 1.0) == (WriteState.REFUSED, "a dose is being given: stop it first")
    await until(driver, "running", lambda sample: not sample.value)
    (after,) = await read(driver, "infused")
    assert after.value - before.value == pytest.approx(0.1, abs=0.002)
    # What pumps without end afterwards is not ended by that volume.
    assert await write(driver, "flow", 25.0) == (WriteState.APPLIED, "")
    await until(driver, "infused", lambda sample: sample.value > after.value + 0.15)
    assert await write(driver, "flow", 0.0) == (WriteState.APPLIED, "")


@pytest.mark.parametrize(("address", "value", "why"), [
    ("flow", 100.0, "RAT100.0MM: out of range"),
    ("dose", 0.0, "dose must be 1e-06 to 9999, not 0"),
    ("dose", 0.00012, "0.00012 mL cannot be written in four digits of ML"),
    ("infused", 1.0, "infused cannot be written"),
])  # fmt: skip
async def test_what_cannot_be_is_refused(syringe: Simulated, address: str, value: float, why: str) -> None:
    driver = await opened(syringe.url)
    assert await write(driver, address, value) == (WriteState.REFUSED, why)


@pytest.mark.parametrize("mode", ["basic", "safe"])
async def test_a_loss_of_power_is_seen_and_the_totals_go_on(tmp_path: Path, mode: str) -> None:
    with Simulated("new_era", tmp_path) as syringe:
        driver = await opened(syringe.url, mode=mode)
        await write(driver, "flow", 25.0)
        pumped = await until(driver, "infused", lambda sample: sample.value > 0.02)
        syringe.fault("reboot", 0.5)
        flow = await until_answered(driver, "flow")
        assert (flow.value, flow.quality, flow.detail) == (0.0, Quality.GOOD, "the pump lost power")
        assert (await read(driver, "infused"))[0].value >= pumped.value
        assert await write(driver, "flow", 1.0) == (WriteState.APPLIED, "")


async def until_answered(driver: NewEra, address: str) -> Sample:
    while True:
        try:
            return (await read(driver, address))[0]
        except DriverError:
            continue


@pytest.mark.parametrize("mode", ["basic", "safe"])
async def test_a_stalled_motor_stays_in_the_quality_until_the_next_start(tmp_path: Path, mode: str) -> None:
    with Simulated("new_era", tmp_path, stall_after=0.05) as syringe:
        driver = await opened(syringe.url, mode=mode)
        await write(driver, "flow", 25.0)
        flow = Sample(1.0, Quality.GOOD, 0, 0)
        while flow.value:
            flow = await until_answered(driver, "flow")
        for _ in range(2):
            (flow,) = await read(driver, "flow")
            assert (flow.value, flow.quality, flow.detail) == (0.0, Quality.UNCERTAIN, "the motor stalled")


async def test_a_pump_in_safe_mode_stops_when_it_hears_nothing(tmp_path: Path) -> None:
    with Simulated("new_era", tmp_path) as syringe:
        driver = await opened(syringe.url, mode="safe", silence=1)
        await write(driver, "flow", 1.0)
        # Asked again and again it goes on; left alone for longer than a second it stops, and says so unasked.
        await until(driver, "infused", lambda sample: sample.value > 0.022)
        assert (await read(driver, "running"))[0].value == 1.0
        async with asyncio.timeout(5):
            while True:
                await asyncio.sleep(0.02)
                if driver._alarm:
                    break
        (flow,) = await read(driver, "flow")
        assert flow.value == 0.0
        assert (flow.quality, flow.detail) == (Quality.UNCERTAIN, "the pump heard nothing and stopped")


async def test_a_pump_left_in_safe_mode_is_brought_back(tmp_path: Path) -> None:
    with Simulated("new_era", tmp_path, safe=200) as syringe:
        driver = await opened(syringe.url)
        assert (await read(driver, "diameter"))[0].value == 26.59


def test_somebody_elses_driver(tmp_path: Path) -> None:
    with Simulated("new_era", tmp_path) as syringe, nesp_lib.Port(syringe.address["pty"], 19200) as port:
        for safe_s in (0, 5):
            theirs = nesp_lib.Pump(port, model_number=1000, safe_mode_timeout_s=safe_s)
            theirs.syringe_diameter_mm = 14.43
            theirs.pumping_direction = nesp_lib.PumpingDirection.INFUSE
            theirs.pumping_rate_ml_per_min = 2.5
            theirs.pumping_volume_ml = 0.0125
            assert theirs.pumping_rate_ml_per_min == pytest.approx(2.5)
            assert theirs.pumping_volume_ml == pytest.approx(0.0125)
            assert theirs.safe_mode_timeout_s == safe_s
            theirs.run(wait_while_running=False)
            assert theirs.status is nesp_lib.Status.INFUSING
            theirs.stop(wait_while_running=False)
            assert not theirs.running
            with pytest.raises(ValueError, match="exceeds limit"):
                theirs.pumping_rate_ml_per_min = 100.0
            theirs.safe_mode_timeout_s = 0


async def test_another_syringe_put_in_meanwhile_is_given_nothing(tmp_path: Path) -> None:
    with Simulated("new_era", tmp_path) as syringe:
        driver = await opened(syringe.url, diameter=26.59)
        syringe.say(b"00DIA14.43\r")
        await driver.line.silence()
        why = "the pump is set to a syringe of 14.43 mm, not 26.59"
        for address in ("dose", "flow"):
            assert await write(driver, address, 1.0) == (WriteState.REFUSED, why)
        assert (await read(driver, "running"))[0].value == 0.0


class ManualPeer(PtyPeer):
    """A pump that answers each command with fixed bytes."""

    def __init__(self) -> None:
        super().__init__()
        self.answers = {
            "VER": "SNE1000V3.923", "DIA": "S26.59", "RAT": "I1500.UM", "DIS": "II1.234W0.000ML", "VOL": "S0.000ML",
        }  # fmt: skip
        self.commands: list[str] = []
        self.address = "00"

    def answer(self, data: bytearray) -> bytes | None:
        line, found, _ = bytes(data).partition(b"\r")
        if not found:
            return None
        del data[: len(line) + 1]
        self.commands.append(line.decode())
        text = self.answers.get(line.decode().removeprefix("00"), "S")
        return b"\x02" + self.address.encode() + text.encode() + b"\x03"


@pytest.fixture
async def manual() -> AsyncIterator[ManualPeer]:
    peer = ManualPeer()
    yield peer
    peer.unplug()


class SafePeer(ManualPeer):
    """The same in safe mode; ``stalls`` sends an alarm in front of the next answer to RAT."""

    stalls = False

    def answer(self, data: bytearray) -> bytes | None:
        if len(data) < 2 or len(data) < 1 + data[1]:
            return None
        size = 1 + data[1]
        command, text = data[4 : size - 3].decode(), "S"
        del data[:size]
        text = self.answers.get(command, text)
        alarm = packet(b"00A?S") if self.stalls and command == "RAT" else b""
        return alarm + packet(b"00" + text.encode())


def packet(body: bytes) -> bytes:
    return b"\x02" + bytes([len(body) + 4]) + body + crc16(body) + b"\x03"


async def test_an_alarm_that_comes_together_with_an_answer_is_not_lost() -> None:
    peer = SafePeer()
    driver = await opened(f"serial://{peer.path}", mode="safe")
    assert (await read(driver, "flow"))[0].value == 1.5
    peer.stalls, peer.answers["RAT"] = True, "S1500.UM"
    with pytest.raises(Malformed, match="not one packet"):
        await read(driver, "flow")
    peer.stalls = False
    (flow,) = await read(driver, "flow")
    assert (flow.value, flow.quality, flow.detail) == (0.0, Quality.UNCERTAIN, "the motor stalled")
    # Between two questions it may come in two halves, and be the second one there.
    peer.send(packet(b"00A?S") + packet(b"00A?T")[:5])
    peer.send(packet(b"00A?T")[5:])
    flow = await until_answered(driver, "flow")
    assert flow.detail == "the pump heard nothing and stopped"
    peer.unplug()


async def test_a_trailing_point_is_a_number(manual: ManualPeer) -> None:
    driver = await opened(f"serial://{manual.path}")
    assert [one.value for one in await read(driver, "flow", "infused")] == [1.5, 1.234]
    assert manual.commands == ["00VER", "00DIA", "00RAT", "00DIS"]
    for half in ("II1.234WML", "II1.234W.ML", "II.W0.000ML"):
        manual.answers["DIS"] = half
        with pytest.raises(Malformed, match="not an answer"):
            await read(driver, "infused")


async def test_what_is_set_already_is_not_written_again(manual: ManualPeer) -> None:
    driver = await opened(f"serial://{manual.path}")
    manual.answers |= {"RAT": "S1500.UM", "VOL": "S0.000ML", "FUN": "SRAT", "DIR": "SINF", "RUN": "I"}
    manual.commands.clear()
    await write(driver, "flow", 1.5)
    wrote = [command for command in manual.commands if command[2:5] in {"RAT", "VOL", "DIR"} and len(command) > 5]
    assert wrote == []
    assert manual.commands[-1] == "00RUN"


@pytest.mark.parametrize(("status", "value", "quality", "word"), [
    ("W", -1.5, Quality.GOOD, ""), ("P", 0.0, Quality.GOOD, ""), ("T", 0.0, Quality.UNCERTAIN, "pauses in a program"),
    ("U", 0.0, Quality.UNCERTAIN, "waits for a trigger"), ("X", None, Quality.BAD, "purges"),
])  # fmt: skip
async def test_every_status(manual: ManualPeer, status: str, value: float | None, quality: Quality, word: str) -> None:
    driver = await opened(f"serial://{manual.path}")
    manual.answers["RAT"] = f"{status}1500.UM"
    (flow,) = await read(driver, "flow")
    assert (None if flow.value != flow.value else flow.value, flow.quality, flow.detail) == (value, quality, word)


async def test_a_start_that_is_not_answered_is_unknown_and_sent_once(manual: ManualPeer) -> None:
    driver = await opened(f"serial://{manual.path}")
    manual.answers |= {"RAT": "S1500.UM", "FUN": "SRAT", "DIR": "SINF"}
    manual.mangle = lambda reply: [] if manual.commands[-1] == "00RUN" else [(0.0, reply)]
    state, _ = await write(driver, "flow", 1.5)
    assert (state, manual.commands.count("00RUN")) == (WriteState.UNKNOWN, 1)


async def test_a_command_that_meets_an_alarm_was_not_carried_out(manual: ManualPeer) -> None:
    driver = await opened(f"serial://{manual.path}")
    manual.answers |= {"RAT": "S1500.UM", "FUN": "SRAT", "DIR": "SINF", "RUN": "A?R"}
    assert await write(driver, "flow", 1.5) == (
        WriteState.REFUSED, "RUN was not carried out: the pump lost power",
    )  # fmt: skip


async def test_a_point_that_is_only_read_is_not_written(manual: ManualPeer) -> None:
    driver = await opened(f"serial://{manual.path}")
    manual.answers |= {"RAT": "S1500.UM", "": "S"}
    (outcome,) = await driver.write([(Point("rate", "rate", "r"), 1.5)])
    assert (outcome.state, outcome.detail) == (WriteState.REFUSED, "rate cannot be written")


READY = {"RAT": "S1500.UM", "FUN": "SRAT", "DIR": "SINF", "": "S", "RUN": "I"}


@pytest.mark.parametrize(("answers", "address", "value", "outcome"), [
    ({"RUN": "S"}, "flow", 1.5, (WriteState.REFUSED, "the pump does not start: status S")),
    ({"RUN": "S?NA"}, "flow", 1.5, (WriteState.REFUSED, "RUN: not applicable now")),
    ({}, "flow", 2.5, (WriteState.REFUSED, "the pump keeps a rate of 1.5 mL/min")),
    ({}, "dose", 2.5, (WriteState.REFUSED, "the pump keeps a volume of 0 mL")),
    ({"STP": "I"}, "flow", 0.0, (WriteState.REFUSED, "the pump does not stop: status I")),
    ({"STP": "P"}, "flow", 0.0, (WriteState.APPLIED, "")),
    ({"": "A?S"}, "dose", 2.5, (WriteState.REFUSED, "the motor stalled")),
    ({"": "P", "STP": "S"}, "rate", 1.5, (WriteState.APPLIED, "")),
    ({"PHN1": "S?"}, "flow", 1.5, (WriteState.APPLIED, "")),
    ({"PHN1": "S?OOR"}, "flow", 1.5, (WriteState.REFUSED, "PHN1: out of range")),
])  # fmt: skip
async def test_what_becomes_of_a_write(
    manual: ManualPeer, answers: dict[str, str], address: str, value: float, outcome: tuple[WriteState, str]
) -> None:
    driver = await opened(f"serial://{manual.path}")
    manual.answers |= READY | answers
    assert await write(driver, address, value) == outcome


@pytest.mark.parametrize(("run", "state"), [("I", WriteState.REFUSED), ("S", WriteState.UNKNOWN)])
async def test_a_pump_that_was_stopped_for_a_rate_that_it_does_not_take_goes_on(
    manual: ManualPeer, run: str, state: WriteState
) -> None:
    driver = await opened(f"serial://{manual.path}")
    manual.answers |= READY | {"RAT": "I1500.UM", "STP": "S", "RAT900.0MM": "S?OOR", "RUN": run}
    outcome, why = await write(driver, "flow", 900.0)
    assert (outcome, why.startswith("RAT900.0MM: out of range")) == (state, True)
    sent = [command for command in manual.commands if command in {"00STP", "00RAT900.0MM", "00RUN"}]
    assert sent == ["00STP", "00RAT900.0MM", "00RUN"]


async def test_a_phase_without_a_rate(manual: ManualPeer) -> None:
    driver = await opened(f"serial://{manual.path}")
    manual.answers["RAT"] = "S?NA"
    rate, flow = await read(driver, "rate", "flow")
    assert (rate.quality, flow.value, flow.quality) == (Quality.BAD, 0.0, Quality.GOOD)


async def test_another_device(manual: ManualPeer) -> None:
    manual.answers["VER"] = "S26.59"
    with pytest.raises(Malformed, match="not the version of a pump"):
        await make(f"serial://{manual.path}").open()


@pytest.mark.parametrize("packet", [b"\x0500", b"\x02\x0700S\x00\x00\x03", b"\x02\x03\x00\x03"])
def test_damaged_packets(packet: bytes) -> None:
    with pytest.raises(Malformed):
        new_era_line._whole_packet(packet)


@pytest.mark.parametrize("reply", [
    b"\x0201I1500.UM\x03", b"00I1500.UM\x03", b"\x0200I1500.UM", b"\x0200I1500.UM\x03\x0200S\x03", b"\x0200I1500\x03",
    b"\x0200I.UM\x03", b"\x0200Q1500.UM\x03", b"\x0200I15.0.0UM\x03", b"\x02\xff\x03", b"x" * 4000,
])  # fmt: skip
async def test_garbage_is_never_a_value_and_passes(manual: ManualPeer, reply: bytes) -> None:
    driver = await opened(f"serial://{manual.path}")
    manual.mangle = lambda right: [(0.0, reply if manual.commands[-1] == "00RAT" else right)]
    with pytest.raises(Malformed):
        await read(driver, "flow")
    manual.mangle = lambda right: [(0.0, right)]
    assert (await read(driver, "flow"))[0].value == 1.5


async def test_a_damaged_packet_is_never_a_value(safe_syringe: Simulated) -> None:
    driver = make_safe(safe_syringe.url)
    await driver.open()
    safe_syringe.fault("crc", 0.3)
    with pytest.raises(Malformed):
        await read(driver, "diameter")


def test_the_frame_of_the_manual() -> None:
    assert new_era_line._packed(b"SAF0") == bytes.fromhex("02 08 53 41 46 30 55 43 03")
    assert crc16(b"SAF0") == b"\x55\x43"


@pytest.mark.parametrize("options", [{"address": 100}, {"mode": "fast"}, {"silence": 0}, {"diameter": 90.0}])
def test_wrong_options(options: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="option"):
        make("serial:///dev/null", **options)
