"""Modbus TCP as a server sees it, in the clear or over TLS, with the faults a network shows.

Source: Modbus Messaging on TCP/IP Implementation Guide V1.0b; Modbus/TCP Security V21.
"""

from __future__ import annotations

import asyncio
import ssl
import struct
from collections.abc import Callable, Mapping

from simulators.faults import STREAM_FAULTS, Fault, Faults
from simulators.instrument import Json
from simulators.modbus_rtu import Device, Refused, perform
from simulators.tcp_port import bound

FAULTS = STREAM_FAULTS | {Fault.WRONG_ADDRESS, Fault.REBOOT}
"""TCP has a checksum of its own: a damaged byte cannot get through."""
NO_PATH = 0x0B
LONGEST = 254


class ModbusServer:
    """Serves `devices` (unit id → device) on ``127.0.0.1:port``, a free one if `port` is 0.

    Unknown units are answered as a gateway does (exception 11). `late` gives the seconds that an answer takes; the
    server does one thing after the other. Needs a running event loop.
    """

    def __init__(
        self,
        port: int,
        devices: Mapping[int, Device],
        faults: Faults,
        *,
        tls: ssl.SSLContext | None = None,
        late: Callable[[], float] = lambda: 0.0,
    ) -> None:
        # Bound but not listening, it keeps the port ours while the device is unplugged.
        self._held = bound(port)
        self.port: int = self._held.getsockname()[1]
        self._devices, self._faults, self._tls, self._late = devices, faults, tls, late
        self._busy_until = 0.0
        self._door: asyncio.Server | None = None
        self._hosts: set[asyncio.Transport] = set()
        self._plugging: asyncio.Task[None] | None = None
        faults.supported &= FAULTS
        faults.on_disconnect = self._drop

    def address(self) -> dict[str, Json]:
        """Where it is reached, for the announcement."""
        return {"url": f"{'modbuss' if self._tls else 'modbus'}://127.0.0.1:{self.port}", "port": self.port}

    async def plug(self) -> None:
        """Listen. Raises OSError when the port cannot be had."""
        loop = asyncio.get_running_loop()
        self._door = await loop.create_server(lambda: _Host(self), sock=bound(self.port), ssl=self._tls)

    def unplug(self) -> None:
        """End every connection and stop listening. Safe to repeat."""
        if self._door is not None:
            self._door.close()
            self._door = None
        for host in list(self._hosts):
            host.abort()

    def came(self, host: asyncio.Transport) -> None:
        """Somebody connected."""
        self._hosts.add(host)

    def went(self, host: asyncio.Transport) -> None:
        """Somebody is gone."""
        self._hosts.discard(host)

    def request(self, host: asyncio.Transport, header: bytes, unit: int, pdu: bytes) -> None:
        """Carry out a request, and send the answer when it is time. `header` are its number and the protocol."""
        if self._faults.active(Fault.REBOOT) is not None:
            return
        body = self._answer(unit, pdu)
        shown = unit + int(self._faults.active(Fault.WRONG_ADDRESS) or 0) & 0xFF
        reply = self._faults.mangle(header + struct.pack(">HB", len(body) + 1, shown) + body)
        loop = asyncio.get_running_loop()
        self._busy_until = max(loop.time(), self._busy_until) + self._late()
        wait = self._busy_until + self._faults.delay_s - loop.time()
        if wait > 0:
            loop.call_later(wait, host.write, reply)
        else:
            host.write(reply)

    def _answer(self, unit: int, pdu: bytes) -> bytes:
        device = self._devices.get(unit)
        try:
            if device is None:
                raise Refused(NO_PATH)
            return pdu[:1] + perform(pdu[0], pdu[1:], device)
        except Refused as refusal:
            return bytes([pdu[0] | 0x80, refusal.code])

    def _drop(self, duration_s: float) -> None:
        self._plugging = asyncio.get_running_loop().create_task(self._unplugged(duration_s))

    async def _unplugged(self, duration_s: float) -> None:
        self.unplug()
        await asyncio.sleep(duration_s)
        if self._door is None:
            await self.plug()


class _Host(asyncio.Protocol):
    """One connection."""

    def __init__(self, server: ModbusServer) -> None:
        self._server = server
        self._transport: asyncio.Transport | None = None
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Somebody connected."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._server.came(transport)

    def connection_lost(self, _exc: Exception | None) -> None:
        """They are gone."""
        if self._transport is not None:
            self._server.went(self._transport)

    def data_received(self, data: bytes) -> None:
        """Take whole requests off the stream; what is none ends the connection."""
        assert self._transport is not None
        self._buffer += data
        while len(self._buffer) >= 8:
            protocol, size, unit = struct.unpack(">HHB", self._buffer[2:7])
            if protocol != 0 or not 2 <= size <= LONGEST:
                self._transport.abort()
                return
            if len(self._buffer) < 6 + size:
                return
            header, pdu, self._buffer = self._buffer[:4], self._buffer[7 : 6 + size], self._buffer[6 + size :]
            self._server.request(self._transport, header, unit, pdu)
