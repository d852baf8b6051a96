"""The balance's driver against its simulator, replies of the manual and somebody else's emulator; the simulator byte by
byte.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from mtsics.core.state import ScaleConfig, ScaleState
from mtsics.protocol.engine import MTSICSEngine
from mtsics.transport.tcp import TCPConfig, TCPTransport

from drivers.conformance import DriverConformance
from drivers.contract import (
    ConnectionSpec,
    DriverError,
    Identity,
    Malformed,
    Point,
    Quality,
    Reason,
    Sample,
    WriteState,
)
from drivers.instruments.mettler_toledo import MettlerToledo
from tests.drivers.conftest import PtyPeer
from tests.drivers.simulated import Simulated, SimulatedBench, believed, points

READABLE = ("weight", "stable", "tare")
STABLE = {"stable": 1.0}
TARE = Point("tare", "tare", "rw")


@pytest.fixture(scope="module")
def balance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulated]:
    with Simulated("mettler_toledo", tmp_path_factory.mktemp("pty"), load=1234.5) as simulated:
        yield simulated


@pytest.fixture(scope="module")
def balance_on_tcp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulated]:
    with Simulated("mettler_toledo", tmp_path_factory.mktemp("tcp"), load=1234.5, port=0) as simulated:
        yield simulated


def make(url: str, **options: object) -> MettlerToledo:
    return MettlerToledo(ConnectionSpec("balance", url, {"slowest_reply": 0.1, **options}, 0.4))


class BalancePeer(PtyPeer):
    """A balance that answers what it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.replies = {
            b"I4": b'I4 A "1126493049"', b"I2": b'I2 A "XS204 Excellence 220.0090 g"', b"I3": b'I3 A "1.10"',
            b"SI": b"S S     100.00 g", b"TA": b"TA A      10.00 g",
        }  # fmt: skip
        self.commands: list[bytes] = []

    def answer(self, data: bytearray) -> bytes | None:
        line, found, _ = bytes(data).partition(b"\r\n")
        if not found:
            return None
        del data[: len(line) + 2]
        self.commands.append(line)
        return self.replies.get(line, b"ES") + b"\r\n"


@pytest.fixture
async def peer() -> AsyncIterator[BalancePeer]:
    balance = BalancePeer()
    yield balance
    balance.unplug()


class TestConformance(DriverConformance):
    """The contract, on a pseudo-terminal."""

    @pytest.fixture
    async def bench(self, balance: Simulated) -> SimulatedBench:
        return SimulatedBench(
            balance,
            make,
            points(*READABLE),
            Point("x", "height"),
            (TARE, 20.5),
            outside=(TARE, 7000.0),
            true={"stable": 1.0},
        )


class TestConformanceOnTcp(DriverConformance):
    """The contract, behind a device server."""

    @pytest.fixture
    async def bench(self, balance_on_tcp: Simulated) -> SimulatedBench:
        return SimulatedBench(
            balance_on_tcp,
            make,
            points(*READABLE),
            Point("x", "height"),
            (TARE, 20.5),
            outside=(TARE, 7000.0),
            true={"stable": 1.0},
        )


async def one(driver: MettlerToledo, address: str = "weight") -> Any:
    (sample,) = await driver.read(driver.plan(points(address)))
    return sample


async def put(driver: MettlerToledo, address: str, value: float = 1.0) -> tuple[WriteState, str]:
    (outcome,) = await driver.write([(Point(address, address, "w"), value)])
    return outcome.state, outcome.detail


async def after(driver: MettlerToledo, done: Callable[[Sample], bool]) -> Sample:
    """The weight once it is as wanted, whatever is not answered before."""
    async with asyncio.timeout(5.0):
        while True:
            with contextlib.suppress(DriverError):
                if done(sample := await one(driver)):
                    return cast("Sample", sample)
            await asyncio.sleep(0.01)


async def test_who_answers(balance: Simulated) -> None:
    driver = make(balance.url)
    assert await driver.open() == Identity("Mettler Toledo", "MS6002TS", "B123456789", "1.30 18.6.4.1361.772")
    await driver.close()


async def test_gross_tare_net_and_zero(tmp_path: Path) -> None:
    with Simulated("mettler_toledo", tmp_path, load=80.0) as balance:
        driver = make(balance.url)
        await driver.open()
        assert (await one(driver)).value == 80.0
        assert await put(driver, "tare", 30.004) == (WriteState.APPLIED, "")
        assert [(await one(driver)).value, (await one(driver, "tare")).value] == [50.0, 30.0]
        assert await put(driver, "tare_now") == (WriteState.APPLIED, "")
        assert [(await one(driver)).value, (await one(driver, "tare")).value] == [0.0, 80.0]
        assert await put(driver, "zero") == (WriteState.APPLIED, "")
        assert [(await one(driver)).value, (await one(driver, "tare")).value] == [0.0, 0.0]
        assert await put(driver, "zero", 2.0) == (WriteState.REFUSED, "zero must be 1 to 1, not 2")
        await driver.close()


