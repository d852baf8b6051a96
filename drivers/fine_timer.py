"""Short waits to a tenth of a millisecond, for silences between messages on a line.

The event loop rounds every wait up to whole milliseconds, which at 19200 baud is a twelfth of a short Modbus exchange.
Linux has timers that are files (``timerfd_create(2)``); Python knows them since 3.13, here they are called by ctypes.
Elsewhere the loop's own waits are used.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os

CLOCK_MONOTONIC = 1
FLAGS = os.O_NONBLOCK | os.O_CLOEXEC
LONGEST_S = 0.02
"""Beyond this a millisecond does not matter."""

_LIBC = ctypes.CDLL(None, use_errno=True)


class _Setting(ctypes.Structure):
    """``struct itimerspec``: how often again, and in how long, in seconds and nanoseconds."""

    _fields_ = [(name, ctypes.c_long) for name in ("every_s", "every_ns", "in_s", "in_ns")]


class FineTimer:
    """One wait at a time. It holds a file until it is closed."""

    def __init__(self) -> None:
        self._file = _LIBC.timerfd_create(CLOCK_MONOTONIC, FLAGS) if hasattr(_LIBC, "timerfd_create") else -1
        self._fired: asyncio.Future[None] | None = None

    async def sleep(self, seconds: float) -> None:
        """Wait, at most until it is closed."""
        if self._file < 0 or not 0.0 < seconds < LONGEST_S:
            await asyncio.sleep(max(seconds, 0.0))
            return
        loop, file = asyncio.get_running_loop(), self._file
        _LIBC.timerfd_settime(file, 0, ctypes.byref(_Setting(0, 0, 0, max(int(seconds * 1e9), 1))), None)
        self._fired = loop.create_future()
        loop.add_reader(file, self._fire)
        try:
            await self._fired
        finally:
            if self._file >= 0:
                loop.remove_reader(file)

    def close(self) -> None:
        """Give the file back; who waits goes on. Idempotent."""
        file, self._file = self._file, -1
        if file < 0:
            return
        if self._fired is not None and not self._fired.done():
            self._fired.get_loop().remove_reader(file)
            self._fired.set_result(None)
        os.close(file)

    def _fire(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(self._file, 8)
        if self._fired is not None and not self._fired.done():
            self._fired.set_result(None)
