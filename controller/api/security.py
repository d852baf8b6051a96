"""What stands before every request: who may ask from where, and what a browser may do with the answer. Pure ASGI."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from controller.api.problems import Problem, response

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
POLICY = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
HEADERS = (
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
)


class SecurityHeaders:
    """Adds the security headers to every answer; what the interface says is never stored by a browser."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        caching = b"no-store" if scope["path"].startswith("/api/") else b"no-cache"

        async def _add(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *HEADERS, (b"cache-control", caching)]
            await send(message)

        await self._app(scope, receive, _add)


class SameOrigin:
    """Only this computer's own names are answered, and only this page may change anything.

    A foreign ``Host`` is how a foreign page reaches a loopback server through its own name (DNS rebinding); a foreign
    ``Origin`` or ``Sec-Fetch-Site`` is a foreign page. A client that is no browser sends neither of the latter.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] == "http" and (problem := refusal(scope["method"], headers_of(scope))) is not None:
            await response(problem, scope["path"])(scope, receive, send)
        else:
            await self._app(scope, receive, send)


def headers_of(scope: Scope) -> dict[str, str]:
    """The request's headers by lower-case name; one that comes twice is joined, so that neither copy is overlooked."""
    headers: dict[str, str] = {}
    for name, value in scope["headers"]:
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        headers[key] = f"{headers[key]}, {text}" if key in headers else text
    return headers


def refusal(method: str, headers: Mapping[str, str]) -> Problem | None:
    """Why a request of this ``method`` with these headers is not even looked at; ``None`` when it may pass."""
    host = headers.get("host", "")
    if _hostname(host) not in LOOPBACK:
        return Problem(421, "This server answers only to loopback names: 127.0.0.1, localhost or [::1].")
    if method in SAFE:
        return None
    origin = headers.get("origin")
    if origin is not None and origin not in {f"http://{host}", f"https://{host}"}:
        return Problem(403, "The request comes from another origin; only the page of this server may change anything.")
    if headers.get("sec-fetch-site", "none") not in {"none", "same-origin"}:
        return Problem(403, "The request comes from another site; only the page of this server may change anything.")
    return None


def _hostname(host: str) -> str | None:
    try:
        parts = urlsplit(f"//{host}")
        return parts.hostname if parts.netloc == host and "@" not in host else None
    except ValueError:
        return None
