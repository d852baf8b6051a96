"""The FLEX2 against its simulator: results as a whole, commands that may be ignored, old servers, missing modules."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from asyncua import Client, ua

from drivers.conformance import Disturbance, DriverConformance
from drivers.contract import BadAddress, ConnectionSpec, LinkLost, Point, Quality, Reason, Refused, Sample, WriteState
from drivers.instruments import nova_flex2, nova_words
from drivers.instruments.nova_flex2 import NovaFlex2
from simulators.instruments import nova_analyzer
from tests.drivers.simulated import Simulated, SimulatedBench, points

pytestmark = pytest.mark.timeout(60)

OPTIONS: dict[str, object] = {"poll": 0.05}
START = Point("start", "BR-1.start", "w")
QUICK = {"panel_s": 0.2}
RESULTS = "OPCSystemObjects->HistoricalSampleResults"
ESM = "OPCSystemCommands->ESMScheduleAnalysis"
WITHOUT = (Disturbance.DAMAGED, Disturbance.FOREIGN)


def make(url: str, **options: object) -> NovaFlex2:
    return NovaFlex2(ConnectionSpec("flex", url, {**OPTIONS, **options}, 0.4))


@pytest.fixture(scope="module")
def flex(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulated]:
    with Simulated("nova_flex2", tmp_path_factory.mktemp("flex"), **QUICK) as simulated:
        yield simulated


@pytest.fixture(scope="module")
def strange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulated]:
    """An old server with other separators, missing modules, errors, another unit, bits that stay, a deaf first ear."""
    quirks: dict[str, object] = {
        "old": True, "separator": ".", "full_names": True, "missing": ["CellDensity"], "errors": ["Gas/pO2"],
        "units": {"Chem/Gluc": "mg/dL"}, "self_clears": False, "ignores": 1, "amends_s": 0.3,
    }  # fmt: skip
    with Simulated("nova_flex2", tmp_path_factory.mktemp("strange"), **QUICK, **quirks) as simulated:
        yield simulated


class TestConformance(DriverConformance):
    """The contract, after a first sample has been measured."""

    @pytest.fixture
    async def bench(self, flex: Simulated) -> SimulatedBench:
        driver = make(flex.url)
        await driver.open()
        await ready(driver)
        await driver.write([(Point("start", "CT-1.start", "w"), 1.0)])
        await until(driver, "CT-1.sample", 1.0)
        await driver.close()
        readable = points("CT-1.sample", "CT-1.glucose", "CT-1.ph", "CT-1.viability")
        return SimulatedBench(flex, make, readable, Point("odd", "CT-1.colour"), without=WITHOUT)


async def read(driver: NovaFlex2, *addresses: str) -> list[Sample]:
    return list(await driver.read(driver.plan(points(*addresses))))


async def until(driver: NovaFlex2, address: str, value: float, *others: str) -> list[Sample]:
    samples: list[Sample] = []
    for _ in range(300):
        samples = await read(driver, address, *others)
        if samples[0].value == value:
            return samples
        await asyncio.sleep(0.02)
    raise AssertionError(samples)


async def ready(driver: NovaFlex2) -> None:
    """Until the driver knows what was measured last."""
    await until(driver, "BR-0.sample", 0.0)


class Peer:
    """An independent client, by node id."""

    def __init__(self, url: str, namespace: int = 3) -> None:
        self.client, self.namespace = Client(url), namespace

    async def __aenter__(self) -> Peer:
        await self.client.connect()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.client.disconnect()

    def node(self, identifier: str) -> Any:
        return self.client.get_node(ua.NodeId(identifier, self.namespace))


def test_the_words_of_driver_and_simulator_agree() -> None:
    branches = {"/".join(analyte.branch) for analyte in nova_words.ANALYTES.values()}
    assert branches < nova_analyzer.ALONE.keys()


async def test_from_a_start_to_its_result(flex: Simulated) -> None:
    driver = make(flex.url, operator="Biovisor", sample_type="ESM")
    identity = await driver.open()
    assert (identity.model, identity.serial) == ("BioProfile FLEX2", "SIMULATED")
    before = await until(driver, "BR-1.sample", 0.0, "BR-1.glucose")
    assert (before[1].quality, before[1].detail) == (Quality.BAD, "no result of this vessel yet")
    (outcome,) = await driver.write([(START, 1.0)])
    assert outcome.state is WriteState.UNKNOWN
    assert "its result will tell" in outcome.detail
    (again,) = await driver.write([(START, 1.0)])
    assert (again.state, again.detail) == (WriteState.UNKNOWN, "sent before, but there is no result yet")
    names = ("glucose", "lactate", "ph", "osmolality", "viable_density")
    _, *samples = await until(driver, "BR-1.sample", 1.0, *(f"BR-1.{name}" for name in names))
    assert [sample.value for sample in samples] == pytest.approx([3.6, 1.1, 7.05, 305.0, 2.0], rel=0.03)
    assert all(sample.quality is Quality.GOOD and sample.source_time for sample in samples)
    (known,) = await driver.write([(START, 1.0)])
    assert (known.state, known.detail) == (WriteState.APPLIED, "measured before")
    async with Peer(flex.url) as peer:
        texts = [f"{RESULTS}->StartTags->Operator", f"{RESULTS}->StartTags->SampleInformation->VesselID"]
        assert [await peer.node(text).read_value() for text in texts] == ["Biovisor", "BR-1"]
    await driver.close()


async def test_results_belong_to_their_vessel(flex: Simulated) -> None:
    driver = make(flex.url)
    await driver.open()
    await ready(driver)
    for vessel, number in (("BR-2", 4.0), ("BR-3", 9.0)):
        await driver.write([(Point("s", f"{vessel}.start", "w"), number)])
        await until(driver, f"{vessel}.sample", number, f"{vessel}.glucose")
    (earlier,) = await driver.write([(Point("s", "BR-3.start", "w"), 5.0)])
    assert (earlier.state, earlier.detail) == (WriteState.REFUSED, "not sent: BR-3-9 has been measured already")
    second, first, third = await read(driver, "BR-3.glucose", "BR-2.sample", "BR-2.glucose")
    assert first.value == 4.0
    assert second.value != third.value
    await driver.close()
    fresh = make(flex.url)
    await fresh.open()
    samples = await until(fresh, "BR-3.sample", 9.0, "BR-2.sample")
    assert samples[1].value == 0.0, "only the newest result of all is on the server"
    await fresh.close()


async def test_a_result_is_believed_as_a_whole(flex: Simulated) -> None:
    """Tag by tag the simulator shows a new result; glucose and osmolality come at different moments."""
    driver = make(flex.url, poll=0.3)
    await driver.open()
    await ready(driver)
    seen = set()
    for number in (1.0, 2.0, 3.0):
        await driver.write([(Point("s", "BR-4.start", "w"), number)])
        for _ in range(200):
            sample, glucose, density = await read(driver, "BR-4.sample", "BR-4.glucose", "BR-4.total_density")
            if sample.value:
                seen.add((sample.value, glucose.value, density.value))
            if sample.value == number:
                break
            await asyncio.sleep(0.005)
    assert sorted(number for number, *_ in seen) == [1.0, 2.0, 3.0], "one set of values for each"
    await driver.close()


async def test_an_old_server_with_all_its_quirks(strange: Simulated, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nova_flex2, "UP_S", 0.5)
    driver = make(strange.url, separator=".", stale_after=5.0)
    await driver.open()
    await until(driver, "BR-1.sample", 0.0)
    (ignored,) = await driver.write([(START, 1.0)])
    assert ignored.state is WriteState.UNKNOWN, "Good, and ignored"
    await asyncio.sleep(0.2)
    assert (await read(driver, "BR-1.sample"))[0].value == 0.0
    async with Peer(strange.url, 2) as peer:
        bit = peer.node(f"{ESM}->ESMScheduleAnalysis".replace("->", "."))
        assert await bit.read_value() is True, "it stays up"
        (early,) = await driver.write([(START, 2.0)])
        assert (early.state, "still up" in early.detail) == (WriteState.REFUSED, True)
        assert await bit.read_value() is False
        await asyncio.sleep(0.2)
        await driver.write([(START, 2.0)])
        names = ("ph", "po2", "glucose", "viability")
        _, ph, po2, glucose, viability = await until(driver, "BR-1.sample", 2.0, *(f"BR-1.{name}" for name in names))
        assert ph.quality is Quality.GOOD
        assert (po2.quality, po2.detail) == (Quality.BAD, "Sensor error")
        assert (glucose.quality, glucose.detail) == (Quality.BAD, "in mg/dL, not g/L")
        assert (viability.quality, viability.reason, viability.detail) == (Quality.BAD, Reason.DEVICE, "BadNoData")
    for _ in range(200):
        (ph,) = await read(driver, "BR-1.ph")
        if ph.detail == "amended":
            break
        await asyncio.sleep(0.02)
    assert (ph.quality, ph.detail) == (Quality.GOOD, "amended")
    await asyncio.sleep(0.3)
    await read(driver, "BR-1.ph")
    (third,) = await driver.write([(START, 3.0)])
    assert third.state is WriteState.UNKNOWN, "the bit has been taken down meanwhile"
    await driver.close()


async def test_arguments_that_are_not_kept_start_nothing(flex: Simulated) -> None:
    """Somebody else writes the same arguments all the time: the bit must not be set for their sample."""
    async with Peer(flex.url) as peer:
        node = peer.node(f"{ESM}->SampleInformation->SampleID")

        async def meddle() -> None:
            while True:
                await node.write_value("SOMEBODY-1")

        driver = make(flex.url)
        await driver.open()
        await ready(driver)
        meddling = asyncio.create_task(meddle())
        outcomes = [(await driver.write([(START, float(number))]))[0] for number in range(20, 30)]
        meddling.cancel()
        await asyncio.wait([meddling])
        refused = [outcome for outcome in outcomes if outcome.state is WriteState.REFUSED]
        assert refused
        assert all("SampleID reads back 'SOMEBODY-1'" in outcome.detail for outcome in refused)
        assert all(outcome.state is not WriteState.APPLIED for outcome in outcomes)
        await driver.close()


async def test_a_software_that_stands_still(flex: Simulated) -> None:
    """The OPC UA server answers while the analyser's own software does not count on."""
    driver = make(flex.url, stale_after=0.2)
    await driver.open()
    await until(driver, "CT-2.sample", 0.0)
    driver._beat = ("", 0)

    async def still(*_: object) -> list[str]:
        return ["17"]

    driver._texts = still  # type: ignore[method-assign]  # a heartbeat that does not beat any more
    qualities = []
    for pause in (0.0, 0.22, 0.12):
        await asyncio.sleep(pause)
        (sample,) = await read(driver, "CT-2.sample")
        qualities.append(sample.quality)
    assert qualities == [Quality.GOOD, Quality.UNCERTAIN, Quality.BAD]
    assert sample.reason is Reason.STALE
    await driver.close()


