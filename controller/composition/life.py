"""A supervisor's life after its first scan: instruments, HTTP and what was ordered; and the end of it.

However it ends (told to, or because the scan failed) the outputs go to their safe values first, and what did not get
there is said. What fails beside the scan never ends the scan of a vessel that has a batch.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
from typing import TYPE_CHECKING

from controller.api.server import ServerError
from controller.commands import Event, EventType
from controller.composition.http import Http
from controller.composition.instruments import Instruments
from controller.composition.orders import OrderRefused, place_orders
from controller.composition.simulated import SimulatorError
from controller.config.problems import Problems
from controller.store import StoreUnavailable
from drivers.contract import DriverError
from drivers.registry import UnknownDriver

if TYPE_CHECKING:
    import socket

    from controller.composition.assembly import Assembly
    from controller.composition.options import Options
    from controller.composition.simulated import Addresses

log = logging.getLogger("biovisor")
STOP_WITHIN_S = 0.8
"""How long the safe values may take to reach the wires."""
FAILURES = (
    OrderRefused, ServerError, SimulatorError, Problems, StoreUnavailable, DriverError, UnknownDriver, LookupError,
    ValueError, OSError,
)  # fmt: skip
"""What may go wrong with a site's files, addresses or ports after the first scan."""


class Life:
    """One supervisor from its second scan to its last write."""

    def __init__(
        self, options: Options, assembly: Assembly, addresses: Addresses | None, listener: socket.socket
    ) -> None:
        self._options = options
        self._assembly = assembly
        self._http = Http(assembly.gateway, listener)
        self._instruments = Instruments(options, assembly, addresses)
        self._stop = asyncio.Event()
        self._failure = ""

    async def live(self) -> int:
        """Scan until told to stop. Exit code 0: in order and safe; 1: what failed is on stderr and on record."""
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, self._stop.set)
        scanning = asyncio.create_task(self._assembly.runtime.run(), name="scan")
        starting = asyncio.create_task(self._start(), name="start")
        watching = asyncio.create_task(self._assembly.watch.run(), name="calibrations")
        told = asyncio.create_task(self._stop.wait(), name="stop")
        try:
            await asyncio.wait({scanning, told}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            unsafe = await self._end(scanning, starting, watching, told)
        if self._failure:
            log.error("%s", self._failure)
        return 1 if self._failure or unsafe else 0

    async def _start(self) -> None:
        """What costs seconds to import or to answer: HTTP in its own thread, instruments, then what was ordered."""
        await asyncio.sleep(0)
        try:
            await asyncio.gather(asyncio.to_thread(self._http.start), self._instruments.start())
            await asyncio.to_thread(self._assembly.add_recipes)
            gc.collect()
            gc.freeze()
            await place_orders(self._options, self._assembly)
            await self._instruments.go_wrong()
        except FAILURES as error:
            self._failed(f"could not be started: {error}")
        await self._instruments.serve()

    def _failed(self, what: str) -> None:
        """A start that fails ends the supervisor, unless a vessel depends on it: then the scan goes on without."""
        self._note(what)
        if any(self._assembly.occupied(vessel) for vessel in self._assembly.loaded.config.vessels):
            log.error("%s; the scan goes on, because a vessel has a batch", what)
        else:
            self._failure = what
            self._stop.set()

    async def _end(self, scanning: asyncio.Task[None], *others: asyncio.Task[object]) -> list[str]:
        """Safe outputs first, then everything else; gives the outputs that are not known to be safe."""
        self._assembly.door.close("the supervisor is stopping")
        for task in (scanning, *others):
            task.cancel()
        unsafe = await self._instruments.make_safe(self._assembly.scan.safe_writes(), STOP_WITHIN_S)
        await asyncio.wait({scanning, *others})
        if not scanning.cancelled() and (error := scanning.exception()) is not None:
            self._failure = f"the scan failed: {error!r}"
            log.critical("the scan failed", exc_info=error)
            self._note(self._failure)
        for text in unsafe:
            log.error("not known to be safe: %s", text)
            self._note(f"not known to be at its safe value: {text}")
        await self._instruments.close()
        await asyncio.to_thread(self._http.stop)
        self._assembly.close(clean=not unsafe and not self._failure)
        return unsafe

    def _note(self, text: str) -> None:
        self._assembly.store.append([Event(EventType.GENERAL, "System", "supervisor", text)])


async def live(options: Options, assembly: Assembly, addresses: Addresses | None, listener: socket.socket) -> int:
    """From the second scan to the last write; the exit code."""
    return await Life(options, assembly, addresses, listener).live()
