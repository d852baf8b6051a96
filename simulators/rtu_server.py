"""A Modbus RTU line: several slaves behind one serial port, with the faults a real line shows."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

from simulators.faults import Fault, Faults
from simulators.modbus_rtu import Framer, RegisterDevice, answer, seal
from simulators.serial_port import SerialPort

SILENCE_S = 0.02
"""What ends a broken frame. 3.5 characters at 19200 baud are 2 ms; a busy computer needs more."""


class RtuLine:
    """Serves `devices` (unit id → device) on the pseudo-terminal `path`.

    Unknown units and damaged requests get no answer at all, as the standard wants it. Needs a running event loop.
    """

    def __init__(self, path: Path, devices: Mapping[int, RegisterDevice], faults: Faults) -> None:
        self.port = SerialPort(path, self._receive)
        self._devices = devices
        self._faults = faults
        self._framer = Framer()
        self._gap: asyncio.TimerHandle | None = None
        faults.on_disconnect = self.port.drop

    def _receive(self, data: bytes) -> None:
        if self._gap is not None:
            self._gap.cancel()
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
        asyncio.get_running_loop().call_later(self._faults.delay_s, self.port.send, self._faults.mangle(reply))
