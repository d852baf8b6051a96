"""Who is let in by a simulated OPC UA server, and how its channels are secured.

Settings of every instrument on OPC UA: ``user`` and ``password`` (anonymous when there are none), ``user_certificate``
(a file: its owner is let in as well), ``security`` (``Basic256Sha256``, ``Aes128Sha256RsaOaep`` or
``Aes256Sha256RsaPss``: signed and encrypted, and nothing else), ``certificate`` and ``key`` (files: what the server
shows), ``trusted`` (a folder: the certificates of the clients that are let in). What of the last three is not given is
made in ``<directory>/<name>-pki`` and used again at the next start, with a certificate for a client that is trusted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from asyncua import ua
from asyncua.common.utils import ServiceError
from asyncua.crypto.permission_rules import User, UserRole
from asyncua.server.internal_server import InternalServer
from asyncua.server.server import Server
from asyncua.server.user_managers import UserManager
from asyncua.ua.status_codes import StatusCodes
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from simulators.instrument import Context, Json, SpecError

POLICIES: Mapping[str, ua.SecurityPolicyType] = {
    name: ua.SecurityPolicyType[f"{name}_SignAndEncrypt"]
    for name in ("Basic256Sha256", "Aes128Sha256RsaOaep", "Aes256Sha256RsaPss")
}
SUFFIXES = frozenset({".der", ".pem", ".crt", ".cer"})
VALID = timedelta(days=365)
BITS = 2048
NEEDED_USAGE = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment")
"""Of a certificate of an application (OPC UA part 6, 6.2.2)."""
OTHER_USAGE = ("key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only")


@dataclass(frozen=True, slots=True)
class Channel:
    """A secured channel: the server's certificate and key, and the folder of the clients it trusts."""

    policy: ua.SecurityPolicyType
    certificate: Path
    key: Path
    trusted: Path

    async def validate(self, certificate: x509.Certificate, client: ua.ApplicationDescription) -> None:
        """Whether a client is let in; its folder is read anew. Raises ``ServiceError`` with the reason."""
        now = datetime.now(UTC)
        if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
            raise ServiceError(StatusCodes.BadCertificateTimeInvalid)
        if client.ApplicationUri not in uris_of(certificate):
            raise ServiceError(StatusCodes.BadCertificateUriInvalid)
        files = sorted(file for file in self.trusted.iterdir() if file.suffix.lower() in SUFFIXES)
        if all(load(file) != certificate for file in files):
            raise ServiceError(StatusCodes.BadCertificateUntrusted)


@dataclass(frozen=True, slots=True)
class Access(UserManager):
    """The users of a server, never as administrator, and its secured channel if it has one. ``told`` are the files
    that a client needs, as the instrument announces them.
    """

    user: str = ""
    password: str = ""
    user_certificate: bytes = b""
    channel: Channel | None = None
    told: Mapping[str, Json] = field(default_factory=dict)

    def get_user(
        self,
        iserver: InternalServer,
        username: str | None = None,
        password: str | None = None,
        certificate: bytes | None = None,
    ) -> User | None:
        """The user of a session that is being opened, or None to refuse it. Without a name, ``certificate`` is the
        user's, or that of the channel: the library would let in also whoever has come without one.
        """
        if self.channel is not None and not certificate:
            return None
        if username is None and self.user_certificate and certificate == self.user_certificate:
            return User(role=UserRole.User)
        if (self.user or self.user_certificate) and (username, password) != (self.user, self.password):
            return None
        return User(role=UserRole.User, name=username)

    async def apply(self, server: Server) -> None:
        """Make a server that has not started keep to this."""
        server.allow_remote_admin(False)
        server.iserver.user_manager = self
        by_name = [ua.UserNameIdentityToken] if self.user else []
        by_certificate = [ua.X509IdentityToken] if self.user_certificate else []
        server.set_identity_tokens([*by_name, *by_certificate] or [ua.AnonymousIdentityToken])
        if self.channel is None:
            server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
            return
        shown = server.iserver.certificate = load(self.channel.certificate)
        server.iserver.private_key = load_key(self.channel.key, shown)
        await server.set_application_uri(next(iter(uris_of(shown)), ""))
        server.set_certificate_validator(self.channel.validate)
        server.set_security_policy([self.channel.policy])