async def test_writes_that_make_no_sense(flex: Simulated) -> None:
    driver = make(flex.url)
    closed = await driver.write([(START, 50.0)])
    assert (closed[0].state, closed[0].detail[:9]) == (WriteState.REFUSED, "not sent:")
    await driver.open()
    await ready(driver)
    outcomes = await driver.write([(START, value) for value in (0.0, -1.0, 1.5, 1e12)] + [(points("BR-1.ph")[0], 7.0)])
    assert {outcome.state for outcome in outcomes} == {WriteState.REFUSED}
    await driver.close()


async def test_a_start_into_silence_is_not_sent_or_unknown(flex: Simulated) -> None:
    driver = make(flex.url)
    await driver.open()
    await ready(driver)
    flex.fault("silence", 600)
    try:
        (outcome,) = await driver.write([(START, 60.0)])
        assert (outcome.state, outcome.detail[:9]) == (WriteState.REFUSED, "not sent:")
    finally:
        flex.fault("silence", 0.001)
        await driver.close()


async def test_a_server_that_is_no_flex(opcua_server: Any) -> None:
    driver = make(f"opc.tcp://127.0.0.1:{opcua_server.port}")
    with pytest.raises(Refused, match="this is no FLEX2: it has no OPCSystemObjects/CoreHeartbeat/UpTime"):
        await driver.open()
    await driver.close()
    with pytest.raises(LinkLost):
        await read(driver, "BR-1.ph")


@pytest.mark.parametrize("address", ["", "start", ".ph", "BR-1", "BR-1.", "BR-1.colour"])
def test_wrong_addresses(address: str) -> None:
    with pytest.raises(BadAddress):
        make("opc.tcp://127.0.0.1:1").plan(points(address))