async def test_what_cannot_be_set_is_refused(balance: Simulated) -> None:
    driver = make(balance.url)
    await driver.open()
    assert await put(driver, "zero") == (WriteState.REFUSED, "overload")
    assert await put(driver, "tare", 6200.5) == (WriteState.REFUSED, "wrong parameter")
    limited = make(balance.url, capacity=6000.0)
    assert await put(limited, "tare", 6000.5) == (WriteState.REFUSED, "tare must be 0 to 6000, not 6000.5")
    await driver.close()


async def test_a_moving_weight_is_not_zeroed_and_may_be_doubtful(tmp_path: Path) -> None:
    with Simulated("mettler_toledo", tmp_path, rate=50.0) as balance:
        driver = make(balance.url)
        await driver.open()
        await one(driver, "stable")
        sample = await one(driver)
        assert (sample.quality, sample.detail, sample.value > 0) == (Quality.GOOD, "dynamic", True)
        assert (await one(driver, "stable")).value == 0.0
        for command in ("zero", "tare_now"):
            assert await put(driver, command) == (WriteState.REFUSED, "not settled")
        await driver.close()
        strict = make(balance.url, dynamic="uncertain")
        await strict.open()
        sample = await one(strict)
        assert (sample.quality, sample.reason, sample.detail) == (Quality.UNCERTAIN, Reason.DEVICE, "dynamic")
        await strict.close()


@pytest.mark.parametrize(("settings", "why"), [
    ({"load": 7000.0}, "overload"), ({"load": -200.0, "capacity": 500.0}, "underload"),
    ({"fault": "10b"}, "fault 10b of its weight cell"),
])  # fmt: skip
async def test_what_is_no_weight_says_why(tmp_path: Path, settings: dict[str, Any], why: str) -> None:
    with Simulated("mettler_toledo", tmp_path, **settings) as balance:
        driver = make(balance.url)
        await driver.open()
        sample = await one(driver)
        assert (sample.quality, sample.reason, sample.detail) == (Quality.BAD, Reason.DEVICE, why)
        assert (await put(driver, "tare_now"))[0] is WriteState.REFUSED
        await driver.close()


async def test_busy_with_its_adjustment(tmp_path: Path) -> None:
    with Simulated("mettler_toledo", tmp_path) as balance:
        driver = make(balance.url)
        await driver.open()
        balance.say(b"C3\r\n")
        sample = await one(driver)
        assert (sample.quality, sample.detail) == (Quality.BAD, "busy, or not settled")
        await driver.close()


async def test_another_unit_is_converted(balance: Simulated) -> None:
    driver = make(balance.url)
    await driver.open()
    before = await one(driver)
    balance.fault("wrong_unit", 0.2)
    assert (await one(driver)).value == pytest.approx(before.value)
    await driver.close()


async def test_weights_nobody_asked_for_are_no_answers(tmp_path: Path) -> None:
    with Simulated("mettler_toledo", tmp_path, load=10.0, prints=0.003) as balance:
        driver = make(balance.url, slowest_reply=0.05)
        driver.line.silence = nothing  # type: ignore[method-assign]  # the print key is held down: there is none
        await driver.open()
        for _ in range(30):
            assert (await one(driver, "tare")).value == 0.0
            assert (await one(driver)).value == 10.0
        await driver.close()


async def nothing() -> None:
    """Instead of waiting for silence."""


async def test_a_balance_that_repeats_is_quieted(balance: Simulated) -> None:
    balance.say(b"SIR\r\n")
    driver = make(balance.url, slowest_reply=0.3)
    await driver.open()
    assert (await one(driver)).quality is Quality.GOOD
    await driver.close()


async def test_a_balance_that_was_switched_on_has_another_zero(tmp_path: Path) -> None:
    with Simulated("mettler_toledo", tmp_path, load=100.0) as balance:
        driver = make(balance.url)
        await driver.open()
        assert (await one(driver)).value == 100.0
        balance.fault("reboot", 0.01)
        sample = await after(driver, lambda sample: not sample.value)
        assert (sample.value, sample.quality, sample.reason) == (0.0, Quality.UNCERTAIN, Reason.DEVICE)
        assert sample.detail.startswith("it was switched on")
        await driver.close()
        await driver.open()
        assert (await one(driver)).quality is Quality.UNCERTAIN, "also over a new connection"
        assert (await put(driver, "zero"))[0] is WriteState.APPLIED
        assert (await one(driver)).quality is Quality.GOOD
        await driver.close()


