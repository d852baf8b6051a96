"""The ProPar driver against its simulator and the manual's frames; the simulator against the vendor's own package."""

from __future__ import annotations

import socket
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import propar
import pytest
import serial

from drivers.conformance import DriverConformance
from drivers.contract import ConnectionSpec, Identity, Malformed, Point, Quality, Reason, Timeout, WriteState
from drivers.instruments.bronkhorst import Bronkhorst
from drivers.instruments.bronkhorst_words import FLOW, MEASURE, SERIAL
from drivers.propar import LONG, Parameter, question, unstuffed, values, write
from tests.drivers.conftest import PtyPeer
from tests.drivers.simulated import Simulated, SimulatedBench, believed, points, until

READABLE = (
    "flow", "setpoint", "control_mode", "alarm", "measure", "setpoint_percent", "temperature", "counter", "valve",
    "capacity",
)  # fmt: skip
TRUE = {"temperature": 23.5, "alarm": 0.0}
"""Values that nothing in the conformance checks moves."""
SETPOINT = Point("setpoint", "setpoint", "rw")
PERCENT = Point("setpoint_percent", "setpoint_percent", "rw")


@pytest.fixture(scope="module")
def mfc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulated]:
    nodes = {"3": {}, "4": {"capacity": 20.0, "unit": "ln/min"}, "16": {"without": ["33/7", "113/5"]}}
    with Simulated("bronkhorst", tmp_path_factory.mktemp("pty"), nodes=nodes) as simulated:
        yield simulated


@pytest.fixture(scope="module")
def mfc_on_tcp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulated]:
    with Simulated("bronkhorst", tmp_path_factory.mktemp("tcp"), port=0) as simulated:
        yield simulated


def make(url: str, **options: object) -> Bronkhorst:
    return Bronkhorst(ConnectionSpec("mfc", url, {"slowest_reply": 0.1, "node": 3, **options}, 0.4))


def binary(url: str) -> Bronkhorst:
    return make(url, framing="binary")


class TestConformanceInText(DriverConformance):
    """The contract, on a pseudo-terminal, in text."""

    @pytest.fixture
    async def bench(self, mfc: Simulated) -> SimulatedBench:
        return SimulatedBench(
            mfc, make, points(*READABLE), Point("x", "colour"), (SETPOINT, 120.0), outside=(SETPOINT, 501.0), true=TRUE
        )


class TestConformanceInBinary(DriverConformance):
    """The contract, behind a device server, in binary."""

    @pytest.fixture
    async def bench(self, mfc_on_tcp: Simulated) -> SimulatedBench:
        return SimulatedBench(
            mfc_on_tcp,
            binary,
            points(*READABLE),
            Point("x", "colour"),
            (PERCENT, 37.5),
            outside=(PERCENT, 100.5),
            true=TRUE,
        )


async def one(driver: Bronkhorst, address: str = "flow") -> Any:
    (sample,) = await driver.read(driver.plan(points(address)))
    return sample


async def put(driver: Bronkhorst, address: str, value: float) -> tuple[WriteState, str]:
    (outcome,) = await driver.write([(Point(address, address, "rw"), value)])
    return outcome.state, outcome.detail


@pytest.mark.parametrize(("node", "serial_number"), [(3, "M20210003A"), (128, "M20210003A"), (4, "M20210004A")])
@pytest.mark.parametrize("framing", ["ascii", "binary"])
async def test_who_answers(mfc: Simulated, node: int, serial_number: str, framing: str) -> None:
    driver = make(mfc.url, node=node, framing=framing)
    assert await driver.open() == Identity("Bronkhorst", "F-201CV-500-AAD-33-V", serial_number, "V1.21")
    await driver.close()


async def test_several_instruments_on_one_line(mfc: Simulated) -> None:
    drivers = [make(mfc.url, node=3), make(mfc.url, node=4, framing="binary"), make(mfc.url, node=16)]
    for driver, value in zip(drivers, (10.0, 20.0, 30.0), strict=True):
        await driver.open()
        assert await put(driver, "setpoint", value / 2) == (WriteState.APPLIED, "")
    for driver, value in zip(drivers, (10.0, 20.0, 30.0), strict=True):
        assert (await one(driver, "setpoint")).value == pytest.approx(value / 2)
        await driver.close()
    absent = make(mfc.url, node=5)
    with pytest.raises(Timeout):
        await absent.open()
    await absent.close()


