"""A Modbus RTU line: several slaves behind one serial port, with the faults a real line shows."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path

from simulators.faults import Fault, Faults
from simulators.instrument import Json
from simulators.modbus_rtu import Device, Framer, answer, seal
from simulators.serial_port import SerialPort
from simulators.tcp_port import TcpPort

SILENCE_S = 0.02
"""What ends a broken frame. 3.5 characters at 19200 baud are 2 ms; a busy computer needs more."""


class RtuLine:
    """Serves `devices` (unit id → device) on the pseudo-terminal `path` or, with a TCP `port`, behind a device server.

    Unknown units and damaged requests get no answer at all, as the standard wants it. `late` gives the seconds that an
    answer takes; the line does one thing after the other. Needs a running event loop.
    """

    def __init__(
        self,
        path: Path,
        devices: Mapping[int, Device],
        faults: Faults,
        *,
        port: int | None = None,
        late: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self.port = SerialPort(path, self._receive) if port is None else TcpPort(port, self._receive)
        self._devices = devices
        self._faults = faults
        self._late = late
        self._busy_until = 0.0
        self._framer = Framer()
        self._gap: asyncio.TimerHandle | None = None
        faults.on_disconnect = self.port.drop

    def address(self, settings: str) -> dict[str, Json]:
        """Where it is reached, for the announcement; `settings` are those of the serial line (``baudrate=9600``)."""
        if isinstance(self.port, TcpPort):
            return {"url": f"tcp://127.0.0.1:{self.port.port}", "port": self.port.port}
        return {"url": f"serial://{self.port.path}?{settings}", "pty": str(self.port.path)}

    def _receive(self, data: bytes) -> None:
        if self._gap is not None:
            self._gap.cancel()
        if self._faults.active(Fault.REBOOT) is not None:
            return
        for frame in self._framer.feed(data):
            self._reply(frame)
        self._gap = asyncio.get_running_loop().call_later(SILENCE_S, self._line_silent)

    def _line_silent(self) -> None:
        frame = self._framer.silence()
        if frame is not None:
            self._reply(frame)

    def _reply(self, frame: bytes) -> None:
        reply = answer(frame, self._devices)
        if reply is None:
            return
        if (shift := self._faults.active(Fault.WRONG_ADDRESS)) is not None:
            reply = seal(bytes([(reply[0] + int(shift)) & 0xFF]) + reply[1:-2])
        loop = asyncio.get_running_loop()
        self._busy_until = max(loop.time(), self._busy_until) + self._late()
        loop.call_at(self._busy_until + self._faults.delay_s, self.port.send, self._faults.mangle(reply))
