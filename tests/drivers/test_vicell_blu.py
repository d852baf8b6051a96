"""The cell counter over OPC UA methods: the lock, a count started once, results of several vessels."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from asyncua import ua, uamethod
from asyncua.common.structures104 import new_enum, new_struct, new_struct_field

from drivers.conformance import Bench, DriverConformance
from drivers.contract import ConnectionSpec, DriverError, Point, Quality, Reason, Refused, WriteState
from drivers.instruments.vicell_blu import ViCellBlu

pytestmark = pytest.mark.timeout(60)  # the first one waits for the server to start

STAMP = datetime(2026, 11, 23, 20, 0, 0, tzinfo=UTC)
TEXT, NUMBER, WHEN = ua.VariantType.String, ua.VariantType.Double, ua.VariantType.DateTime
RESULT_FIELDS = ("ViableCellsPerMilliliter", "TotalCellsPerMilliliter", "ViabilityPercent", "AverageDiameter")


class Counter:
    """The peer: an instrument of the vendor's shape on the asyncua server."""

    def __init__(self, server: Any, relay: Any) -> None:
        self.server, self.relay = server, relay
        self.state: dict[str, Any] = {}

    async def fill(self) -> None:
        """Make the instrument once; later tests start from an empty one."""
        if "counter" not in self.server.nodes:
            self.server.nodes["counter"] = {}
            await self.server.run(self._make())
        self.state = self.server.nodes["counter"]
        self.state.update(locked=False, refuse="", samples=[], started=[], calls=[], searches=[])

    def count(self, name: str, values: tuple[float, float, float, float], status: str = "Completed") -> None:
        """A sample that the instrument lists."""
        self.state["samples"].append((name, status, values))

    async def _make(self) -> None:
        server = self.server.server
        index = await server.register_namespace("urn:test:ViCellBlu")
        await self._types(server, index)
        await server.load_data_type_definitions()
        root = await server.nodes.objects.add_object(index, "ViCellBluStateObject")
        methods = await root.add_object(index, "Methods")
        control = await root.add_object(index, "PlayControl")
        for parent, name in ((methods, "RequestLock"), (methods, "ReleaseLock")):
            await parent.add_method(index, name, self._lock(name), [], [ua.VariantType.ExtensionObject])
        arguments = [TEXT, WHEN, WHEN, ua.VariantType.Int32, TEXT, TEXT, TEXT]
        await methods.add_method(
            index, "GetSampleResults", self._results(), arguments, [ua.VariantType.ExtensionObject]
        )
        structure = [ua.VariantType.ExtensionObject]
        await control.add_method(index, "StartSample", self._start(), structure, structure)

    async def _types(self, server: Any, index: int) -> None:
        method = await new_enum(server, index, "MethodResultEnum", ["Success", "Failure"])
        status = await new_enum(
            server, index, "SampleStatusEnum", ["NotProcessed", "InProcess", "Completed", "SkipError"]
        )
        result = [new_struct_field("MethodResult", method), new_struct_field("ResponseDescription", TEXT)]
        await new_struct(server, index, "VcbResult", result)
        sample = [new_struct_field("SampleId", TEXT), new_struct_field("Status", status)]
        sample += [new_struct_field(name, NUMBER) for name in RESULT_FIELDS]
        entry, _ = await new_struct(
            server, index, "SampleResult", [*sample, new_struct_field("AnalysisDateTime", WHEN)]
        )
        results = [*result, new_struct_field("SampleResults", entry, array=True)]
        await new_struct(server, index, "VcbResultGetSampleResults", results)
        place = [new_struct_field("Row", TEXT), new_struct_field("Column", ua.VariantType.Byte)]
        position, _ = await new_struct(server, index, "SamplePosition", place)
        cell, _ = await new_struct(server, index, "CellType", [new_struct_field("CellTypeName", TEXT)])
        quality, _ = await new_struct(server, index, "QualityControl", [new_struct_field("QualityControlName", TEXT)])
        config = [new_struct_field("SampleName", TEXT), new_struct_field("SamplePosition", position)]
        config += [new_struct_field("Dilution", ua.VariantType.UInt32), new_struct_field("CellType", cell)]
        config += [new_struct_field("QualityControl", quality)]
        config += [new_struct_field("SaveEveryNthImage", ua.VariantType.UInt32)]
        await new_struct(server, index, "SampleConfig", config)

    def _verdict(self, kind: str, problem: str = "") -> Any:
        result = getattr(ua, kind)()
        result.MethodResult = ua.MethodResultEnum.Failure if problem else ua.MethodResultEnum.Success
        result.ResponseDescription = problem
        return result

    def _lock(self, name: str) -> Any:
        @uamethod
        def method(parent: Any) -> Any:
            state = self.server.nodes["counter"]
            state["calls"].append(name)
            problem = "locked by another" if state["refuse"] == "lock" and name == "RequestLock" else ""
            state["locked"] = name == "RequestLock" and not problem
            return self._verdict("VcbResult", problem)

        return method

    def _results(self) -> Any:
        @uamethod
        def method(
            parent: Any, user: str, first: Any, last: Any, filter_on: int, cell: str, search: str, tag: str
        ) -> Any:
            state = self.server.nodes["counter"]
            state["searches"].append((filter_on, search))
            result = self._verdict("VcbResultGetSampleResults", "" if state["locked"] else "no lock")
            for name, status, values in state["samples"]:
                if search in name:
                    entry = ua.SampleResult(name, ua.SampleStatusEnum[status], *values, STAMP)
                    result.SampleResults.append(entry)
            return result

        return method

    def _start(self) -> Any:
        @uamethod
        async def method(parent: Any, config: Any) -> Any:
            state = self.server.nodes["counter"]
            problem = "busy" if state["refuse"] == "start" else ""
            if not problem:
                state["started"].append(config)
            if state["refuse"] == "slow":
                await asyncio.sleep(0.8)
            return self._verdict("VcbResult", problem)

        return method

    def driver(self, **options: object) -> ViCellBlu:
        url = f"opc.tcp://127.0.0.1:{self.relay.port}/ViCellBlu/Server"
        return ViCellBlu(ConnectionSpec("counter", url, {"poll": 0.1, **options}, 0.5))


