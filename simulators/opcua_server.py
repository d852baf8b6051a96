"""OPC UA servers for simulated instruments: loopback only, never with an administrator; see
:mod:`simulators.opcua_access` for who is let in.

Filling the standard address space (some 7000 nodes) takes over a second of processor time. It is done once, before
the instruments' processes are forked; each of them inherits the finished server and adds its own nodes in
milliseconds.
"""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import cast

from asyncua import ua
from asyncua.server.server import Server
from asyncua.ua.attribute_ids import AttributeIds

from simulators.faults import Faults
from simulators.instrument import Json
from simulators.opcua_access import Access
from simulators.tcp_tap import TcpTap
from simulators.wall import utc_now

MAX_CONNECTIONS = 10
"""Sessions of the small controllers that are simulated here."""


def warm_server() -> Server:
    """A server whose standard address space is complete. To be called before forking, outside any event loop."""
    logging.getLogger("asyncua").setLevel(logging.ERROR)  # it warns of the missing encryption at every start
    gc.disable()  # some 10**6 objects are built that all stay: collecting in between costs a third of the time
    server = Server()
    asyncio.run(server.init())
    gc.freeze()  # kept out of later collections, so that the forked processes go on sharing their memory
    gc.enable()
    return server


@asynccontextmanager
async def serving(
    server: Server, path: str, access: Access, faults: Faults, port: int | None = None
) -> AsyncIterator[dict[str, Json]]:
    """Serve until the block is left, at `port` or a free one; gives the URL, the port, and the files that a client
    needs.

    Leaving ends the connections, not the server behind them: its own stop takes a second, and the process ends anyway.
    """
    await access.apply(server)
    server.iserver.max_connections = MAX_CONNECTIONS
    server.set_endpoint(f"opc.tcp://127.0.0.1:0{path}")
    await server.start()
    if server.bserver is None:
        raise RuntimeError("the server has started without a listener")
    tap = TcpTap(server.bserver.port, faults, port or 0)
    await tap.open()
    try:
        yield {"url": f"opc.tcp://127.0.0.1:{tap.port}{path}", "port": tap.port, **access.told}
    finally:
        await tap.close()


async def publish(
    server: Server,
    node: ua.NodeId,
    value: float | int | bool | str,
    kind: ua.VariantType,
    *,
    status: int = 0,
    fast_s: float = 0.0,
) -> None:
    """Set a node's value as the instrument itself does it: status Good unless another is given, times those of its
    clock, which may be fast.
    """
    now = cast("ua.DateTime", utc_now() + timedelta(seconds=fast_s))
    data = ua.DataValue(ua.Variant(value, kind), ua.StatusCode(ua.UInt32(status)), now, now)
    await server.write_attribute_value(node, data)


def current(server: Server, node: ua.NodeId) -> object:
    """The value a node holds now, whoever wrote it; None when a client wrote an empty one."""
    value = server.iserver.aspace.read_attribute_value(node, AttributeIds.Value).Value
    return None if value is None else value.Value
