"""The EZO driver against its simulator and replies of the datasheets; the simulator byte by byte."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from drivers.conformance import DriverConformance
from drivers.contract import (
    BadAddress,
    ConnectionSpec,
    Identity,
    Malformed,
    Point,
    Quality,
    Reason,
    Refused,
    Timeout,
    WriteState,
    WrongIdentity,
)
from drivers.instruments.atlas_ezo import AtlasEzo
from tests.drivers.conftest import PtyPeer
from tests.drivers.simulated import Simulated, SimulatedBench, believed, points

QUICK: dict[str, Any] = {"reading_s": 0.02, "command_s": 0.01, "interval_s": 0.25}
OF_PH = ("ph", "compensation", "supply", "slope_acid", "offset")
TRUE = {"supply": 5.038, "slope_acid": 99.7, "offset": -0.89}
"""Values that nothing in the conformance checks moves."""
COMPENSATION = Point("compensation", "compensation", "rw")


@pytest.fixture(scope="module")
def ph(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulated]:
    with Simulated("atlas_ezo", tmp_path_factory.mktemp("pty"), **QUICK) as simulated:
        yield simulated


@pytest.fixture(scope="module")
def ph_on_tcp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulated]:
    with Simulated("atlas_ezo", tmp_path_factory.mktemp("tcp"), port=0, **QUICK) as simulated:
        yield simulated


def make(url: str, **options: object) -> AtlasEzo:
    return AtlasEzo(ConnectionSpec("probe", url, {"slowest_reply": 0.1, **options}, 0.3))


class TestConformance(DriverConformance):
    """The contract, on a pseudo-terminal."""

    @pytest.fixture
    async def bench(self, ph: Simulated) -> SimulatedBench:
        return SimulatedBench(
            ph,
            make,
            points(*OF_PH),
            Point("x", "colour"),
            (COMPENSATION, 37.0),
            outside=(COMPENSATION, 151.0),
            true=TRUE,
        )


class TestConformanceOnTcp(DriverConformance):
    """The contract, behind a device server."""

    @pytest.fixture
    async def bench(self, ph_on_tcp: Simulated) -> SimulatedBench:
        return SimulatedBench(
            ph_on_tcp,
            make,
            points(*OF_PH),
            Point("x", "colour"),
            (COMPENSATION, 37.0),
            outside=(COMPENSATION, 151.0),
            true=TRUE,
        )


async def values(driver: AtlasEzo, *addresses: str) -> dict[str, float]:
    """Read until everything was asked for once."""
    plan = driver.plan(points(*addresses))
    for _ in addresses:
        samples = await driver.read(plan)
    assert all(sample.quality is Quality.GOOD for sample in samples)
    return dict(zip(addresses, (sample.value for sample in samples), strict=True))


async def one(driver: AtlasEzo, address: str) -> Any:
    (sample,) = await driver.read(driver.plan(points(address)))
    return sample


@pytest.mark.parametrize(("circuit", "label", "expected"), [
    ("PH", "EZO-pH", {"ph": 7.0, "calibration": 0.0, "supply": 5.038, "slope_acid": 99.7, "slope_base": 100.3,
                      "offset": -0.89, "compensation": 25.0}),
    ("DO", "EZO-D.O.", {"oxygen": 8.62, "saturation": 95.0, "compensation": 20.0}),
    ("RTD", "EZO-RTD", {"temperature": 25.0, "calibration": 0.0}),
    ("EC", "EZO-EC", {"conductivity": 1413.0, "compensation": 25.0}),
])  # fmt: skip
async def test_every_circuit(tmp_path: Path, circuit: str, label: str, expected: dict[str, float]) -> None:
    with Simulated("atlas_ezo", tmp_path, circuit=circuit, **QUICK) as probe:
        driver = make(probe.url, circuit=circuit)
        assert await driver.open() == Identity("Atlas Scientific", label, firmware="2.16")
        assert await values(driver, *expected) == expected
        await driver.close()


async def test_one_question_is_asked_per_read_and_the_reading_most_often(ph: Simulated) -> None:
    driver = make(ph.url)
    await driver.open()
    asked: list[str] = []
    ask = driver.line.ask

    async def counted(request: bytes, complete: Any) -> bytes:
        """Ask, and note what."""
        asked.append(request.decode().strip())
        return await ask(request, complete)

    driver.line.ask = counted  # type: ignore[method-assign]  # to see what is sent
    plan = driver.plan(points("ph", "supply", "calibration"))
    for _ in range(33):
        await driver.read(plan)
    assert len(asked) == 33
    assert asked[:3] == ["R", "Status", "Cal,?"]
    assert (asked.count("R"), asked.count("Status"), asked.count("Cal,?")) == (28, 2, 3)
    settings = driver.plan(points("supply", "calibration"))
    asked.clear()
    for _ in range(4):
        await driver.read(settings)
    assert sorted(asked) == ["Cal,?", "Cal,?", "Status", "Status"]
    assert await driver.read(driver.plan([])) == []
    await driver.close()


def test_points_of_other_circuits_are_refused() -> None:
    for circuit, wrong in (("PH", "oxygen"), ("RTD", "compensation"), ("DO", "offset"), ("EC", "temperature")):
        with pytest.raises(BadAddress, match=wrong):
            make("serial:///dev/null", circuit=circuit).plan(points(wrong))


async def test_another_circuit_or_scale_is_refused(ph: Simulated, tmp_path: Path) -> None:
    driver = make(ph.url, circuit="RTD")
    with pytest.raises(WrongIdentity, match="a circuit for pH, not for RTD"):
        await driver.open()
    await driver.close()
    with Simulated("atlas_ezo", tmp_path, circuit="RTD", scale="f", **QUICK) as probe:
        driver = make(probe.url, circuit="RTD")
        with pytest.raises(WrongIdentity, match="its scale is f, not c"):
            await driver.open()
        await driver.close()


@pytest.mark.parametrize(("settings", "quality", "detail"), [
    ({"circuit": "PH", "probe": False}, Quality.BAD, "at an end of its range: no probe?"),
    ({"circuit": "RTD", "probe": False}, Quality.BAD, "no probe"),
    ({"circuit": "PH", "supply": "*UV"}, Quality.UNCERTAIN, "supply voltage too low"),
    ({"circuit": "RTD", "supply": "*OV"}, Quality.UNCERTAIN, "supply voltage too high"),
    ({"circuit": "PH", "unknown": ["R"]}, Quality.BAD, "R: it does not know this, or not now"),
])  # fmt: skip
async def test_what_is_no_good_reading_says_why(
    tmp_path: Path, settings: dict[str, Any], quality: Quality, detail: str
) -> None:
    with Simulated("atlas_ezo", tmp_path, **settings, **QUICK) as probe:
        driver = make(probe.url, circuit=settings["circuit"])
        await driver.open()
        sample = await one(driver, "ph" if settings["circuit"] == "PH" else "temperature")
        assert (sample.quality, sample.reason, sample.detail) == (quality, Reason.DEVICE, detail)
        await driver.close()


async def is_noticed(driver: AtlasEzo) -> bool:
    """Whether what nobody asked for spoils an answer or, between two, makes the driver ask anew who is there."""
    asked: list[bool] = []
    identify = driver.identify

    async def counted() -> Identity:
        """Identify, and note it."""
        asked.append(True)
        return await identify()

    driver.identify = counted  # type: ignore[method-assign]  # to see that it is done
    try:
        for _ in range(200):
            await one(driver, "ph")
            if asked:
                return True
    except (Malformed, Timeout):
        return True
    return False


async def test_continuous_readings_and_silent_commands_are_undone(ph: Simulated) -> None:
    for command in (b"C,1\r", b"*OK,0\r", b"Sleep\r"):
        driver = make(ph.url)
        ph.say(command)
        await driver.open()
        assert (await one(driver, "ph")).value == 7.0
        ph.say(command)
        assert await is_noticed(driver)
        assert (await one(driver, "ph")).value == 7.0
        await driver.close()


async def test_a_loss_of_power_is_noticed_and_forgets_the_compensation(ph: Simulated) -> None:
    driver = make(ph.url)
    await driver.open()
    (outcome,) = await driver.write([(COMPENSATION, 37.0)])
    assert outcome.state is WriteState.APPLIED
    assert (await one(driver, "compensation")).value == 37.0
    ph.fault("reboot", 0.02)
    await driver.close()
    await driver.open()
    assert (await one(driver, "compensation")).value == 25.0
    await driver.close()


async def test_a_short_loss_of_power_between_two_reads_does_not_go_unnoticed(ph: Simulated) -> None:
    driver = make(ph.url)
    await driver.open()
    (outcome,) = await driver.write([(COMPENSATION, 37.0)])
    assert outcome.state is WriteState.APPLIED
    plan = driver.plan(points("ph", "compensation"))
    for _ in range(2):
        samples = await driver.read(plan)
    assert [sample.value for sample in samples] == [7.0, 37.0]
    ph.fault("reboot", 0.02)
    await asyncio.sleep(0.06)
    told = [(await driver.read(plan))[1] for _ in range(2)]
    assert (told[0].quality, told[1].value) == (Quality.BAD, 25.0)
    await driver.close()


class Circuit(PtyPeer):
    """A circuit that answers what it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.replies = {
            b"C,0": b"*OK\r", b"*OK,1": b"*OK\r", b"i": b"?i,pH,2.16\r*OK\r", b"R": b"9.560\r*OK\r",
            b"T,?": b"?T,19.5\r*OK\r", b"Status": b"?Status,P,5.038\r*OK\r",
        }  # fmt: skip

    def answer(self, data: bytearray) -> bytes | None:
        line, found, _ = bytes(data).partition(b"\r")
        if not found:
            return None
        del data[: len(line) + 1]
        return self.replies.get(line, b"*ER\r")


