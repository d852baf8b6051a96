"""The HTTP API of a running supervisor, as a client sees it."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import quote
from urllib.request import ProxyHandler, Request, build_opener

TIME_OUT_S = 40.0
Document = dict[str, Any]


class Failed(Exception):
    """It was not done; the text says why. ``code`` is the exit code."""

    def __init__(self, text: str, code: int = 1) -> None:
        super().__init__(text)
        self.code = code


class Client:
    """One supervisor at ``url``; every method raises :class:`Failed` when it does not answer or refuses."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")
        self._opener = build_opener(ProxyHandler({}))

    def get(self, path: str) -> Document:
        """The answer to a question."""
        return self._send("GET", path, None, {})

    def put(self, path: str, body: Document, wait_s: int = 0) -> Document:
        """Change something; with ``wait_s`` the answer comes when the device has read it back, at most so late."""
        return self._send("PUT", path, body, {"Prefer": f"wait={wait_s}"} if wait_s else {})

    def post(self, path: str, body: Document) -> Document:
        """Make something happen."""
        return self._send("POST", path, body, {})

    def _send(self, method: str, path: str, body: Document | None, headers: dict[str, str]) -> Document:
        data = None if body is None else json.dumps(body).encode()
        given = {"Accept": "application/json", **headers}
        if data is not None:
            given["Content-Type"] = "application/json"
        try:
            request = Request(self._url + path, data, given, method=method)
            with self._opener.open(request, timeout=TIME_OUT_S) as answer:
                return _document(answer.read())
        except HTTPError as error:
            with error:
                raise Failed(_why(error.code, error.read())) from None
        except (URLError, OSError, ValueError) as error:
            reason = getattr(error, "reason", error)
            raise Failed(f"no supervisor answers at {self._url}: {reason}") from None


def path_of(loop: str) -> str:
    """The path of ``BR-101.temperature``. Raises :class:`Failed` (exit code 2) for a name that is none."""
    vessel, dot, name = loop.partition(".")
    if not (vessel and dot and name):
        raise Failed(f"{loop!r} is no loop: it is named VESSEL.LOOP, such as BR-101.temperature", 2)
    return f"/api/v1/vessels/{quote(vessel, safe='')}/loops/{quote(name, safe='')}"


def plain(unit: str) -> str:
    """A unit without the parentheses that it does not need: ``%/Cel`` for ``(%)/(Cel)``."""
    return re.sub(r"\(([^()/*.]+)\)", r"\1", unit)


def _document(data: bytes) -> Document:
    document = json.loads(data)
    if not isinstance(document, dict):
        raise ValueError("its answer is not a JSON object")
    return document


def _why(status: int, data: bytes) -> str:
    """What a problem document says."""
    try:
        document = _document(data)
    except ValueError:
        return f"it answers {status}"
    allowed = document.get("allowed")
    more = f" (possible: {', '.join(map(str, allowed))})" if allowed else ""
    return f"{document.get('detail', f'it answers {status}')}{more}"
