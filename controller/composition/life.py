"""A supervisor's life after its first scan: instruments, HTTP and what was ordered; and the orderly end.

Outputs go to their safe values before the HTTP server stops.
"""

from __future__ import annotations

import asyncio
import gc
import signal
from typing import TYPE_CHECKING

from controller.composition.http import Http
from controller.composition.instruments import Instruments
from controller.composition.orders import place_orders

if TYPE_CHECKING:
    import socket

    from controller.composition.assembly import Assembly
    from controller.composition.options import Options
    from controller.composition.simulated import Addresses

STOP_WITHIN_S = 0.8
"""How long the safe values may take to reach the wires."""


async def live(options: Options, assembly: Assembly, addresses: Addresses | None, listener: socket.socket) -> int:
    """From the second scan to the last write; the exit code."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    http = Http(assembly.gateway, listener)
    instruments = Instruments(options, assembly, addresses)
    try:
        async with asyncio.TaskGroup() as tasks:
            scanning = tasks.create_task(assembly.runtime.run(stop), name="scan")
            starting = tasks.create_task(start_slow_parts(options, assembly, http, instruments), name="start")
            await scanning
            starting.cancel()
            await instruments.stop(assembly.scan.safe_writes(), STOP_WITHIN_S)
    finally:
        await asyncio.to_thread(http.stop)
        assembly.close(clean=stop.is_set())
    return 0


async def start_slow_parts(options: Options, assembly: Assembly, http: Http, instruments: Instruments) -> None:
    """What costs seconds to import or to answer: HTTP in its own thread, instruments, then what was ordered."""
    await asyncio.sleep(0)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(asyncio.to_thread(http.start), name="http")
        tasks.create_task(instruments.start(), name="instruments")
    await asyncio.to_thread(assembly.add_recipes)
    gc.collect()
    gc.freeze()
    await place_orders(options, assembly)
    await instruments.serve()
