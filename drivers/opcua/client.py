"""One session: many values in one Read, many in one Write, methods; every call within our own deadline.

asyncua's own reconnecting is off (that is :mod:`drivers.link`'s duty), and its time-outs are only the outer limit: a
call that does not return in time is abandoned by us. Part 4 of the specification gives the services.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import struct
from collections.abc import AsyncIterator, Awaitable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from drivers.contract import DriverError, LinkLost, Malformed, Refused, Timeout
from drivers.lazy import load
from drivers.opcua.points import MAX_NODES, Reading, reading
from drivers.opcua.settings import OpcUaSettings
from drivers.patience import time_limit
from drivers.planning import portions

if TYPE_CHECKING:
    from asyncua import ua
    from asyncua.client.client import Client
    from asyncua.common.node import Node

Result = TypeVar("Result")

HANDSHAKE_S = 3.0
HANDSHAKES_S = 4.0
"""For all ways to a server together: a link gives up opening after five seconds."""
GOODBYE_S = 0.3
WATCHDOG_S = 86_400.0
"""asyncua's own liveness probe, which our cyclic read makes useless."""

REFUSALS = ("BadUserAccessDenied", "BadIdentityToken", "BadCertificate", "BadSecurity", "BadNotWritable", "BadTypeM")
WORDS = {
    "BadCertificateUntrusted": "the server does not trust our certificate",
    "BadSecurityChecksFailed": "the server does not accept our certificate",
    "BadCertificateTimeInvalid": "to the server our certificate has expired or is not valid yet",
    "BadCertificateUriInvalid": "to the server our certificate is for another application",
    "BadCertificateRevoked": "to the server our certificate is revoked",
    "BadUserAccessDenied": "the server does not let this user do that",
    "BadIdentityTokenRejected": "the server does not accept this user",
    "BadIdentityTokenInvalid": "the server does not accept this kind of user",
    "BadTooManySessions": "the server has no session left",
    "BadSessionIdInvalid": "the server has ended our session: see the option session",
}
"""What an operator is told beside the server's own word."""

NO_ENDPOINT = "No matching endpoints"
"""How asyncua's text begins when the server does not offer what was asked for; ours was looked up before."""
ENCRYPTED_ONLY = "the server lets nobody in without encryption: give the option security"
NO_CHANNEL = "the server opens no channel for our certificate: is it in its list of rejected ones?"


