"""The Masterflex L/S driver against its simulator and fixed answers, the simulator against frames of other authors."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import serial

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
from drivers.instruments.masterflex_ls import MasterflexLs
from drivers.ports import SerialSettings
from tests.drivers.conftest import PtyPeer
from tests.drivers.simulated import Simulated, SimulatedBench, points, until

READABLE = ("speed", "rate", "running", "revolutions", "remaining", "remote")
TRUE = {"remaining": 0.0, "remote": 1.0}
"""Values that nothing in the conformance checks moves."""
MADE: list[MasterflexLs] = []


@pytest.fixture(autouse=True)
async def closed() -> AsyncIterator[None]:
    """A test that fails does not keep the port."""
    yield
    while MADE:
        await MADE.pop().close()


@pytest.fixture(scope="module")
def pump(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulated]:
    with Simulated("masterflex_ls", tmp_path_factory.mktemp("pty")) as simulated:
        yield simulated


@pytest.fixture(scope="module")
def pump_on_tcp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulated]:
    with Simulated("masterflex_ls", tmp_path_factory.mktemp("tcp"), port=0, number=7) as simulated:
        yield simulated


def make(url: str, **options: object) -> MasterflexLs:
    MADE.append(MasterflexLs(ConnectionSpec("pump", url, {"slowest_reply": 0.1, **options}, 0.4)))
    return MADE[-1]


async def opened(url: str, **options: object) -> MasterflexLs:
    driver = make(url, **options)
    await driver.open()
    return driver


async def standing(url: str, rate: float = 600.0, **options: object) -> MasterflexLs:
    """Whatever was done with the drive before, it stands, and is set to a rate."""
    driver = await opened(url, **options)
    for address, value in (("remote", 1.0), ("speed", 0.0), ("rate", rate)):
        assert await write(driver, address, value) == (WriteState.APPLIED, "")
    return driver


async def read(driver: MasterflexLs, *addresses: str) -> list[Sample]:
    return list(await driver.read(driver.plan(points(*addresses))))


async def write(driver: MasterflexLs, address: str, value: float) -> tuple[WriteState, str]:
    (outcome,) = await driver.write([(Point(address, address, "rw"), value)])
    return outcome.state, outcome.detail


class TestConformance(DriverConformance):
    """The contract, on a pseudo-terminal."""

    @pytest.fixture
    async def bench(self, pump: Simulated) -> SimulatedBench:
        return SimulatedBench(
            pump,
            make,
            points(*READABLE),
            Point("x", "torque"),
            (Point("speed", "speed", "rw"), 123.4),
            outside=(Point("speed", "speed", "rw"), 700.0),
            true=TRUE,
        )


class TestConformanceOnTcp(DriverConformance):
    """The contract, behind a device server, turning the other way."""

    @pytest.fixture
    async def bench(self, pump_on_tcp: Simulated) -> SimulatedBench:
        def turned(url: str) -> MasterflexLs:
            return make(url, number=7, direction="ccw")

        setting = (Point("speed", "speed", "rw"), 60.0)
        return SimulatedBench(
            pump_on_tcp,
            turned,
            points(*READABLE),
            Point("x", "7.speed"),
            setting,
            outside=(setting[0], 700.0),
            true=TRUE,
        )


async def test_a_drive_without_a_number_is_given_one(tmp_path: Path) -> None:
    with Simulated("masterflex_ls", tmp_path) as pump:
        driver = make(pump.url, number=2, assign=False)
        with pytest.raises(Timeout):
            await driver.open()
        await driver.close()
        driver = make(pump.url, number=2)
        assert await driver.open() == Identity("Masterflex", "L/S", "drive 2")
        assert await write(driver, "speed", 100.0) == (WriteState.APPLIED, "")
        pump.fault("reboot", 0.3)
        while True:
            try:
                (speed,) = await read(driver, "speed")
                break
            except DriverError:
                continue
        assert (speed.value, speed.quality) == (0.0, Quality.GOOD)


async def test_start_change_and_halt(pump: Simulated) -> None:
    driver = await opened(pump.url)
    for value in (100.0, 55.5, 0.0):
        assert await write(driver, "speed", value) == (WriteState.APPLIED, "")
        found = await read(driver, "speed", "running")
        assert [sample.value for sample in found] == [value, float(value > 0)]


async def test_a_drive_that_turns_the_other_way_is_halted_first(pump: Simulated) -> None:
    driver = await opened(pump.url)
    assert await write(driver, "speed", 100.0) == (WriteState.APPLIED, "")
    await driver.close()
    driver = await opened(pump.url, direction="ccw")
    assert (await read(driver, "speed"))[0].value == -100.0
    assert await write(driver, "speed", 50.0) == (WriteState.APPLIED, "")
    assert (await read(driver, "speed"))[0].value == 50.0
    assert await write(driver, "speed", 0.0) == (WriteState.APPLIED, "")


async def test_a_dose_is_given_once_at_its_rate_and_ends(pump: Simulated) -> None:
    driver = await standing(pump.url)
    (before,) = await read(driver, "revolutions")
    assert await write(driver, "dose", 3.0) == (WriteState.APPLIED, "")
    assert await write(driver, "dose", 3.0) == (WriteState.REFUSED, "the drive runs: halt it first")
    await until(driver, "running", lambda sample: not sample.value)
    after, left = await read(driver, "revolutions", "remaining")
    assert (after.value - before.value, left.value) == (pytest.approx(3.0, abs=0.01), 0.0)


async def test_a_dose_is_not_made_an_endless_run_by_a_change_of_speed(pump: Simulated) -> None:
    driver = await standing(pump.url, 20.0)
    assert await write(driver, "dose", 5.0) == (WriteState.APPLIED, "")
    refused = (WriteState.REFUSED, "a dose is being given: halt it first")
    assert await write(driver, "speed", 100.0) == refused
    await driver.close()
    driver = await opened(pump.url)
    assert await write(driver, "speed", 100.0) == refused, "nor by who did not start it"
    assert (await read(driver, "speed"))[0].value == 20.0
    assert await write(driver, "speed", 0.0) == (WriteState.APPLIED, "")
    assert (await read(driver, "remaining"))[0].value > 4.0
    # What is left of it does not end what goes on from here, and is not taken for a dose afterwards.
    assert await write(driver, "speed", 100.0) == (WriteState.APPLIED, "")
    await driver.close()
    driver = await opened(pump.url)
    assert await write(driver, "speed", 50.0) == (WriteState.APPLIED, "")
    assert await write(driver, "speed", 0.0) == (WriteState.APPLIED, "")


async def test_a_dose_the_other_way_is_refused(pump: Simulated) -> None:
    await (await standing(pump.url, 60.0)).close()
    driver = await opened(pump.url, direction="ccw")
    refused = (WriteState.REFUSED, "the drive is set to -60 rpm: set the rate first")
    assert await write(driver, "dose", 1.0) == refused
    assert await write(driver, "rate", 60.0) == (WriteState.APPLIED, "")
    assert await write(driver, "dose", 1.0) == (WriteState.APPLIED, "")
    assert (await read(driver, "speed"))[0].value == 60.0
    assert await write(driver, "speed", 0.0) == (WriteState.APPLIED, "")


@pytest.mark.parametrize(("address", "value", "why"), [
    ("speed", 5.0, "the drive stands: invalid data"),
    ("speed", 700.0, "the drive stands: invalid data"),
    ("rate", 700.0, "the drive keeps 600 rpm"),
    ("dose", 0.0, "dose must be 0.01 to 100000, not 0"),
    ("dose", 0.014, "0.014 revolutions cannot be given in hundredths"),
    ("remote", 0.5, "remote must be 0 or 1, not 0.5"),
    ("running", 1.0, "running cannot be written"),
])  # fmt: skip
async def test_what_cannot_be_is_refused(pump: Simulated, address: str, value: float, why: str) -> None:
    driver = await standing(pump.url)
    assert await write(driver, address, value) == (WriteState.REFUSED, why)


async def test_a_drive_under_local_control_is_left_alone(pump: Simulated) -> None:
    driver = await opened(pump.url)
    assert await write(driver, "remote", 0.0) == (WriteState.APPLIED, "")
    for address in ("speed", "dose", "rate"):
        assert await write(driver, address, 100.0) == (WriteState.REFUSED, "the drive is under local control")
    assert await write(driver, "remote", 1.0) == (WriteState.APPLIED, "")


async def test_a_start_that_is_refused_and_carried_out(tmp_path: Path) -> None:
    with Simulated("masterflex_ls", tmp_path, number=1, naks_go=True) as pump:
        driver = await opened(pump.url)
        assert await write(driver, "speed", 100.0) == (WriteState.APPLIED, "")
        assert await write(driver, "speed", 0.0) == (WriteState.APPLIED, "")
        assert await write(driver, "dose", 50.0) == (WriteState.UNKNOWN, "the drive refused the dose, and runs")
        assert await write(driver, "speed", 0.0) == (WriteState.APPLIED, "")
        assert await write(driver, "rate", 600.0) == (WriteState.APPLIED, "")
        (before,) = await read(driver, "revolutions")
        # Over before anybody can ask whether it runs.
        why = "the drive refused the dose, and may have turned"
        assert await write(driver, "dose", 0.02) == (WriteState.UNKNOWN, why)
        assert (await read(driver, "revolutions"))[0].value - before.value == pytest.approx(0.02)


def test_frames_of_other_authors(tmp_path: Path) -> None:
    with (
        Simulated("masterflex_ls", tmp_path) as pump,
        serial.Serial(pump.address["pty"], 4800, timeout=1) as port,
    ):
        for frame, reply in [
            ("05", b"\x02P?0\r"),
            ("05 50 30 32 0D", b"\x06"),
            ("02 50 30 32 52 0D", b"\x06"),
            ("02 50 30 32 53 2B 31 30 30 47 30 0D", b"\x06"),
            ("02 50 30 32 49 0D", b"\x02I10030\r"),
            ("02 50 30 32 53 0D", b"\x02S+100.0\r"),
            ("02 50 30 32 53 2D 31 30 30 0D", b"\x15"),
            ("02 50 30 32 48 0D", b"\x06"),
            ("02 50 30 32 51 0D", b"\x15"),
            ("02 50 30 32 49 0D", b"\x02I10014\r"),
        ]:
            port.write(bytes.fromhex(frame))
            assert port.read(len(reply)) == reply


NO_DOSE, DOSE = b"\x02E00000.00\r", b"\x02E00001.25\r"


class FixedPeer(PtyPeer):
    """Drive 1, which answers each command with fixed bytes."""

    def __init__(self) -> None:
        super().__init__()
        self.answers = {"I": b"\x02I10030\r", "S": b"\x02S+100.0\r", "C": b"\x02C00012.50\r", "E": NO_DOSE}
        self.commands: list[str] = []

    def answer(self, data: bytearray) -> bytes | None:
        line, found, _ = bytes(data).partition(b"\r")
        if not found:
            return None
        del data[: len(line) + 1]
        self.commands.append(line.decode().removeprefix("\x02P01"))
        return self.answers.get(self.commands[-1], b"\x06")


@pytest.fixture
async def fixed() -> AsyncIterator[FixedPeer]:
    peer = FixedPeer()
    yield peer
    peer.unplug()


def at(peer: FixedPeer) -> str:
    return f"serial://{peer.path}?bytesize=8&parity=N"


async def test_the_answers_as_they_are_known(fixed: FixedPeer) -> None:
    driver = await opened(at(fixed))
    fixed.answers["E"] = DOSE
    found = await read(driver, "speed", "revolutions", "remaining")
    assert [sample.value for sample in found] == [100.0, 12.5, 1.25]
    fixed.answers |= {"S": b"\x02P01S-50\r", "C": b"\x02C00000.50\r"}
    assert [sample.value for sample in await read(driver, "speed", "revolutions")] == [-50.0, 13.0]


@pytest.mark.parametrize(("state", "value", "quality", "word"), [
    (b"1", 0.0, Quality.GOOD, ""), (b"2", 0.0, Quality.GOOD, ""), (b"4", 0.0, Quality.GOOD, "stopped at its panel"),
    (b"5", None, Quality.BAD, "no feedback from the motor"), (b"6", None, Quality.BAD, "overload"),
    (b"7", None, Quality.BAD, "too much feedback from the motor"),
])  # fmt: skip
async def test_every_state(fixed: FixedPeer, state: bytes, value: float | None, quality: Quality, word: str) -> None:
    driver = await opened(at(fixed))
    fixed.answers["I"] = b"\x02I100" + state + b"0\r"
    (speed,) = await read(driver, "speed")
    assert (None if speed.value != speed.value else speed.value, speed.quality, speed.detail) == (value, quality, word)


async def test_a_dose_that_is_not_answered_is_unknown_and_sent_once(fixed: FixedPeer) -> None:
    driver = await opened(at(fixed))
    fixed.answers |= {"I": b"\x02I10010\r", "ZV2.50G": b""}
    state, _ = await write(driver, "dose", 2.5)
    assert (state, fixed.commands.count("ZV2.50G")) == (WriteState.UNKNOWN, 1)


async def test_a_command_that_is_refused_is_repeated_once(fixed: FixedPeer) -> None:
    driver = await opened(at(fixed))
    fixed.answers["S+080.0"] = b"\x15"
    assert await write(driver, "speed", 80.0) == (WriteState.REFUSED, "the drive keeps 100 rpm")
    assert fixed.commands.count("S+080.0") == 2


@pytest.mark.parametrize("reply", [
    b"\x02S+100.0", b"S+100.0\r", b"\x02S+100.0\r\x06", b"\x06\x06", b"\x06", b"\x02S+1x0\r", b"\x02C00012.50\r",
    b"\x02P02S+100.0\r", b"\x02S\xff\r", b"x" * 4000,
])  # fmt: skip
async def test_garbage_is_never_a_value_and_passes(fixed: FixedPeer, reply: bytes) -> None:
    driver = await opened(at(fixed))
    fixed.answers["S"] = reply
    with pytest.raises(Malformed):
        await read(driver, "speed")
    fixed.answers["S"] = b"\x02S+100.0\r"
    assert (await read(driver, "speed"))[0].value == 100.0


@pytest.mark.parametrize(("answers", "address", "value", "outcome"), [
    ({"I": b"\x02I10010\r", "ZV2.50G": b"\x15"}, "dose", 2.5, (WriteState.REFUSED, "the drive refuses the dose: NAK")),
    ({"I": b"\x02I10060\r"}, "speed", 80.0, (WriteState.REFUSED, "the drive stands: overload")),
    ({"I": b"\x02I00010\r"}, "remote", 1.0, (WriteState.REFUSED, "the drive keeps its control")),
    ({"I": b"\x02I1003\r"}, "speed", 80.0, (WriteState.UNKNOWN, "not a status: '1003'")),
    ({}, "speed", 0.0, (WriteState.REFUSED, "the drive runs")),
    ({"E": DOSE}, "speed", 80.0, (WriteState.REFUSED, "a dose is being given: halt it first")),
    ({"E": b"\x15"}, "speed", 100.0, (WriteState.APPLIED, "")),
    ({"I": b"\x02I10010\r"}, "dose", 2.5, (WriteState.UNKNOWN, "the drive took the dose, and stands")),
    ({"I": b"\x02I10010\r", "C": b"\x15"}, "dose", 2.5, (WriteState.APPLIED, "")),
    ({"I": b"\x02I10010\r", "C": b"\x15", "ZV2.50G": b"\x15"}, "dose", 2.5,
     (WriteState.UNKNOWN, "the drive refused the dose, and may have turned")),
])  # fmt: skip
async def test_what_becomes_of_a_write(
    fixed: FixedPeer, answers: dict[str, bytes], address: str, value: float, outcome: tuple[WriteState, str]
) -> None:
    driver = await opened(at(fixed))
    fixed.answers |= answers
    assert await write(driver, address, value) == outcome


async def test_a_drive_that_keeps_turning_the_other_way_is_not_told_as_started(fixed: FixedPeer) -> None:
    driver = await opened(at(fixed), direction="ccw")
    fixed.answers |= {"H": b"\x15", "S-100.0G0": b"\x15"}
    assert await write(driver, "speed", 100.0) == (WriteState.REFUSED, "the drive keeps -100 rpm")


async def test_a_question_that_is_refused_spoils_its_own_point_only(fixed: FixedPeer) -> None:
    driver = await opened(at(fixed))
    fixed.answers["C"] = b"\x15"
    turned, left = await read(driver, "revolutions", "remaining")
    assert (turned.quality, turned.detail, left.value) == (Quality.BAD, "the drive refuses the question C", 0.0)


def test_the_line_is_the_drives_own_by_default() -> None:
    assert make("serial:///dev/null").line._line.settings == SerialSettings("/dev/null", 4800, 7, "O", 1)


@pytest.mark.parametrize("options", [{"number": 0}, {"number": 90}, {"direction": "left"}, {"assign": 1}])
def test_wrong_options(options: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="option"):
        make("serial:///dev/null", **options)
