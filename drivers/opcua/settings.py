"""Where an OPC UA server is, who we are to it, and whom we believe: the options that every such driver has."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from drivers.contract import ConnectionSpec, Refused
from drivers.options import Options

POLICIES = ("Basic256Sha256", "Aes128Sha256RsaOaep", "Aes256Sha256RsaPss")
"""Basic128Rsa15 and Basic256 are broken: they are not offered."""
MODES = ("Sign", "SignAndEncrypt")


@dataclass(frozen=True, slots=True)
class Security:
    """How a channel is secured. The last three are files; ``server_certificate`` may be empty."""

    policy: str
    mode: str
    certificate: str
    key: str
    server_certificate: str = ""


@dataclass(frozen=True, slots=True)
class OpcUaSettings:
    """One server and how to get in.

    ``endpoints`` are further URLs of the same server, ``security`` is ``policy,mode,certificate,key[,server
    certificate]``, ``trusted`` and ``revoked`` are folders of certificates and of revocation lists,
    ``user_certificate`` is ``certificate,key``; ``session_s`` is how long the server is to keep a session that asks
    nothing, also one whose connection was lost. Raises ``ValueError`` for settings that would believe anybody.
    """

    url: str
    timeout_s: float
    user: str = ""
    password: str = field(default="", repr=False)
    security: str = ""
    password_env: str = ""
    endpoints: tuple[str, ...] = ()
    trusted: str = ""
    revoked: str = ""
    user_certificate: str = ""
    session_s: float = 60.0

    def __post_init__(self) -> None:
        security = self.secured
        if security is None and (self.trusted or self.revoked or self.user_certificate):
            raise ValueError("trusted, revoked and user_certificate mean nothing without security")
        if security is not None and not (security.server_certificate or self.trusted):
            raise ValueError("security needs to know whom to believe: trusted, or a server certificate in security")
        if self.revoked and not self.trusted:
            raise ValueError("revoked needs trusted: the folder with the certificates of those who revoke")
        if self.user_certificate and self.user_certificate.count(",") != 1:
            raise ValueError("user_certificate must be certificate,key")
        if self.user and self.user_certificate:
            raise ValueError("user and user_certificate exclude each other")

    @property
    def urls(self) -> tuple[str, ...]:
        """Where the server can be reached, in the order of trying."""
        return (self.url, *self.endpoints)

    @property
    def secured(self) -> Security | None:
        """``security`` in its parts. Raises ``ValueError``."""
        if not self.security:
            return None
        parts = [part.strip() for part in self.security.split(",")]
        if not 4 <= len(parts) <= 5 or not all(parts):
            raise ValueError("security must be policy,mode,certificate,key or that with ,server certificate")
        if parts[0] not in POLICIES or parts[1] not in MODES:
            raise ValueError(f"security must begin with one of {', '.join(POLICIES)} and one of {', '.join(MODES)}")
        return Security(*parts)

    def secret(self) -> str:
        """The password. Raises :class:`Refused` when the environment does not have it."""
        if not self.password_env or self.password:
            return self.password
        secret = os.environ.get(self.password_env)
        if secret is None:
            raise Refused(f"the environment variable {self.password_env} with the password is not set")
        return secret


def read_settings(options: Options, spec: ConnectionSpec) -> OpcUaSettings:
    """Take the options of OPC UA. Raises ``ValueError`` that says what is wrong."""
    texts = ("user", "password_env", "password", "security", "trusted", "revoked", "user_certificate")
    taken = {key: options.text(key) for key in texts}
    endpoints = options.texts("endpoints", ())
    session_s = options.number("session", 60.0, 10.0, 3600.0)
    try:
        return OpcUaSettings(spec.url, spec.timeout_s, endpoints=endpoints, session_s=session_s, **taken)
    except ValueError as error:
        raise ValueError(f"connection {spec.name!r}: {error}") from None
