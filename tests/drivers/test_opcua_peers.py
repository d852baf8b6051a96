"""OPC UA with programs of other authors: our driver on a server of node-opcua, its client on our simulated PLC."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from drivers.contract import ConnectionSpec, Driver, Point, Quality, Refused, WriteState
from drivers.instruments.generic_opcua import GenericOpcUa
from drivers.instruments.generic_plc import GenericPlc
from tests.drivers.certificates import Owner
from tests.drivers.simulated import Simulated, points

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(90)]

PEERS = Path(__file__).parents[1] / "peers"
SIEMENS = "http://www.siemens.com/simatic-s7-opcua"


class NodePlc:
    """A PLC of node-opcua in a process of its own, which trusts one client."""

    def __init__(self, folder: Path, *more: str) -> None:
        self.others, self.trusted, self.lists = (folder / name for name in ("others", "trusted", "revoked"))
        pki = folder / "pki"
        for one in (self.others, self.trusted, self.lists, pki / "trusted/certs"):
            one.mkdir(parents=True)
        self.authority = Owner(self.trusted, "Plant Authority", issues=True)
        self.authority.revoke(self.lists, [])
        plc = Owner(self.others, "node-plc", by=self.authority)
        self.ours, self.stranger = Owner(self.others, "client"), Owner(self.others, "stranger")
        shown = self.others / "node-plc.pem"
        shown.write_bytes(plc.certificate.public_bytes(Encoding.PEM))
        (pki / "trusted/certs/client.pem").write_bytes(self.ours.certificate.public_bytes(Encoding.PEM))
        (pki / "trusted/certs/authority.pem").write_bytes(self.authority.certificate.public_bytes(Encoding.PEM))
        self.plc = plc
        self._command = ["node", "plc_server.mjs", str(pki), str(shown), str(plc.key_file), *more]
        self.start()

    def start(self, port: int = 0) -> None:
        """Start, on the port of last time or on a free one, and wait until it serves."""
        self.process = subprocess.Popen(
            self._command, env={**os.environ, "PORT": str(port)},
            cwd=PEERS, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.port = int(self.told()["port"])
        self.url = f"opc.tcp://127.0.0.1:{self.port}"

    def order(self, *words: str) -> None:
        """Let it do something; see ``plc_server.mjs``."""
        assert self.process.stdin is not None
        self.process.stdin.write(" ".join(words) + "\n")
        self.process.stdin.flush()

    def told(self) -> dict[str, Any]:
        """The next object that it prints; node-opcua prints lines of its own in between."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith("{"):
                found: dict[str, Any] = json.loads(line)
                return found
        raise AssertionError("the server has ended")

    def options(self, ours: Owner | None = None, **changes: object) -> dict[str, object]:
        who = ours or self.ours
        return {
            "security": f"Basic256Sha256,SignAndEncrypt,{who.cert_file},{who.key_file}",
            "trusted": str(self.trusted),
            "revoked": str(self.lists),
            "user": "biovisor",
            "password": "right",
            **changes,
        }

    def driver(self, **changes: Any) -> GenericPlc:
        return GenericPlc(ConnectionSpec("plc", self.url, self.options(**changes), 1.0))

    def stop(self) -> None:
        self.process.communicate(timeout=10)


@pytest.fixture(scope="module")
def node_plc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodePlc]:
    plc = NodePlc(tmp_path_factory.mktemp("node"))
    yield plc
    plc.stop()


