"""A PLC that gives a dose for every write it executes, as a program: prints its port, then a line for each dose."""

from __future__ import annotations

import asyncio
import logging
import sys
from typing import Any

from asyncua import Server, ua
from asyncua.common.callback import CallbackType

SIEMENS = "http://www.siemens.com/simatic-s7-opcua"


async def main() -> None:
    logging.disable()  # it warns of the missing encryption
    server = Server()
    await server.init()
    server.set_endpoint("opc.tcp://127.0.0.1:0")
    index = await server.register_namespace(SIEMENS)
    nodes = {}
    for struct, member in (("Dose", "Request"), ("Dose", "Last"), ("Dose", "Count")):
        identifier = ua.NodeId(f'"DB_Reactor"."{struct}"."{member}"', index)
        node = await server.nodes.objects.add_variable(identifier, member, 0.0, ua.VariantType.Float)
        nodes[member] = node
    await nodes["Request"].set_writable()
    given = 0

    async def written(event: Any, _dispatcher: object) -> None:
        """The pump turns, and the data block says so."""
        nonlocal given
        for one in event.request_params.NodesToWrite:
            if event.is_external and one.NodeId == nodes["Request"].nodeid:
                given += 1
                print(one.Value.Value.Value, flush=True)
                for name, value in (("Last", one.Value.Value.Value), ("Count", float(given))):
                    data = ua.DataValue(ua.Variant(value, ua.VariantType.Float))
                    await server.write_attribute_value(nodes[name].nodeid, data)

    server.subscribe_server_callback(CallbackType.PostWrite, written)
    async with server:
        assert server.bserver is not None
        print(server.bserver.port, flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main())
