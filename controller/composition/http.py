"""The HTTP server's place in the process: a socket bound at once, a thread of its own started after the first scan."""

from __future__ import annotations

import ipaddress
import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from controller.api.gateway import Gateway
    from controller.api.server import Server


def bind(host: str, port: int) -> socket.socket:
    """A listening socket on a loopback address, so that an early visitor waits instead of being refused.

    Raises ``ValueError`` for any other address: there are no accounts and no TLS yet. Raises ``OSError`` when taken.
    """
    try:
        address = ipaddress.ip_address("127.0.0.1" if host == "localhost" else host)
    except ValueError:
        raise ValueError(f"--host takes a loopback address such as 127.0.0.1 or ::1, not {host!r}") from None
    if not 0 <= port <= 65535:
        raise ValueError(f"--port takes a number from 0 to 65535, not {port}")
    if not address.is_loopback:
        raise ValueError(
            f"refusing to listen on {host}: there are no accounts and no TLS, so everyone on that network could "
            "operate the vessels. Use a loopback address; an SSH tunnel or a reverse proxy reaches it from elsewhere."
        )
    listener = socket.socket(socket.AF_INET6 if address.version == 6 else socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((str(address), port))
        listener.listen(128)
    except OSError:
        listener.close()
        raise
    return listener


class Http:
    """The HTTP server of one supervisor."""

    def __init__(self, gateway: Gateway, listener: socket.socket) -> None:
        self._gateway = gateway
        self._listener = listener
        self._server: Server | None = None

    def start(self) -> None:
        """Import the web framework and serve in a thread; blocks until it answers. Call it off the scan's thread."""
        from controller.api.server import Server

        self._server = Server(self._gateway, self._listener)
        self._server.start()

    def stop(self) -> None:
        """Close every stream and the socket; blocks for at most a few seconds."""
        if self._server is not None:
            self._server.stop()
        self._listener.close()
