"""Request bodies: read whole, within a size and a time, and only as JSON that means one thing. Pure ASGI."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, NoReturn

from controller.api.problems import Problem, response
from controller.api.security import SAFE, headers_of

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_BYTES = 64 * 1024
MAX_SECONDS = 10.0
MAX_DIGITS = 18
MAX_DEPTH = 20


class StrictBody:
    """Refuses what is too large, too slow, not JSON, or JSON that two parsers would read differently."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            body = await _read(scope, receive)
            if body and scope["method"] not in SAFE:
                _check_type(headers_of(scope).get("content-type", ""))
                check(body)
        except Problem as problem:
            await response(problem, scope["path"])(scope, receive, send)
        else:
            await self._app(scope, _replay(body, receive), send)


def check(body: bytes) -> Any:
    """The value that ``body`` means. Raises :class:`Problem` (400) when it is not JSON, or not within the limits."""
    try:
        value = json.loads(
            body.decode("utf-8"), parse_int=_integer, parse_constant=_constant, object_pairs_hook=_object
        )
    except UnicodeDecodeError:
        raise Problem(400, "The body is not valid UTF-8.") from None
    except json.JSONDecodeError as error:
        raise Problem(400, f"The body is not JSON: {error.msg} at line {error.lineno} column {error.colno}.") from None
    except RecursionError:
        raise Problem(400, f"The body is nested deeper than {MAX_DEPTH} levels.") from None
    if _depth(value) > MAX_DEPTH:
        raise Problem(400, f"The body is nested deeper than {MAX_DEPTH} levels.")
    return value


async def _read(scope: Scope, receive: Receive) -> bytes:
    length = headers_of(scope).get("content-length", "0")
    if length.isdecimal() and int(length[:9]) > MAX_BYTES:
        raise _too_large()
    body = b""
    try:
        async with asyncio.timeout(MAX_SECONDS):
            while True:
                message = await receive()
                body += bytes(message.get("body", b""))
                if len(body) > MAX_BYTES:
                    raise _too_large()
                if not message.get("more_body", False):
                    return body
    except TimeoutError:
        raise Problem(408, f"The body did not arrive within {MAX_SECONDS:g} s.") from None


def _too_large() -> Problem:
    return Problem(413, f"The body is larger than {MAX_BYTES // 1024} kB.")


def _replay(body: bytes, receive: Receive) -> Receive:
    """Give the body once, then what really comes: the client's going away."""
    given = False

    async def _replayed() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return _replayed


def _check_type(content_type: str) -> None:
    if content_type.split(";", maxsplit=1)[0].strip().lower() != "application/json":
        raise Problem(415, "The body has to be JSON, with the header Content-Type: application/json.")


def _integer(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise Problem(400, f"A number in the body has more than {MAX_DIGITS} digits.")
    return int(digits)


def _constant(_: str) -> NoReturn:
    raise Problem(400, "NaN and Infinity are no numbers in JSON; a value has to be a finite number.")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({key for key, _ in pairs}) < len(pairs):
        raise Problem(400, "A field of the body is given twice.")
    return dict(pairs)


def _depth(value: Any) -> int:
    depth, level = 0, [value]
    while level:
        depth += 1
        inner = [item.values() if isinstance(item, dict) else item for item in level if isinstance(item, dict | list)]
        level = [item for items in inner for item in items]
    return depth - 1
