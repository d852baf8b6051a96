"""Logging in: the server's certificate is judged before a channel is opened with it, and ours goes with the session.

Imports cryptography, which takes its time: whoever needs it loads it beside the event loop.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from drivers.contract import Refused
from drivers.opcua.settings import OpcUaSettings, Security
from drivers.opcua.trust import TrustList, check_time, load_certificates, load_key, load_trust, uris_of, utc_now

if TYPE_CHECKING:
    from asyncua import ua
    from asyncua.client.client import Client


async def log_in(client: Client, settings: OpcUaSettings) -> None:
    """Prepare ``client`` to connect as ``settings`` say. Raises :class:`Refused` with the reason, and what asyncua
    raises.
    """
    if settings.user:
        client.set_user(settings.user)
        client.set_password(settings.secret())
    security = settings.secured
    if security is not None:
        await _secure(client, settings, security)


async def _secure(client: Client, settings: OpcUaSettings, security: Security) -> None:
    from asyncua import ua
    from asyncua.crypto import security_policies
    from asyncua.crypto.uacrypto import CertProperties

    # Read anew for every session: a certificate that was revoked meanwhile is not believed again.
    trust, ours, user = await asyncio.to_thread(_load, settings, security)
    client.application_uri = ours.uri
    if user is not None:
        client.user_certificate, client.user_private_key = user.certificate, user.key
    policy = getattr(security_policies, f"SecurityPolicy{security.policy}")
    mode = ua.MessageSecurityMode[security.mode]
    offers = await _offers(client)
    if offers:
        endpoint = _choose(offers, policy.URI, mode, security)
        encoded = _first(endpoint.ServerCertificate)
        trust.check(_parse(encoded), endpoint.Server.ApplicationUri, utc_now())
    else:
        encoded = await asyncio.to_thread(_pinned, security)

    async def validate(certificate: x509.Certificate, server: ua.ApplicationDescription) -> None:
        """Once more, with what the server says of itself on the secured channel."""
        trust.check(certificate, server.ApplicationUri, utc_now())

    client.certificate_validator = validate
    certificate = CertProperties(ours.certificate.public_bytes(Encoding.DER), "der")
    key = CertProperties(ours.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()), "der")
    peer = CertProperties(encoded, "der")
    await client.set_security(policy, certificate, key, server_certificate=peer, mode=mode)


async def _offers(client: Client) -> list[ua.EndpointDescription]:
    """What the server offers; nothing when it does not tell that to strangers, as a hardened one may."""
    from asyncua.ua.uaerrors import BadSecurityModeRejected, BadSecurityPolicyRejected, BadServiceUnsupported

    try:
        return await client.connect_and_get_server_endpoints()
    except (
        AssertionError,
        BadSecurityModeRejected,
        BadSecurityPolicyRejected,
        BadServiceUnsupported,
    ):  # the first is how asyncua takes a fault in place of a channel
        return []


def _pinned(security: Security) -> bytes:
    """The certificate of a server that does not show it before. Blocks. Raises :class:`Refused`."""
    if not security.server_certificate:
        raise Refused(
            "the server does not tell strangers what it offers: give its certificate as last part of security"
        )
    return load_certificates(Path(security.server_certificate))[0].public_bytes(Encoding.DER)


@dataclass(frozen=True, slots=True)
class Identity:
    """A certificate of ours, its key, and the application that it names ("" for a person's)."""

    certificate: x509.Certificate
    key: RSAPrivateKey
    uri: str = ""


def _load(settings: OpcUaSettings, security: Security) -> tuple[TrustList, Identity, Identity | None]:
    """Whom we believe, who we are, and who our user is. Blocks. Raises :class:`Refused`."""
    trust = load_trust(settings.trusted, settings.revoked, security.server_certificate)
    ours = _identity(security.certificate, security.key, "our own certificate")
    if not ours.uri:
        raise Refused(f"our own certificate {security.certificate} names no application URI")
    if not settings.user_certificate:
        return trust, ours, None
    certificate, key = (part.strip() for part in settings.user_certificate.split(","))
    return trust, ours, _identity(certificate, key, "the user's certificate")


def _identity(file: str, key_file: str, what: str) -> Identity:
    certificate = load_certificates(Path(file))[0]
    check_time(certificate, utc_now(), f"{what} {file}")
    uri = next(iter(uris_of(certificate)), "")
    return Identity(certificate, load_key(Path(key_file), certificate), uri)


def _choose(
    offers: list[ua.EndpointDescription], policy: str, mode: ua.MessageSecurityMode, security: Security
) -> ua.EndpointDescription:
    """The endpoint with the security we want, never a weaker one. Raises :class:`Refused`."""
    for offer in offers:
        if (offer.SecurityPolicyUri, offer.SecurityMode) == (policy, mode) and offer.ServerCertificate:
            return offer
    offered = {f"{offer.SecurityPolicyUri.rpartition('#')[2]} {offer.SecurityMode.name.strip('_')}" for offer in offers}
    raise Refused(
        f"the server does not offer {security.policy} with {security.mode}, only {', '.join(sorted(offered))}"
    )


def _first(encoded: bytes) -> bytes:
    """The first certificate of what may be a chain (DER: tag, length in two bytes, content)."""
    return encoded[: int.from_bytes(encoded[2:4], "big") + 4]


def _parse(encoded: bytes) -> x509.Certificate:
    try:
        return x509.load_der_x509_certificate(encoded)
    except ValueError as error:
        raise Refused("the server's certificate cannot be read") from error
