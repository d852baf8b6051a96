"""Any OPC UA server by configuration: ids, paths, arrays, types, missing nodes, a counter that stands still."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from asyncua import ua

from controller.config.load import load_site
from controller.model.build import build
from drivers.conformance import Bench, DriverConformance
from drivers.contract import BadAddress, ConnectionSpec, Point, Quality, Reason, Refused, Sample, WriteState
from drivers.instruments import generic_opcua
from drivers.instruments.generic_opcua import GenericOpcUa, fits

pytestmark = pytest.mark.timeout(60)  # the first one waits for the server to start

URI, OTHER = "urn:test:generic", "urn:test:other"
KINDS = ua.VariantType
TAGS: dict[str, tuple[Any, Any]] = {
    "Unit1.T.PV": (37.25, KINDS.Double),
    "Unit1.pH.PV": (7.0, KINDS.Float),
    "Unit1.N.SP": (300, KINDS.Int16),
    "Unit1.Valve": (False, KINDS.Boolean),
    "Unit1.Beat": (1, KINDS.UInt32),
    "Unit1.Name": ("BIOSTAT", KINDS.String),
    "Unit1.Locked": (1.0, KINDS.Double),
    "Odd\\.\\Tag 1;x": (5.0, KINDS.Double),
    "Unit1.Spectrum": ([1.0, 2.5, 4.0], KINDS.Float),
}
PATH = "/Units/Fermenter 1/Variables/TEMP/Value_TEMP"


class Peer:
    """Tags on the asyncua server, behind a relay."""

    def __init__(self, server: Any, relay: Any) -> None:
        self.server, self.relay = server, relay

    async def fill(self) -> None:
        if "generic" not in self.server.nodes:
            self.server.nodes["generic"] = await self.server.run(self._make())
        for name, (value, kind) in TAGS.items():
            await self.put(name, value, kind)

    async def _make(self) -> int:
        server = self.server.server
        await server.register_namespace(OTHER)
        index: int = await server.register_namespace(URI)
        for name, (value, kind) in TAGS.items():
            node = await server.nodes.objects.add_variable(ua.NodeId(name, index), f"{index}:{name}", value, kind)
            if name not in {"Unit1.Locked", "Unit1.Name"}:
                await node.set_writable()
        folder = server.nodes.objects
        for name in PATH.split("/")[1:-1]:
            folder = await folder.add_object(index, name)
        await folder.add_variable(index, "Value_TEMP", 36.5, KINDS.Double)
        for place in (index, index - 1):
            await folder.add_variable(place, "Twice", 1.0, KINDS.Double)
        self.server.nodes["generic folder"] = folder
        return index

    def node(self, name: str) -> Any:
        return self.server.server.get_node(ua.NodeId(name, self.server.nodes["generic"]))

    async def put(self, name: str, value: Any, kind: Any) -> None:
        data = ua.DataValue(ua.Variant(value, kind))
        await self.server.run(self.server.server.write_attribute_value(self.node(name).nodeid, data))

    async def get(self, name: str) -> ua.Variant:
        data = await self.server.run(self.node(name).read_data_value())
        assert isinstance(data.Value, ua.Variant)
        return data.Value

    def driver(self, **options: object) -> GenericOpcUa:
        url = f"opc.tcp://127.0.0.1:{self.relay.port}"
        return GenericOpcUa(ConnectionSpec("mfcs", url, {"namespace": URI, **options}, 0.5))


@pytest.fixture
async def peer(opcua_server: Any, relay: Any) -> Peer:
    one = Peer(opcua_server, relay)
    await one.fill()
    return one


def points(*addresses: str) -> list[Point]:
    return [Point(f"tag {address}", address, "rw") for address in addresses]


class GenericBench(Bench):
    """The bench of the conformance tests."""

    readable = points("s=Unit1.T.PV", PATH, "s=Unit1.N.SP")
    unknown = Point("odd", "ns=4;s=Unit1.T.PV")
    setting = (points("s=Unit1.N.SP")[0], 250.0)
    outside = (points("s=Unit1.N.SP")[0], 40000.0)

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        self.true = {"s=Unit1.T.PV": 37.25, PATH: 36.5}

    def driver(self) -> GenericOpcUa:
        return self.peer.driver()

    async def silence(self) -> None:
        self.peer.relay.running.clear()

    async def restore(self) -> None:
        self.peer.relay.running.set()


class TestConformance(DriverConformance):
    """The contract."""

    @pytest.fixture
    async def bench(self, peer: Peer) -> GenericBench:
        return GenericBench(peer)


async def read(driver: GenericOpcUa, *addresses: str) -> list[Sample]:
    return list(await driver.read(driver.plan(points(*addresses))))


async def test_ids_paths_elements_and_other_namespaces(peer: Peer) -> None:
    driver = peer.driver()
    identity = await driver.open()
    assert (identity.vendor, identity.via) == ("FreeOpcUa", "")
    samples = await read(
        driver, "s=Unit1.pH.PV", PATH, "s=Unit1.Spectrum#1", "s=Unit1.Valve", "s=Odd\\.\\Tag 1;x",
        f"nsu={URI};s=Unit1.T.PV", "nsu=http://opcfoundation.org/UA/;i=2267", "i=9999999",
    )  # fmt: skip
    assert [sample.value for sample in samples[:7]] == [7.0, 36.5, 2.5, 0.0, 5.0, 37.25, 255.0]
    assert {sample.quality for sample in samples[:7]} == {Quality.GOOD}
    assert (samples[7].quality, samples[7].detail) == (Quality.BAD, "there is no such node (BadNodeIdUnknown)")
    await driver.close()


async def test_what_is_no_number_or_not_there(peer: Peer) -> None:
    driver = peer.driver()
    await driver.open()
    text, array, beyond, path, twice, foreign = await read(
        driver, "s=Unit1.Name", "s=Unit1.Spectrum", "s=Unit1.Spectrum#3", "/Units/No/Such",
        PATH.replace("Value_TEMP", "Twice"), "nsu=urn:nobody;s=a",
    )  # fmt: skip
    assert {one.quality for one in (text, array, beyond, path, twice, foreign)} == {Quality.BAD}
    assert "BIOSTAT" in text.detail
    assert path.detail == "the server has no Units/No/Such"
    assert twice.detail.endswith("TEMP/Twice"), "two nodes of that name"
    assert foreign.detail == "the server has no urn:nobody"
    await driver.close()


async def test_a_node_that_comes_later_is_found(peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generic_opcua, "SEARCH_S", 0.05)
    path = PATH.replace("Value_TEMP", "Late")
    driver = peer.driver()
    await driver.open()
    (sample,) = await read(driver, path)
    assert (sample.quality, sample.reason) == (Quality.BAD, Reason.DEVICE)
    folder = peer.server.nodes["generic folder"]
    await peer.server.run(folder.add_variable(peer.server.nodes["generic"], "Late", 8.0, KINDS.Double))
    await asyncio.sleep(0.06)
    (sample,) = await read(driver, path)
    assert sample.value == 8.0
    await driver.close()


async def test_writes_keep_the_servers_types(peer: Peer) -> None:
    driver = peer.driver()
    await driver.open()
    wanted = {"s=Unit1.T.PV": 38.5, "s=Unit1.pH.PV": 7.5, "s=Unit1.N.SP": 120.0, "s=Unit1.Valve": 1.0}
    wrong = [("s=Unit1.N.SP", 1.5), ("s=Unit1.Valve", 2.0), ("s=Unit1.pH.PV", 1e300), ("s=Unit1.Spectrum#1", 1.0)]
    wrong += [("s=Unit1.Name", 1.0), ("s=No.Such", 1.0), ("s=Unit1.Locked", 2.0), ("/No/Such", 1.0)]
    outcomes = await driver.write([(points(address)[0], value) for address, value in [*wanted.items(), *wrong]])
    assert [outcome.state for outcome in outcomes] == [WriteState.APPLIED] * 4 + [WriteState.REFUSED] * 8
    assert all(outcome.detail for outcome in outcomes[4:])
    assert outcomes[10].detail.startswith("Bad")
    for address, value in wanted.items():
        name = address.removeprefix("s=")
        got = await peer.get(name)
        assert (got.Value, got.VariantType) == (value, TAGS[name][1])
    (outcome,) = await driver.write([(Point("x", "s=Unit1.T.PV", "r"), 1.0)])
    assert (outcome.state, outcome.detail) == (WriteState.REFUSED, "read only")
    await driver.close()


async def test_a_write_into_a_frozen_server_is_unknown(peer: Peer) -> None:
    driver = peer.driver()
    await driver.open()
    await read(driver, "s=Unit1.T.PV")
    peer.relay.running.clear()
    first, second = await driver.write([(points("s=Unit1.T.PV")[0], 41.0)] * 2)
    assert (first.state, second.state) == (WriteState.UNKNOWN, WriteState.UNKNOWN)
    await driver.close()


async def test_what_comes_after_a_request_that_failed_is_not_sent(peer: Peer) -> None:
    driver = peer.driver()
    await driver.open()
    await read(driver, "s=Unit1.T.PV")
    peer.relay.running.clear()
    outcomes = await driver.write([(points("s=Unit1.T.PV")[0], 41.0)] * 150)
    assert [outcome.state for outcome in outcomes] == [WriteState.UNKNOWN] * 100 + [WriteState.REFUSED] * 50
    assert outcomes[-1].detail.startswith("not sent: ")
    await driver.close()


async def test_a_counter_that_stands_still(peer: Peer) -> None:
    driver = peer.driver(counter="s=Unit1.Beat", stale_after=0.5)
    await driver.open()
    qualities = []
    for pause in (0.0, 0.6, 0.25):
        await asyncio.sleep(pause)
        (sample,) = await read(driver, "s=Unit1.T.PV")
        qualities.append(sample.quality)
    assert qualities == [Quality.GOOD, Quality.UNCERTAIN, Quality.BAD]
    assert (sample.reason, sample.detail) == (Reason.STALE, "the server's counter stands still")
    await peer.put("Unit1.Beat", 2, KINDS.UInt32)
    assert (await read(driver, "s=Unit1.T.PV"))[0].quality is Quality.GOOD
    await driver.close()


async def test_a_clock_as_counter_and_a_counter_that_is_none(peer: Peer) -> None:
    clock = peer.driver(counter="nsu=http://opcfoundation.org/UA/;i=2258", stale_after=0.5)
    await clock.open()
    (sample,) = await read(clock, "s=Unit1.T.PV")
    assert sample.quality is Quality.GOOD
    await clock.close()
    for counter in ("s=Unit1.Name", "s=No.Such", "/No/Such"):
        none = peer.driver(counter=counter)
        await none.open()
        (sample,) = await read(none, "s=Unit1.T.PV")
        assert (sample.quality, sample.detail) == (Quality.UNCERTAIN, "the server's counter cannot be read")
        await none.close()


PROFILES = Path(__file__).parents[2] / "configs/profiles/site.yaml"


async def test_the_profiles_are_loaded_and_read(opcua_server: Any) -> None:
    """Every tag of every profile on a server of that shape, found by its address in the file and by nothing else."""
    loaded = load_site(PROFILES)
    site = build(loaded)
    for name, bindings in site.bindings.items():
        bound = [point for _, point in bindings]
        options = dict(loaded.config.connections[name].options)
        uri = str(options.setdefault("namespace", "urn:your:mfcs"))
        await opcua_server.run(shape(opcua_server.server, uri, [point.address for point in bound]))
        url = f"opc.tcp://127.0.0.1:{opcua_server.port}"
        used = {key: value for key, value in options.items() if key in {"namespace"}}
        driver = GenericOpcUa(ConnectionSpec(name, url, used, 0.5))
        GenericOpcUa(ConnectionSpec(name, url, options, 0.5))  # the options are the driver's
        await driver.open()
        samples = await driver.read(driver.plan(bound))
        assert [sample.value for sample in samples] == [float(place) for place in range(len(bound))]
        written = [point for point in bound if point.access == "rw"]
        outcomes = await driver.write([(point, 1.5) for point in written])
        assert {outcome.state for outcome in outcomes} <= {WriteState.APPLIED}
        assert len(written) == (0 if name == "mfcs" else 4)
        await driver.close()


async def shape(server: Any, uri: str, addresses: list[str]) -> None:
    """Nodes with these addresses, each with its place as its value."""
    index = await server.register_namespace(uri)
    folders = {"": server.nodes.objects}
    for place, address in enumerate(addresses):
        if not address.startswith("/"):
            identifier = ua.NodeId(address.removeprefix("s="), index)
            node = await server.nodes.objects.add_variable(identifier, address, float(place))
            await node.set_writable()
            continue
        *names, last = address[1:].split("/")
        for depth, name in enumerate(names):
            path, parent = "/".join(names[: depth + 1]), "/".join(names[:depth])
            if path not in folders:
                there = {(await child.read_browse_name()).Name: child for child in await folders[parent].get_children()}
                folders[path] = there.get(name) or await folders[parent].add_object(index, name)
        await folders["/".join(names)].add_variable(index, last, float(place))


async def test_a_server_without_the_namespace(peer: Peer) -> None:
    driver = peer.driver(namespace="urn:not:there")
    with pytest.raises(Refused, match="urn:not:there"):
        await driver.open()
    await driver.close()


@pytest.mark.parametrize("address", ["", "Temp", "/", "/A//B", "ns=3;s=x", "i=x", "nsu=;s=x", "s="])
def test_wrong_addresses(address: str) -> None:
    driver = GenericOpcUa(ConnectionSpec("mfcs", "opc.tcp://127.0.0.1:1"))
    with pytest.raises(BadAddress, match="tag"):
        driver.plan(points(address))
    with pytest.raises(ValueError, match="mfcs"):
        GenericOpcUa(ConnectionSpec("mfcs", "opc.tcp://127.0.0.1:1", {"counter": address or "?"}))


@pytest.mark.parametrize(("kind", "inside", "outside"), [
    (KINDS.SByte, (-128.0, 127.0), (-129.0, 128.0, 0.5)), (KINDS.Byte, (0.0, 255.0), (-1.0, 256.0)),
    (KINDS.Int16, (-32768.0, 70.00000000000001), (32768.0,)), (KINDS.UInt64, (0.0, 2.0**63), (-1.0, 2.0**64)),
    (KINDS.Int64, (-(2.0**63),), (2.0**63,)), (KINDS.Float, (3.4e38,), (1e39, float("nan"))),
    (KINDS.Double, (1e300,), (float("inf"),)), (KINDS.String, (), (1.0,)),
])  # fmt: skip
def test_what_fits_a_type(kind: Any, inside: tuple[float, ...], outside: tuple[float, ...]) -> None:
    assert all(fits(value, kind.value) for value in inside)
    assert not any(fits(value, kind.value) for value in outside)


@pytest.mark.parametrize(("said", "state"), [
    ("BadTimeout", WriteState.UNKNOWN), ("BadCommunicationError", WriteState.UNKNOWN),
    ("BadDeviceFailure", WriteState.UNKNOWN), ("BadOutOfRange", WriteState.REFUSED), ("BadLocked", WriteState.REFUSED),
])  # fmt: skip
async def test_a_write_of_which_the_server_does_not_know_is_unknown(
    peer: Peer, monkeypatch: pytest.MonkeyPatch, said: str, state: WriteState
) -> None:
    """The server reached the device behind it, and did not hear what became of the write."""

    aspace, own = peer.server.server.iserver.aspace, peer.node("Unit1.N.SP").nodeid
    usual = aspace.write_attribute_value

    async def answer(nodeid: Any, *more: Any, **named: Any) -> ua.StatusCode:
        """Only for this node: the server writes its own clock in the same way."""
        if nodeid != own:
            status: ua.StatusCode = await usual(nodeid, *more, **named)
            return status
        return ua.StatusCode(getattr(ua.StatusCodes, said))

    driver = peer.driver()
    await driver.open()
    monkeypatch.setattr(aspace, "write_attribute_value", answer)
    (outcome,) = await driver.write([(points("s=Unit1.N.SP")[0], 250.0)])
    assert (outcome.state, outcome.detail) == (state, said)
    await driver.close()