async def test_node_and_length_16_are_doubled_in_binary(mfc: Simulated) -> None:
    driver = make(mfc.url, node=16, framing="binary")
    assert (await driver.open()).firmware == ""
    for _ in range(20):  # the sequence number passes 16 as well
        flow, temperature = await driver.read(driver.plan(points("flow", "temperature")))
        assert flow.quality is Quality.GOOD
        assert (temperature.quality, temperature.detail) == (Quality.BAD, "unknown parameter")
    await driver.close()


async def test_the_flow_follows_and_stops(tmp_path: Path) -> None:
    with Simulated("bronkhorst", tmp_path) as mfc:
        driver = make(mfc.url)
        await driver.open()
        assert await put(driver, "setpoint_percent", 100.0) == (WriteState.APPLIED, "")
        while (await one(driver)).value < 50.0:
            pass
        assert (await one(driver, "counter")).value > 0.0
        assert (await one(driver, "valve")).value > 0.0
        assert await put(driver, "setpoint", 0.0) == (WriteState.APPLIED, "")
        before = (await one(driver)).value
        assert (await one(driver)).value < before
        await driver.close()


async def test_a_setpoint_that_would_be_cut_is_not_sent(mfc: Simulated) -> None:
    driver = make(mfc.url, node=4)
    await driver.open()
    assert await put(driver, "setpoint", 5.0) == (WriteState.APPLIED, "")
    why = "not sent: setpoint must be 0 to 20, not 25"
    assert await put(driver, "setpoint", 25.0) == (WriteState.REFUSED, why)
    assert (await one(driver, "setpoint")).value == 5.0
    assert await put(driver, "setpoint", -1.0) == (WriteState.REFUSED, "setpoint must be 0 to 1e+09, not -1")
    assert (await put(driver, "setpoint_percent", 100.5))[0] is WriteState.REFUSED
    assert await put(driver, "setpoint", 0.0) == (WriteState.APPLIED, "")
    await driver.close()


async def test_a_setpoint_is_followed_in_some_modes_only(mfc: Simulated) -> None:
    driver = make(mfc.url, node=4)
    await driver.open()
    assert await put(driver, "control_mode", 1.0) == (WriteState.APPLIED, "")
    why = "its setpoint is not followed: control mode 1, analog input"
    assert await put(driver, "setpoint", 5.0) == (WriteState.REFUSED, why)
    setpoint, flow = await driver.read(driver.plan(points("setpoint", "flow")))
    assert (setpoint.quality, setpoint.detail, flow.quality) == (Quality.UNCERTAIN, why, Quality.GOOD)
    assert await put(driver, "setpoint_percent", 5.0) == (WriteState.REFUSED, why)
    assert await put(driver, "control_mode", 99.0) == (WriteState.REFUSED, "wrong value")
    assert await put(driver, "control_mode", 1.5) == (WriteState.REFUSED, "a control mode is a whole number")
    assert await put(driver, "control_mode", 18.0) == (WriteState.APPLIED, "")
    assert await put(driver, "setpoint", 5.0) == (WriteState.APPLIED, "")
    await driver.close()


@pytest.mark.parametrize(("alarm", "quality", "detail"), [
    (0, Quality.GOOD, ""), (0x08, Quality.GOOD, "above its maximum"), (0x02, Quality.UNCERTAIN, "warning"),
    (0x24, Quality.UNCERTAIN, "below its minimum, response or power-up alarm"), (0x01, Quality.BAD, "error"),
    (0x80, Quality.BAD, "hardware fault"),
])  # fmt: skip
async def test_alarms(tmp_path: Path, alarm: int, quality: Quality, detail: str) -> None:
    with Simulated("bronkhorst", tmp_path, nodes={"3": {"alarm": alarm}}) as mfc:
        driver = make(mfc.url)
        await driver.open()
        for address in ("flow", "measure"):
            sample = await one(driver, address)
            assert (sample.quality, sample.detail) == (quality, detail)
        await driver.close()


