"""Simulated instruments for the drivers' tests: one process each, as a user starts them."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from drivers.conformance import Bench, Disturbance
from drivers.contract import Driver, DriverError, Point, Quality, Sample

STOP_S = 10.0


class Simulated:
    """One simulated instrument, in a process of its own; ``settings`` are the simulator's, ``site_speed`` is process
    seconds per wall second. ``more`` are others of its kind beside it, by name, and the settings in which they differ.
    """

    def __init__(
        self,
        kind: str,
        directory: Path,
        more: Mapping[str, Mapping[str, object]] | None = None,
        *,
        site_speed: float = 1.0,
        **settings: object,
    ) -> None:
        self._kind = kind
        instruments = {kind: {}, **(more or {})}
        document = {
            "site": kind,
            "seed": 1,
            "speed": site_speed,
            "directory": str(directory),
            "with_parent": True,
            "instruments": {name: {"kind": kind, **settings, **own} for name, own in instruments.items()},
        }
        self._process = subprocess.Popen(
            [sys.executable, "-m", "simulators"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(document) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        host, port = answer["control"].split(":")
        self._control = (host, int(port))
        self.addresses: dict[str, dict[str, Any]] = answer["instruments"]
        self.address = self.addresses[kind]

    @property
    def url(self) -> str:
        """What a driver connects to."""
        return str(self.address["url"])

    def __enter__(self) -> Simulated:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.communicate(timeout=STOP_S)

    def kill(self) -> None:
        """The power fails."""
        self._process.kill()
        self._process.communicate(timeout=STOP_S)
        for address in self.addresses.values():
            # What is left points at a number that the kernel gives to the next terminal, maybe another test's.
            if "pty" in address:
                Path(address["pty"]).unlink(missing_ok=True)

    def fault(self, fault: str, duration_s: float, **more: float) -> None:
        """Let the wire or the instrument fail for a time."""
        assert self.can_fault(fault, duration_s, **more)

    def can_fault(self, fault: str, duration_s: float, **more: float) -> bool:
        """As :meth:`fault`; false when this wire cannot fail in that way."""
        request = {"op": "fault", "instrument": self._kind, "fault": fault, "duration_s": duration_s, **more}
        with socket.create_connection(self._control, timeout=5) as connection, connection.makefile("rwb") as stream:
            stream.write(json.dumps(request).encode() + b"\n")
            stream.flush()
            answer = json.loads(stream.readline())
        assert answer["ok"] or answer["error"].startswith("this wire cannot show"), answer
        return bool(answer["ok"])

    def say(self, command: bytes) -> None:
        """Let somebody else speak on a pseudo-terminal."""
        port = os.open(self.address["pty"], os.O_WRONLY | os.O_NOCTTY)
        os.write(port, command)
        os.close(port)


DELAY_S = 0.25
"""How late answers are under :attr:`Disturbance.LATE`: later than the time-outs of the tests' drivers, and not so late
that they would come after the silence with which the next check begins.
"""
FOREVER_S = 600.0
FAULTS = {
    Disturbance.GARBAGE: ("garbage", {}),
    Disturbance.TRUNCATED: ("truncate", {}),
    Disturbance.DAMAGED: ("crc", {}),
    Disturbance.FOREIGN: ("wrong_address", {}),
    Disturbance.LATE: ("delay", {"magnitude": DELAY_S}),
    Disturbance.UNPLUGGED: ("disconnect", {}),
}
UNPLUGGED_S = 0.15


class SimulatedBench(Bench):
    """A driver and its simulated instrument. ``without`` are disturbances that its wire cannot show."""

    def __init__(
        self,
        simulated: Simulated,
        make: Callable[[str], Driver],
        readable: Sequence[Point],
        unknown: Point,
        setting: tuple[Point, float] | None = None,
        *,
        outside: tuple[Point, float] | None = None,
        true: Mapping[str, float] | None = None,
        without: Collection[Disturbance] = (),
    ) -> None:
        self._simulated, self._make, self._without = simulated, make, without
        self.readable, self.unknown = readable, unknown
        self.setting, self.outside, self.true = setting, outside, true or {}
        self._active: list[str] = []

    def driver(self) -> Driver:
        """A new driver for the instrument, not open."""
        return self._make(self._simulated.url)

    async def silence(self) -> None:
        """The instrument stops answering; the connection stays."""
        self._simulated.fault("silence", FOREVER_S)
        self._active.append("silence")

    async def disturb(self, disturbance: Disturbance) -> bool:
        """Start a disturbance that lasts until it is restored; an unplugged line comes back by itself."""
        if disturbance in self._without:
            return False
        fault, more = FAULTS[disturbance]
        if disturbance is Disturbance.UNPLUGGED:
            return self._simulated.can_fault(fault, UNPLUGGED_S)
        if not self._simulated.can_fault(fault, FOREVER_S, **more):
            return False
        self._active.append(fault)
        return True

    async def restore(self) -> None:
        """The instrument answers again: in place of every fault comes one that is over at once."""
        for fault in self._active:
            self._simulated.fault(fault, 0.001)
        self._active.clear()
        await asyncio.sleep(0.002)


async def believed(driver: Driver, addresses: Sequence[str], lasts_s: float) -> set[tuple[str, float]]:
    """Everything that a driver gives as Good within a time, whatever goes wrong meanwhile; at least something."""
    seen: set[tuple[str, float]] = set()
    loop = asyncio.get_running_loop()
    ending = loop.time() + lasts_s
    while loop.time() < ending or not seen:
        for address in addresses:
            with contextlib.suppress(DriverError, TimeoutError):
                async with asyncio.timeout(lasts_s):
                    (sample,) = await driver.read(driver.plan(points(address)))
                    if sample.quality is Quality.GOOD:
                        seen.add((address, sample.value))
    return seen


def points(*addresses: str) -> list[Point]:
    """Readable points with these addresses."""
    return [Point(address, address) for address in addresses]


async def until(driver: Driver, address: str, done: Callable[[Sample], bool], within_s: float = 5.0) -> Sample:
    """Read one point until it is as wanted."""
    plan = driver.plan(points(address))
    async with asyncio.timeout(within_s):
        while True:
            (sample,) = await driver.read(plan)
            if done(sample):
                return sample
            await asyncio.sleep(0.02)