class OpcUaClient:
    """One session on one server. Not connected until :meth:`open`."""

    def __init__(self, settings: OpcUaSettings) -> None:
        self._settings = settings
        self._client: Client | None = None
        self._healthy = False
        self._turn = 0

    @property
    def via(self) -> str:
        """The URL of the session, "" when there is only one to choose from."""
        return self._settings.urls[self._turn] if self._settings.endpoints else ""

    async def open(self) -> None:
        """Connect and activate a session on the first endpoint that answers, beginning with the one that did last.

        Raises :class:`LinkLost`, :class:`Refused`, :class:`Timeout`; with several endpoints the error of the last one,
        in words about all of them.
        """
        await load("asyncua.client.client", "drivers.opcua.secure")
        # It logs a traceback for every lost connection; the link reports those, once.
        logging.getLogger("asyncua").setLevel(logging.CRITICAL)
        await self.close()
        urls, failed = self._settings.urls, list[str]()
        within_s = HANDSHAKE_S if len(urls) == 1 else HANDSHAKES_S / len(urls)
        for _ in urls:
            url, done = urls[self._turn], False
            try:
                await self._open(url, within_s)
                done = True
                return
            except DriverError as error:
                failed.append(str(error))
                if len(failed) == len(urls):
                    raise type(error)("; ".join(failed)) from error
                await self.close()
            finally:
                if not done:  # also when whoever waits has lost patience: then the next one has its turn
                    self._turn = (self._turn + 1) % len(urls)

    async def _open(self, url: str, within_s: float) -> None:
        from asyncua.client.client import Client
        from asyncua.ua.uaerrors import UaError

        from drivers.opcua.secure import log_in

        client = self._client = Client(url, timeout=within_s, watchdog_intervall=WATCHDOG_S)
        client.session_timeout = round(1000 * self._settings.session_s)
        self._healthy = False
        with as_driver_errors(f"connecting to {url}"):
            async with deadline(within_s):
                await log_in(client, self._settings)
                try:
                    await client.connect()
                except AssertionError as error:  # how asyncua takes a fault in place of a channel
                    raise Refused(NO_CHANNEL) from error
                except UaError as error:
                    if str(error).startswith(NO_ENDPOINT):
                        raise Refused(ENCRYPTED_ONLY) from error
                    raise
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
        return [reading(value) for value in await self.read_data(nodes)]

    async def read_texts(self, nodes: Sequence[Node]) -> list[str]:
        """The values of ``nodes`` as text, empty where there is none. Raises :class:`DriverError`."""
        values = await self.read_data(nodes)
        return [str(value.Value.Value) if value.Value and value.Value.Value is not None else "" for value in values]

    async def read_data(self, nodes: Sequence[Node]) -> list[ua.DataValue]:
        """The values of ``nodes`` as they came, in as few requests as may be. Raises :class:`DriverError`."""
        values: list[ua.DataValue] = []
        for some in portions(nodes, MAX_NODES):
            got = await self._within("reading", self.client.read_attributes(some))
            if len(got) != len(some):
                raise Malformed(f"{len(got)} values for {len(some)} nodes")
            values += got
        return values

    async def write(self, nodes: Sequence[Node], values: Sequence[ua.Variant]) -> list[str]:
        """Write all in one call; per node the name of a bad status, or nothing.

        Values are sent without time stamps, which S7 refuses. Raises :class:`Timeout` or :class:`LinkLost` when it is
        unknown what was written.
        """
        from asyncua import ua

        data = [ua.DataValue(value) for value in values]
        call = self.client.write_values(nodes, data, raise_on_partial_error=False)
        codes = await self._within("writing", call)
        if len(codes) != len(nodes):
            raise Malformed(f"{len(codes)} results for {len(nodes)} writes")
        return ["" if code.is_good() else code.name for code in codes]

    async def call(self, parent: Node, method: Node, arguments: Sequence[object], within_s: float | None = None) -> Any:
        """Call a method and return its output: one value, or a list. Raises :class:`DriverError`."""
        return await self._within("calling a method", parent.call_method(method.nodeid, *arguments), within_s)

    async def within(self, what: str, work: Awaitable[Result], within_s: float | None = None) -> Result:
        """Any other service of :attr:`client`, with its own deadline. Raises :class:`DriverError`."""
        return await self._within(what, work, within_s)

    async def unsubscribe(self, subscription: int) -> None:
        """Let the server forget a subscription, and the library in any case. Raises :class:`DriverError`."""
        session = self.client.uaclient.session
        session._subscription_callbacks.pop(subscription, None)  # asyncua keeps those that the server does not know
        await self._within("unsubscribing", session.delete_subscriptions([subscription]))

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
            leave(client)
            client.disconnect_socket()
            await asyncio.sleep(0)
        with contextlib.suppress(TimeoutError):
            async with deadline(GOODBYE_S):
                await client.disconnect()
        client.disconnect_socket()
        publishing = client.uaclient.session._publish_task  # asyncua forgets it where the connection is gone already
        if publishing is not None:
            publishing.cancel()
            await asyncio.wait([publishing])

    async def _within(self, what: str, work: Awaitable[Result], within_s: float | None = None) -> Result:
        limit = self._settings.timeout_s if within_s is None else within_s
        done = False
        with as_driver_errors(what):
            try:
                async with deadline(limit):
                    result = await work
                done = True
            except TimeoutError as error:
                raise Timeout(f"no answer within {limit:g} s while {what}") from error
            finally:
                self._healthy = self._healthy and done
        return result


def leave(client: Client) -> None:
    """Tell the server that the session is over and wait for nothing: one that hangs, or is slow, hears it later and
    then does not keep the session. Small servers have ten.
    """
    from asyncua import ua

    protocol = client.uaclient.protocol
    if protocol is None or protocol.transport is None or protocol.is_closed:
        return
    request = ua.CloseSessionRequest(DeleteSubscriptions=True)
    with contextlib.suppress(OSError, ua.uaerrors.UaError):
        protocol._send_request(request).cancel()  # of what it would wait for
    if protocol.transport.get_write_buffer_size():
        protocol.transport.abort()  # closing would wait until it is taken


@contextlib.asynccontextmanager
async def deadline(limit_s: float) -> AsyncIterator[None]:
    """Give up what is in it after ``limit_s``. Raises :class:`TimeoutError`.

    When an answer comes at the very moment of the deadline, asyncua ends with a cancellation of its own kind, which the
    time-outs of Python 3.11 do not know: it would end the whole task, and with it the link.
    """
    async with time_limit(limit_s):
        try:
            yield
        except asyncio.CancelledError as error:
            raise asyncio.CancelledError from error


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
        said = f"{WORDS[name]} ({name})" if name in WORDS else name
        raise (Refused if name.startswith(REFUSALS) else LinkLost)(f"{said} while {what}") from error
    except (UaError, struct.error, ValueError, TypeError, LookupError, AttributeError, AssertionError) as error:
        # asyncua decodes without checks of its own: a broken message ends in any of these.
        raise Malformed(f"{type(error).__name__} while {what}: {error}") from error