async def test_a_tare_that_is_gone_tells_of_a_loss_of_power_that_nobody_heard(balance: Simulated) -> None:
    driver = make(balance.url)
    await driver.open()
    assert await put(driver, "tare", 20.0) == (WriteState.APPLIED, "")
    assert (await one(driver)).quality is Quality.GOOD
    await driver.close()
    balance.fault("reboot", 0.01)
    await asyncio.sleep(0.1)
    await driver.open()
    assert (await one(driver)).quality is Quality.UNCERTAIN
    assert (await one(driver, "tare")).value == 0.0
    assert await put(driver, "tare", 0.0) == (WriteState.APPLIED, "")
    assert (await one(driver)).quality is Quality.GOOD
    await driver.close()


async def test_who_tares_at_the_balance_knows_its_zero(peer: BalancePeer) -> None:
    driver = make(f"serial://{peer.path}")
    await driver.open()
    peer.send(b'I4 A "1126493049"\r\n')
    assert (await after(driver, lambda sample: sample.quality is not Quality.GOOD)).value == 100.0
    peer.replies[b"TA"] = b"TA A      12.00 g"
    assert (await one(driver, "tare")).value == 12.0
    assert (await one(driver)).quality is Quality.GOOD
    await driver.close()


async def test_a_late_serial_number_is_no_switching_on(peer: BalancePeer) -> None:
    driver = make(f"serial://{peer.path}", slowest_reply=0.3)
    await driver.open()
    peer.mangle = lambda reply: [(0.25, reply)]
    with pytest.raises(DriverError):
        await one(driver)
    with pytest.raises(DriverError):
        await one(driver)  # asks for the serial number, which comes too late
    peer.mangle = lambda reply: [(0.0, reply)]
    assert (await one(driver)).quality is Quality.GOOD
    await driver.close()


async def test_a_switching_on_within_an_answer(peer: BalancePeer) -> None:
    driver = make(f"serial://{peer.path}")
    await driver.open()
    peer.mangle = lambda reply: [(0.0, b'I4 A "1126493049"\r\n' + reply)]
    assert (await one(driver)).quality is Quality.UNCERTAIN
    await driver.close()


async def test_a_switching_on_with_xon_between(peer: BalancePeer) -> None:
    driver = make(f"serial://{peer.path}")
    await driver.open()
    peer.send(b'\x11I4 A "1126493049"\r\n')
    await after(driver, lambda sample: sample.quality is Quality.UNCERTAIN)
    await driver.close()


@pytest.mark.parametrize(("reply", "value"), [
    (b"S S     100.00 g", 100.0), (b"S S      -0.50 g", -0.5), (b"S D       1.24 kg", 1240.0),
    (b"S S      12345 mg", 12.345), (b"SI S     100.00 g", 100.0),
    (b"\x11S S     100.00 g\x13", 100.0),  # of one that is set to XON/XOFF
])  # fmt: skip
async def test_replies_as_printed(peer: BalancePeer, reply: bytes, value: float) -> None:
    driver = make(f"serial://{peer.path}")
    assert await driver.open() == Identity("Mettler Toledo", "XS204", "1126493049", "1.10")
    peer.replies[b"SI"] = reply
    sample = await one(driver)
    assert (sample.value, sample.quality) == (pytest.approx(value), Quality.GOOD)
    assert peer.commands == [b"SI", b"I4", b"I2", b"I3", b"TA", b"SI"]
    await driver.close()


@pytest.mark.parametrize("reply", [b"S S    100.00 g", b"S S    1 00.00 g", b"S A     100.00 g", b"S S     100.00"])
async def test_what_lost_a_character_is_not_believed(peer: BalancePeer, reply: bytes) -> None:
    driver = make(f"serial://{peer.path}")
    await driver.open()
    peer.replies[b"SI"] = reply
    with pytest.raises(Malformed, match="not a weight"):
        await one(driver)
    await driver.close()


async def test_units_that_are_no_mass_and_commands_that_do_not_exist(peer: BalancePeer) -> None:
    driver = make(f"serial://{peer.path}")
    peer.replies[b"I2"] = peer.replies[b"I3"] = b"ES"
    assert (await driver.open()).model == "balance"
    peer.replies[b"SI"] = b"S S         12 PCS"
    weight, tare = await driver.read(driver.plan(points("weight", "tare")))
    assert (weight.quality, weight.detail) == (Quality.BAD, "PCS is no unit of mass known here")
    assert (tare.value, tare.quality) == (10.0, Quality.GOOD)
    assert await put(driver, "tare", 12.0) == (WriteState.REFUSED, "TA 12 g: it does not know this command")
    peer.replies[b"TA 12 g"] = b"TA A      11.00 g"
    assert await put(driver, "tare", 12.0) == (WriteState.REFUSED, "it keeps its tare at 11 g")
    await driver.close()


