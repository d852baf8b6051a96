"""What Modbus costs: the driver for any device against others, on a server of its own process."""

import asyncio
import os
import random
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from drivers.contract import ConnectionSpec, Point
from drivers.instruments.generic_modbus import GenericModbus
from drivers.modbus import READ_HOLDING, Ask
from tests.bench.paced import BITS_PER_BYTE, crc, wait_until
from tests.drivers.simulated import Simulated

REGISTERS, OUT_OF = 500, 1000
SCATTERED = sorted(random.Random(1).sample(range(OUT_OF), REGISTERS))
BAUDRATE, DISTANT = 19200, range(0, 10_000, 1000)
BYTE_S = BITS_PER_BYTE / BAUDRATE
TRANSACTION_BYTES = 8 + 3.5 + 7 + 3.5
"""One register: the request, silence, the reply, silence."""


def points(numbers):
    """Holding registers."""
    return [Point(str(number), f"holding.{number}") for number in numbers]


class Bench:
    """A simulated server, our driver on it, and an event loop that only this race uses."""

    def __init__(self):
        self.loop = asyncio.new_event_loop()
        self.folder = tempfile.TemporaryDirectory()
        self.server = Simulated("generic_modbus", Path(self.folder.name), framing="tcp", pattern=True)
        self.port = self.server.address["port"]
        self.driver = GenericModbus(ConnectionSpec("bench", self.server.url, {}, 4.0))
        self.do(self.driver.open())
        self.plan = self.driver.plan(points(SCATTERED))
        assert [sample.value for sample in self.read()] == SCATTERED

    def do(self, work):
        """The result of a coroutine."""
        return self.loop.run_until_complete(work)

    def read(self):
        """Every register, by the driver."""
        return self.do(self.driver.read(self.plan))

    @property
    def blocks(self):
        """What the driver reads: start and length."""
        return [reading.ask[2:4] for reading in self.plan.readings_of(1)]

    def end(self):
        """Close everything."""
        self.do(self.driver.close())
        self.do(asyncio.sleep(0))
        self.loop.close()
        self.server.kill()
        self.folder.cleanup()


def one_by_one():
    """Each register by itself, on the driver's own line."""
    bench = Bench()
    line, asks = bench.driver.line, [Ask(1, READ_HOLDING, number, 1) for number in SCATTERED]

    async def singly():
        return [(await line.ask(ask)) for ask in asks]

    return bench.read, lambda: bench.do(singly()), bench.end


def by_pymodbus(blocks_of):
    """pymodbus' client, reading blocks."""
    from pymodbus.client import AsyncModbusTcpClient

    bench = Bench()

    async def connected():
        client = AsyncModbusTcpClient("127.0.0.1", port=bench.port, retries=0)
        await client.connect()
        return client

    client, blocks = bench.do(connected()), blocks_of(bench)

    async def read():
        return [(await client.read_holding_registers(start, count=count)).registers for start, count in blocks]

    return bench.read, lambda: bench.do(read()), client.close, bench.end


def one_by_one_by_pymodbus():
    """Each register by itself."""
    return by_pymodbus(lambda bench: [(number, 1) for number in SCATTERED])


def blocks_by_pymodbus():
    """The blocks that the driver reads."""
    return by_pymodbus(lambda bench: bench.blocks)


def blocks_by_streams():
    """The blocks that the driver reads: requests made before, replies only taken off the stream."""
    bench = Bench()
    reader, writer = bench.do(asyncio.open_connection("127.0.0.1", bench.port))
    frames = [(struct.pack(">HHHBBHH", 1, 0, 6, 1, 3, *block), 9 + 2 * block[1]) for block in bench.blocks]

    async def read():
        replies = []
        for frame, size in frames:
            writer.write(frame)
            replies.append(await reader.readexactly(size))
        return replies

    return bench.read, lambda: bench.do(read()), writer.close, bench.end


class Paced:
    """A device on a line as slow as a real one, and our driver on it. The registers are far from each other."""

    def __init__(self):
        self.device = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.paced", str(BAUDRATE)], stdout=subprocess.PIPE, text=True
        )
        self.path = self.device.stdout.readline().strip()
        self.loop = asyncio.new_event_loop()
        url = f"serial://{self.path}?baudrate={BAUDRATE}&stopbits=2&parity=N"
        options = {"slowest_reply": 0.1, "identify": False}
        self.driver = GenericModbus(ConnectionSpec("bench", url, options, 4.0))
        self.loop.run_until_complete(self.driver.open())
        self.plan = self.driver.plan(points(DISTANT))
        assert [sample.value for sample in self.read()] == [*DISTANT]

    def read(self):
        """Every register, by the driver."""
        return self.loop.run_until_complete(self.driver.read(self.plan))

    def end(self):
        """Close everything."""
        self.loop.run_until_complete(self.driver.close())
        self.loop.close()
        self.device.kill()
        self.device.communicate()


def paced_line():
    """Against the time that the bytes take."""
    paced = Paced()
    line_s = len(DISTANT) * TRANSACTION_BYTES * BYTE_S

    def line():
        wait_until(time.perf_counter() + line_s)

    return paced.read, line, paced.end


def paced_loop():
    """Against a loop that does nothing but wait for the next byte, with its eyes on the clock."""
    paced = Paced()
    port = os.open(paced.path, os.O_RDWR | os.O_NOCTTY)
    bodies = [struct.pack(">BBHH", 1, 3, number, 1) for number in DISTANT]
    frames = [body + crc(body) for body in bodies]

    def read():
        for frame in frames:
            wait_until(time.perf_counter() + 3.5 * BYTE_S)
            os.write(port, frame)
            left = 7
            while left:
                left -= len(os.read(port, left))

    return paced.read, read, lambda: os.close(port), paced.end
