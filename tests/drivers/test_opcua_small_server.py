"""A server of node-opcua with ten sessions, as small PLCs have: the conformance checks, and lost connections."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from drivers.conformance import DriverConformance
from drivers.contract import ConnectionSpec, Driver, LinkLost, Point, Timeout
from drivers.instruments.generic_opcua import GenericOpcUa
from drivers.instruments.generic_plc import GenericPlc
from tests.drivers.conftest import Relay
from tests.drivers.relayed import RelayedBench, relayed
from tests.drivers.simulated import points
from tests.drivers.test_opcua_peers import SIEMENS, NodePlc

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(150)]

SESSIONS = 10


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodePlc]:
    plc = NodePlc(tmp_path_factory.mktemp("small"))
    yield plc
    plc.stop()


class TestConformance(DriverConformance):
    """The contract, encrypted, on a server of other authors."""

    @pytest.fixture(params=[GenericPlc, GenericOpcUa])
    async def bench(self, small: NodePlc, request: pytest.FixtureRequest) -> AsyncIterator[RelayedBench]:
        plc = request.param is GenericPlc
        node, more = ("{}.{}", {}) if plc else ('s="DB_Reactor"."{}"."{}"', {"namespace": SIEMENS})

        def make(port: int) -> Driver:
            spec = ConnectionSpec("plc", f"opc.tcp://127.0.0.1:{port}", small.options(session=10, **more), 0.5)
            driver: Driver = request.param(spec)
            return driver

        true = {node.format("Temp", "PV"): 37.25, node.format("Weight", "PV"): 1008.5}
        heater = Point("heater", node.format("Heater", "OP"), "rw")
        async with relayed(small.port) as relay:
            unknown = Point("odd", "ns=4;s=Temp")
            yield RelayedBench(relay, make, points(*true), unknown, true, (heater, 25.5), (heater, 1e39))


@pytest.fixture
def crowded(tmp_path: Path) -> Iterator[NodePlc]:
    """Another one, for it will have no session left."""
    plc = NodePlc(tmp_path)
    yield plc
    plc.stop()


def connected(plc: NodePlc, relay: Relay) -> GenericPlc:
    """The time of a session is long enough that the last is there before the first is over, also on a busy machine."""
    return GenericPlc(ConnectionSpec("plc", f"opc.tcp://127.0.0.1:{relay.port}", plc.options(session=20), 0.3))


async def test_a_server_that_hangs_again_and_again_does_not_run_out_of_sessions(crowded: NodePlc) -> None:
    async with relayed(crowded.port) as relay:
        driver = connected(crowded, relay)
        for _ in range(SESSIONS + 2):
            await driver.open()
            relay.running.clear()
            with pytest.raises(Timeout):
                await driver.read(driver.plan(points("Temp.PV")))
            await driver.close()
            relay.running.set()
        await driver.open()
        await driver.close()


async def test_sessions_whose_connection_was_lost_are_soon_given_to_others(crowded: NodePlc) -> None:
    async with relayed(crowded.port) as relay:
        driver = connected(crowded, relay)
        for _ in range(SESSIONS):
            await driver.open()
            await relay.stop()
            await relay.start()
            await driver.close()
        with pytest.raises(LinkLost, match="no session left"):
            await driver.open()
        async with asyncio.timeout(60):
            while True:
                await driver.close()
                await asyncio.sleep(0.5)
                with contextlib.suppress(LinkLost):
                    await driver.open()
                    break
        assert (await driver.read(driver.plan(points("Temp.PV"))))[0].value == 37.25
        await driver.close()