async def test_our_driver_on_a_server_of_node_opcua(node_plc: NodePlc) -> None:
    driver = node_plc.driver()
    identity = await driver.open()
    assert (identity.model, identity.serial, identity.firmware) == ("6ES7 node", "S-1", "V9")
    samples = await driver.read(driver.plan(points("Temp.PV", "Weight.PV", "No.Such")))
    assert [sample.value for sample in samples[:2]] == [37.25, 1008.5]
    assert [sample.quality for sample in samples] == [Quality.GOOD, Quality.GOOD, Quality.BAD]
    assert samples[0].source_time is not None
    assert samples[2].detail == "there is no such node (BadNodeIdUnknown)"
    heater, beat, locked = (Point(one, one, "rw") for one in ("Heater.OP", "Host.Heartbeat", "Temp.PV"))
    outcomes = await driver.write([(heater, 25.5), (beat, 7.0), (locked, 1.0)])
    assert [outcome.state for outcome in outcomes] == [WriteState.APPLIED, WriteState.APPLIED, WriteState.REFUSED]
    told = {"tag": "Heater.OP", "type": "Float", "value": 25.5}, {"tag": "Host.Heartbeat", "type": "Int32", "value": 7}
    assert (node_plc.told(), node_plc.told()) == told
    await driver.close()


async def test_the_generic_driver_on_a_server_of_node_opcua(node_plc: NodePlc) -> None:
    options = node_plc.options(namespace=SIEMENS, counter='s="DB_Reactor"."Plc"."Heartbeat"')
    driver = GenericOpcUa(ConnectionSpec("plc", node_plc.url, options, 1.0))
    identity = await driver.open()
    assert (identity.vendor, identity.model, identity.firmware) == ("node-opcua", "node PLC", "7.1")
    heater = Point("heater", 's="DB_Reactor"."Heater"."OP"', "rw")
    samples = await driver.read(driver.plan([heater, *points("/DataBlocksGlobal/Weight.PV")]))
    assert samples[1].value == 1008.5
    (outcome,) = await driver.write([(heater, 31.0)])
    assert outcome.state is WriteState.APPLIED
    assert node_plc.told() == {"tag": "Heater.OP", "type": "Float", "value": 31.0}
    await driver.close()


async def refused(driver: Driver) -> str:
    with pytest.raises(Refused) as caught:
        await driver.open()
    await driver.close()
    return str(caught.value)


async def test_what_either_side_refuses(node_plc: NodePlc, tmp_path: Path) -> None:
    assert "not trusted" in await refused(node_plc.driver(trusted=str(tmp_path), revoked=""))
    node_plc.authority.revoke(node_plc.lists, [node_plc.plc])
    assert "'node-plc' was revoked by 'Plant Authority'" in await refused(node_plc.driver())
    node_plc.authority.revoke(node_plc.lists, [])
    assert "does not offer Aes128Sha256RsaOaep" in await refused(
        node_plc.driver(security=str(node_plc.options()["security"]).replace("Basic256Sha256", "Aes128Sha256RsaOaep"))
    )
    assert "this user" in await refused(node_plc.driver(password="wrong"))
    assert "our certificate" in await refused(node_plc.driver(ours=node_plc.stranger))


async def test_a_server_that_does_not_tell_strangers_what_it_offers(tmp_path: Path) -> None:
    plc = NodePlc(tmp_path, "silent")
    try:
        why = await refused(plc.driver())
        assert "give its certificate as last part of security" in why
        pinned = f"{plc.options()['security']},{plc.plc.cert_file}"
        driver = plc.driver(security=pinned)
        assert (await driver.open()).serial == "S-1"
        await driver.close()
        plc.authority.revoke(plc.lists, [plc.plc])
        assert "was revoked" in await refused(plc.driver(security=pinned))
    finally:
        plc.stop()


async def node_client(plc: Simulated, folder: Path, *more: str) -> dict[str, Any]:
    """What a client of node-opcua finds on a simulated PLC."""
    arguments = ("node", "plc_client.mjs", plc.url, str(folder), *more)
    process = await asyncio.create_subprocess_exec(*arguments, cwd=PEERS, stdout=asyncio.subprocess.PIPE)
    output, _ = await process.communicate()
    found: dict[str, Any] = json.loads(next(line for line in output.decode().splitlines() if line.startswith("{")))
    return found


