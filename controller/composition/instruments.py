"""The site's instruments: simulators started if asked for, one link per connection, and their life until the end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING

from controller.composition.options import Options
from controller.composition.paths import instruments_path
from controller.composition.simulated import Addresses, simulation_spec, start_simulators

if TYPE_CHECKING:
    from controller.composition.assembly import Assembly
    from drivers.link import Link

log = logging.getLogger("biovisor.instruments")


class Instruments:
    """All links of one supervisor, and the simulators when they are ours."""

    def __init__(self, options: Options, assembly: Assembly, addresses: Addresses | None) -> None:
        self._options = options
        self._assembly = assembly
        self._simulators: asyncio.subprocess.Process | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self.addresses = addresses
        self.links: Mapping[str, Link] = {}

    async def start(self) -> None:
        """Bring up simulators and links; the links connect by themselves, each at its own pace."""
        if self._options.simulate:
            spec = simulation_spec(
                self._assembly.loaded,
                speed=self._options.speed,
                directory=instruments_path(self._options.data),
                initial=self._options.initial,
            )
            self._simulators, self.addresses = await start_simulators(spec)
        if self.addresses is not None:
            self._assembly.hands.use(self.addresses.control)
        self.links = await asyncio.to_thread(self._assembly.wires.build, self.addresses.urls if self.addresses else {})
        self._tasks = [asyncio.create_task(link.run(), name=f"link {name}") for name, link in self.links.items()]

    async def serve(self) -> None:
        """Carry out what the simulated hands have to do, until cancelled."""
        await self._assembly.hands.run()

    async def stop(self, safe: Mapping[int, float], within_s: float) -> None:
        """Write the safe values, give them ``within_s`` to reach the wires, then let go of everything."""
        self._assembly.wires.io.write(safe)
        flushes = [link.flush(within_s) for link in self.links.values()]
        for outcome in await asyncio.gather(*flushes, return_exceptions=True):
            if isinstance(outcome, BaseException):
                log.warning("a safe value may not have reached its device: %r", outcome)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._simulators is not None and self._simulators.returncode is None:
            self._simulators.terminate()
            await self._simulators.wait()
