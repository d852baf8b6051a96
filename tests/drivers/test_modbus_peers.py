"""Modbus programs of other authors: pymodbus as server for our driver, and as many clients for our simulator."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import minimalmodbus
import pytest
from pymodbus.client import AsyncModbusTcpClient
from pymodbus.framer import FramerType
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice
from pyModbusTCP.client import ModbusClient

from drivers.contract import ConnectionSpec, Identity, Point, Quality, WriteState
from drivers.instruments.generic_modbus import GenericModbus
from tests.drivers.simulated import Simulated, points

SETTINGS: dict[str, Any] = {
    "pattern": True,
    "vendor": "Acme",
    "product": "X-7",
    "revision": "3",
    "limits": {"9": [0, 5]},
}


@pytest.fixture(scope="module")
def on_tcp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulated]:
    with Simulated("generic_modbus", tmp_path_factory.mktemp("tcp"), framing="tcp", **SETTINGS) as simulated:
        yield simulated


@pytest.fixture(scope="module")
def on_pty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulated]:
    with Simulated("generic_modbus", tmp_path_factory.mktemp("pty"), **SETTINGS) as simulated:
        yield simulated


@pytest.fixture(scope="module")
def on_device_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulated]:
    with Simulated("generic_modbus", tmp_path_factory.mktemp("rtu"), port=0, **SETTINGS) as simulated:
        yield simulated


@pytest.mark.parametrize("framer", [FramerType.SOCKET, FramerType.RTU])
async def test_our_driver_on_their_server(framer: FramerType) -> None:
    bits = [SimData(0, count=16, values=True, datatype=DataType.BITS)]
    registers = (
        [SimData(0, values=list(range(100, 110)), datatype=DataType.REGISTERS)],
        [SimData(0, values=1.5, datatype=DataType.FLOAT32)],
    )
    device = SimDevice(id=1, simdata=(bits, bits, *registers))
    server = ModbusTcpServer(device, framer=framer, address=("127.0.0.1", 0))
    await server.serve_forever(background=True)
    transport: Any = server.transport
    scheme, options = ("modbus", {}) if framer is FramerType.SOCKET else ("tcp", {"slowest_reply": 0.1})
    url = f"{scheme}://127.0.0.1:{transport.sockets[0].getsockname()[1]}"
    driver = GenericModbus(ConnectionSpec("plc", url, options, 1.0))
    assert (await driver.open()).vendor
    plan = driver.plan(points("holding.3", "holding.9", "coil.2", "discrete.15", "input.0.float32", "holding.10"))
    samples = await driver.read(plan)
    assert [sample.value for sample in samples[:5]] == [103.0, 109.0, 1.0, 1.0, 1.5]
    assert samples[5].quality is Quality.BAD
    for address, value in (("holding.3", 7.0), ("coil.2", 0.0), ("holding.4.float32", 0.25)):
        (outcome,) = await driver.write([(Point("x", address, "rw"), value)])
        assert outcome.state is WriteState.APPLIED
        (sample,) = await driver.read(driver.plan(points(address)))
        assert sample.value == value
    await driver.close()
    await server.shutdown()


@pytest.mark.parametrize("framer", [FramerType.SOCKET, FramerType.RTU])
async def test_their_client_on_our_simulator(
    on_tcp: Simulated, on_device_server: Simulated, framer: FramerType
) -> None:
    simulated = on_tcp if framer is FramerType.SOCKET else on_device_server
    theirs = AsyncModbusTcpClient("127.0.0.1", port=simulated.address["port"], framer=framer, retries=0)
    await theirs.connect()
    assert (await theirs.read_holding_registers(300, count=125)).registers == list(range(300, 425))
    assert (await theirs.read_input_registers(9, count=2)).registers == [9, 10]
    assert (await theirs.read_coils(1, count=9)).bits[:9] == [True, False] * 4 + [True]
    assert (await theirs.read_discrete_inputs(2, count=3)).bits[:3] == [False, True, False]
    for written in (
        await theirs.write_coil(4000, True), await theirs.write_coils(4001, [True, False, True]),
        await theirs.write_register(4000, 5), await theirs.write_registers(4001, [6, 7]),
    ):  # fmt: skip
        assert not written.isError()
    assert (await theirs.read_holding_registers(4000, count=3)).registers == [5, 6, 7]
    assert (await theirs.read_coils(4000, count=4)).bits[:4] == [True, True, False, True]
    assert (await theirs.write_register(9, 6)).exception_code == 3
    information = (await theirs.read_device_information(read_code=1, object_id=0)).information
    assert [information[number] for number in range(3)] == [b"Acme", b"X-7", b"3"]
    theirs.close()


async def test_pymodbustcp_on_our_simulator(on_tcp: Simulated) -> None:
    theirs = ModbusClient("127.0.0.1", on_tcp.address["port"], unit_id=1, timeout=2.0)
    assert await asyncio.to_thread(theirs.read_holding_registers, 5, 3) == [5, 6, 7]
    assert await asyncio.to_thread(theirs.write_multiple_registers, 5000, [1, 2])
    assert await asyncio.to_thread(theirs.read_input_registers, 5000, 2) == [5000, 5001]
    assert await asyncio.to_thread(theirs.read_holding_registers, 5000, 2) == [1, 2]
    assert not await asyncio.to_thread(theirs.write_single_register, 9, 6)
    identity = await asyncio.to_thread(theirs.read_device_identification)
    assert identity.vendor_name == b"Acme"
    theirs.close()


def test_minimalmodbus_on_our_simulator(on_pty: Simulated) -> None:
    theirs = minimalmodbus.Instrument(on_pty.address["pty"], 1)
    theirs.serial.baudrate, theirs.serial.timeout = 19200, 1.0
    assert theirs.read_registers(5, 3) == [5, 6, 7]
    assert theirs.read_bits(5, 3, functioncode=2) == [1, 0, 1]
    theirs.write_register(6000, 3, functioncode=6)
    theirs.write_float(6001, 0.5)
    theirs.write_bit(6000, 1)
    assert (theirs.read_register(6000), theirs.read_float(6001), theirs.read_bit(6000, 1)) == (3, 0.5, 1)
    with pytest.raises(minimalmodbus.IllegalRequestError):
        theirs.write_register(9, 6, functioncode=6)
    theirs.serial.close()


@pytest.mark.parametrize("mode", ["tcp", "rtu"])
def test_mbpoll_on_our_simulator(on_tcp: Simulated, on_pty: Simulated, mode: str) -> None:
    port = ["-p", str(on_tcp.address["port"]), "127.0.0.1"] if mode == "tcp" else [
        "-b", "19200", "-P", "none", on_pty.address["pty"]
    ]  # fmt: skip
    command = ["mbpoll", "-m", mode, "-a", "1", "-0", "-r", "40", "-c", "3", "-t", "4", "-1", *port]
    shown = subprocess.run(command, capture_output=True, text=True, check=True, timeout=8).stdout
    values = [line.split()[1] for line in shown.splitlines() if line.startswith("[")]
    assert values == ["40", "41", "42"]


async def test_the_driver_says_the_same_as_they_do(on_tcp: Simulated, on_pty: Simulated, tmp_path: Path) -> None:
    for simulated in (on_tcp, on_pty):
        options = {} if simulated is on_tcp else {"slowest_reply": 0.1}
        driver = GenericModbus(ConnectionSpec("plc", simulated.url, options, 1.0))
        assert await driver.open() == Identity("Acme", "X-7", firmware="3")
        samples = await driver.read(driver.plan(points("holding.40", "input.41", "coil.1", "discrete.2")))
        assert [sample.value for sample in samples] == [40.0, 41.0, 1.0, 0.0]
        await driver.close()
