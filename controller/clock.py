"""Clocks: monotonic process time for control, UTC for the record.

The only module of the product that reads a clock. Process time is what recipes and controllers count in;
on a :class:`ScaledClock` it runs faster than the wall, which is refused unless every device is simulated.
"""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol


class Clock(Protocol):
    """Process time in nanoseconds, the UTC time of the record, and waiting until a process time."""

    speed: float

    def now_ns(self) -> int:
        """Monotonic process time in ns; the origin means nothing."""

    def utc(self) -> float:
        """Seconds since the epoch, for records only; never for a duration."""

    async def sleep_until(self, process_ns: int) -> None:
        """Wait until ``now_ns() >= process_ns``; returns at once when that has passed."""


class ScaledClock:
    """Real time, or real time multiplied by ``speed`` (1.0 for hardware)."""

    def __init__(self, speed: float = 1.0) -> None:
        if not speed > 0:
            raise ValueError(f"speed must be above 0, not {speed}")
        self.speed = speed
        self._origin = time.monotonic_ns()

    def now_ns(self) -> int:
        """Monotonic process time in ns since the clock was made."""
        return int((time.monotonic_ns() - self._origin) * self.speed)

    def utc(self) -> float:
        """Wall time in seconds since the epoch."""
        return time.time()  # shown and recorded; no duration is reckoned from it

    async def sleep_until(self, process_ns: int) -> None:
        """Wait until the process time ``process_ns``."""
        import asyncio  # slow to import: not before the first scan

        delay = (process_ns - self.now_ns()) / self.speed / 1e9
        await asyncio.sleep(max(0.0, delay))


class VirtualClock:
    """Time that passes only when someone waits: for rehearsals and tests."""

    def __init__(self, utc_origin: float = 0.0) -> None:
        self.speed = float("inf")
        self._now = 0
        self._utc_origin = utc_origin

    def now_ns(self) -> int:
        """Virtual process time in ns."""
        return self._now

    def utc(self) -> float:
        """The chosen origin plus the virtual time passed."""
        return self._utc_origin + self._now / 1e9

    async def sleep_until(self, process_ns: int) -> None:
        """Jump to ``process_ns``."""
        self.advance_to(process_ns)

    def advance_to(self, process_ns: int) -> None:
        """Jump to ``process_ns``; time never goes back."""
        self._now = max(self._now, process_ns)


def wall_ns() -> int:
    """Monotonic wall time in ns, for measuring this program itself (lateness, deadlines of wires)."""
    return time.monotonic_ns()


def process_age_s() -> float:
    """Seconds since the operating system started this process, to 10 ms."""
    fields = Path("/proc/self/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
    started = int(fields[19]) / os.sysconf("SC_CLK_TCK")
    return time.clock_gettime(time.CLOCK_BOOTTIME) - started


def iso_utc(seconds: float) -> str:
    """ISO 8601 UTC with milliseconds: ``2026-11-23T20:00:00.123Z``."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
