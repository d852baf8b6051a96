"""Modbus over TLS, against the server of pymodbus and against our simulator: who is let in, and what is told if not."""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from cryptography.hazmat.primitives import serialization
from pymodbus.client import AsyncModbusTlsClient
from pymodbus.server import ModbusTlsServer
from pymodbus.simulator import DataType, SimData, SimDevice

from drivers.contract import ConnectionSpec, LinkLost, Point, Quality, WriteState
from drivers.instruments.generic_modbus import GenericModbus
from tests.drivers.simulated import Simulated, points
from tests.drivers.tls_certificates import Authority, server_context


class Files(NamedTuple):
    """Certificates and keys; ``ca`` is ours, ``them`` another."""

    ca: Authority
    them: Authority
    right: tuple[Path, Path]
    client: tuple[Path, Path]
    folder: Path


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    folder = tmp_path_factory.mktemp("tls")
    ca, them = Authority(folder, "ours"), Authority(folder, "theirs")
    return Files(ca, them, ca.sign("right", "localhost", "127.0.0.1"), ca.sign("client"), folder)


def make(url: str, files: Files, **options: object) -> GenericModbus:
    return GenericModbus(ConnectionSpec("plc", url, {"ca": str(files.ca.path), "identify": False, **options}, 1.0))


@contextlib.asynccontextmanager
async def serving(tls: ssl.SSLContext) -> AsyncIterator[str]:
    """The server of pymodbus, whose holding registers 0 … 9 are 100 … 109."""
    bits = [[SimData(0, count=16, values=value, datatype=DataType.BITS)] for value in (True, False)]
    registers = [[SimData(0, values=list(range(n, n + 10)), datatype=DataType.REGISTERS)] for n in (100, 200)]
    tables = (*bits, *registers)
    server = ModbusTlsServer(SimDevice(id=1, simdata=tables), sslctx=tls, address=("127.0.0.1", 0))
    await server.serve_forever(background=True)
    transport: Any = server.transport
    try:
        yield f"modbuss://127.0.0.1:{transport.sockets[0].getsockname()[1]}"
    finally:
        await server.shutdown()


async def test_reads_and_writes_over_tls(files: Files) -> None:
    async with serving(server_context(*files.right)) as url:
        driver = make(url, files)
        await driver.open()
        plan = driver.plan(points("holding.3", "input.4", "coil.2", "discrete.2"))
        assert [sample.value for sample in await driver.read(plan)] == [103.0, 204.0, 1.0, 0.0]
        (outcome,) = await driver.write([(Point("x", "holding.3", "rw"), 7.0)])
        assert outcome.state is WriteState.APPLIED
        assert (await driver.read(plan))[0].value == 7.0
        await driver.close()


WRONG = {
    "expired": "certificate has expired",
    "foreign": "unable to get local issuer certificate",
    "wrong host": "not valid for '127.0.0.1'",
}


@pytest.mark.parametrize("kind", WRONG)
async def test_a_wrong_certificate_is_refused_in_words(files: Files, kind: str) -> None:
    made = {
        "expired": lambda: files.ca.sign("expired", "127.0.0.1", days=-1),
        "foreign": lambda: files.them.sign("foreign", "127.0.0.1"),
        "wrong host": lambda: files.ca.sign("wrong", "other.example"),
    }[kind]()
    async with serving(server_context(*made)) as url:
        driver = make(url, files)
        with pytest.raises(LinkLost, match="no secure connection: .*" + WRONG[kind]):
            await driver.open()
        await driver.close()


async def test_the_name_in_the_certificate_can_be_given(files: Files) -> None:
    made = files.ca.sign("named", "reactor.example")
    async with serving(server_context(*made)) as url:
        driver = make(url, files, server_name="reactor.example")
        await driver.open()
        (sample,) = await driver.read(driver.plan(points("holding.0")))
        assert sample.quality is Quality.GOOD
        await driver.close()


async def test_without_a_list_of_ours_the_systems_is_used(files: Files) -> None:
    async with serving(server_context(*files.right)) as url:
        driver = GenericModbus(ConnectionSpec("plc", url))
        with pytest.raises(LinkLost, match="unable to get local issuer certificate"):
            await driver.open()
        await driver.close()


@pytest.mark.parametrize("who", ["nobody", "a stranger", "we"])
async def test_a_server_that_wants_to_know_us(files: Files, who: str) -> None:
    certificates = {"nobody": None, "a stranger": files.them.sign("stranger"), "we": files.client}[who]
    options = {} if certificates is None else {"certificate": str(certificates[0]), "key": str(certificates[1])}
    settings = {"certificate": str(files.right[0]), "key": str(files.right[1]), "ca": str(files.ca.path)}
    with Simulated("generic_modbus", files.folder, framing="tcp", pattern=True, **settings) as server:
        driver = make(server.url, files, **options)
        if who == "we":
            await driver.open()
            (sample,) = await driver.read(driver.plan(points("holding.77")))
            assert sample.value == 77.0
        else:
            with pytest.raises(LinkLost, match=r"certificate|unknown ca"):
                await driver.open()
        await driver.close()


def test_nobody_is_asked_for_a_pass_phrase(files: Files, tmp_path: Path) -> None:
    """OpenSSL would ask on the terminal, and a supervisor would wait for ever."""
    secret = serialization.load_pem_private_key(files.client[1].read_bytes(), None)
    locked = tmp_path / "locked.key"
    locked.write_bytes(
        secret.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"secret"),
        )
    )
    with pytest.raises(ValueError, match="locked by a pass phrase"):
        make("modbuss://localhost", files, certificate=str(files.client[0]), key=str(locked))


async def test_no_secure_server_at_all(files: Files, tmp_path: Path) -> None:
    with Simulated("generic_modbus", tmp_path, framing="tcp", pattern=True) as server:
        driver = make(server.url.replace("modbus:", "modbuss:"), files)
        with pytest.raises(LinkLost):
            await driver.open()
        await driver.close()


async def test_somebody_elses_client_on_our_server(files: Files, tmp_path: Path) -> None:
    settings = {"certificate": str(files.right[0]), "key": str(files.right[1])}
    with Simulated("generic_modbus", tmp_path, framing="tcp", pattern=True, **settings) as server:
        tls = ssl.create_default_context(cafile=str(files.ca.path))
        theirs = AsyncModbusTlsClient("127.0.0.1", port=server.address["port"], sslctx=tls)
        assert await theirs.connect()
        assert (await theirs.read_holding_registers(77, count=3)).registers == [77, 78, 79]
        theirs.close()
