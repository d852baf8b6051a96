"""Whom we believe on OPC UA: certificates that are ours to trust, and those that were revoked.

Own checks rather than asyncua's: they say in words what is wrong, and a serial number is revoked only for the
authority that revoked it. Source: OPC UA part 4, 6.1.3 (steps of validating a certificate).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.serialization import load_der_private_key, load_pem_private_key
from cryptography.x509.oid import NameOID

from drivers.contract import Refused

SUFFIXES = {".der", ".pem", ".crt", ".cer", ".crl"}
MIN_BITS = 2048
"""The shortest RSA key of the security policies we use."""
LONGEST_CHAIN = 5


@dataclass(frozen=True, slots=True)
class TrustList:
    """Certificates of servers, and of authorities that issue them; ``lists`` are revocation lists, ``None`` when
    revocation is not asked for. ``where`` names the trusted folder or file.
    """

    trusted: tuple[x509.Certificate, ...]
    where: str
    lists: tuple[x509.CertificateRevocationList, ...] | None = None

    def check(self, certificate: x509.Certificate, uri: str, now: datetime) -> None:
        """Whether a server that calls itself ``uri`` is one of ours. Raises :class:`Refused` with the reason."""
        _check_key(certificate)
        check_time(certificate, now, f"the server's certificate {name_of(certificate)}")
        uris = uris_of(certificate)
        if uri not in uris:
            named = ", ".join(uris) or "nobody"
            raise Refused(
                f"the server's certificate {name_of(certificate)} is for {named}, but the server calls itself {uri}"
            )
        self._check_chain(certificate, now)

    def _check_chain(self, certificate: x509.Certificate, now: datetime) -> None:
        """Up from the certificate to one that is trusted; none on the way may be revoked."""
        link = certificate
        for _ in range(LONGEST_CHAIN):
            issuer = next((ca for ca in self.trusted if _issued(link, ca)), None)
            self._check_revoked(link, issuer)
            if issuer is None or issuer == link:
                break
            check_time(issuer, now, f"the certificate of the authority {name_of(issuer)}")
            link = issuer
        if link == certificate and certificate not in self.trusted:
            raise Refused(
                f"the server's certificate {name_of(certificate)} is not trusted: neither it nor its issuer "
                f"{_name(certificate.issuer)} is in {self.where} (thumbprint {certificate.fingerprint(SHA1()).hex()})"
            )

    def _check_revoked(self, certificate: x509.Certificate, issuer: x509.Certificate | None) -> None:
        if self.lists is None:
            return
        lists = [one for one in self.lists if one.issuer == certificate.issuer]
        for one in lists:
            if issuer is not None and not one.is_signature_valid(issuer.public_key()):  # type: ignore[arg-type]  # typed for fewer keys
                raise Refused(f"a revocation list of {_name(one.issuer)} is forged or damaged: its signature is wrong")
            entry = one.get_revoked_certificate_by_serial_number(certificate.serial_number)
            if entry is not None:
                day = entry.revocation_date_utc.date()
                raise Refused(
                    f"the certificate {name_of(certificate)} was revoked by {_name(one.issuer)} on {day.isoformat()}"
                )
        if not lists and certificate.issuer != certificate.subject:
            raise Refused(
                f"nobody knows whether the certificate {name_of(certificate)} was revoked: there is no revocation "
                f"list of {_name(certificate.issuer)}"
            )


def load_trust(trusted: str, revoked: str, pinned: str) -> TrustList:
    """The folders ``trusted`` and ``revoked``, and the file ``pinned``; what is not asked for is "". Blocks. Raises
    :class:`Refused` when something cannot be read.
    """
    certificates = [one for file in _files(trusted) for one in load_certificates(file)]
    certificates += load_certificates(Path(pinned)) if pinned else []
    lists = tuple(_load_list(file) for file in _files(revoked)) if revoked else None
    return TrustList(tuple(certificates), " and ".join(filter(None, (trusted, pinned))), lists)


def load_certificates(file: Path) -> list[x509.Certificate]:
    """The certificates in a file, PEM or DER. Blocks. Raises :class:`Refused`."""
    try:
        content = file.read_bytes()
        if content.lstrip().startswith(b"-----BEGIN"):
            return x509.load_pem_x509_certificates(content)
        return [x509.load_der_x509_certificate(content)]
    except OSError as error:
        raise Refused(f"cannot read {file}: {error.strerror}") from error
    except ValueError as error:
        raise Refused(f"{file} is no certificate") from error


def load_key(file: Path, certificate: x509.Certificate) -> RSAPrivateKey:
    """The private key of ``certificate``, PEM or DER, not encrypted. Blocks. Raises :class:`Refused`."""
    try:
        content = file.read_bytes()
        pem = content.lstrip().startswith(b"-----BEGIN")
        key = (load_pem_private_key if pem else load_der_private_key)(content, None)
    except OSError as error:
        raise Refused(f"cannot read {file}: {error.strerror}") from error
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise Refused(f"{file} is no private key, or is encrypted") from error
    if not isinstance(key, RSAPrivateKey) or key.public_key() != certificate.public_key():
        raise Refused(f"{file} is not the key of the certificate {name_of(certificate)}")
    return key


def check_time(certificate: x509.Certificate, now: datetime, what: str) -> None:
    """Raises :class:`Refused` when ``what`` is not valid now."""
    first, last = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if now > last:
        raise Refused(f"{what} expired on {last.date().isoformat()}")
    if now < first:
        raise Refused(f"{what} is valid from {first.date().isoformat()} only; is the clock of this computer right?")


def uris_of(certificate: x509.Certificate) -> list[str]:
    """The applications that a certificate names."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return []
    return names.get_values_for_type(x509.UniformResourceIdentifier)


