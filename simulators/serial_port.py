"""A serial port without hardware: a pseudo-terminal behind a path that stays the same, which can be unplugged.

A pseudo-terminal has no baud rate and no parity: bytes pass at once and unharmed. Everything else (open, close,
flush, hang-up, read errors) is the kernel's own serial line discipline, the same as on /dev/ttyUSB0.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import tty
from collections.abc import Callable
from pathlib import Path


class SerialPort:
    """The instrument's end of a serial line; the host opens `path`.

    `receive` is called with the bytes as they arrive, in arbitrary pieces. Must be used inside a running event loop.
    """

    def __init__(self, path: Path, receive: Callable[[bytes], None]) -> None:
        self.path = path
        self._receive = receive
        self._master = -1
        self._slave = -1

    @property
    def plugged(self) -> bool:
        """Whether the host can reach the line now."""
        return self._master >= 0

    def plug(self) -> None:
        """Make a new line and put it behind the path. Raises OSError when the directory cannot be written."""
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        # A link of its own first, then renamed over the old one: a host never sees a moment without the path.
        fresh = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(os.ttyname(self._slave))
        fresh.replace(self.path)
        asyncio.get_running_loop().add_reader(self._master, self._readable)

    def unplug(self) -> None:
        """Take the line away: the path is gone and whoever has it open gets a hang-up. Safe to repeat."""
        if not self.plugged:
            return
        asyncio.get_running_loop().remove_reader(self._master)
        self.path.unlink(missing_ok=True)
        os.close(self._master)
        os.close(self._slave)
        self._master = self._slave = -1

    def drop(self, duration_s: float) -> None:
        """Unplug now and plug in again after `duration_s` seconds."""
        self.unplug()
        asyncio.get_running_loop().call_later(duration_s, self._replug)

    def send(self, data: bytes) -> None:
        """Put bytes on the line. What nobody reads is lost once the kernel's 4 KiB are full, as on a real line."""
        if self.plugged and data:
            with contextlib.suppress(BlockingIOError):
                os.write(self._master, data)

    def _replug(self) -> None:
        if not self.plugged:
            self.plug()

    def _readable(self) -> None:
        try:
            data = os.read(self._master, 4096)
        except OSError as error:
            if error.errno not in {errno.EIO, errno.EAGAIN}:
                raise
            return
        self._receive(data)
