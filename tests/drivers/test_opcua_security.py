"""The OPC UA wire with encryption, a trust list and users: what is let in, and what is refused with a reason (F28)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from asyncua import ua
from asyncua.common.utils import ServiceError
from asyncua.crypto.permission_rules import User, UserRole

from drivers.contract import DriverError, LinkLost, Refused
from drivers.opcua import OpcUaClient, OpcUaSettings
from tests.drivers.certificates import Owner
from tests.drivers.conftest import Relay, ServerThread

pytestmark = pytest.mark.timeout(60)

ENCRYPTED = ua.SecurityPolicyType.Basic256Sha256_SignAndEncrypt
UA_NAMESPACE = "http://opcfoundation.org/UA/"


class Users:
    """Lets in one user by password, and another by certificate."""

    def __init__(self, by_certificate: bytes) -> None:
        self._by_certificate = by_certificate

    def get_user(self, iserver: Any, username: Any = None, password: Any = None, certificate: Any = None) -> Any:
        known = (username, password) == ("biovisor", "right")
        known = known or (username is None and certificate == self._by_certificate)
        return User(role=UserRole.User, name=username) if known else None


class Plant:
    """A server that can show any certificate, its authority, and our side of it."""

    def __init__(self, folder: Path) -> None:
        self.others, self.trusted, self.lists = (folder / name for name in ("others", "trusted", "revoked"))
        for one in (self.others, self.trusted, self.lists):
            one.mkdir()
        self.authority = Owner(self.trusted, "Authority", issues=True)
        self.server = Owner(self.others, "server", by=self.authority)
        self.revoked = Owner(self.others, "revoked", uri="urn:server", by=self.authority)
        self.ours, self.user = Owner(self.others, "client"), Owner(self.others, "operator")
        self.authority.revoke(self.lists, [self.revoked])
        self.thread = ServerThread()
        self.thread.start()

    def show(self, owner: Owner, refuses: int = 0, policy: Any = ENCRYPTED) -> None:
        """From now on the server has this certificate, and ``refuses`` ours with a status."""

        async def work() -> None:
            server = self.thread.server
            server.iserver.certificate, server.iserver.private_key = owner.certificate, owner.key
            server.iserver.user_manager = Users(self.user.cert_file.read_bytes())
            server.iserver.endpoints.clear()
            server._policies.clear()
            server.set_identity_tokens([ua.UserNameIdentityToken, ua.X509IdentityToken])
            server.set_security_policy([ua.SecurityPolicyType.NoSecurity, policy])
            await server.set_application_uri("urn:server")
            await server._setup_server_nodes()

            async def validate(certificate: Any, description: Any) -> None:
                if refuses:
                    raise ServiceError(refuses)
                assert description.ApplicationUri == self.ours.uri

            server.set_certificate_validator(validate)

        asyncio.run_coroutine_threadsafe(work(), self.thread.loop).result(20)

    def settings(self, **changes: Any) -> OpcUaSettings:
        url = f"opc.tcp://127.0.0.1:{self.thread.port}"
        ours = self.ours
        usual: dict[str, Any] = {
            "user": "biovisor",
            "password": "right",
            "security": f"Basic256Sha256,SignAndEncrypt,{ours.cert_file},{ours.key_file}",
            "trusted": str(self.trusted),
            "revoked": str(self.lists),
        }
        return OpcUaSettings(url, 1.0, **{**usual, **changes})

    async def session(self, **changes: Any) -> list[str]:
        """Open a session and ask the server something."""
        client = OpcUaClient(self.settings(**changes))
        try:
            await client.open()
            return await client.namespaces()
        finally:
            await client.close()


@pytest.fixture(scope="module")
def module_plant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plant]:
    plant = Plant(tmp_path_factory.mktemp("plant"))
    yield plant
    plant.thread.stop()


@pytest.fixture
def plant(module_plant: Plant) -> Plant:
    module_plant.show(module_plant.server)
    return module_plant


async def test_encrypted_with_a_password_or_a_users_certificate(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    assert UA_NAMESPACE in await plant.session()
    monkeypatch.setenv("BIOVISOR_TEST_SECRET", "right")
    assert UA_NAMESPACE in await plant.session(password="", password_env="BIOVISOR_TEST_SECRET")
    user = f"{plant.user.cert_file},{plant.user.key_file}"
    assert UA_NAMESPACE in await plant.session(user="", password="", user_certificate=user)


async def test_a_pinned_certificate_needs_no_trust_list(plant: Plant) -> None:
    security = f"{plant.settings().security},{plant.server.cert_file}"
    assert UA_NAMESPACE in await plant.session(security=security, trusted="", revoked="")
    other = f"{plant.settings().security},{plant.ours.cert_file}"
    with pytest.raises(Refused, match=r"not trusted: .* is in .*client\.der"):
        await plant.session(security=other, trusted="", revoked="")


async def test_other_policies(plant: Plant) -> None:
    for name in ("Aes128Sha256RsaOaep", "Aes256Sha256RsaPss"):
        plant.show(plant.server, policy=ua.SecurityPolicyType[f"{name}_SignAndEncrypt"])
        security = plant.settings().security.replace("Basic256Sha256", name)
        assert UA_NAMESPACE in await plant.session(security=security)


async def test_servers_that_are_not_believed(plant: Plant) -> None:
    stranger = Owner(plant.others, "stranger", uri="urn:server")
    for owner, why in (
        (Owner(plant.others, "old", uri="urn:server", by=plant.authority, days=(-9, -2)), "'old' expired on"),
        (stranger, "'stranger' is not trusted: neither it nor its issuer"),
        (Owner(plant.others, "mill", by=plant.authority), "is for urn:mill, but the server calls itself urn:server"),
        (plant.revoked, "'revoked' was revoked by 'Authority'"),
    ):
        plant.show(owner)
        with pytest.raises(Refused, match=why):
            await plant.session()


async def test_a_server_without_the_security_we_want(plant: Plant) -> None:
    plant.show(plant.server, policy=ua.SecurityPolicyType.Basic256Sha256_Sign)
    why = "does not offer Basic256Sha256 with SignAndEncrypt, only Basic256Sha256 Sign, None None"
    with pytest.raises(Refused, match=why):
        await plant.session()


async def test_what_a_server_refuses_of_ours(plant: Plant) -> None:
    with pytest.raises(Refused, match=r"does not let this user do that \(BadUserAccessDenied\) while connecting"):
        await plant.session(password="wrong")
    stranger = Owner(plant.others, "nobody")
    with pytest.raises(Refused, match="BadUserAccessDenied"):
        await plant.session(user="", user_certificate=f"{stranger.cert_file},{stranger.key_file}")
    with pytest.raises(DriverError):
        await plant.session(user="")
    with pytest.raises(DriverError):
        await plant.session(security="", trusted="", revoked="", password="wrong")
    for code, why in (
        (ua.StatusCodes.BadCertificateUntrusted, "the server does not trust our certificate"),
        (ua.StatusCodes.BadCertificateTimeInvalid, "to the server our certificate has expired"),
    ):
        plant.show(plant.server, refuses=code)
        with pytest.raises(Refused, match=why):
            await plant.session()


async def test_our_own_certificate_is_looked_at_first(plant: Plant) -> None:
    old = Owner(plant.others, "ours-old", days=(-9, -2))
    with pytest.raises(Refused, match=r"our own certificate .*ours-old\.der expired on"):
        await plant.session(security=f"Basic256Sha256,SignAndEncrypt,{old.cert_file},{old.key_file}")
    with pytest.raises(Refused, match="cannot read /no/key"):
        await plant.session(security=f"Basic256Sha256,SignAndEncrypt,{plant.ours.cert_file},/no/key")
    with pytest.raises(Refused, match=r"the user's certificate .*ours-old\.der expired"):
        await plant.session(user="", user_certificate=f"{old.cert_file},{old.key_file}")


async def test_the_endpoint_that_answers_is_taken_and_told(plant: Plant) -> None:
    first, second = Relay(plant.thread.port), Relay(plant.thread.port)
    await first.start()
    await second.start()
    urls = [f"opc.tcp://127.0.0.1:{hop.port}" for hop in (first, second)]
    settings = plant.settings(endpoints=(urls[1],))
    client = OpcUaClient(OpcUaSettings(**{**_fields(settings), "url": urls[0]}))
    await client.open()
    assert client.via == urls[0]
    await first.stop()
    await client.open()
    assert client.via == urls[1]
    await client.open()
    assert client.via == urls[1], "the one that works is kept"
    await first.start()
    second.running.clear()
    await client.open()
    assert client.via == urls[0]
    await first.stop()
    with pytest.raises(DriverError, match=f"{urls[0]}.*; .*{urls[1]}"):
        await client.open()
    await client.close()
    second.running.set()
    await second.stop()


async def test_one_who_waits_in_vain_at_the_first_endpoint_begins_at_the_second(plant: Plant) -> None:
    frozen = Relay(plant.thread.port)
    await frozen.start()
    frozen.running.clear()
    url = f"opc.tcp://127.0.0.1:{frozen.port}"
    settings = plant.settings(endpoints=(plant.settings().url,))
    client = OpcUaClient(OpcUaSettings(**{**_fields(settings), "url": url}))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await client.open()
    async with asyncio.timeout(2.0):
        await client.open()
    assert client.via == settings.endpoints[0]
    await client.close()
    frozen.running.set()
    await frozen.stop()


async def test_no_endpoint_at_all() -> None:
    settings = OpcUaSettings("opc.tcp://127.0.0.1:1", 1.0, endpoints=("opc.tcp://127.0.0.1:2",))
    client = OpcUaClient(settings)
    with pytest.raises(LinkLost, match=r"127\.0\.0\.1:1: .*; .*127\.0\.0\.1:2: "):
        await client.open()
    await client.close()


def _fields(settings: OpcUaSettings) -> dict[str, Any]:
    return {name: getattr(settings, name) for name in settings.__dataclass_fields__}