def name_of(certificate: x509.Certificate) -> str:
    """How a person calls the owner of a certificate."""
    return _name(certificate.subject)


def utc_now() -> datetime:
    """The wall clock, by which certificates are valid."""
    return datetime.now(UTC)


def _name(name: x509.Name) -> str:
    for oid in (NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME):
        found: Sequence[x509.NameAttribute[Any]] = name.get_attributes_for_oid(oid)
        if found:
            return f"{str(found[0].value)!r}"
    return repr(name.rfc4514_string())


def _check_key(certificate: x509.Certificate) -> None:
    key = certificate.public_key()
    if not isinstance(key, RSAPublicKey) or key.key_size < MIN_BITS:
        raise Refused(
            f"the key in the server's certificate {name_of(certificate)} is weak: RSA with {MIN_BITS} bits is the least"
        )


def _issued(certificate: x509.Certificate, authority: x509.Certificate) -> bool:
    """Whether ``authority`` is one and has signed the certificate."""
    try:
        if not authority.extensions.get_extension_for_class(x509.BasicConstraints).value.ca:
            return False
        certificate.verify_directly_issued_by(authority)
    except (x509.ExtensionNotFound, InvalidSignature, ValueError, TypeError):
        return False
    return True


def _files(folder: str) -> Iterable[Path]:
    if not folder:
        return []
    try:
        return sorted(file for file in Path(folder).iterdir() if file.suffix.lower() in SUFFIXES)
    except OSError as error:
        raise Refused(f"cannot read the folder {folder}: {error.strerror}") from error


def _load_list(file: Path) -> x509.CertificateRevocationList:
    try:
        content = file.read_bytes()
        if content.lstrip().startswith(b"-----BEGIN"):
            return x509.load_pem_x509_crl(content)
        return x509.load_der_x509_crl(content)
    except OSError as error:
        raise Refused(f"cannot read {file}: {error.strerror}") from error
    except ValueError as error:
        raise Refused(f"{file} is no revocation list") from error
