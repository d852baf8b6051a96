"""Which certificates are believed, and in which words the others are refused."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from drivers.contract import ConnectionSpec, Refused
from drivers.opcua import OpcUaSettings
from drivers.opcua.settings import read_settings
from drivers.opcua.trust import load_key, load_trust
from drivers.options import Options
from tests.drivers.certificates import Owner

NOW = datetime.now(UTC)


class World:
    """A trusted authority and its list, and everybody's certificates."""

    def __init__(self, folder: Path) -> None:
        self.trusted, self.lists, self.others = (folder / name for name in ("trusted", "revoked", "others"))
        for one in (self.trusted, self.lists, self.others):
            one.mkdir()
        self.root = Owner(self.trusted, "Plant Root", issues=True)
        self.cell = Owner(self.trusted, "Cell Authority", by=self.root, issues=True)
        self.plc = Owner(self.others, "plc", by=self.cell)
        self.gone = Owner(self.others, "gone", by=self.cell)
        self.root.revoke(self.lists, [])
        self.cell.revoke(self.lists, [self.gone])

    def check(self, owner: Owner, uri: str = "", revoked: bool = True) -> None:
        trust = load_trust(str(self.trusted), str(self.lists) if revoked else "", "")
        trust.check(owner.certificate, uri or owner.uri, NOW)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_a_server_of_a_trusted_authority_is_believed(world: World) -> None:
    world.check(world.plc)
    world.check(world.plc, revoked=False)


def test_a_server_that_signed_itself_is_believed_when_its_certificate_is_there(world: World) -> None:
    alone = Owner(world.others, "alone")
    with pytest.raises(Refused, match=r"'alone' is not trusted: neither it nor its issuer 'alone' is in .*trusted"):
        world.check(alone)
    (world.trusted / "alone.pem").write_bytes(alone.certificate.public_bytes(Encoding.PEM))
    world.check(alone)


def test_what_is_refused_and_why(world: World) -> None:
    stranger = Owner(world.others, "Foreign Root", issues=True)
    same_name = Owner(world.others, "Cell Authority", issues=True)
    old = Owner(world.others, "old", by=world.cell, days=(-30, -2))
    for owner, why in (
        (Owner(world.others, "foreign", by=stranger), "'foreign' is not.*'Foreign Root'.*thumbprint [0-9a-f]{40}"),
        (Owner(world.others, "forged", by=same_name), "'forged' is not trusted"),
        (old, f"'old' expired on {old.certificate.not_valid_after_utc.date()}"),
        (Owner(world.others, "early", by=world.cell, days=(2, 30)), "'early' is valid from .* only; is the clock"),
        (Owner(world.others, "short", by=world.cell, bits=1024), "'short' is weak"),
        (world.gone, "'gone' was revoked by 'Cell Authority' on "),
    ):  # fmt: skip
        with pytest.raises(Refused, match=why):
            world.check(owner, revoked=owner is world.gone)
    with pytest.raises(Refused, match="'plc' is for urn:plc, but the server calls itself urn:mill"):
        world.check(world.plc, "urn:mill")


def test_a_pinned_certificate_can_be_revoked_too(world: World) -> None:
    (world.trusted / "gone.der").write_bytes(world.gone.cert_file.read_bytes())
    with pytest.raises(Refused, match="'gone' was revoked"):
        world.check(world.gone)
    world.check(world.gone, revoked=False)


def test_the_authority_itself_can_be_out_of_date_or_revoked(world: World) -> None:
    world.root.revoke(world.lists, [world.cell])
    with pytest.raises(Refused, match="'Cell Authority' was revoked by 'Plant Root'"):
        world.check(world.plc)
    old = Owner(world.trusted, "Old Authority", days=(-30, -2), issues=True)
    with pytest.raises(Refused, match="authority 'Old Authority' expired"):
        world.check(Owner(world.others, "late", by=old), revoked=False)


def test_a_serial_number_is_revoked_by_its_own_authority_only(world: World) -> None:
    other = Owner(world.trusted, "Other Authority", issues=True)
    other.revoke(world.lists, [world.plc])
    world.check(world.plc)


def test_lists_that_are_forged_or_missing(world: World) -> None:
    stranger = Owner(world.others, "stranger", issues=True)
    world.cell.revoke(world.lists, [], key=stranger)
    with pytest.raises(Refused, match="list of 'Cell Authority' is forged or damaged"):
        world.check(world.plc)
    (world.lists / "Cell Authority.crl").unlink()
    with pytest.raises(Refused, match="nobody knows whether the certificate 'plc' was revoked"):
        world.check(world.plc)


def test_files_that_cannot_be_read(world: World) -> None:
    (world.trusted / "notes.txt").write_text("not looked at")
    world.check(world.plc)
    (world.lists / "broken.crl").write_text("?")
    with pytest.raises(Refused, match=r"broken\.crl is no revocation list"):
        world.check(world.plc)
    (world.trusted / "broken.der").write_text("?")
    with pytest.raises(Refused, match=r"broken\.der is no certificate"):
        world.check(world.plc)
    for missing in (("/no/such", "", ""), ("", "", "/no/such")):
        with pytest.raises(Refused, match=r"cannot read .*/no/such: No such file"):
            load_trust(*missing)
    for file, why in (
        (Path("/no/key"), "cannot read /no/key: No such file"),
        (world.plc.cert_file, "is no private key"),
        (world.gone.key_file, "is not the key of the certificate 'plc'"),
    ):
        with pytest.raises(Refused, match=why):
            load_key(file, world.plc.certificate)


SECURE = "Basic256Sha256,SignAndEncrypt,our.der,our.pem"


@pytest.mark.parametrize(("options", "why"), [
    ({"security": SECURE}, "whom to believe"),
    ({"security": "Basic256Sha256,SignAndEncrypt"}, "must be policy,mode,certificate,key"),
    ({"security": "Basic128Rsa15,Sign,c,k", "trusted": "t"}, "must begin with one of Basic256Sha256"),
    ({"security": "Basic256Sha256,None,c,k", "trusted": "t"}, "must begin with"),
    ({"trusted": "t"}, "mean nothing without security"),
    ({"security": SECURE + ",server.der", "revoked": "r"}, "revoked needs trusted"),
    ({"security": SECURE, "trusted": "t", "user_certificate": "c"}, "must be certificate,key"),
    ({"security": SECURE, "trusted": "t", "user_certificate": "c,k", "user": "u"}, "exclude each other"),
    ({"endpoints": "opc.tcp://b"}, "a list of texts"),
    ({"endpoints": ["b", "b"]}, "without repetition"),
])  # fmt: skip
def test_options_that_make_no_sense(options: dict[str, object], why: str) -> None:
    spec = ConnectionSpec("plc", "opc.tcp://a", options)
    with pytest.raises(ValueError, match=f"connection 'plc': .*{why}"):
        read_settings(Options(spec), spec)


def test_the_password_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = OpcUaSettings("opc.tcp://a", 1.0, user="u", password_env="BIOVISOR_TEST_SECRET")
    with pytest.raises(Refused, match="BIOVISOR_TEST_SECRET with the password is not set"):
        settings.secret()
    monkeypatch.setenv("BIOVISOR_TEST_SECRET", "s3cret")
    assert settings.secret() == "s3cret"
    assert "s3cret" not in repr(settings)