def access_of(context: Context) -> Access:
    """What an instrument's settings say; makes what they leave open. Blocks. Raises :class:`SpecError`."""
    spec = context.spec
    names = ("user", "password", "user_certificate", "security", "certificate", "key", "trusted")
    given = {name: str(spec.get(name, "")) for name in names}
    by_certificate = load(Path(given["user_certificate"])) if given["user_certificate"] else None
    if not given["security"]:
        if by_certificate or any(given[name] for name in ("certificate", "key", "trusted")):
            raise SpecError(f"{context.name}: certificates mean nothing without security")
        return Access(given["user"], given["password"])
    if given["security"] not in POLICIES:
        raise SpecError(f"{context.name}: security must be one of {', '.join(POLICIES)}")
    channel, told = _channel(context, given)
    user = by_certificate.public_bytes(Encoding.DER) if by_certificate else b""
    return Access(given["user"], given["password"], user, channel, told)


def _channel(context: Context, given: Mapping[str, str]) -> tuple[Channel, dict[str, Json]]:
    """The secured channel, and what is told of its files."""
    folder, uri = context.directory / f"{context.name}-pki", f"urn:simulated:{context.name}"
    if bool(given["certificate"]) != bool(given["key"]):
        raise SpecError(f"{context.name}: certificate and key belong together")
    certificate, key = Path(given["certificate"]), Path(given["key"])
    if not given["certificate"]:
        certificate, key = made(folder, "server", uri, ExtendedKeyUsageOID.SERVER_AUTH)
    told: dict[str, Json] = {"certificate": str(certificate.absolute())}
    trusted = Path(given["trusted"])
    if not given["trusted"]:
        trusted = folder / "trusted"
        client, client_key = made(folder, "client", f"{uri}:client", ExtendedKeyUsageOID.CLIENT_AUTH)
        trusted.mkdir(exist_ok=True)
        (trusted / client.name).write_bytes(client.read_bytes())
        told |= {"client_certificate": str(client), "client_key": str(client_key)}
    elif not trusted.is_dir():
        raise SpecError(f"{context.name}: there is no folder {trusted}")
    load_key(key, load(certificate))
    return Channel(POLICIES[given["security"]], certificate, key, trusted), told


def load(file: Path) -> x509.Certificate:
    """A certificate, PEM or DER. Blocks. Raises :class:`SpecError`."""
    try:
        content = file.read_bytes()
        pem = content.lstrip().startswith(b"-----BEGIN")
        return x509.load_pem_x509_certificate(content) if pem else x509.load_der_x509_certificate(content)
    except (OSError, ValueError) as error:
        raise SpecError(f"{file} is no certificate that can be read") from error


def load_key(file: Path, certificate: x509.Certificate) -> rsa.RSAPrivateKey:
    """The private key of a certificate, PEM or DER, not encrypted. Blocks. Raises :class:`SpecError`."""
    try:
        content = file.read_bytes()
        pem = content.lstrip().startswith(b"-----BEGIN")
        key = (load_pem_private_key if pem else load_der_private_key)(content, None)
    except (OSError, ValueError, TypeError) as error:
        raise SpecError(f"{file} is no private key that can be read") from error
    if not isinstance(key, rsa.RSAPrivateKey) or key.public_key() != certificate.public_key():
        raise SpecError(f"{file} is not the key of the certificate")
    return key


def uris_of(certificate: x509.Certificate) -> list[str]:
    """The applications that a certificate names."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    return names.get_values_for_type(x509.UniformResourceIdentifier)


def made(folder: Path, name: str, uri: str, usage: x509.ObjectIdentifier) -> tuple[Path, Path]:
    """The files of a certificate that signs itself, and of its key, made anew unless a valid one is there. Blocks."""
    certificate_file, key_file = folder / f"{name}.der", folder / f"{name}.key"
    now = datetime.now(UTC)
    if certificate_file.exists() and key_file.exists() and load(certificate_file).not_valid_after_utc > now:
        return certificate_file, key_file
    key = rsa.generate_private_key(65537, BITS)
    folder.mkdir(parents=True, exist_ok=True)
    key_file.touch(mode=0o600)
    key_file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    certificate_file.write_bytes(_signed(key, uri, usage, now).public_bytes(Encoding.DER))
    return certificate_file, key_file


def _signed(key: rsa.RSAPrivateKey, uri: str, usage: x509.ObjectIdentifier, now: datetime) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, uri.removeprefix("urn:"))])
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    uses = dict.fromkeys(NEEDED_USAGE, True) | dict.fromkeys(OTHER_USAGE, False)
    names = [x509.UniformResourceIdentifier(uri), x509.DNSName("localhost")]
    return (
        x509.CertificateBuilder(name, name, key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + VALID)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.KeyUsage(**uses), critical=True)
        .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        .add_extension(identifier, critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(key, hashes.SHA256())
    )