@pytest.fixture
async def circuit() -> AsyncIterator[Circuit]:
    peer = Circuit()
    yield peer
    peer.unplug()


async def test_replies_as_printed(circuit: Circuit) -> None:
    driver = make(f"serial://{circuit.path}")
    assert await driver.open() == Identity("Atlas Scientific", "EZO-pH", firmware="2.16")
    assert await values(driver, "ph", "compensation", "supply") == {"ph": 9.56, "compensation": 19.5, "supply": 5.038}
    refused = await one(driver, "offset")
    assert (refused.quality, refused.detail) == (Quality.BAD, "Slope,?: it does not know this, or not now")
    for about in (b"0.013", b"13.987"):
        circuit.replies[b"R"] = about + b"\r*OK\r"
        assert (await one(driver, "ph")).quality is Quality.BAD
    circuit.replies[b"T,37.00"] = b"*OK\r"
    (outcome,) = await driver.write([(COMPENSATION, 37.0)])
    assert (outcome.state, outcome.detail) == (WriteState.REFUSED, "it keeps its compensation at 19.5")
    await driver.close()


@pytest.mark.parametrize(("reply", "why"), [
    (b"*OK\r", "not one reading"), (b"9.560\r9.561\r*OK\r", "not one reading"), (b"9.5x0\r*OK\r", "not a number"),
    (b"9.560,1\r*OK\r", "not 1 numbers"), (b"*OK\r9.560\r", "more than an answer"),
    (b"*ER\r*OK\r", "more than an answer"), (b"*RS\r*RE\r9.560\r*OK\r", "it restarted"),
    (b"*WA\r*OK\r", "it was asleep"), (b"nan\r*OK\r", "not a number"),
])  # fmt: skip
async def test_what_is_no_answer_is_not_believed(circuit: Circuit, reply: bytes, why: str) -> None:
    driver = make(f"serial://{circuit.path}")
    await driver.open()
    circuit.replies[b"R"] = reply
    with pytest.raises(Malformed, match=why):
        await one(driver, "ph")
    circuit.replies[b"R"] = b"9.560\r*OK\r"
    assert (await one(driver, "ph")).value == 9.56
    await driver.close()


