"""Where a line of bytes is: a serial port of this machine, or a serial port behind a device server, over TCP.

``serial:///dev/ttyUSB0?baudrate=19200&stopbits=2&parity=N&bytesize=8`` or ``tcp://192.168.0.7:4001``.
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import termios
from dataclasses import dataclass
from typing import Protocol, TypeAlias
from urllib.parse import SplitResult, parse_qsl, urlsplit

from drivers.contract import LinkLost, Refused
from drivers.lazy import load

NUMBERS = ("baudrate", "bytesize", "stopbits")


class Port(Protocol):
    """An open port. Reading and writing are done on its descriptor, which does not block."""

    def fileno(self) -> int:
        """The file descriptor."""

    def close(self) -> None:
        """Give it back."""


@dataclass(frozen=True, slots=True)
class SerialSettings:
    """Where a serial port is and how it speaks."""

    path: str
    baudrate: int = 9600
    bytesize: int = 8
    parity: str = "N"
    stopbits: int = 1

    @property
    def place(self) -> str:
        """The port, in messages and among all ports of this machine."""
        return self.path

    @property
    def url(self) -> str:
        """The whole address, with every setting."""
        settings = f"baudrate={self.baudrate}&bytesize={self.bytesize}&parity={self.parity}&stopbits={self.stopbits}"
        return f"serial://{self.path}?{settings}"

    def seconds_per_byte(self) -> float:
        """The time one byte takes on the line: start bit, data, parity, stop bits."""
        return (1 + self.bytesize + (self.parity != "N") + self.stopbits) / self.baudrate

    async def open(self) -> Port:
        """Open and lock the port, and forget what either side had buffered. Raises :class:`LinkLost`, and
        :class:`Refused` when the port is there and cannot have such settings.
        """
        await load("serial")
        opening = asyncio.get_running_loop().run_in_executor(None, self._open)
        try:
            return await asyncio.shield(opening)
        except asyncio.CancelledError:
            opening.add_done_callback(_give_back)
            raise

    def _open(self) -> Port:
        """Blocks: an adapter that hangs lets go only after seconds."""
        import serial

        try:
            port: Port = serial.Serial(
                self.path,
                baudrate=self.baudrate,
                bytesize=self.bytesize,
                parity=self.parity,
                stopbits=self.stopbits,
                exclusive=True,
                timeout=0,
            )
            # What an earlier session did not get out any more must not be sent in this one.
            termios.tcflush(port.fileno(), termios.TCOFLUSH)
        except (OSError, ValueError, termios.error) as error:
            if isinstance(error, termios.error) and error.args[:1] == (errno.EINVAL,):
                settings = f"{self.baudrate} {self.bytesize}{self.parity}{self.stopbits}"
                raise Refused(f"{self.path} cannot be set to {settings}") from error
            raise LinkLost(f"cannot open {self.path}: {reason_of(error)}") from error
        return port


def _give_back(opening: asyncio.Future[Port]) -> None:
    """Close what nobody waits for any more."""
    if not opening.cancelled() and opening.exception() is None:
        opening.result().close()


@dataclass(frozen=True, slots=True)
class TcpSettings:
    """Where a device server, or an instrument's own socket, is. What it does not say of the line is not known here."""

    host: str
    port: int

    @property
    def place(self) -> str:
        """The socket, in messages and among all that this machine uses."""
        return f"{self.host}:{self.port}"

    @property
    def url(self) -> str:
        """The whole address."""
        return f"tcp://{self.place}"

    def seconds_per_byte(self) -> float:
        """Nothing that matters."""
        return 0.0

    async def open(self) -> Port:
        """Connect. Raises :class:`LinkLost`; how long that may take is for the caller to limit."""
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
            family, kind, protocol, _, address = found[0]
            connection = socket.socket(family, kind, protocol)
        except OSError as error:
            raise LinkLost(f"cannot reach {self.place}: {reason_of(error)}") from error
        connected = False
        try:
            connection.setblocking(False)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await loop.sock_connect(connection, address)
            connected = True
        except OSError as error:
            raise LinkLost(f"cannot reach {self.place}: {reason_of(error)}") from error
        finally:
            if not connected:
                connection.close()
        return connection


LINES = ("serial", "tcp")
"""Schemes of URLs that are lines of bytes."""

PortSettings: TypeAlias = SerialSettings | TcpSettings


def parse_port(url: str, baudrate: int, stopbits: int = 1, *, parity: str = "N", bytesize: int = 8) -> PortSettings:
    """Read the address of a port; what it does not say is the device's own: the other arguments.

    Raises ``ValueError`` with a readable message.
    """
    parts = urlsplit(url)
    if parts.scheme == "tcp":
        return _tcp(url, parts)
    if parts.scheme != "serial" or parts.netloc or not parts.path.startswith("/"):
        raise ValueError(
            f"{url!r} is no line; expected serial:///dev/ttyUSB0?baudrate={baudrate}&stopbits={stopbits} or "
            "tcp://HOST:PORT"
        )
    words = dict(parse_qsl(parts.query, strict_parsing=bool(parts.query)))
    parity = words.pop("parity", parity).upper()
    unknown = sorted(set(words) - set(NUMBERS))
    if unknown or parity not in {"N", "E", "O"}:
        raise ValueError(f"{url!r}: {', '.join(unknown) or 'parity ' + parity} is not a setting of a serial port")
    numbers = {"baudrate": baudrate, "bytesize": bytesize, "stopbits": stopbits}
    for key, value in words.items():
        if not value.isdecimal() or not int(value):
            raise ValueError(f"{url!r}: {key} must be a whole number, not {value!r}")
        numbers[key] = int(value)
    return SerialSettings(parts.path, numbers["baudrate"], numbers["bytesize"], parity, numbers["stopbits"])


def _tcp(url: str, parts: SplitResult) -> TcpSettings:
    try:
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if not host or not port or parts.path not in {"", "/"} or parts.query:
        raise ValueError(f"{url!r} is no socket; expected tcp://HOST:PORT")
    return TcpSettings(host, port)


def reason_of(error: Exception) -> str:
    """An operating system's error without its number and path."""
    number = getattr(error, "errno", None)
    if number == errno.EAGAIN:
        return "another program uses it"
    # Errors of name resolution have numbers of their own.
    return os.strerror(number) if number and number > 0 and not isinstance(error, socket.gaierror) else str(error)
