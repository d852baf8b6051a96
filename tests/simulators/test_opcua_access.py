"""Whom simulated OPC UA servers let in: certificates of their own making and given ones, users, and nobody else."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from asyncua import Client, ua
from asyncua.common.utils import ServiceError
from asyncua.ua.uaerrors import UaStatusCodeError

from drivers.contract import ConnectionSpec, Refused
from drivers.instruments.generic_plc import GenericPlc
from drivers.opcua import OpcUaClient, OpcUaSettings
from simulators.instrument import Context, SpecError
from simulators.opcua_access import Channel, access_of, load
from tests.drivers.certificates import Owner
from tests.drivers.simulated import Simulated

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(60)]

SECURED = {"security": "Basic256Sha256"}


def own_options(plc: Simulated) -> dict[str, Any]:
    """What a client needs, as the instrument has announced it."""
    files = [plc.address[name] for name in ("client_certificate", "client_key", "certificate")]
    return {"security": ",".join(("Basic256Sha256", "SignAndEncrypt", *files))}


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulated]:
    """The PLC with nothing but the policy given."""
    with Simulated("generic_plc", tmp_path_factory.mktemp("secured"), **SECURED) as plc:
        yield plc


async def test_what_is_not_given_is_made_and_told(secured: Simulated) -> None:
    driver = GenericPlc(ConnectionSpec("plc", secured.url, own_options(secured), 1.0))
    assert (await driver.open()).serial == "SIMULATED"
    await driver.close()
    assert stat.S_IMODE(os.stat(secured.address["client_key"]).st_mode) == 0o600  # noqa: PTH116 - a Path is refused in async


async def test_one_who_does_not_look_what_is_offered_is_not_let_in_without_encryption(
    secured: Simulated, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Client, "find_endpoint", lambda endpoints, mode, policy: endpoints[0])
    with pytest.raises(UaStatusCodeError) as caught:
        async with Client(secured.url):
            pass
    assert caught.value.code == ua.StatusCodes.BadUserAccessDenied


async def test_the_analysers_offer_it_too(tmp_path: Path) -> None:
    for kind, user in (("vicell_blu", "biovisor"), ("nova_flex2", "")):
        with Simulated(kind, tmp_path, **SECURED) as analyser:
            security = {**own_options(analyser), "user": user, "password": "simulated" if user else ""}
            client = OpcUaClient(OpcUaSettings(analyser.url, 1.0, **security))
            await client.open()
            assert any("imulated" in uri or "ViCell" in uri for uri in await client.namespaces())
            await client.close()


async def test_a_user_by_certificate(tmp_path: Path) -> None:
    user, other = Owner(tmp_path, "operator"), Owner(tmp_path, "other")
    with Simulated("generic_plc", tmp_path, user_certificate=str(user.cert_file), **SECURED) as plc:
        drivers = [
            GenericPlc(ConnectionSpec("plc", plc.url, {**own_options(plc), "user_certificate": files}, 1.0))
            for files in (f"{owner.cert_file},{owner.key_file}" for owner in (user, other))
        ]
        assert (await drivers[0].open()).serial == "SIMULATED"
        with pytest.raises(Refused, match="does not let this user"):
            await drivers[1].open()
        for driver in drivers:
            await driver.close()


def context(folder: Path, **spec: Any) -> Context:
    return Context("plc", spec, {}, folder, 1, None, lambda _: None)  # type: ignore[arg-type]  # no wire is needed


async def test_a_restart_shows_the_same_certificate(tmp_path: Path) -> None:
    first, second = (access_of(context(tmp_path, **SECURED)).told["certificate"] for _ in range(2))
    assert first == second
    before = load(Path(str(first)))
    access_of(context(tmp_path, **SECURED))
    assert load(Path(str(first))) == before


async def test_why_a_certificate_is_refused(tmp_path: Path) -> None:
    trusted = tmp_path / "trusted"
    trusted.mkdir()
    good, old, foreign = Owner(trusted, "good"), Owner(trusted, "old", days=(-9, -2)), Owner(tmp_path, "foreign")
    channel = Channel(ua.SecurityPolicyType.Basic256Sha256_SignAndEncrypt, tmp_path, tmp_path, trusted)
    await channel.validate(good.certificate, ua.ApplicationDescription(ApplicationUri="urn:good"))
    for owner, uri, why in (
        (old, "urn:old", "BadCertificateTimeInvalid"),
        (good, "urn:other", "BadCertificateUriInvalid"),
        (foreign, "urn:foreign", "BadCertificateUntrusted"),
    ):
        with pytest.raises(ServiceError) as caught:
            await channel.validate(owner.certificate, ua.ApplicationDescription(ApplicationUri=uri))
        assert ua.StatusCode(caught.value.code).name == why


@pytest.mark.parametrize(("settings", "why"), [
    ({"security": "None"}, "one of Basic256Sha256"), ({"trusted": "/x"}, "mean nothing without security"),
    ({**SECURED, "certificate": "/x"}, "belong together"), ({**SECURED, "trusted": "/no/such"}, "no folder"),
    ({**SECURED, "certificate": "/no/c", "key": "/no/k"}, "/no/c is no certificate"),
])  # fmt: skip
def test_wrong_settings(tmp_path: Path, settings: dict[str, str], why: str) -> None:
    with pytest.raises(SpecError, match=why):
        access_of(context(tmp_path, **settings))


def test_a_key_of_another_certificate(tmp_path: Path) -> None:
    one, other = Owner(tmp_path, "one"), Owner(tmp_path, "other")
    with pytest.raises(SpecError, match="not the key"):
        access_of(context(tmp_path, certificate=str(one.cert_file), key=str(other.key_file), **SECURED))


def test_a_wrong_setting_is_told_in_one_line(tmp_path: Path) -> None:
    document = {"directory": str(tmp_path), "instruments": {"plc": {"kind": "generic_plc", "security": "None"}}}
    command = [sys.executable, "-m", "simulators"]
    run = subprocess.run(command, check=False, input=json.dumps(document), capture_output=True, text=True, timeout=50)
    assert run.returncode == 1
    assert "plc: security must be one of Basic256Sha256" in run.stderr
    assert "Traceback" not in run.stderr
