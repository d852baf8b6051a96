"""One operating-system process for the plant and one for every instrument, forked from one warmed-up parent.

A process of its own lets an instrument freeze, die or hang like the box it stands for, without touching the others.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import json
import logging
import multiprocessing
import os
import signal
import socket
import sys
import time
import zlib
from collections.abc import Callable, Mapping
from functools import partial
from multiprocessing.context import ForkProcess
from types import FrameType, ModuleType
from typing import TYPE_CHECKING

from simulators.bus import FITTINGS, Bus, fittings_of
from simulators.child import announce, become_child, run_until_terminated, take_faults
from simulators.faults import Faults
from simulators.instrument import Context, Json, Settings
from simulators.kinds import KINDS
from simulators.plant_process import PLANT, VesselSignals, run_plant
from simulators.spec import SiteSpec

if TYPE_CHECKING:
    from asyncua.server.server import Server

START_S = 30.0
"""Wall seconds after which a start that is not complete is given up."""
STOP_S = 1.5
"""Wall seconds the processes have to end by themselves."""

log = logging.getLogger(__name__)


class Family:
    """The parent's view of its processes: starts them, announces the site once all answer, ends them all."""

    def __init__(self, spec: SiteSpec) -> None:
        self._spec = spec
        self._bus = Bus(spec.vessels, {name: fittings_of(entry) for name, entry in spec.vessels.items()})
        self._links = {name: socket.socketpair() for name in spec.instruments}
        self._reports, self._reporting = os.pipe()
        self._begin, self._begins = os.pipe()
        self._children: dict[str, ForkProcess] = {}
        self._addresses: dict[str, dict[str, Json]] = {}
        self._over = asyncio.Event()
        self._code = 0
        self._unread = b""
        self._patience: asyncio.TimerHandle | None = None

    def run(self) -> int:
        """Start everything and stay until told to stop; gives the exit code."""
        signal.signal(signal.SIGTERM, _leave)
        near_ends = {name: near for name, (near, _) in self._links.items()}
        self._fork(PLANT, _plant_main, (self._spec, self._bus, near_ends, self._begin))
        network = [name for name, entry in self._spec.instruments.items() if KINDS[str(entry["kind"])].opcua]
        for name in [name for name in self._spec.instruments if name not in network]:
            self._fork_instrument(name, None)
        if network:
            from simulators.opcua_server import warm_server

            server = warm_server()
            for name in network:
                self._fork_instrument(name, server)
        return asyncio.run(self._watch())

    def _fork_instrument(self, name: str, server: Server | None) -> None:
        self._fork(name, _instrument_main, (name, self._spec, self._bus, self._links[name][1], server))

    def _fork(self, name: str, target: Callable[..., None], arguments: tuple[object, ...]) -> None:
        process = multiprocessing.get_context("fork").Process(
            target=target, args=(self._reporting, os.getpid(), *arguments), name=name, daemon=True
        )
        process.start()
        self._children[name] = process

    async def _watch(self) -> int:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._over.set)
        loop.add_reader(self._reports, self._take_reports)
        for name, process in self._children.items():
            loop.add_reader(process.sentinel, self._child_ended, name)
        if self._spec.with_parent:
            loop.add_reader(sys.stdin.fileno(), self._parent_spoke)
        self._patience = loop.call_later(START_S, self._give_up, "not every instrument answered in time")
        await self._over.wait()
        self._patience.cancel()
        for process in self._children.values():
            loop.remove_reader(process.sentinel)  # from here on they end because we say so
        self._end_children()
        return self._code

    def _take_reports(self) -> None:
        self._unread += os.read(self._reports, 65536)
        *lines, self._unread = self._unread.split(b"\n")
        for line in lines:
            report = json.loads(line)
            self._addresses[report["name"]] = report["address"]
        if lines and self._addresses.keys() == self._children.keys():
            self._announce_site()

    def _announce_site(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
        instruments: Json = {name: self._addresses[name] for name in self._spec.instruments}
        document: dict[str, Json] = {
            "site": self._spec.site,
            "speed": self._spec.speed,
            "pid": os.getpid(),
            "control": self._addresses[PLANT]["control"],
            "instruments": instruments,
        }
        os.write(self._begins, b"!")
        sys.stdout.write(json.dumps(document) + "\n")
        sys.stdout.flush()

    def _child_ended(self, name: str) -> None:
        asyncio.get_running_loop().remove_reader(self._children[name].sentinel)
        if name == PLANT or self._addresses.keys() != self._children.keys():
            self._give_up(f"{name} has ended")
        else:
            log.warning("%s has ended; the others go on without it", name)

    def _parent_spoke(self) -> None:
        if not os.read(sys.stdin.fileno(), 4096):
            asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
            self._over.set()

    def _give_up(self, why: str) -> None:
        log.error("giving up: %s", why)
        self._code = 1
        self._over.set()

    def _end_children(self) -> None:
        deadline = time.monotonic() + STOP_S
        for process in self._children.values():
            process.terminate()
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid or 0, signal.SIGCONT)  # a stopped one could not obey
        for process in self._children.values():
            process.join(max(deadline - time.monotonic(), 0.0))
            if process.is_alive():
                process.kill()
                process.join()


def _leave(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)  # multiprocessing ends the daemonic children on the way out


def _plant_main(
    reporting: int, parent: int, spec: SiteSpec, bus: Bus, links: Mapping[str, socket.socket], begin: int
) -> None:
    become_child("sim-plant", parent)
    report = partial(announce, reporting, PLANT)
    run_until_terminated(lambda: run_plant(spec, bus, links, report, begin))


def _instrument_main(
    reporting: int, parent: int, name: str, spec: SiteSpec, bus: Bus, link: socket.socket, server: Server | None
) -> None:
    become_child(f"sim-{name}", parent)
    entry = spec.instruments[name]
    module = importlib.import_module(f"simulators.instruments.{entry['kind']}")
    seed = spec.seed + zlib.crc32(name.encode())
    settings = Settings(entry)

    def ready(address: Mapping[str, Json]) -> None:
        """Announce it, if all its settings are known."""
        settings.check()
        announce(reporting, name, address)

    context = Context(
        name=name,
        spec=settings,
        vessels={vessel: VesselSignals(bus, vessel) for vessel in spec.vessels},
        directory=spec.directory,
        seed=seed,
        faults=Faults(seed, module.FAULTS),
        ready=ready,
        clock=lambda: time.monotonic() * spec.speed,
    )
    try:
        run_until_terminated(lambda: _instrument(module, context, link, server))
    except* (LookupError, ValueError, OverflowError, OSError) as errors:
        if settings.used:
            raise
        log.error("%s cannot start: %s", name, "; ".join(_reasons(errors)))
        raise SystemExit(1) from None


def _reasons(error: BaseException) -> list[str]:
    """In words: what is missing, or what the operating system says."""
    if isinstance(error, BaseExceptionGroup):
        return [reason for one in error.exceptions for reason in _reasons(one)]
    if isinstance(error, KeyError):
        return [f"there is no {error.args[0]!r} among its settings or signals{_hint(str(error.args[0]))}"]
    return [error.strerror or str(error) if isinstance(error, OSError) else str(error)]


def _hint(signal: str) -> str:
    fittings = [name for name, fitting in FITTINGS.items() if signal in (*fitting.sensors, *fitting.actuators)]
    return f"; a vessel has it with `fitted: [{fittings[0]}]` in its simulation" if fittings else ""


async def _instrument(module: ModuleType, context: Context, link: socket.socket, server: Server | None) -> None:
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(take_faults(link, context.faults))
        tasks.create_task(module.run(context) if server is None else module.run(context, server))
