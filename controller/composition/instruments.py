"""The site's instruments: simulators started if asked for, one link per connection, and their life until the end."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING

from controller.composition.claims import Claims, owner_of, wires_of
from controller.composition.options import Options
from controller.composition.paths import control_path, instruments_path
from controller.composition.simulated import (
    SIMULATED_OPTIONS,
    Addresses,
    SimulatorError,
    check_simulation,
    simulation_spec,
    start_simulators,
)
from controller.config.load import load_site
from controller.config.problems import Problems
from drivers.contract import BadAddress, WriteState

if TYPE_CHECKING:
    from controller.composition.assembly import Assembly
    from controller.config.site import Connection
    from drivers.link import Link

log = logging.getLogger("biovisor.instruments")
CLOSE_WITHIN_S = 2.0
RESTART_S = 1.0


class Instruments:
    """All links of one supervisor, and the simulators when they are ours."""

    def __init__(self, options: Options, assembly: Assembly, addresses: Addresses | None) -> None:
        self._options = options
        self._assembly = assembly
        self._simulators: asyncio.subprocess.Process | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._claims: Claims | None = None
        self.addresses = addresses
        self.links: Mapping[str, Link] = {}

    async def start(self) -> None:
        """Bring up simulators and links; the links connect by themselves, each at its own pace.

        Raises :class:`SimulatorError`; where it is the site's file that simulators refuse, :class:`Problems` with the
        places in it.
        """
        if self._options.simulate:
            spec = simulation_spec(
                self._assembly.loaded,
                speed=self._options.speed,
                directory=instruments_path(self._options.data),
                initial=self._options.initial,
            )
            try:
                self._simulators, self.addresses = await start_simulators(spec)
            except SimulatorError:
                await asyncio.to_thread(load_site, self._options.site, simulation=check_simulation)
                raise
            self._say_where(self.addresses)
        if self.addresses is not None:
            self._assembly.hands.use(self.addresses.control)
        urls = self.addresses.urls if self.addresses else {}
        await asyncio.to_thread(self._claim, urls)
        self.links = await asyncio.to_thread(self._link, urls)
        self._tasks = [asyncio.create_task(keep(link), name=f"link {name}") for name, link in self.links.items()]

    def _link(self, urls: Mapping[str, str]) -> Mapping[str, Link]:
        """Make the links. What drivers refuse of the site's files is told with its places: raises :class:`Problems`."""
        try:
            return self._assembly.wires.build(urls)
        except (BadAddress, ValueError):
            from controller.composition.wiring_check import problems

            options = SIMULATED_OPTIONS if self._assembly.simulated else {}
            if found := problems(self._options.site, self._assembly.loaded, urls, options):
                raise Problems(found) from None
            raise

    def _say_where(self, addresses: Addresses) -> None:
        """Leave the simulators' line for `biovisor fault`; a folder that takes nothing keeps nobody from working."""
        with contextlib.suppress(OSError):
            control_path(self._options.data).write_text(json.dumps(addresses.document), encoding="utf-8")

    def _claim(self, urls: Mapping[str, str]) -> None:
        """Show the machine whose wires these are; tell of another supervisor that has one of them already."""
        wires = wires_by_name(self._assembly.loaded.config.connections, urls, simulated=self._assembly.simulated)
        for name, own in wires.items():
            if other := owner_of(own):
                self._assembly.wires.tell(name, f"{name}: {other} has this wire too: two must never drive one vessel")
        all_urls = [url for own in wires.values() for url in own]
        self._claims = Claims(self._assembly.site.name, all_urls, self._assembly.clock.utc())

    async def serve(self) -> None:
        """Carry out what the simulated hands have to do, and put simulated faults on record, until cancelled."""
        if self.addresses is None:
            await self._assembly.hands.run()
            return
        from controller.composition.fault_log import watch

        await asyncio.gather(self._assembly.hands.run(), watch(self.addresses.control, self._assembly.store.append))

    async def go_wrong(self) -> None:
        """Order what the scenario says. Raises :class:`SimulatorError`."""
        if self._assembly.scenario is None or self.addresses is None:
            return
        from controller.composition.fault_log import order_scenario

        await order_scenario(self.addresses.control, self._assembly.scenario)

    async def make_safe(self, safe: Mapping[int, float], within_s: float) -> list[str]:
        """Write the safe values and give them ``within_s`` to reach the wires; gives the outputs that are not known to
        be at theirs, each with the reason.
        """
        for link in self.links.values():
            link.take_outcomes()
        self._assembly.wires.io.write(safe)
        await asyncio.gather(*(link.flush(within_s) for link in self.links.values()))
        said = {outcome.point.key: outcome for link in self.links.values() for outcome in link.take_outcomes()}
        unsafe: list[str] = []
        for row in safe:
            tag = self._assembly.site.tags.tags[row]
            key = tag.full_name
            owner = self.links.get(tag.connection or "")
            if owner is None or owner.identity is None:
                continue  # it never answered in this run, so nothing was ever written to it
            outcome = said.get(key)
            if outcome is None or outcome.state is not WriteState.APPLIED:
                unsafe.append(f"{key}: {outcome.detail if outcome else 'its device did not answer in time'}")
        return unsafe

    async def close(self) -> None:
        """Let go of the links and end our simulators, in bounded time."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=CLOSE_WITHIN_S)
        if self._claims is not None:
            self._claims.release()
        if self._simulators is not None:
            control_path(self._options.data).unlink(missing_ok=True)
        if self._simulators is not None and self._simulators.returncode is None:
            self._simulators.terminate()
            try:
                await asyncio.wait_for(self._simulators.wait(), CLOSE_WITHIN_S)
            except TimeoutError:
                self._simulators.kill()


async def keep(link: Link) -> None:
    """Run a link until cancelled. A fault in the link itself is logged, and it begins anew: a dead one looks up."""
    while True:
        try:
            await link.run()
        except Exception:  # the boundary of a task: whatever it is, the other instruments go on
            log.exception("link %s failed and is started again", link.name)
            await asyncio.sleep(RESTART_S)


def wires_by_name(
    connections: Mapping[str, Connection], urls: Mapping[str, str], *, simulated: bool
) -> dict[str, list[str]]:
    """Every URL that each connection may use. A simulator has only its own: the real instrument's other endpoints are
    not ours, and may be another supervisor's.
    """
    instead = SIMULATED_OPTIONS if simulated else {}
    return {
        name: wires_of(urls.get(name, one.url), {**one.options, **instead.get(one.driver, {})})
        for name, one in connections.items()
    }
