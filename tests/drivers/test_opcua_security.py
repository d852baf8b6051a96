"""The OPC UA wire with encryption and a password: what is let in, and what is refused with a reason."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from asyncua import Server, ua
from asyncua.crypto.cert_gen import setup_self_signed_certificate
from asyncua.crypto.permission_rules import User, UserRole
from cryptography.x509.oid import ExtendedKeyUsageOID

from drivers.contract import DriverError, Refused
from drivers.opcua import OpcUaClient, OpcUaSettings

pytestmark = pytest.mark.timeout(60)


class OneUser:
    """Lets in exactly one user."""

    def get_user(
        self, iserver: Any, username: Any = None, password: Any = None, certificate: Any = None
    ) -> User | None:
        return User(role=UserRole.User, name=username) if (username, password) == ("biovisor", "right") else None


async def certificate(folder: Path, name: str, usage: Any) -> tuple[Path, Path]:
    key, cert = folder / f"{name}.pem", folder / f"{name}.der"
    await setup_self_signed_certificate(key, cert, f"urn:{name}", "localhost", [usage], {"organizationName": "Test"})
    return cert, key


@pytest.fixture
async def secured(tmp_path: Path) -> AsyncIterator[tuple[str, str]]:
    """A server that insists on encryption and a user; its address, and the security a client of ours needs."""
    cert, key = await certificate(tmp_path, "server", ExtendedKeyUsageOID.SERVER_AUTH)
    our_cert, our_key = await certificate(tmp_path, "client", ExtendedKeyUsageOID.CLIENT_AUTH)
    server = Server(user_manager=OneUser())  # type: ignore[arg-type]  # asyncua's base class adds nothing
    await server.init()
    await server.set_application_uri("urn:server")
    server.set_endpoint("opc.tcp://127.0.0.1:0")
    server.set_security_policy([ua.SecurityPolicyType.Basic256Sha256_SignAndEncrypt])
    server.set_identity_tokens([ua.UserNameIdentityToken])
    await server.load_certificate(str(cert))
    await server.load_private_key(str(key))
    async with server:
        port = server.bserver._server.sockets[0].getsockname()[1]
        yield f"opc.tcp://127.0.0.1:{port}", f"Basic256Sha256,SignAndEncrypt,{our_cert},{our_key},{cert}"


async def test_encrypted_with_a_password(secured: tuple[str, str]) -> None:
    url, security = secured
    client = OpcUaClient(OpcUaSettings(url, 1.0, "biovisor", "right", security))
    await client.open()
    assert "http://opcfoundation.org/UA/" in await client.namespaces()
    await client.close()


async def test_what_is_refused(secured: tuple[str, str]) -> None:
    url, security = secured
    wrong = OpcUaClient(OpcUaSettings(url, 1.0, "biovisor", "wrong", security))
    with pytest.raises(Refused, match="BadUserAccessDenied"):
        await wrong.open()
    await wrong.close()
    for settings in (OpcUaSettings(url, 1.0, "biovisor", "right"), OpcUaSettings(url, 1.0, security=security)):
        client = OpcUaClient(settings)
        with pytest.raises(DriverError):
            await client.open()
        await client.close()
