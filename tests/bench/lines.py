"""Rows about serial lines: our exchanges in one event loop against the threads of pyserial, on pseudo-terminals.

A pseudo-terminal passes bytes at once, so that only what the programs do themselves is measured; instruments and wires
are slower, and leave processor time for other work.
"""

import asyncio
import contextlib
import os
import subprocess
import sys
import time
import tty
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import serial

from drivers.ports import SerialSettings
from drivers.serial_line import SerialLine
from tests.bench.far_end import REPLY, REQUEST
from tests.bench.race import race
from tests.bench.rows import Result, Row

PORTS = 16
TRIPS = 16
"""Round trips per port in one call."""
TIMEOUT_S = 5.0


@contextlib.contextmanager
def far_ends(ports):
    """The paths of ``ports`` lines at whose other ends a process answers."""
    pairs = [os.openpty() for _ in range(ports)]
    for _, near in pairs:
        tty.setraw(near)
    far = [far for far, _ in pairs]
    process = subprocess.Popen([sys.executable, "-m", "tests.bench.far_end", *map(str, far)], pass_fds=far)
    try:
        yield [os.ttyname(near) for _, near in pairs]
    finally:
        for pair in pairs:
            os.close(pair[0])
            os.close(pair[1])
        process.kill()
        process.wait()


@contextlib.contextmanager
def product(paths):
    """Round trips on all lines by our driver's line, in one event loop."""
    with asyncio.Runner() as runner:
        lines = [SerialLine(SerialSettings(path, 19200), 0.0) for path in paths]

        async def trips(line):
            for _ in range(TRIPS):
                assert await line.exchange(REQUEST, is_line, TIMEOUT_S) == REPLY

        async def together(work):
            await asyncio.gather(*map(work, lines))

        runner.run(together(SerialLine.open))
        yield lambda: runner.run(together(trips))
        for line in lines:
            line.close()


def is_line(data):
    """Whether a reply is complete."""
    return data.endswith(b"\r")


@contextlib.contextmanager
def threads(paths, read):
    """The same by as many threads, each of which has a port of pyserial and gets its reply by ``read``."""
    ports = [serial.Serial(path, 19200, timeout=TIMEOUT_S) for path in paths]

    def trips(port):
        for _ in range(TRIPS):
            port.write(REQUEST)
            assert read(port) == REPLY

    with ThreadPoolExecutor(len(ports)) as pool:
        yield lambda: list(pool.map(trips, ports))
    for port in ports:
        port.close()


def until_end(port):
    """Up to the carriage return: what clients of text protocols do, which do not know how long a reply is."""
    return port.read_until(b"\r")


def known_length(port):
    """As many bytes as it is known to have."""
    return port.read(len(REPLY))


@dataclass(frozen=True)
class LineRow(Row):
    """A race on lines; ``clock`` is what is measured, ``ports`` how many lines each of both has."""

    prepare: Callable = until_end
    clock: Callable = time.perf_counter
    ports: int = PORTS
    needs: str = "serial"
    rounds: int = 30

    def measure(self, **options):
        """Race; see :class:`Row`."""
        with (
            far_ends(2 * self.ports) as paths,
            product(paths[::2]) as ours,
            threads(paths[1::2], self.prepare) as theirs,
        ):
            given = {"rounds": self.rounds, "clock": self.clock, **options}
            times = race({"product": ours, "peer": theirs}, **given)
        return Result(self, times["product"], times["peer"])


NAME = f"{PORTS} serial ports, {PORTS * TRIPS} round trips"
PEER = f"{PORTS} threads of pyserial"
LINE_ROWS = (
    LineRow(f"{NAME}, elapsed", f"{PEER}, `read_until`", at_least=4.0),
    LineRow(f"{NAME}, processor", f"{PEER}, `read_until`", clock=time.process_time, at_most=0.2),
    LineRow(f"{NAME}, elapsed", f"{PEER} that know the length of the reply", known_length),
    LineRow(f"{NAME}, processor", f"{PEER} that know the length of the reply", known_length, clock=time.process_time),
)
