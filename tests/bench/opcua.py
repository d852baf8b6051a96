"""OPC UA acquisition: the product's client against asyncua's own calls, all on one server in a process of its own."""

import asyncio
import atexit
import subprocess
import sys
from functools import cache

NODES = 100
SERVER = f"""
import asyncio, sys
from asyncua import Server, ua

async def main():
    server = Server()
    await server.init()
    server.set_endpoint("opc.tcp://127.0.0.1:0")
    index = await server.register_namespace("urn:bench")
    for place in range({NODES}):
        await server.nodes.objects.add_variable(ua.NodeId(f"v{{place}}", index), f"v{{place}}", float(place))
    async with server:
        print(server.bserver.port, flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)

asyncio.run(main())
"""


@cache
def server_port():
    """Where the server is; it ends with this process."""
    process = subprocess.Popen(
        [sys.executable, "-c", SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    atexit.register(process.communicate)
    return int(process.stdout.readline())


class Acquisition:
    """Our driver and asyncua's client on the same nodes, each with a session of its own, in one event loop."""

    def __init__(self):
        self.loop = asyncio.new_event_loop()
        self.loop.run_until_complete(self._connect())
        atexit.register(self._close)

    async def _connect(self):
        from asyncua import Client, ua

        from drivers.contract import ConnectionSpec, Point
        from drivers.instruments.generic_opcua import GenericOpcUa

        url = f"opc.tcp://127.0.0.1:{server_port()}"
        self.driver = GenericOpcUa(ConnectionSpec("bench", url, {"namespace": "urn:bench"}, 5.0))
        await self.driver.open()
        self.plan = self.driver.plan([Point(f"v{place}", f"s=v{place}") for place in range(NODES)])
        self.client = Client(url, timeout=5)
        await self.client.connect()
        index = await self.client.get_namespace_index("urn:bench")
        self.nodes = [self.client.get_node(ua.NodeId(f"v{place}", index)) for place in range(NODES)]

    def _close(self):
        self.loop.run_until_complete(self.driver.close())
        self.loop.run_until_complete(self.client.disconnect())
        self.loop.close()

    def product(self):
        """One read of the driver: status, quality and source time of every value."""
        samples = self.loop.run_until_complete(self.driver.read(self.plan))
        assert len(samples) == NODES

    def bulk(self):
        """One bare Read of all nodes."""
        values = self.loop.run_until_complete(self.client.read_attributes(self.nodes))
        assert len(values) == NODES

    def single(self):
        """One node after the other, as examples show it."""
        self.loop.run_until_complete(self._single())

    async def _single(self):
        for node in self.nodes:
            await node.read_data_value()