async def test_answers_to_other_questions_and_outputs_that_stay_off(circuit: Circuit) -> None:
    driver = make(f"serial://{circuit.path}")
    await driver.open()
    circuit.replies[b"Status"] = b"?T,19.5\r*OK\r"
    with pytest.raises(Malformed, match="not an answer to Status"):
        await one(driver, "supply")
    await driver.close()
    circuit.replies |= {b"i": b"?i,D.O.,1.98\r*OK\r", b"O,?": b"?,O,mg\r*OK\r", b"O,%,1": b"*OK\r"}
    driver = make(f"serial://{circuit.path}", circuit="DO")
    with pytest.raises(Refused, match="it outputs MG"):
        await driver.open()
    circuit.replies |= {b"O,?": b"?,O,%,mg\r*OK\r", b"R": b"7.82,95.1\r*OK\r"}
    await driver.open()
    assert await values(driver, "saturation", "oxygen") == {"saturation": 95.1, "oxygen": 7.82}
    await driver.close()


TALK = [
    ("C,0", ["*OK"]), ("c,?", ["?C,0", "*OK"]), ("i", ["?i,pH,2.16", "*OK"]), ("R", ["7.000", "*OK"]),
    ("RT,25.1", ["7.000", "*OK"]), ("T,?", ["?T,25.1", "*OK"]), ("T,37.0", ["*OK"]), ("T,x", ["*ER"]),
    ("Cal,mid,7.00", ["*OK"]), ("Cal,low,4.00", ["*OK"]), ("Cal,?", ["?Cal,2", "*OK"]), ("Cal,mid,7.00", ["*OK"]),
    ("Cal,?", ["?Cal,1", "*OK"]), ("Cal,clear", ["*OK"]), ("Cal,?", ["?Cal,0", "*OK"]), ("Cal,up,1", ["*ER"]),
    ("Slope,?", ["?Slope,99.7,100.3,-0.89", "*OK"]), ("Status", ["?Status,P,5.038", "*OK"]), ("S,?", ["*ER"]),
    ("O,%,1", ["*ER"]), ("L,0", ["*OK"]), ("L,?", ["?L,0", "*OK"]), ("Name,x", ["*OK"]), ("Name,?", ["?Name,x", "*OK"]),
    ("*OK,0", []), ("*OK,?", ["?*OK,0"]), ("*OK,1", ["*OK"]), ("C,100", ["*ER"]), ("Name," + 40 * "x", ["*ER"]),
    ("Sleep", ["*OK", "*SL"]), ("R", ["*WA"]), ("R", ["7.000", "*OK"]), ("Factory", ["*OK", "*RS", "*RE"]),
]  # fmt: skip


def test_the_simulator_command_by_command(tmp_path: Path) -> None:
    with (
        Simulated("atlas_ezo", tmp_path, port=0, continuous=0, reading_s=0.0, command_s=0.0) as probe,
        socket.create_connection(("127.0.0.1", probe.address["port"]), timeout=2) as wire,
        wire.makefile("rb") as stream,
    ):
        for command, reply in TALK:
            wire.sendall(command.encode() + b"\r")
            expected = "".join(line + "\r" for line in reply).encode()
            assert stream.read(len(expected)) == expected, command


@pytest.mark.parametrize(("fault", "magnitude"), [
    ("delay", 0.25), ("garbage", 0.0), ("truncate", 0.7), ("crc", 0.0), ("freeze", 0.0),
])  # fmt: skip
async def test_no_fault_of_the_line_makes_a_wrong_value(ph: Simulated, fault: str, magnitude: float) -> None:
    driver = make(ph.url, slowest_reply=0.3)
    await driver.open()
    ph.fault(fault, 0.3, magnitude=magnitude)
    assert await believed(driver, ["ph", "supply"], 0.6) <= {("ph", 7.0), ("supply", 5.038)}
    await driver.close()
