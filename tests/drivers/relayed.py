"""A bench for the conformance checks around a server of other authors, behind a relay that freezes and drops."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager

from drivers.conformance import Bench, Disturbance
from drivers.contract import Driver, Point
from tests.drivers.conftest import Relay

UNPLUGGED_S = 0.15


class RelayedBench(Bench):
    """What other authors' servers cannot show, damaged bytes for one, is shown by the simulators."""

    def __init__(
        self,
        relay: Relay,
        make: Callable[[int], Driver],
        readable: Sequence[Point],
        unknown: Point,
        true: Mapping[str, float],
        setting: tuple[Point, float] | None = None,
        outside: tuple[Point, float] | None = None,
    ) -> None:
        self._relay, self._make = relay, make
        self.readable, self.unknown = readable, unknown
        self.setting, self.outside, self.true = setting, outside, true
        self._back: asyncio.Task[None] | None = None

    def driver(self) -> Driver:
        """For the relay's port."""
        return self._make(self._relay.port)

    async def silence(self) -> None:
        """Nothing is passed on."""
        self._relay.running.clear()

    async def restore(self) -> None:
        """All is passed on, also what was kept."""
        self._relay.running.set()
        if self._back is not None:
            await self._back
            self._back = None

    async def disturb(self, disturbance: Disturbance) -> bool:
        """It can be unplugged, and comes back by itself."""
        if disturbance is not Disturbance.UNPLUGGED:
            return False
        await self._relay.stop()
        self._back = asyncio.create_task(self._plug_in())
        return True

    async def _plug_in(self) -> None:
        await asyncio.sleep(UNPLUGGED_S)
        await self._relay.start()


@asynccontextmanager
async def relayed(port: int) -> AsyncIterator[Relay]:
    """A relay to a port."""
    relay = Relay(port)
    await relay.start()
    try:
        yield relay
    finally:
        relay.running.set()
        await relay.stop()