@pytest.fixture
async def counter(opcua_server: Any, relay: Any) -> Counter:
    peer = Counter(opcua_server, relay)
    await peer.fill()
    return peer


def points(*addresses: str) -> list[Point]:
    return [Point(f"tag {address}", address, "w" if address.endswith("start") else "r") for address in addresses]


START = points("BR-101.start")[0]


class CounterBench(Bench):
    """The bench of the conformance tests."""

    readable = points("BR-101.sample", "BR-101.viable_density", "BR-102.sample", "BR-101.viability")
    unknown = Point("odd", "BR-101.colour")
    setting = (START, 8.0)
    outside = (START, 8.5)

    def __init__(self, peer: Counter) -> None:
        self.peer = peer
        peer.count("BR-101-7", (1.25, 1.5, 83.0, 12.5))

    def driver(self) -> ViCellBlu:
        return self.peer.driver()

    async def silence(self) -> None:
        self.peer.relay.running.clear()

    async def restore(self) -> None:
        self.peer.relay.running.set()


class TestConformance(DriverConformance):
    """The contract."""

    @pytest.fixture
    async def bench(self, counter: Counter) -> CounterBench:
        return CounterBench(counter)


async def until_read(driver: ViCellBlu, *addresses: str, value: float | None = None) -> list[Any]:
    plan = driver.plan(points(*addresses))
    for _ in range(200):
        samples = list(await driver.read(plan))
        if samples[0].quality is Quality.GOOD and value in {None, samples[0].value}:
            return samples
        await asyncio.sleep(0.02)
    raise AssertionError(samples)


async def test_newest_finished_sample_of_each_vessel(counter: Counter) -> None:
    counter.count("BR-101-9", (1.5, 2.0, 75.0, 12.5))
    counter.count("BR-101-10", (2.0, 2.5, 80.0, 13.0))
    counter.count("BR-101-11", (0.0, 0.0, 0.0, 0.0), "InProcess")
    counter.count("BR-101-x", (9.0, 9.0, 9.0, 9.0))
    counter.count("XBR-101-99", (9.0, 9.0, 9.0, 9.0))
    driver = counter.driver()
    identity = await driver.open()
    assert identity.model == "Vi-CELL BLU"
    names = [f"BR-101.{name}" for name in ("sample", "viable_density", "total_density", "viability", "diameter")]
    samples = await until_read(driver, *names, "BR-102.sample", "BR-102.viability")
    assert [sample.value for sample in samples[:6]] == [10.0, 2.0, 2.5, 80.0, 13.0, 0.0]
    assert samples[1].source_time == STAMP.timestamp()
    assert (samples[6].quality, samples[6].reason) == (Quality.BAD, Reason.NO_SAMPLE)
    assert (1, "BR-101-") in counter.state["searches"]
    await driver.close()
    assert counter.state["calls"] == ["RequestLock", "ReleaseLock"]