def has_read_and_written(found: dict[str, Any]) -> bool:
    assert found.pop("temperature") == pytest.approx(37.0, abs=2.0)
    assert found.pop("index") > 1
    assert found == {
        "serial": "SIMULATED", "type": "Float", "status": "Good", "dated": True, "written": "Good",
        "wrongType": "BadTypeMismatch", "readOnly": "BadUserAccessDenied", "missing": "BadNodeIdUnknown",
        "heater": 33.5,
    }  # fmt: skip
    return True


async def test_a_client_of_node_opcua_on_our_simulated_plc(tmp_path: Path) -> None:
    (tmp_path / "plc").mkdir()
    with Simulated("generic_plc", tmp_path / "plc") as plc:
        assert has_read_and_written(await node_client(plc, tmp_path / "pki"))


class SecuredPlc:
    """The simulated PLC behind Basic256Sha256, with files of its own making, and who it trusts."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.trusted = folder, folder / "trusted"
        self.trusted.mkdir()
        self.others, self.pki = folder / "others", folder / "pki"
        (self.pki / "trusted/certs").mkdir(parents=True)
        self.others.mkdir()
        self.ours, self.stranger = Owner(self.others, "client"), Owner(self.others, "stranger")
        self.settings = {
            "security": "Basic256Sha256", "trusted": str(self.trusted), "user": "biovisor", "password": "right",
        }  # fmt: skip
        (self.trusted / "client.der").write_bytes(self.ours.cert_file.read_bytes())

    def believe(self, plc: Simulated) -> None:
        """Let the peer trust what the PLC shows."""
        shown = Path(plc.address["certificate"])
        (self.pki / "trusted/certs" / shown.name).write_bytes(shown.read_bytes())

    async def peer(self, plc: Simulated, who: Owner, *user: str) -> dict[str, Any]:
        pem = self.others / f"{who.name}.pem"
        pem.write_bytes(who.certificate.public_bytes(Encoding.PEM))
        return await node_client(plc, self.pki, str(pem), str(who.key_file), *user)

    def driver(self, plc: Simulated, who: Owner, **changes: Any) -> GenericPlc:
        shown = plc.address["certificate"]
        security = f"Basic256Sha256,SignAndEncrypt,{who.cert_file},{who.key_file},{shown}"
        options = {"security": security, "user": "biovisor", "password": "right", **changes}
        return GenericPlc(ConnectionSpec("plc", plc.url, options, 1.0))


async def test_both_on_our_simulated_plc_over_basic256sha256(tmp_path: Path) -> None:
    files = SecuredPlc(tmp_path)
    with Simulated("generic_plc", tmp_path, **files.settings) as plc:
        files.believe(plc)
        assert has_read_and_written(await files.peer(plc, files.ours, "biovisor", "right"))
        driver = files.driver(plc, files.ours)
        assert (await driver.open()).serial == "SIMULATED"
        samples = await driver.read(driver.plan(points("Temp.PV", "Heater.OP")))
        assert [sample.quality for sample in samples] == [Quality.GOOD, Quality.GOOD]
        assert samples[1].value == 33.5
        await driver.close()


async def test_whom_our_simulated_plc_does_not_let_in(tmp_path: Path) -> None:
    files = SecuredPlc(tmp_path)
    with Simulated("generic_plc", tmp_path, **files.settings) as plc:
        files.believe(plc)
        assert "BadCertificateUntrusted" in (await files.peer(plc, files.stranger, "biovisor", "right"))["refused"]
        assert "BadUserAccessDenied" in (await files.peer(plc, files.ours, "biovisor", "wrong"))["refused"]
        assert "the server does not trust our certificate" in await refused(files.driver(plc, files.stranger))
        assert "this user" in await refused(files.driver(plc, files.ours, password="wrong"))
        assert "does not accept this user" in await refused(files.driver(plc, files.ours, user="", password=""))
        old = Owner(files.others, "old", days=(-9, -2))
        assert "expired" in await refused(files.driver(plc, old))
        assert "without encryption" in await refused(files.driver(plc, files.ours, security=""))
