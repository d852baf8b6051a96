"""The lease: one supervisor per data directory, so that two can never drive the same vessels from one record."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path
from typing import TextIO

from controller.clock import iso_utc


class LeaseTaken(Exception):
    """Another supervisor, or a calibration, holds the data directory; ``by`` and the message say which process, and
    since when; ``since`` is that in UTC (s).
    """

    def __init__(self, directory: Path, holder: str, since: float) -> None:
        by = f"process {holder}, since {iso_utc(since)[:16].replace('T', ' ')} UTC"
        super().__init__(
            f"{directory} is in use by another supervisor or by a calibration ({by}). "
            "Stop it first, or give this one its own directory with --data."
        )
        self.by = by
        self.since = since


LOOKED_AT_S = 0.5
"""Who only looks has it for less than a millisecond: nobody is refused for that."""
AGAIN_S = 0.005


class Lease:
    """Held from construction until :meth:`release` or the end of the process, even a violent one. Blocks for half a
    second before it raises :class:`LeaseTaken`.
    """

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.path = directory / "lease"
        self._file: TextIO = self.path.open("a+", encoding="utf-8")
        until = time.monotonic() + LOOKED_AT_S
        while not _locks(self._file, fcntl.LOCK_EX):
            if time.monotonic() > until:
                with self._file:
                    raise _taken(directory, self._file)
            time.sleep(AGAIN_S)
        self._file.truncate(0)
        self._file.write(f"{os.getpid()}\n")
        self._file.flush()

    def release(self) -> None:
        """Give the directory back. Idempotent."""
        self._file.close()


def holder_of(directory: Path) -> LeaseTaken | None:
    """Who holds a data directory, if anybody does. Only looks: it makes nothing, and whoever may read may ask."""
    try:
        with (directory / "lease").open(encoding="utf-8") as file:
            return None if _locks(file, fcntl.LOCK_SH) else _taken(directory, file)
    except FileNotFoundError:
        return None


def _locks(file: TextIO, how: int) -> bool:
    try:
        fcntl.flock(file, how | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _taken(directory: Path, file: TextIO) -> LeaseTaken:
    file.seek(0)
    return LeaseTaken(directory, file.read().strip() or "unknown", os.fstat(file.fileno()).st_mtime)
