"""The wire of a Modbus device: a serial line, a device server in front of one, Modbus TCP, or that over TLS.

Settings of every simulated instrument on it:

- `framing`: `rtu` (a pseudo-terminal or, with `port`, a socket) or `tcp` (Modbus TCP)
- `port`: of the socket; 0 is a free one
- `late_ms`: ``[10, 250]``, between which an answer is late at random
- `certificate`, `key`, `ca`: PEM files for TLS; with `ca` hosts must show a certificate of it
"""

from __future__ import annotations

import asyncio
import random
import ssl
from collections.abc import Callable, Mapping
from pathlib import Path

from simulators.instrument import Context, Json, SpecError
from simulators.modbus_rtu import Device
from simulators.modbus_tcp import ModbusServer
from simulators.rtu_server import RtuLine


async def serve_modbus(context: Context, devices: Mapping[int, Device], serial: str) -> None:
    """Plug in the devices (by unit id), say where, and answer until cancelled; `serial` are the settings of the line.

    Raises SpecError for wrong settings.
    """
    late, port = _lateness(context), context.port
    if context.spec.get("framing", "rtu") == "tcp":
        server = ModbusServer(port or 0, devices, context.faults, tls=_tls(context), late=late)
        await server.plug()
        await _stay(context, server.address(), server.unplug)
        return
    context.spec.get("pty")
    line = RtuLine(context.directory / context.name, devices, context.faults, port=port, late=late)
    line.port.plug()
    await _stay(context, line.address(serial), line.port.unplug)


async def _stay(context: Context, address: Mapping[str, Json], unplug: Callable[[], None]) -> None:
    try:
        context.ready(address)
        await asyncio.Event().wait()
    finally:
        unplug()


def _lateness(context: Context) -> Callable[[], float]:
    span = context.spec.get("late_ms", [0, 0])
    if not isinstance(span, list) or len(span) != 2:
        raise SpecError(f"{context.name}: late_ms must be a pair, such as [10, 250]")
    low, high = (float(str(number)) / 1000 for number in span)
    chance = random.Random(context.seed)
    return lambda: chance.uniform(low, high)


def _tls(context: Context) -> ssl.SSLContext | None:
    spec = context.spec
    if "certificate" not in spec:
        return None
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(Path(str(spec["certificate"])), Path(str(spec["key"])))
    if "ca" in spec:
        tls.load_verify_locations(Path(str(spec["ca"])))
        tls.verify_mode = ssl.CERT_REQUIRED
    return tls
