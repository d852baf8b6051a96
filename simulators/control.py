"""The control port: what the laboratory's hands, and its accidents, are to the simulated site. Loopback only.

One JSON request a line, one JSON reply a line: ``{"ok": true, …}`` or ``{"ok": false, "error": "…"}``. A line that is
no JSON object ends the connection, so that a web page cannot smuggle a request in behind HTTP headers.
"""

from __future__ import annotations

import asyncio
import json
import math
import os
import signal
import socket
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol, TypeAlias

from simulators.instrument import Json

ANSWER_S = 1.0
"""Wall seconds an instrument has to confirm a fault; a stopped one does not."""

Request: TypeAlias = Mapping[str, Json]
Operation: TypeAlias = Callable[[Request], Awaitable[dict[str, Json]]]


class Refused(ValueError):
    """A request that cannot be carried out; the text says why."""


class World(Protocol):
    """What the control port needs of the plant. All raise ValueError or KeyError for what does not exist."""

    def state(self, vessel: str) -> Mapping[str, float]:
        """Every signal of a vessel by name."""
        ...

    def hands(self, identifier: str, vessel: str, action: str, amounts: Mapping[str, float]) -> None:
        """Do something by hand, once for each identifier."""
        ...

    def hands_done(self) -> list[str]:
        """Identifiers of what has been done by hand, in order."""
        ...

    def deeds(self) -> dict[str, Json]:
        """How often what was done to each vessel by hand, and the mL that came of it, by vessel and action."""
        ...

    def set_state(self, vessel: str, state: Mapping[str, float]) -> None:
        """Set state variables of a vessel."""
        ...


class FaultLink:
    """The line to one instrument on which faults are ordered."""

    def __init__(self, link: socket.socket) -> None:
        self._link = link
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._one_at_a_time = asyncio.Lock()
        self._count = 0

    async def order(self, request: Request) -> dict[str, Json]:
        """Order a fault and wait for the confirmation. Raises TimeoutError when the instrument is stopped."""
        async with self._one_at_a_time:
            if self._streams is None:
                self._streams = await asyncio.open_connection(sock=self._link)
            reader, writer = self._streams
            self._count += 1
            writer.write(json.dumps({**request, "id": self._count}).encode() + b"\n")
            async with asyncio.timeout(ANSWER_S):
                while True:
                    line = await reader.readline()
                    if not line:
                        raise Refused("the instrument's process has ended")
                    answer: dict[str, Json] = json.loads(line)
                    if answer.pop("id") == self._count:  # an older one belongs to a request that was given up
                        return answer


class Control:
    """The operations of the control port on a world and its instruments, and `more`, by their names."""

    def __init__(self, world: World, links: Mapping[str, FaultLink], more: Mapping[str, Operation]) -> None:
        self._world = world
        self._links = links
        self._operations: dict[str, Operation] = {
            **more,
            "state": self._state,
            "hands": self._hands,
            "hands_done": self._hands_done,
            "fault": self._fault,
            "set": self._set,
            "stop": self._stop,
        }

    async def listen(self) -> str:
        """Open the port; gives ``127.0.0.1:<port>``."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return f"127.0.0.1:{server.sockets[0].getsockname()[1]}"

    async def answer(self, line: bytes) -> dict[str, Json]:
        """The reply to one request. Raises ValueError when the line is no JSON object."""
        request = json.loads(line)
        if not isinstance(request, dict):
            raise ValueError("a request is a JSON object")
        operation = self._operations.get(str(request.get("op")))
        if operation is None:
            return {"ok": False, "error": f"unknown op; known: {', '.join(self._operations)}"}
        try:
            return {"ok": True, **await operation(request)}
        except KeyError as error:
            return {"ok": False, "error": f"missing or unknown: {error}"}
        except TimeoutError:
            return {"ok": False, "error": "the instrument does not answer"}
        except (ValueError, TypeError) as error:
            return {"ok": False, "error": str(error)}

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                writer.write(json.dumps(await self.answer(line)).encode() + b"\n")
                await writer.drain()
        except (ValueError, ConnectionError, asyncio.CancelledError):  # the end of the process ends what waits here
            return
        finally:
            writer.close()

    async def _state(self, request: Request) -> dict[str, Json]:
        signals = self._world.state(str(request["vessel"]))
        return {name: value if math.isfinite(value) else None for name, value in signals.items()}

    async def _hands(self, request: Request) -> dict[str, Json]:
        amounts = {key: value for key, value in request.items() if key not in {"op", "id", "vessel", "action"}}
        identifier, vessel, action = (str(request[key]) for key in ("id", "vessel", "action"))
        self._world.hands(identifier, vessel, action, numbers(amounts))
        return {}

    async def _hands_done(self, _request: Request) -> dict[str, Json]:
        return {"ids": list(self._world.hands_done()), "deeds": self._world.deeds()}

    async def _set(self, request: Request) -> dict[str, Json]:
        state = request["state"]
        if not isinstance(state, dict):
            raise Refused("state must be an object")
        self._world.set_state(str(request["vessel"]), numbers(state))
        return {}

    async def _fault(self, request: Request) -> dict[str, Json]:
        order = {key: request[key] for key in ("fault", "duration_s", "magnitude") if key in request}
        name = str(request["instrument"])
        if name not in self._links:
            raise Refused(f"there is no instrument {name!r}; known: {', '.join(self._links)}")
        return await self._links[name].order(order)

    async def _stop(self, _request: Request) -> dict[str, Json]:
        asyncio.get_running_loop().call_later(0.05, os.kill, os.getppid(), signal.SIGTERM)  # after the reply
        return {}


def numbers(values: Mapping[str, Json]) -> dict[str, float]:
    """Values that are all finite numbers. Raises :class:`Refused` for any other."""
    numbers: dict[str, float] = {}
    for key, value in values.items():
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
            raise Refused(f"{key} must be a number")
        numbers[key] = float(value)
    return numbers
