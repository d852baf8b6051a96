"""OPC UA as client: many values in one Read, many in one Write, methods; every call within our own deadline.

asyncua's own reconnecting is off (that is :mod:`drivers.link`'s duty), and its time-outs are only the outer limit: a
call that does not return in time is abandoned by us. Part 4 of the specification gives the services.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import os
import struct
from collections.abc import Awaitable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from drivers.contract import DriverError, LinkLost, Malformed, Quality, Refused, Timeout
from drivers.lazy import load
from drivers.planning import portions

if TYPE_CHECKING:
    from asyncua import ua
    from asyncua.client.client import Client
    from asyncua.common.node import Node

Result = TypeVar("Result")

MAX_NODES = 100
"""Nodes in one request: a longer one stalls the event loop while it is decoded."""
HANDSHAKE_S = 3.0
GOODBYE_S = 0.3
WATCHDOG_S = 86_400.0
"""asyncua's own liveness probe, which our cyclic read makes useless."""

REFUSALS = ("BadUserAccessDenied", "BadIdentityToken", "BadCertificate", "BadSecurity", "BadNotWritable", "BadTypeM")


class Reading(NamedTuple):
    """One node's value as the server gave it; ``value`` is NaN when it is no number."""

    value: float
    quality: Quality
    status: str
    source_time: float | None


@dataclass(frozen=True, slots=True)
class OpcUaSettings:
    """Where the server is and who we are. ``security`` is ``policy,mode,certificate,key[,server certificate]``."""

    url: str
    timeout_s: float
    user: str = ""
    password: str = ""
    security: str = ""


class OpcUaClient:
    """One session on one server. Not connected until :meth:`open`."""

    def __init__(self, settings: OpcUaSettings) -> None:
        self._settings = settings
        self._client: Client | None = None
        self._healthy = False

    async def open(self) -> None:
        """Connect and activate a session. Raises :class:`LinkLost`, :class:`Refused`, :class:`Timeout`."""
        await load("asyncua.client.client")
        from asyncua.client.client import Client

        # It logs a traceback for every lost connection; the link reports those, once.
        logging.getLogger("asyncua").setLevel(logging.CRITICAL)
        await self.close()
        settings = self._settings
        client = Client(settings.url, timeout=HANDSHAKE_S, watchdog_intervall=WATCHDOG_S)
        if settings.user:
            client.set_user(settings.user)
            client.set_password(settings.password)
        self._client = client
        self._healthy = False
        with as_driver_errors(f"connecting to {settings.url}"):
            if settings.security:
                await client.set_security_string(settings.security)
            async with asyncio.timeout(HANDSHAKE_S):
                await client.connect()
        self._healthy = True

    async def namespaces(self) -> list[str]:
        """The server's namespace URIs, by index. Raises :class:`DriverError`."""
        return await self._within("reading the namespaces", self.client.get_namespace_array())

    async def namespace(self, uri: str) -> int:
        """The index of a namespace; the server assigns it anew at every start. Raises :class:`Refused`."""
        found = await self.namespaces()
        if uri not in found:
            raise Refused(f"the server has no namespace {uri}")
        return found.index(uri)

    async def read(self, nodes: Sequence[Node]) -> list[Reading]:
        """The values of ``nodes``, in order, with status and the device's own time. Raises :class:`DriverError`."""
        readings: list[Reading] = []
        for some in portions(nodes, MAX_NODES):
            values = await self._within("reading", self.client.read_attributes(some))
            if len(values) != len(some):
                raise Malformed(f"{len(values)} values for {len(some)} nodes")
            readings += map(_reading, values)
        return readings

    async def read_texts(self, nodes: Sequence[Node]) -> list[str]:
        """The values of ``nodes`` as text, empty where there is none. Raises :class:`DriverError`."""
        values = await self._within("reading", self.client.read_attributes(nodes))
        return [str(value.Value.Value) if value.Value and value.Value.Value is not None else "" for value in values]

    async def write(self, nodes: Sequence[Node], values: Sequence[ua.Variant]) -> list[str]:
        """Write all in one call; per node the name of a bad status, or nothing.

        Values are sent without time stamps, which S7 refuses. Raises :class:`Timeout` or :class:`LinkLost` when it is
        unknown what was written.
        """
        from asyncua import ua

        data = [ua.DataValue(value) for value in values]
        call = self.client.write_values(nodes, data, raise_on_partial_error=False)
        return ["" if code.is_good() else code.name for code in await self._within("writing", call)]

    async def call(self, parent: Node, method: Node, arguments: Sequence[object], within_s: float | None = None) -> Any:
        """Call a method and return its output: one value, or a list. Raises :class:`DriverError`."""
        return await self._within("calling a method", parent.call_method(method.nodeid, *arguments), within_s)

    async def within(self, what: str, work: Awaitable[Result], within_s: float) -> Result:
        """Any other service of :attr:`client`, with its own deadline. Raises :class:`DriverError`."""
        return await self._within(what, work, within_s)

    @property
    def client(self) -> Client:
        """The client of asyncua. Raises :class:`LinkLost` unless open."""
        if self._client is None:
            raise LinkLost("not connected")
        return self._client

    async def close(self) -> None:
        """End the session if the server still answers, else drop the connection. Bounded, idempotent, never raises."""
        client, self._client = self._client, None
        if client is None:
            return
        if not self._healthy:
            # A polite goodbye would wait for an answer that does not come.
            client.disconnect_socket()
            await asyncio.sleep(0)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GOODBYE_S):
                await client.disconnect()
        client.disconnect_socket()

    async def _within(self, what: str, work: Awaitable[Result], within_s: float | None = None) -> Result:
        limit = self._settings.timeout_s if within_s is None else within_s
        healthy, self._healthy = self._healthy, False
        with as_driver_errors(what):
            try:
                async with asyncio.timeout(limit):
                    result = await work
            except TimeoutError as error:
                raise Timeout(f"no answer within {limit:g} s while {what}") from error
        self._healthy = healthy
        return result


@contextlib.contextmanager
def as_driver_errors(what: str) -> Iterator[None]:
    """Turn whatever asyncua raises into the contract's errors."""
    from asyncua.ua import StatusCode
    from asyncua.ua.uaerrors import UaError, UaStatusCodeError

    try:
        yield
    except DriverError:
        raise
    except TimeoutError as error:
        raise Timeout(f"no answer while {what}") from error
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise LinkLost(f"connection lost while {what}: {reason}") from error
    except UaStatusCodeError as error:
        name = StatusCode(error.code).name
        raise (Refused if name.startswith(REFUSALS) else LinkLost)(f"{name} while {what}") from error
    except (UaError, struct.error, ValueError, TypeError, LookupError, AttributeError) as error:
        # asyncua decodes without checks of its own: a broken message ends in any of these.
        raise Malformed(f"{type(error).__name__} while {what}: {error}") from error


def _reading(data: ua.DataValue) -> Reading:
    value = data.Value.Value if data.Value is not None else None
    number = float(value) if isinstance(value, int | float) else float("nan")
    code = data.StatusCode
    time = data.SourceTimestamp.timestamp() if data.SourceTimestamp is not None else None
    if code is None or code.is_good():
        status = "" if math.isfinite(number) else f"not a number: {value!r}"
        return Reading(number, Quality.BAD if status else Quality.GOOD, status, time)
    return Reading(number, Quality.UNCERTAIN if code.is_uncertain() else Quality.BAD, code.name, time)
