"""The URLs of connections: ``opc.tcp://host:port/path``, ``modbus://host:port``, ``tcp://host:port`` and
``serial:///dev/ttyUSB0?baudrate=19200&stopbits=2``.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import SplitResult, parse_qsl, urlsplit

SCHEMES = ("opc.tcp", "modbus", "modbuss", "tcp", "serial")
"""Kinds of wires. ``modbus`` is Modbus TCP, ``modbuss`` the same over TLS; ``tcp`` is a stream of bytes: an
instrument's own socket, or its serial line behind a device server.
"""

SERIAL_OPTIONS = {
    "baudrate": ("300", "600", "1200", "2400", "4800", "9600", "19200", "38400", "57600", "115200", "230400"),
    "bytesize": ("5", "6", "7", "8"),
    "parity": ("N", "E", "O"),
    "stopbits": ("1", "2"),
}
"""What may follow the ``?`` of a serial URL, and its values."""


class UrlError(ValueError):
    """A URL that no driver can use."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(f"{message} ({hint})")
        self.message = message
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Who owns a wire: two connections with the same endpoint would be on one line."""

    scheme: str
    place: str


def parse_url(text: str) -> Endpoint:
    """Check a URL. Raises :class:`UrlError`."""
    parts = _split(text)
    if parts.scheme not in SCHEMES:
        raise UrlError(
            f"{parts.scheme or text[:40]!r} is no kind of connection",
            f"a URL starts with {', '.join(f'{s}://' for s in SCHEMES)}",
        )
    if parts.username is not None or parts.password is not None:
        raise UrlError("a user or password does not belong in a URL", "use options: user and password_env")
    return _serial(parts) if parts.scheme == "serial" else _network(parts)


def _split(text: str) -> SplitResult:
    try:
        return urlsplit(text)
    except ValueError as error:
        raise UrlError(f"{text[:60]!r} is not a URL: {error}", "as in opc.tcp://192.168.10.101:4840") from error


def _network(parts: SplitResult) -> Endpoint:
    hint = f"as in {parts.scheme}://192.168.10.101:{4840 if parts.scheme == 'opc.tcp' else 502}"
    try:
        port = parts.port
    except ValueError as error:
        raise UrlError("the port is not a number from 1 to 65535", hint) from error
    if not parts.hostname or not port:
        raise UrlError(f"the URL names no {'port' if parts.hostname else 'host'}", hint)
    return Endpoint(parts.scheme, f"{parts.hostname}:{port}{parts.path.rstrip('/')}")


def _serial(parts: SplitResult) -> Endpoint:
    if parts.netloc or not parts.path.startswith("/"):
        raise UrlError(
            "a serial URL has three slashes and then the device", "as in serial:///dev/ttyUSB0?baudrate=19200"
        )
    for name, value in parse_qsl(parts.query, keep_blank_values=True):
        if name not in SERIAL_OPTIONS:
            raise UrlError(f"{name!r} is no option of a serial line", f"known: {', '.join(SERIAL_OPTIONS)}")
        if value not in SERIAL_OPTIONS[name]:
            raise UrlError(f"{name} can't be {value!r}", f"one of {', '.join(SERIAL_OPTIONS[name])}")
    return Endpoint("serial", parts.path)