async def test_somebody_elses_emulator() -> None:
    state = ScaleState(ScaleConfig(serial_number="SN1"))
    transport = TCPTransport(MTSICSEngine(state), cfg=TCPConfig(host="127.0.0.1", port=0))
    _, port = await transport.start()
    driver = make(f"tcp://127.0.0.1:{port}")
    assert (await driver.open()).serial == "SN1"
    state.set_weight(12.5)
    assert (await one(driver)).value == 12500.0
    assert await put(driver, "tare_now") == (WriteState.APPLIED, "")
    state.set_weight(12.0, stable=False)
    sample = await one(driver)
    assert (sample.value, sample.detail) == (-500.0, "dynamic")
    assert await put(driver, "zero") == (WriteState.REFUSED, "not settled")
    state.set_weight(200.0)
    assert (await one(driver)).detail == "overload"
    await driver.close()
    await transport.close()


TALK = [
    ("SI", "S S    1000.00 g"), ("S", "S S    1000.00 g"), ("SC 500", "S S    1000.00 g"), ("Z", "Z +"),
    ("TA 10.00 g", "TA A      10.00 g"), ("TA", "TA A      10.00 g"), ("SI", "S S     990.00 g"), ("TA -1 g", "TA L"),
    ("TAC", "TAC A"), ("T", "T S    1000.00 g"), ("SI", "S S       0.00 g"), ("TI", "TI S    1000.00 g"),
    ("ZI", "ZI +"), ("M21 0 1", "M21 A"), ("TA", "TA A    1.00000 kg"), ("M21 0 0", "M21 A"), ("M21 0 99", "M21 L"),
    ("@", 'I4 A "B123456789"'), ("TA", "TA A       0.00 g"), ('D "HELLO"', "D A"), ("DW", "DW A"), ("WS 1", "WS A"),
    ("I1", 'I1 A "0123" "2.00" "2.20" "1.00" "1.50"'), ("I10", 'I10 A "bottle"'), ("I11", 'I11 A "MS6002TS"'),
    ("I5", 'I5 A "11670125A"'), ("SIX", "ES"), ("si", "ES"), ("", "ES"), ("C3", "C3 B"), ("SI", "S I"), ("TI", "TI I"),
]  # fmt: skip


def test_the_simulator_command_by_command(tmp_path: Path) -> None:
    with (
        Simulated("mettler_toledo", tmp_path, load=1000.0, port=0) as balance,
        socket.create_connection(("127.0.0.1", balance.address["port"]), timeout=2) as wire,
        wire.makefile("rwb", buffering=0) as stream,
    ):
        for command, reply in TALK:
            stream.write(command.encode() + b"\r\n")
            assert stream.readline() == reply.encode() + b"\r\n", command
        stream.write(b"@\r\nI0\r\n")
        lines = [stream.readline() for _ in range(26)]
        assert (lines[1], lines[-1]) == (b'I0 B 0 "@"\r\n', b'I0 A 0 "ZI"\r\n')


def test_the_simulator_speaks_by_itself(tmp_path: Path) -> None:
    with (
        Simulated("mettler_toledo", tmp_path, rate=50.0, patience=0.3, port=0) as balance,
        socket.create_connection(("127.0.0.1", balance.address["port"]), timeout=2) as wire,
        wire.makefile("rwb", buffering=0) as stream,
    ):
        stream.write(b"SI\r\nSIR\r\n")
        assert {stream.readline()[:4] for _ in range(4)} <= {b"S S ", b"S D "}
        stream.write(b"Z\r\n")
        while (line := stream.readline()).startswith(b"S"):
            pass
        assert line == b"Z I\r\n"
        stream.write(b"S\r\nSI\r\n")
        assert stream.readline() == b"S I\r\n"
        balance.fault("reboot", 0.01)
        assert stream.readline() == b'I4 A "B123456789"\r\n'


@pytest.mark.parametrize(("fault", "magnitude"), [
    ("delay", 0.25), ("garbage", 0.0), ("truncate", 0.7), ("crc", 0.0), ("freeze", 0.0),
])  # fmt: skip
async def test_no_fault_of_the_line_makes_a_wrong_weight(balance: Simulated, fault: str, magnitude: float) -> None:
    driver = make(balance.url, slowest_reply=0.3)
    await driver.open()
    assert await put(driver, "tare", 34.5) == (WriteState.APPLIED, "")
    before = (await one(driver)).value
    balance.fault(fault, 0.3, magnitude=magnitude)
    assert await believed(driver, ["weight", "tare"], 0.6) <= {("weight", before), ("tare", 34.5)}
    await driver.close()
