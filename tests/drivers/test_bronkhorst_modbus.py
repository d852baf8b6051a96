"""Bronkhorst over Modbus against its simulator, RTU and TCP; the simulator against clients of other authors."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import minimalmodbus
import pytest
from pymodbus.client import AsyncModbusTcpClient

from drivers.conformance import Disturbance, DriverConformance
from drivers.contract import BadAddress, ConnectionSpec, Identity, Point, Quality, Reason, WriteState
from drivers.instruments.bronkhorst import Bronkhorst
from drivers.instruments.bronkhorst_modbus import BronkhorstModbus
from tests.drivers.simulated import Simulated, SimulatedBench, believed, points, until

READABLE = (
    "flow", "setpoint", "control_mode", "alarm", "measure", "setpoint_percent", "temperature", "counter", "valve",
    "capacity",
)  # fmt: skip
SETPOINT = Point("setpoint", "setpoint", "rw")
PERCENT = Point("setpoint_percent", "setpoint_percent", "rw")
TRUE = {"temperature": 23.5, "capacity": 500.0, "alarm": 0.0, "control_mode": 0.0}
NODES = {"1": {}, "4": {"capacity": 20.0, "unit": "ln/min"}, "16": {"without": ["33/7", "113/5", "1/3"]}}


@pytest.fixture(scope="module")
def on_pty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulated]:
    with Simulated("bronkhorst_modbus", tmp_path_factory.mktemp("pty"), nodes=NODES) as simulated:
        yield simulated


@pytest.fixture(scope="module")
def on_tcp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulated]:
    with Simulated("bronkhorst_modbus", tmp_path_factory.mktemp("tcp"), framing="tcp", nodes=NODES) as simulated:
        yield simulated


def make(url: str, **options: object) -> BronkhorstModbus:
    line = {} if url.startswith("modbus") else {"slowest_reply": 0.3}
    return BronkhorstModbus(ConnectionSpec("mfc", url, {**line, **options}, 0.4))


class TestConformance(DriverConformance):
    """The contract, on a pseudo-terminal."""

    @pytest.fixture
    async def bench(self, on_pty: Simulated) -> SimulatedBench:
        unknown, outside = Point("x", "colour"), (SETPOINT, 500.5)
        return SimulatedBench(on_pty, make, points(*READABLE), unknown, (SETPOINT, 120.0), outside=outside, true=TRUE)


class TestConformanceOnTcp(DriverConformance):
    """The contract, over Modbus TCP, which has no checksum of its own."""

    @pytest.fixture
    async def bench(self, on_tcp: Simulated) -> SimulatedBench:
        unknown, outside = Point("x", "colour"), (PERCENT, 100.5)
        return SimulatedBench(
            on_tcp, make, points(*READABLE), unknown, (PERCENT, 37.5), outside=outside, true=TRUE,
            without=(Disturbance.DAMAGED,),
        )  # fmt: skip


async def one(driver: BronkhorstModbus, address: str = "flow") -> Any:
    (sample,) = await driver.read(driver.plan(points(address)))
    return sample


async def put(driver: BronkhorstModbus, address: str, value: float) -> tuple[WriteState, str]:
    (outcome,) = await driver.write([(Point(address, address, "rw"), value)])
    return outcome.state, outcome.detail


def test_its_points_are_those_of_the_same_instrument_with_propar() -> None:
    for address, entry in Bronkhorst.points.items():
        ours = BronkhorstModbus.points[address]
        assert (ours.access, ours.low, ours.high) == (entry.access, entry.low, entry.high)
    assert BronkhorstModbus.points.keys() == Bronkhorst.points.keys() == set(READABLE)


@pytest.mark.parametrize(("node", "firmware"), [(1, "V1.21"), (4, "V1.21"), (16, "")])
async def test_who_answers(on_pty: Simulated, on_tcp: Simulated, node: int, firmware: str) -> None:
    for simulated in (on_pty, on_tcp):
        driver = make(simulated.url, node=node)
        assert await driver.open() == Identity("Bronkhorst", "F-201CV-500-AA", f"M2021{node:04d}A", firmware)
        await driver.close()


async def test_several_instruments_on_one_line(on_pty: Simulated) -> None:
    drivers = {node: make(on_pty.url, node=node) for node in (1, 4, 16)}
    for node, driver in drivers.items():
        await driver.open()
        assert await put(driver, "setpoint", node / 2) == (WriteState.APPLIED, "")
    for node, driver in drivers.items():
        assert (await one(driver, "setpoint")).value == pytest.approx(node / 2)
        await driver.close()


async def test_the_flow_follows_and_stops(tmp_path: Path) -> None:
    with Simulated("bronkhorst_modbus", tmp_path, port=0) as mfc:
        driver = make(mfc.url)
        await driver.open()
        assert await put(driver, "setpoint_percent", 100.0) == (WriteState.APPLIED, "")
        await until(driver, "flow", lambda sample: sample.value > 50.0)
        flow, measure = await driver.read(driver.plan(points("flow", "measure")))
        assert measure.value == pytest.approx(flow.value / 5.0, abs=10.0)
        assert (await one(driver, "counter")).value > 0.0
        assert (await one(driver, "valve")).value > 0.0
        assert await put(driver, "setpoint", 0.0) == (WriteState.APPLIED, "")
        before = (await one(driver)).value
        assert (await one(driver)).value < before
        mfc.fault("reboot", 0.01)
        await driver.close()
        await driver.open()
        assert (await one(driver, "setpoint")).value == 0.0
        await driver.close()


async def test_a_setpoint_that_would_be_cut_is_not_sent(on_pty: Simulated) -> None:
    driver = make(on_pty.url, node=4)
    await driver.open()
    assert await put(driver, "setpoint", 5.0) == (WriteState.APPLIED, "")
    assert await put(driver, "setpoint", 25.0) == (
        WriteState.REFUSED, "not sent: setpoint must be 0 to 20, not 25",
    )  # fmt: skip
    assert await put(driver, "setpoint", -1.0) == (WriteState.REFUSED, "setpoint must be 0 to 1e+09, not -1")
    assert (await put(driver, "setpoint_percent", 100.5))[0] is WriteState.REFUSED
    assert await put(driver, "flow", 1.0) == (WriteState.REFUSED, "flow cannot be written")
    assert (await one(driver, "setpoint")).value == 5.0
    assert await put(driver, "setpoint", 20.0) == (WriteState.APPLIED, "")
    assert await put(driver, "setpoint", 0.0) == (WriteState.APPLIED, "")
    await driver.close()


async def test_a_setpoint_is_followed_in_some_modes_only(on_tcp: Simulated) -> None:
    driver = make(on_tcp.url, node=4)
    await driver.open()
    assert await put(driver, "control_mode", 1.0) == (WriteState.APPLIED, "")
    why = "its setpoint is not followed: control mode 1, analog input"
    assert await put(driver, "setpoint", 5.0) == (WriteState.REFUSED, why)
    setpoint, flow = await driver.read(driver.plan(points("setpoint", "flow")))
    assert (setpoint.value, setpoint.quality, setpoint.detail) == (5.0, Quality.UNCERTAIN, why)
    assert flow.quality is Quality.GOOD
    assert await put(driver, "setpoint_percent", 5.0) == (WriteState.REFUSED, why)
    assert await put(driver, "control_mode", 99.0) == (WriteState.REFUSED, "it does not take 99")
    assert await put(driver, "control_mode", 1.5) == (WriteState.REFUSED, "a control mode is a whole number")
    assert await put(driver, "control_mode", 18.0) == (WriteState.APPLIED, "")
    assert await put(driver, "setpoint", 5.0) == (WriteState.APPLIED, "")
    await driver.close()


@pytest.mark.parametrize(("alarm", "quality", "detail"), [
    (0, Quality.GOOD, ""), (0x08, Quality.GOOD, "above its maximum"), (0x02, Quality.UNCERTAIN, "warning"),
    (0x01, Quality.BAD, "error"), (0x80, Quality.BAD, "hardware fault"),
])  # fmt: skip
async def test_alarms(tmp_path: Path, alarm: int, quality: Quality, detail: str) -> None:
    with Simulated("bronkhorst_modbus", tmp_path, nodes={"1": {"alarm": alarm}}) as mfc:
        driver = make(mfc.url)
        await driver.open()
        for address in ("flow", "measure"):
            sample = await one(driver, address)
            assert (sample.quality, sample.detail) == (quality, detail)
        assert (await one(driver, "alarm")).value == alarm
        await driver.close()


async def test_a_flow_in_another_unit_is_not_believed_and_no_setpoint_sent(on_pty: Simulated) -> None:
    driver = make(on_pty.url, unit="mln/min")
    await driver.open()
    assert await put(driver, "setpoint", 12.0) == (WriteState.APPLIED, "")
    assert (await one(driver)).quality is Quality.GOOD
    on_pty.fault("wrong_unit", 600.0)
    *in_units, share = await driver.read(driver.plan(points("flow", "setpoint", "measure")))
    for sample in in_units:
        assert (sample.quality, sample.reason) == (Quality.BAD, Reason.DEVICE)
        assert sample.detail == "in ln/h, not in mln/min"
    assert share.quality is Quality.GOOD
    assert await put(driver, "setpoint", 24.0) == (
        WriteState.REFUSED, "not sent: it counts in ln/h, not in mln/min",
    )  # fmt: skip
    on_pty.fault("wrong_unit", 0.001)
    assert (await until(driver, "setpoint", lambda sample: sample.quality is Quality.GOOD)).value == 12.0
    await driver.close()


async def test_what_an_instrument_does_not_have_is_bad_alone(on_pty: Simulated) -> None:
    """Without the analog input, the block that would hold measure, setpoint and mode is read in parts."""
    driver = make(on_pty.url, node=16)
    await driver.open()
    plan = driver.plan(points("measure", "setpoint_percent", "temperature"))
    for _ in range(2):
        measure, setpoint, temperature = await driver.read(plan)
        assert (measure.quality, setpoint.quality) == (Quality.GOOD, Quality.GOOD)
        assert (temperature.quality, temperature.reason) == (Quality.BAD, Reason.DEVICE)
        assert "illegal address" in temperature.detail
    await driver.close()


def test_wrong_addresses_and_options() -> None:
    driver = make("serial:///dev/null")
    assert driver.url.endswith("baudrate=19200&bytesize=8&parity=E&stopbits=1")
    with pytest.raises(BadAddress, match="'colour' is not one of flow"):
        driver.plan(points("flow", "colour"))
    with pytest.raises(TypeError):
        asyncio.run(driver.read(Bronkhorst(ConnectionSpec("mfc", "serial:///dev/null")).plan([])))
    for options in ({"node": 0}, {"node": 248}, {"framing": "ascii"}):
        with pytest.raises(ValueError, match="connection 'mfc'"):
            make("modbus://host", **options)


def test_minimalmodbus_on_our_simulator(on_pty: Simulated) -> None:
    theirs = minimalmodbus.Instrument(on_pty.address["pty"], 1)
    theirs.serial.baudrate, theirs.serial.timeout = 19200, 1.0
    theirs.write_register(0x21, 16000, functioncode=6)
    assert theirs.read_float(0xA118) == 250.0
    theirs.write_float(0xA118, 125.0)
    assert theirs.read_register(0x21) == 8000
    assert (theirs.read_float(0x8168), theirs.read_float(0xA138)) == (500.0, 23.5)
    assert theirs.read_string(0xF118, 8).rstrip("\0") == "M20210001A"
    assert theirs.read_string(0x81F8, 4).rstrip("\0 ") == "mln/min"
    assert theirs.read_registers(0x20, 5)[1] == 8000
    theirs.write_register(0, 14592, functioncode=6)
    with pytest.raises(minimalmodbus.IllegalRequestError):
        theirs.read_register(0xA118)
    with pytest.raises(minimalmodbus.SlaveReportedException):
        theirs.write_register(0x21, 32001, functioncode=6)
    theirs.serial.close()


async def test_pymodbus_on_our_simulator(on_tcp: Simulated) -> None:
    theirs = AsyncModbusTcpClient("127.0.0.1", port=on_tcp.address["port"], retries=0)
    await theirs.connect()
    registers = theirs.convert_to_registers(2.5, theirs.DATATYPE.FLOAT32, word_order="big")
    assert not (await theirs.write_registers(0xA118, registers, device_id=4)).isError()
    assert (await theirs.read_holding_registers(0xA118, count=2, device_id=4)).registers == [0x4020, 0]
    assert (await theirs.read_holding_registers(0x21, count=1, device_id=4)).registers == [4000]
    for start, count, code in ((0xA118, 1, 2), (0xA119, 1, 2), (0x25, 1, 2), (0x24, 2, 2), (0, 1, 4)):
        assert (await theirs.read_holding_registers(start, count=count, device_id=4)).exception_code == code
    for start, values, code in (
        (0x21, [32001], 4), (0x20, [1], 4), (0x24, [0x100], 4), (0x24, [25], 4), (0xA118, [0x4020], 2), (0, [1], 4),
        (0x21, [16000, 7, 0], 4),
    ):  # fmt: skip
        assert (await theirs.write_registers(start, values, device_id=4)).exception_code == code, (start, values)
    assert (await theirs.read_holding_registers(0x21, count=2, device_id=4)).registers == [16000, 7], (
        "up to the refused"
    )
    assert (await theirs.read_input_registers(0x21, count=1, device_id=4)).exception_code == 1
    theirs.close()


@pytest.mark.parametrize(("fault", "magnitude"), [
    ("delay", 0.25), ("garbage", 0.0), ("truncate", 0.7), ("crc", 0.0), ("freeze", 0.0), ("wrong_address", 1.0),
])  # fmt: skip
async def test_no_fault_of_the_line_makes_a_wrong_value(on_pty: Simulated, fault: str, magnitude: float) -> None:
    driver = make(on_pty.url, node=4)
    await driver.open()
    assert await put(driver, "setpoint", 2.5) == (WriteState.APPLIED, "")
    on_pty.fault(fault, 0.3, magnitude=magnitude)
    true = {("temperature", 23.5), ("setpoint", 2.5), ("capacity", 20.0)}
    assert await believed(driver, [address for address, _ in true], 0.6) <= true
    await driver.close()
