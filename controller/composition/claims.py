"""Claims: which supervisor of this machine has which wire, so that nothing else acts behind its back.

The lease keeps two supervisors from one record; a claim keeps whoever has another data directory, or none, from an
instrument that a supervisor drives. It is the name of a socket in the kernel's abstract namespace: nothing is left of
it when its process ends, however that ends, and nobody's permissions matter. Other machines and containers with a
network of their own are not seen.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import socket
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from controller.clock import iso_utc

NAMES = Path("/proc/net/unix")
PREFIX = "biovisor"
LONGEST_SITE = 40
MARK = re.compile(r"(?P<pid>\d{1,10})/(?P<since>\d{1,12})/(?P<site>.*)")
LOCAL = {"localhost": "127.0.0.1", "::1": "127.0.0.1"}


class Owner(NamedTuple):
    """A supervisor that has a wire: its process, since when (UTC, s), and its site."""

    pid: int
    since: float
    site: str

    def __str__(self) -> str:
        since = iso_utc(self.since)[:16].replace("T", " ")
        return f"the supervisor of site {self.site} (process {self.pid}, since {since} UTC)"


class Claims:
    """The wires of one supervisor, from ``utc`` (s) until :meth:`release` or the end of the process.

    What cannot be claimed is left out: a supervisor never stops for want of it.
    """

    def __init__(self, site: str, urls: Iterable[str], utc: float) -> None:
        mark = f"{os.getpid()}/{utc:.0f}/{site[:LONGEST_SITE]}"
        self._sockets: list[socket.socket] = []
        for place in sorted({place for url in urls for place in places(url)}):
            with contextlib.suppress(OSError):
                self._sockets.append(_bound(f"\0{_name(place)}{mark}"))

    def release(self) -> None:
        """Give the wires back. Idempotent."""
        for held in self._sockets:
            held.close()


def owner_of(urls: Iterable[str]) -> Owner | None:
    """The supervisor that has one of the wires, if one runs on this machine."""
    wanted = [f"@{_name(place)}" for url in urls for place in places(url)]
    try:
        names = [line.rpartition(" ")[2] for line in NAMES.read_text(encoding="utf-8", errors="replace").splitlines()]
    except OSError:
        return None
    for name in names:
        for beginning in wanted:
            found = MARK.fullmatch(name.removeprefix(beginning)) if name.startswith(beginning) else None
            if found is not None:
                return Owner(int(found["pid"]), float(found["since"]), found["site"])
    return None


def wires_of(url: str, options: Mapping[str, object]) -> list[str]:
    """Every URL under which a connection may reach its instrument; an OPC UA server can have further endpoints."""
    further = options.get("endpoints")
    return [url, *map(str, further if isinstance(further, list) else ())]


def places(url: str) -> set[str]:
    """What names the wire of a URL on this machine: host and port, or the device by every name it is known under.
    Nothing for what is no URL, which no driver can use either.
    """
    try:
        parts = urlsplit(url)
        if parts.scheme == "serial":
            return {parts.path, os.path.realpath(parts.path)}
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        return set()
    return {f"{LOCAL.get(host, host)}:{port}"}


def _bound(name: str) -> socket.socket:
    """A socket of that name. Raises ``OSError``."""
    bound = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        bound.bind(name)
    except OSError:
        bound.close()
        raise
    return bound


def _name(place: str) -> str:
    return f"{PREFIX}/{hashlib.sha256(place.encode()).hexdigest()[:24]}/"
