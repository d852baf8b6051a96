"""Certificates for the tests: authorities, what they issue, and what they revoke."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

USAGE = {
    name: name in {"digital_signature", "content_commitment", "key_encipherment", "data_encipherment"}
    for name in (
        "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
        "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
    )
}  # fmt: skip
ISSUING = {**dict.fromkeys(USAGE, False), "key_cert_sign": True, "crl_sign": True, "digital_signature": True}


def named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


class Owner:
    """A certificate with its key, in ``folder/name.der`` and ``.key``; issued by ``by``, or by itself."""

    def __init__(
        self,
        folder: Path,
        name: str,
        uri: str = "",
        by: Owner | None = None,
        *,
        days: tuple[int, int] = (-1, 30),
        bits: int = 2048,
        issues: bool = False,
    ) -> None:
        self.name, self.uri = name, uri or f"urn:{name}"
        self.key = rsa.generate_private_key(65537, bits)
        first, last = (datetime.now(UTC) + timedelta(days=count) for count in days)
        issuer = by or self
        identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key())
        builder = (
            x509.CertificateBuilder(named(issuer.name), named(name), self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(first)
            .not_valid_after(last)
            .add_extension(x509.BasicConstraints(issues, None), critical=True)
            .add_extension(x509.KeyUsage(**(ISSUING if issues else USAGE)), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self.key.public_key()), critical=False)
            .add_extension(identifier, critical=False)
            .add_extension(
                x509.SubjectAlternativeName([x509.UniformResourceIdentifier(self.uri), x509.DNSName("localhost")]),
                critical=False,
            )
        )
        if not issues:
            both = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
            builder = builder.add_extension(x509.ExtendedKeyUsage(both), critical=False)
        self.certificate = builder.sign(issuer.key, hashes.SHA256())
        self.cert_file, self.key_file = folder / f"{name}.der", folder / f"{name}.key"
        self.cert_file.write_bytes(self.certificate.public_bytes(Encoding.DER))
        self.key_file.write_bytes(self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))

    def revoke(self, folder: Path, revoked: Sequence[Owner], key: Owner | None = None) -> Path:
        """This authority's revocation list, signed with ``key``."""
        now = datetime.now(UTC)
        builder = x509.CertificateRevocationListBuilder(named(self.name), now - timedelta(days=1), now + timedelta(30))
        builder = builder.add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False
        ).add_extension(x509.CRLNumber(1), critical=False)
        for owner in revoked:
            entry = x509.RevokedCertificateBuilder(owner.certificate.serial_number, now - timedelta(hours=1))
            builder = builder.add_revoked_certificate(entry.build())
        file = folder / f"{self.name}.crl"
        file.write_bytes(builder.sign((key or self).key, hashes.SHA256()).public_bytes(Encoding.DER))
        return file