async def test_a_flow_in_another_unit_is_not_believed_and_no_setpoint_sent(mfc: Simulated) -> None:
    driver = make(mfc.url, unit="mln/min")
    await driver.open()
    assert await put(driver, "setpoint", 12.0) == (WriteState.APPLIED, "")
    assert (await one(driver)).quality is Quality.GOOD
    mfc.fault("wrong_unit", 600.0)
    for sample in await driver.read(driver.plan(points("flow", "setpoint"))):
        assert (sample.quality, sample.reason) == (Quality.BAD, Reason.DEVICE)
        assert sample.detail == "in ln/h, not in mln/min"
    assert await put(driver, "setpoint", 24.0) == (WriteState.REFUSED, "not sent: it counts in ln/h, not in mln/min")
    mfc.fault("wrong_unit", 0.001)
    assert (await until(driver, "setpoint", lambda sample: sample.quality is Quality.GOOD)).value == 12.0
    await driver.close()


@pytest.mark.parametrize("framing", ["ascii", "binary"])
async def test_another_node_is_not_believed(tmp_path: Path, framing: str) -> None:
    with Simulated("bronkhorst", tmp_path) as mfc:
        driver = make(mfc.url, framing=framing)
        await driver.open()
        mfc.fault("wrong_address", 0.1)
        with pytest.raises(Malformed, match="node 4 answers for node 3"):
            await one(driver)
        await driver.close()


async def test_the_setpoint_is_gone_after_a_loss_of_power(tmp_path: Path) -> None:
    with Simulated("bronkhorst", tmp_path) as mfc:
        driver = make(mfc.url)
        await driver.open()
        assert await put(driver, "setpoint", 100.0) == (WriteState.APPLIED, "")
        mfc.fault("reboot", 0.01)
        await driver.close()
        await driver.open()
        assert (await one(driver, "setpoint")).value == 0.0
        await driver.close()


class Frames(PtyPeer):
    """An instrument that answers a line of text with the next of its replies."""

    def __init__(self) -> None:
        super().__init__()
        self.replies: list[bytes] = []
        self.lines: list[bytes] = []

    def answer(self, data: bytearray) -> bytes | None:
        line, found, _ = bytes(data).partition(b"\r\n")
        if not found:
            return None
        del data[: len(line) + 2]
        self.lines.append(line)
        return self.replies.pop(0) + b"\r\n"


NOT_TOLD = [b":0403000400", b":0403000400"]


def capacity(tag: int) -> bytes:
    """100 mln/min, to the question with this number."""
    return f":080302{tag:02X}4042C80000".encode()


@pytest.fixture
async def peer() -> AsyncIterator[Frames]:
    frames = Frames()
    yield frames
    frames.unplug()


async def test_text_byte_by_byte(peer: Frames) -> None:
    peer.replies = [b":080302016000533132"]  # the text does not end
    driver = make(f"serial://{peer.path}")
    with pytest.raises(Malformed, match="not an answer"):
        await driver.open()
    peer.replies = [b":09030202600053313200", *NOT_TOLD]
    assert await driver.open() == Identity("Bronkhorst", "mass-flow instrument", "S12", "")
    assert peer.lines[1] == b":0703040260716300"
    peer.replies = [b":12030284C03F00000041400000000582000308"]  # the index of the question before
    with pytest.raises(Malformed, match="not an answer"):
        await one(driver)
    peer.replies = [b":09030206600053313200", *NOT_TOLD, b":12030289C03F00000041400000000982000308"]
    sample = await one(driver)
    assert (sample.value, sample.detail) == (0.5, "above its maximum")
    assert peer.lines[-1] == b":10030489C0214041214309820104030114"
    await driver.close()


