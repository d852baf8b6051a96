"""The PLC over OPC UA: one Read, typed writes, status and source time, a CPU in STOP, a frozen and a lost server."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar

import pytest
from asyncua import ua

from drivers.conformance import Bench, DriverConformance
from drivers.contract import ConnectionSpec, DriverError, LinkLost, Point, Quality, Reason, Refused, Timeout, WriteState
from drivers.instruments.generic_plc import GenericPlc
from drivers.opcua import Pulse, Reading

pytestmark = pytest.mark.timeout(60)  # the first one waits for the server to start

URI = "http://www.siemens.com/simatic-s7-opcua"
REALS = {"Temp.PV": 37.1, "Weight.PV": 1008.0, "Heater.OP": 12.5, "Agit.SP": 100.0, "Locked.SP": 1.0}
STAMP = datetime(2026, 11, 23, 20, 0, 0, tzinfo=UTC)


def node_id(index: int, address: str) -> ua.NodeId:
    return ua.NodeId('"DB_Reactor".' + ".".join(f'"{part}"' for part in address.split(".")), index)


class Plc:
    """The peer: a data block on the asyncua server, and its relay."""

    def __init__(self, server: Any, relay: Any) -> None:
        self.server, self.relay = server, relay

    async def fill(self) -> None:
        """Make the block once; later tests only set its values back."""
        if "plc" not in self.server.nodes:
            self.server.nodes["plc"] = await self.server.run(self._make())
        for address, value in REALS.items():
            await self.put(address, value)
        await self.put("Plc.Heartbeat", 1, ua.VariantType.Int32)

    async def _make(self) -> int:
        server = self.server.server
        # Not the first namespace: an index taken from a book would be wrong.
        await server.register_namespace("urn:something:else")
        index: int = await server.register_namespace(URI)
        block = await server.nodes.objects.add_object(index, "DB_Reactor")
        kinds = dict.fromkeys(REALS, ua.VariantType.Float)
        kinds |= dict.fromkeys(["Host.Heartbeat", "Plc.Heartbeat"], ua.VariantType.Int32)
        kinds |= dict.fromkeys(["Plc.OrderNumber", "Plc.SerialNumber", "Plc.FwVersion"], ua.VariantType.String)
        for address, kind in kinds.items():
            start: Any = "6ES7 511" if kind is ua.VariantType.String else 0
            node = await block.add_variable(node_id(index, address), address, start, varianttype=kind)
            if address in {"Heater.OP", "Agit.SP", "Host.Heartbeat"}:
                await node.set_writable()
        for text, value in (('"DB_Reactor"."Spare"[3]', 3.5), ('"DB_Reactor"."Loops"[1]."PV"', 1.5)):
            await block.add_variable(ua.NodeId(text, index), text, value, varianttype=ua.VariantType.Float)
        return index

    async def put(self, address: str, value: Any, kind: Any = ua.VariantType.Float, status: int = 0) -> None:
        """Set a value with the source time of the day."""
        data = ua.DataValue(ua.Variant(value, kind), ua.StatusCode(status), STAMP)
        node = node_id(self.server.nodes["plc"], address)
        await self.server.run(self.server.server.write_attribute_value(node, data))

    async def get(self, address: str) -> ua.DataValue:
        """The value with its type, as the server has it."""
        node = self.server.server.get_node(node_id(self.server.nodes["plc"], address))
        data: ua.DataValue = await self.server.run(node.read_data_value())
        return data

    def driver(self, **options: object) -> GenericPlc:
        return GenericPlc(ConnectionSpec("plc", f"opc.tcp://127.0.0.1:{self.relay.port}", dict(options), 0.5))


@pytest.fixture
async def plc(opcua_server: Any, relay: Any) -> Plc:
    peer = Plc(opcua_server, relay)
    await peer.fill()
    return peer


def points(*addresses: str) -> list[Point]:
    return [Point(f"tag {address}", address, "rw") for address in addresses]


class PlcBench(Bench):
    """The bench of the conformance tests."""

    readable = points("Temp.PV", "Weight.PV", "Heater.OP")
    unknown = Point("odd", 'Temp"."PV')
    setting = (points("Heater.OP")[0], 25.0)
    outside = (points("Heater.OP")[0], 1e39)
    true: ClassVar[Mapping[str, float]] = {"Temp.PV": 37.1, "Weight.PV": 1008.0}

    def __init__(self, peer: Plc) -> None:
        self.peer = peer

    def driver(self) -> GenericPlc:
        return self.peer.driver()

    async def silence(self) -> None:
        self.peer.relay.running.clear()

    async def restore(self) -> None:
        self.peer.relay.running.set()


class TestConformance(DriverConformance):
    """The contract."""

    @pytest.fixture
    async def bench(self, plc: Plc) -> PlcBench:
        return PlcBench(plc)


async def test_values_times_and_statuses(plc: Plc) -> None:
    driver = plc.driver()
    identity = await driver.open()
    assert (identity.vendor, identity.model) == ("Siemens", "6ES7 511")
    await plc.put("Weight.PV", 5.0, status=ua.StatusCodes.UncertainLastUsableValue)
    await plc.put("Agit.SP", 5.0, status=ua.StatusCodes.BadSensorFailure)
    plan = driver.plan(points("Temp.PV", "Weight.PV", "Agit.SP", "No.Such", "Plc.OrderNumber", "Temp.PV"))
    good, uncertain, bad, missing, text, again = await driver.read(plan)
    assert good.value == again.value == pytest.approx(37.1)
    assert (good.quality, good.source_time) == (Quality.GOOD, STAMP.timestamp())
    assert (uncertain.quality, uncertain.detail) == (Quality.UNCERTAIN, "UncertainLastUsableValue")
    assert (bad.quality, bad.reason, bad.detail) == (Quality.BAD, Reason.DEVICE, "BadSensorFailure")
    assert (missing.quality, missing.detail) == (Quality.BAD, "there is no such node (BadNodeIdUnknown)")
    assert text.quality is Quality.BAD
    await driver.close()


async def test_writes_are_typed_and_judged_one_by_one(plc: Plc) -> None:
    driver = plc.driver()
    await driver.open()
    heater, beat, locked, missing = points("Heater.OP", "Host.Heartbeat", "Locked.SP", "No.Such")
    read_only = Point("x", "Temp.PV", "r")
    writes = [(read_only, 1.0), (heater, 33.0), (beat, 7.0), (locked, 2.0), (missing, 1.0), (heater, 1e300)]
    outcomes = await driver.write(writes)
    assert [outcome.point for outcome in outcomes] == [point for point, _ in writes]
    refused, applied = WriteState.REFUSED, WriteState.APPLIED
    assert [o.state for o in outcomes] == [refused, applied, applied, refused, refused, refused]
    assert outcomes[3].detail.startswith("Bad")
    heater_value, beat_value = (await plc.get("Heater.OP")).Value, (await plc.get("Host.Heartbeat")).Value
    assert (heater_value.Value, heater_value.VariantType) == (33.0, ua.VariantType.Float)
    assert (beat_value.Value, beat_value.VariantType) == (7, ua.VariantType.Int32)
    await driver.close()


async def test_a_write_into_a_frozen_server_is_unknown(plc: Plc) -> None:
    driver = plc.driver()
    await driver.open()
    plc.relay.running.clear()
    (outcome,) = await driver.write([(points("Heater.OP")[0], 77.0)])
    assert outcome.state is WriteState.UNKNOWN
    await driver.close()


async def test_a_frozen_server_is_noticed_within_the_deadline(plc: Plc) -> None:
    driver = plc.driver()
    await driver.open()
    plan = driver.plan(points("Temp.PV"))
    await driver.read(plan)
    plc.relay.running.clear()
    loop = asyncio.get_running_loop()
    started = loop.time()
    with pytest.raises(Timeout, match=r"0\.5 s"):
        await driver.read(plan)
    await driver.close()
    assert loop.time() - started < 1.0


async def test_a_lost_server_comes_back(plc: Plc) -> None:
    driver = plc.driver()
    await driver.open()
    plan = driver.plan(points("Temp.PV"))
    await plc.relay.stop()
    with pytest.raises((LinkLost, Timeout)):
        await driver.read(plan)
    with pytest.raises(LinkLost):
        await driver.open()
    await plc.relay.start()
    await driver.open()
    assert (await driver.read(plan))[0].quality is Quality.GOOD
    await driver.close()


async def test_another_block_and_a_server_that_is_no_plc(plc: Plc) -> None:
    driver = plc.driver(db="DB_Other")
    await driver.open()
    (sample,) = await driver.read(driver.plan(points("Temp.PV")))
    assert sample.detail == "there is no such node (BadNodeIdUnknown)"
    await driver.close()


def reading(count: float, quality: Quality = Quality.GOOD) -> Reading:
    return Reading(count, quality, "", None)


def test_a_cpu_in_stop_is_found_by_its_counter() -> None:
    pulse = Pulse(2.0, 3.0)
    moments = [(0.0, 1.0), (1.9, 1.0), (2.1, 1.0), (3.1, 1.0), (3.2, 2.0), (4.9, 2.0), (5.3, 2.0)]
    judged = [pulse.judge(reading(count), now) for now, count in moments]
    good, uncertain, bad = Quality.GOOD, Quality.UNCERTAIN, Quality.BAD
    assert judged == [good, good, uncertain, bad, good, good, uncertain]


def test_a_plc_without_a_counter_is_not_judged() -> None:
    pulse = Pulse(2.0, 3.0)
    assert {pulse.judge(reading(float("nan"), Quality.BAD), now) for now in (0.0, 100.0)} == {Quality.GOOD}


async def test_stopped_values_carry_the_reason(plc: Plc) -> None:
    driver = plc.driver()
    await driver.open()
    plan = driver.plan(points("Temp.PV"))
    await driver.read(plan)
    await asyncio.sleep(2.2)
    (sample,) = await driver.read(plan)
    assert (sample.quality, sample.reason) == (Quality.UNCERTAIN, Reason.STALE)
    heater = points("Heater.OP")[0]
    (outcome,) = await driver.write([(heater, 40.0)])
    assert (outcome.state, outcome.detail) == (WriteState.UNKNOWN, "the PLC's program stands still")
    assert (await plc.get("Heater.OP")).Value.Value == 40.0
    await plc.put("Plc.Heartbeat", 2, ua.VariantType.Int32)
    assert (await driver.read(plan))[0].quality is Quality.GOOD
    assert (await driver.write([(heater, 40.0)]))[0].state is WriteState.APPLIED
    await driver.close()


async def test_a_counter_that_fails_is_no_sign_of_life(plc: Plc) -> None:
    driver = plc.driver()
    await driver.open()
    plan = driver.plan(points("Temp.PV"))
    assert (await driver.read(plan))[0].quality is Quality.GOOD
    await plc.put("Plc.Heartbeat", 1, ua.VariantType.Int32, status=ua.StatusCodes.BadCommunicationError)
    (sample,) = await driver.read(plan)
    assert (sample.quality, sample.detail) == (Quality.UNCERTAIN, "the PLC's counter cannot be read any more")
    await driver.close()


async def test_elements_of_arrays(plc: Plc) -> None:
    driver = plc.driver()
    await driver.open()
    first, second = await driver.read(driver.plan(points("Spare[3]", "Loops[1].PV")))
    assert [first.value, second.value] == [3.5, 1.5]
    await driver.close()


async def test_one_read_for_many_points(plc: Plc) -> None:
    driver = plc.driver()
    await driver.open()
    plan = driver.plan(points(*[f"Spare.v{place}" for place in range(250)], "Temp.PV"))
    samples = await driver.read(plan)
    assert len(samples) == 251
    assert samples[-1].value == pytest.approx(37.1)
    await driver.close()


@pytest.mark.parametrize("address", ["", "Temp..PV", "Temp.PV;x", ".PV", "a b", 'x"y'])
def test_wrong_addresses(address: str) -> None:
    with pytest.raises(DriverError):
        GenericPlc(ConnectionSpec("plc", "opc.tcp://127.0.0.1:1")).plan(points(address))


async def test_a_port_that_nobody_listens_on() -> None:
    driver = GenericPlc(ConnectionSpec("plc", "opc.tcp://127.0.0.1:1"))
    with pytest.raises(LinkLost):
        await driver.open()
    await driver.close()


async def test_a_server_that_sends_garbage() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n" * 20)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        driver = GenericPlc(ConnectionSpec("plc", f"opc.tcp://127.0.0.1:{port}"))
        with pytest.raises(DriverError):
            await driver.open()
        await driver.close()


async def test_a_server_without_the_namespace(plc: Plc, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drivers.instruments.generic_plc.NAMESPACE", "urn:not:there")
    driver = plc.driver()
    with pytest.raises(Refused, match="urn:not:there"):
        await driver.open()
    await driver.close()
