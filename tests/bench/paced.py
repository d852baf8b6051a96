"""A Modbus device on a pseudo-terminal that is as slow as a real line: ``python -m tests.bench.paced BAUDRATE``.

Register n holds n. It prints the path of its port. A request takes as long as its bytes on the line, then there are
3.5 characters of silence, and then the bytes of the reply come, each when it would be complete.
"""

import os
import struct
import sys
import time
import tty

BITS_PER_BYTE = 11
GAP_BYTES = 3.5
REQUEST = 8


def crc(data):
    """CRC-16/MODBUS, low byte first."""
    value = 0xFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ 0xA001 if value & 1 else value >> 1
    return struct.pack("<H", value)


def wait_until(at):
    """Sleep, and watch the clock for the last of it."""
    if (left := at - time.perf_counter()) > 0.0015:
        time.sleep(left - 0.001)
    while time.perf_counter() < at:
        pass


def serve(master, byte_s):
    """Answer requests for holding registers."""
    while request := os.read(master, REQUEST):
        started = time.perf_counter()
        while len(request) < REQUEST:
            request += os.read(master, REQUEST - len(request))
        unit, function, start, count = struct.unpack(">BBHH", request[:6])
        body = struct.pack(f">BBB{count}H", unit, function, 2 * count, *range(start, start + count))
        if function != 3:
            body = bytes([unit, function | 0x80, 1])
        at = started + (REQUEST + GAP_BYTES) * byte_s
        for byte in body + crc(body):
            at += byte_s
            wait_until(at)
            os.write(master, bytes([byte]))


def main(argv):
    """Serve until the host has closed the port and the parent is gone."""
    master, slave = os.openpty()
    tty.setraw(slave)
    print(os.ttyname(slave), flush=True)
    serve(master, BITS_PER_BYTE / int(argv[0]))


if __name__ == "__main__":
    main(sys.argv[1:])
