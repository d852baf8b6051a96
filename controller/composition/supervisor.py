"""A supervisor's life: lease, configuration, record, first scan; then instruments and HTTP; and the orderly end.

The order matters. The first scan runs before anything slow is imported, so that values are judged (Bad, never read)
from the first moment; outputs go to their safe values before the HTTP server stops.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
import socket
import sys

from controller.clock import ScaledClock
from controller.composition.assembly import Assembly
from controller.composition.http import Http, bind
from controller.composition.instruments import Instruments
from controller.composition.lease import Lease, LeaseTaken
from controller.composition.options import Options
from controller.composition.orders import place_orders
from controller.composition.simulated import Addresses, SimulatorError
from controller.config.problems import Problems

log = logging.getLogger("biovisor")
STOP_WITHIN_S = 0.8
"""How long the safe values may take to reach the wires."""


def supervise(options: Options) -> int:
    """Run one supervisor until SIGTERM or Ctrl-C. Exit code 0: orderly; 1: refused, the reason on stderr."""
    configure_log()
    try:
        listener = bind(options.host, options.port)
    except OSError as error:
        return refuse(f"cannot listen on {options.host}:{options.port}: {error}")
    except ValueError as error:
        return refuse(str(error))
    host, port = listener.getsockname()[:2]
    sys.stdout.write(f"Biovisor  http://{host}:{port}  site {options.site}  data {options.data}\n")
    sys.stdout.flush()
    try:
        lease = Lease(options.data)
    except LeaseTaken as error:
        return refuse(str(error))
    try:
        return asyncio.run(live(options, listener))
    except (Problems, SimulatorError) as error:
        return refuse(str(error))
    finally:
        lease.release()


def refuse(reason: str) -> int:
    """Say why on stderr; the exit code of a refusal."""
    sys.stderr.write(f"biovisor: {reason}\n")
    return 1


def configure_log() -> None:
    """One line per transition on stderr; the libraries' own chatter only from warnings up."""
    logging.basicConfig(
        stream=sys.stderr,
        level=logging.INFO,
        format='{"level":"%(levelname)s","logger":"%(name)s","message":"%(message)s"}',
    )
    for library in ("asyncua", "pymodbus", "uvicorn"):
        logging.getLogger(library).setLevel(logging.CRITICAL)


async def live(options: Options, listener: socket.socket) -> int:
    """From the first scan to the last write."""
    addresses = Addresses.parse(options.instruments) if options.instruments else None
    clock = ScaledClock(addresses.speed if addresses else options.speed)
    assembly = Assembly(options, clock, simulated=options.simulate or addresses is not None)
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