@pytest.mark.parametrize("reply", [
    b":0803020741459CFFAE", b":0703020641459CFFAE", b":0803020641459CFFAE00", b":0803020621459CFFAE",
    b"0803020641459CFFAE", b":08030206", b":0403000000", b":0803040641459CFFAE",
])  # fmt: skip
async def test_what_is_no_answer_is_not_believed(peer: Frames, reply: bytes) -> None:
    peer.replies = [b":09030201600053313200", *NOT_TOLD]
    driver = make(f"serial://{peer.path}")
    await driver.open()
    peer.replies = [reply]
    with pytest.raises(Malformed):
        await one(driver, "counter")
    peer.replies = [reply]
    await driver.close()


@pytest.mark.parametrize(
    ("reply", "why"), [(b":0403000D04", "read only"), (b":020305", "error 5"), (b":0403003200", "50")]
)
async def test_refusals(peer: Frames, reply: bytes, why: str) -> None:
    peer.replies = [b":09030201600053313200", *NOT_TOLD]
    driver = make(f"serial://{peer.path}")
    await driver.open()
    peer.replies = [capacity(4), reply]
    state, detail = await put(driver, "setpoint", 1.0)
    assert (state, why in detail) == (WriteState.REFUSED, True)
    peer.replies = [reply]
    state, detail = await put(driver, "setpoint", 1.0)
    assert (state, detail.startswith("not sent"), why in detail) == (WriteState.REFUSED, True, True)
    peer.replies = [capacity(6), b":0803020441459CFFAE"]  # an answer, but no status
    assert (await put(driver, "setpoint", 1.0))[0] is WriteState.UNKNOWN
    await driver.close()


@pytest.mark.parametrize("address", ["setpoint", "setpoint_percent", "control_mode"])
async def test_a_write_that_was_taken_but_not_read_back_is_unknown(peer: Frames, address: str) -> None:
    peer.replies = [b":09030201600053313200", *NOT_TOLD]
    driver = make(f"serial://{peer.path}")
    await driver.open()
    first = {"control_mode": [b":050302040000"], "setpoint": [capacity(4)]}.get(address, [])
    peer.replies = [*first, b":0403000004", b":0403000400"]
    assert await put(driver, address, 1.0) == (
        WriteState.UNKNOWN, "it took it, but does not tell what it keeps: unknown parameter",
    )  # fmt: skip
    await driver.close()


def test_requests_and_answers_of_the_manual() -> None:
    measure = Parameter(1, 0, MEASURE.kind, MEASURE.form)
    assert question([measure], 1, 1).hex() == "0401200120"  # the manual's has 21 as its index: any will do
    assert values(bytes.fromhex("0201203E80"), [measure], 1) == [16000]
    assert question([FLOW], 33, 1).hex() == "0421402140"
    assert question([FLOW, SERIAL], 1, 2).hex() == "04814022400161716300"
    assert write(Parameter(1, 1, MEASURE.kind, ">H"), 16000, 1).hex() == "0101213e80"
    assert write(Parameter(33, 3, LONG, ">f"), 2.5, 1).hex() == "01214340200000"
    for text in ("0201600053313200", "02016003533132", "0201600553313220" + "20"):
        assert values(bytes.fromhex(text), [SERIAL], 1) == ["S12"]
    for text in ("02016000533132", "02016004533132", "0201600053313200" + "00", "02016002533132"):
        with pytest.raises((ValueError, IndexError)):
            values(bytes.fromhex(text), [SERIAL], 1)
    (counter,) = values(bytes.fromhex("026840459CFFAE"), [Parameter(104, 1, LONG, ">f")], 104)
    assert counter == pytest.approx(5023.96, abs=0.01)


def test_binary_frames() -> None:
    inside = bytes([1, 3, 5, 4, 1, 33, 16, 32])
    frame = b"\x10\x02" + inside.replace(b"\x10", b"\x10\x10") + b"\x10\x03"
    assert unstuffed(frame) == inside
    assert all(unstuffed(frame[:length]) is None for length in range(len(frame)))
    for wrong in (b"\x11\x02", b"\x10\x03", frame + b"\x00", frame[:5] + b"\x10\x05"):
        with pytest.raises(Malformed):
            unstuffed(wrong)


