"""The conformance checks on instruments that other authors have written: nothing of ours is at both ends."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from mtsics.core.state import ScaleConfig, ScaleState
from mtsics.protocol.engine import MTSICSEngine
from mtsics.transport.tcp import TCPConfig, TCPTransport
from pymodbus.framer import FramerType
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice
from pyModbusTCP.server import DataBank, ModbusServer

from drivers.conformance import DriverConformance
from drivers.contract import ConnectionSpec, Point
from drivers.instruments.generic_modbus import GenericModbus
from drivers.instruments.mettler_toledo import MettlerToledo
from tests.drivers.conftest import Relay
from tests.drivers.relayed import RelayedBench, relayed
from tests.drivers.simulated import points

REGISTER = Point("set", "holding.9", "rw")


def modbus_bench(relay: Relay, scheme: str, true: dict[str, float], **options: object) -> RelayedBench:
    def make(port: int) -> GenericModbus:
        return GenericModbus(ConnectionSpec("plc", f"{scheme}://127.0.0.1:{port}", options, 0.5))

    unknown, setting, outside = Point("x", "holding.70000"), (REGISTER, 120.0), (REGISTER, 65536.0)
    return RelayedBench(relay, make, points(*true), unknown, true, setting, outside)


class TestOnPymodbus(DriverConformance):
    """Over TCP, and as RTU through a device server."""

    @pytest.fixture(params=[FramerType.SOCKET, FramerType.RTU])
    async def bench(self, request: pytest.FixtureRequest) -> AsyncIterator[RelayedBench]:
        bits = [SimData(0, count=16, values=True, datatype=DataType.BITS)]
        registers = [SimData(0, values=list(range(100, 110)), datatype=DataType.REGISTERS)]
        inputs = [SimData(0, values=1.5, datatype=DataType.FLOAT32)]
        device = SimDevice(id=1, simdata=(bits, bits, registers, inputs))
        server = ModbusTcpServer(device, framer=request.param, address=("127.0.0.1", 0))
        await server.serve_forever(background=True)
        transport: Any = server.transport
        true = {"holding.3": 103.0, "input.0.float32": 1.5, "coil.2": 1.0, "discrete.15": 1.0}
        async with relayed(transport.sockets[0].getsockname()[1]) as relay:
            if request.param is FramerType.SOCKET:
                yield modbus_bench(relay, "modbus", true)
            else:
                yield modbus_bench(relay, "tcp", true, slowest_reply=0.1)
        await server.shutdown()


class TestOnPyModbusTcp(DriverConformance):
    """Over TCP, on a server with threads."""

    @pytest.fixture
    async def bench(self) -> AsyncIterator[RelayedBench]:
        bank = DataBank()
        bank.set_holding_registers(3, [103, 0, 0x4049, 0x0FDB])
        bank.set_coils(2, [True])
        bank.set_input_registers(7, [0xFFFE])
        server = ModbusServer("127.0.0.1", 0, no_block=True, data_bank=bank)
        server.start()
        true = {"holding.3": 103.0, "holding.5.float32": 3.1415927, "coil.2": 1.0, "input.7.int16": -2.0}
        async with relayed(server._service.server_address[1]) as relay:
            yield modbus_bench(relay, "modbus", true)
        server.stop()


class TestOnABalance(DriverConformance):
    """Of the package ``mt-sics-emulator``. It knows no ``TA``, so that nothing can be set that is read back."""

    @pytest.fixture
    async def bench(self) -> AsyncIterator[RelayedBench]:
        state = ScaleState(ScaleConfig(serial_number="SN1"))
        state.set_weight(12.5)
        transport = TCPTransport(MTSICSEngine(state), cfg=TCPConfig(host="127.0.0.1", port=0))
        _, port = await transport.start()

        def make(port: int) -> MettlerToledo:
            return MettlerToledo(ConnectionSpec("balance", f"tcp://127.0.0.1:{port}", {"slowest_reply": 0.1}, 0.4))

        async with relayed(port) as relay:
            true = {"weight": 12500.0, "stable": 1.0}
            yield RelayedBench(relay, make, points(*true), Point("x", "height"), true)
        await transport.close()
