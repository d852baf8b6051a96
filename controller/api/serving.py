"""uvicorn, told what it must not do: log, take signals, wait for open streams. Imported in the HTTP thread only."""

from __future__ import annotations

import asyncio
import socket
import threading
from typing import TYPE_CHECKING

import uvicorn

from controller.api.app import create_app

if TYPE_CHECKING:
    from controller.api.gateway import Gateway

GRACE_S = 2
CONNECTIONS = 256


class _Server(uvicorn.Server):
    """Says when it answers."""

    def __init__(self, config: uvicorn.Config, answering: threading.Event) -> None:
        super().__init__(config)
        self._answering = answering

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Bind the sockets to the application."""
        await super().startup(sockets)
        self._answering.set()


async def serve(gateway: Gateway, listener: socket.socket, stop: asyncio.Event, answering: threading.Event) -> None:
    """Serve until ``stop`` is set, then end every stream, and what is left after ``GRACE_S``."""
    app = create_app(gateway)
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        lifespan="on",
        ws="none",
        server_header=False,
        proxy_headers=False,
        limit_concurrency=CONNECTIONS,
        timeout_graceful_shutdown=GRACE_S,
    )
    server = _Server(config, answering)
    serving = asyncio.ensure_future(server.serve([listener.dup()]))
    stopping = asyncio.ensure_future(stop.wait())
    await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    app.state.hub.close()
    server.should_exit = True
    await serving