async def test_a_count_is_started_once_for_ever(counter: Counter) -> None:
    driver = counter.driver(cell_type="Yeast")
    await driver.open()
    for _ in range(3):
        (outcome,) = await driver.write([(START, 5.0)])
        assert outcome.state is WriteState.APPLIED
    (config,) = counter.state["started"]
    assert (config.SampleName, config.CellType.CellTypeName) == ("BR-101-5", "Yeast")
    assert (config.SamplePosition.Row, config.SamplePosition.Column) == ("Y", 1)
    counter.count("BR-101-5", (3.0, 4.0, 75.0, 12.0))
    await until_read(driver, "BR-101.sample", value=5.0)
    await driver.close()

    again = counter.driver()
    await again.open()
    (outcome,) = await again.write([(START, 5.0)])
    assert (outcome.state, outcome.detail) == (WriteState.APPLIED, "counted before")
    assert len(counter.state["started"]) == 1
    await again.close()


async def test_a_sample_that_was_given_up_is_not_told_as_counted(counter: Counter) -> None:
    counter.count("BR-101-5", (0.0, 0.0, 0.0, 0.0), "SkipError")
    driver = counter.driver()
    await driver.open()
    (outcome,) = await driver.write([(START, 5.0)])
    why = "not sent: BR-101-5 was given up (SkipError), take another number"
    assert (outcome.state, outcome.detail, counter.state["started"]) == (WriteState.REFUSED, why, [])
    await driver.close()


async def test_a_refused_start_may_be_tried_again(counter: Counter) -> None:
    driver = counter.driver()
    await driver.open()
    counter.state["refuse"] = "start"
    (outcome,) = await driver.write([(START, 5.0)])
    assert (outcome.state, outcome.detail) == (WriteState.REFUSED, "StartSample: busy")
    counter.state["refuse"] = ""
    (outcome,) = await driver.write([(START, 5.0)])
    assert outcome.state is WriteState.APPLIED
    await driver.close()


async def test_a_start_without_answer_is_unknown_and_not_repeated(counter: Counter) -> None:
    driver = counter.driver()
    await driver.open()
    counter.state["refuse"] = "slow"
    for _ in range(2):
        (outcome,) = await driver.write([(START, 6.0)])
        assert outcome.state is WriteState.UNKNOWN
    assert len(counter.state["started"]) == 1
    counter.count("BR-101-6", (1.0, 1.0, 99.0, 12.0), "InProcess")
    (outcome,) = await driver.write([(START, 6.0)])
    assert outcome.state is WriteState.APPLIED
    await driver.close()


@pytest.mark.parametrize("number", [0.0, -1.0, 1.5, 1e12])
async def test_impossible_numbers(counter: Counter, number: float) -> None:
    driver = counter.driver()
    await driver.open()
    other = points("BR-101.viability")[0]
    outcomes = await driver.write([(START, number), (other, 1.0)])
    assert [outcome.state for outcome in outcomes] == [WriteState.REFUSED] * 2
    assert counter.state["started"] == []
    await driver.close()


async def test_another_program_has_the_lock(counter: Counter) -> None:
    counter.state["refuse"] = "lock"
    driver = counter.driver()
    with pytest.raises(Refused, match="RequestLock: locked by another"):
        await driver.open()
    await driver.close()


async def test_losing_the_lock_is_noticed(counter: Counter) -> None:
    driver = counter.driver()
    await driver.open()
    await until_read(driver, "BR-101.sample")
    counter.state["locked"] = False
    plan = driver.plan(points("BR-101.sample"))

    async def read_on() -> None:
        for _ in range(100):
            await driver.read(plan)
            await asyncio.sleep(0.02)

    with pytest.raises(Refused, match="no lock"):
        await read_on()
    await driver.close()


async def test_the_password_comes_from_the_environment(counter: Counter, monkeypatch: pytest.MonkeyPatch) -> None:
    driver = counter.driver(user="biovisor", password_env="BIOVISOR_TEST_SECRET")
    with pytest.raises(Refused, match="BIOVISOR_TEST_SECRET"):
        await driver.open()
    monkeypatch.setenv("BIOVISOR_TEST_SECRET", "x")
    await driver.open()
    await driver.close()


@pytest.mark.parametrize("address", ["", "start", ".start", "BR-101", "BR-101.", "BR-101.colour"])
def test_wrong_addresses(address: str) -> None:
    with pytest.raises(DriverError):
        ViCellBlu(ConnectionSpec("c", "opc.tcp://x")).plan(points(address))
