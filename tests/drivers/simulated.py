"""Simulated instruments for the drivers' tests: one process each, as a user starts them."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from drivers.contract import Driver, Point, Sample

STOP_S = 10.0


class Simulated:
    """One simulated instrument, in a process of its own; ``settings`` are the simulator's."""

    def __init__(self, kind: str, directory: Path, **settings: object) -> None:
        self._kind = kind
        document = {
            "site": kind,
            "seed": 1,
            "directory": str(directory),
            "with_parent": True,
            "instruments": {kind: {"kind": kind, **settings}},
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
        self.address: dict[str, Any] = answer["instruments"][kind]

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

    def fault(self, fault: str, duration_s: float, **more: float) -> None:
        """Let the wire or the instrument fail for a time."""
        request = {"op": "fault", "instrument": self._kind, "fault": fault, "duration_s": duration_s, **more}
        with socket.create_connection(self._control, timeout=5) as connection, connection.makefile("rwb") as stream:
            stream.write(json.dumps(request).encode() + b"\n")
            stream.flush()
            assert json.loads(stream.readline()) == {"ok": True}

    def say(self, command: bytes) -> None:
        """Let somebody else speak on a pseudo-terminal."""
        port = os.open(self.address["pty"], os.O_WRONLY | os.O_NOCTTY)
        os.write(port, command)
        os.close(port)


class SimulatedBench:
    """A driver and its simulated instrument, for :class:`drivers.conformance.DriverConformance`."""

    def __init__(
        self,
        simulated: Simulated,
        make: Callable[[str], Driver],
        readable: Sequence[Point],
        unknown: Point,
        setting: tuple[Point, float] | None,
    ) -> None:
        self._simulated, self._make = simulated, make
        self.readable, self.unknown, self.setting = readable, unknown, setting

    def driver(self) -> Driver:
        """A new driver for the instrument, not open."""
        return self._make(self._simulated.url)

    async def silence(self) -> None:
        """The instrument stops answering; the connection stays."""
        self._simulated.fault("silence", 600)

    async def restore(self) -> None:
        """The instrument answers again."""
        self._simulated.fault("silence", 0.001)
        await asyncio.sleep(0.002)


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