FROM_THE_MANUAL = [
    (":06030101213E80", ":0403000005"), (":06030401210121", ":06030201213E80"), (":06030401210120", ":0603020121")
]  # fmt: skip
"""The last reply goes on with the measure."""


def test_the_simulator_answers_the_manual(tmp_path: Path) -> None:
    with (
        Simulated("bronkhorst", tmp_path, port=0) as mfc,
        socket.create_connection(("127.0.0.1", mfc.address["port"]), timeout=2) as wire,
        wire.makefile("rwb", buffering=0) as stream,
    ):
        for request, reply in FROM_THE_MANUAL:
            stream.write(b"noise" + request.encode() + b"\r\n")
            answer = stream.readline().decode().strip()
            assert answer.startswith(reply)
        stream.write(bytes.fromhex("1002 01 03 05 0401210121 1003"))
        assert wire.recv(64) == bytes.fromhex("1002 01 03 05 0201213E80 1003")
        for request, reply in [
            (":0603040121017F", ":0403000505"), (":06030401210100", ":0403000505"), (":06030401200115", ":0403000505"),
            (":06030401210135", ":0403000405"), (":06030401214035", ":0403000305"), (":0403047101", ":020304"),
            (":06030101209000", ":0403000D05"), (":0603010121FFFF", ":0403000605"), (":030309FF", ":0403000201"),
            (":0503010101" + "00", ":0403000504"),
        ]:  # fmt: skip
            stream.write(request.encode() + b"\r\n")
            assert stream.readline().decode().strip()[:9] == reply[:9], request


@pytest.fixture
def vendor(mfc: Simulated) -> Iterator[Any]:
    master = propar.master(mfc.address["pty"], 38400, serial_class=serial.Serial)
    yield master
    # Its second thread looks for messages a thousand times a second and has no end: it may as well wait for ever.
    master.propar.read_propar_message = threading.Event().wait
    master.propar.run = False
    master.propar.serial_read_thread.join(2)
    master.propar.serial.close()


def test_the_vendors_package_speaks_with_the_simulator(mfc: Simulated, vendor: Any) -> None:
    for mode in (propar.PP_MODE_BINARY, propar.PP_MODE_ASCII):
        vendor.propar.mode = mode
        pair = [vendor.db.get_parameter(dde) for dde in (205, 206, 129, 12, 21)]
        for parameter in pair:
            parameter["node"] = 3
        assert vendor.write(3, 33, 3, propar.PP_TYPE_FLOAT, 250.0)
        assert vendor.read(3, 1, 1, propar.PP_TYPE_INT16) == 16000
        found = {each["parm_name"]: each["data"] for each in vendor.read_parameters(pair)}
        assert found["Fsetpoint"] == 250.0
        assert found["Capacity 100%"] == 500.0
        assert (found["Capacity Unit"], found["Control Mode"]) == ("mln/min", 0)
        assert vendor.read(3, 113, 3, propar.PP_TYPE_STRING) == "M20210003A"
        assert (
            vendor.write_parameters(
                [{"node": 3, "proc_nr": 1, "parm_nr": 0, "parm_type": propar.PP_TYPE_INT16, "data": 5}]
            )
            == propar.PP_STATUS_READONLY
        )


@pytest.mark.parametrize(("fault", "magnitude"), [
    ("delay", 0.25), ("garbage", 0.0), ("truncate", 0.7), ("crc", 0.0), ("freeze", 0.0),
])  # fmt: skip
@pytest.mark.parametrize("framing", ["ascii", "binary"])
async def test_no_fault_of_the_line_makes_a_wrong_value(
    mfc: Simulated, framing: str, fault: str, magnitude: float
) -> None:
    driver = make(mfc.url, node=4, framing=framing, slowest_reply=0.3)
    await driver.open()
    assert await put(driver, "setpoint", 2.5) == (WriteState.APPLIED, "")
    mfc.fault(fault, 0.3, magnitude=magnitude)
    assert await believed(driver, ["temperature", "setpoint"], 0.6) <= {("temperature", 23.5), ("setpoint", 2.5)}
    await driver.close()
