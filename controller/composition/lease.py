"""The lease: one supervisor per data directory, so that two can never drive the same vessels from one record."""

from __future__ import annotations

import fcntl
import os
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


class Lease:
    """Held from construction until :meth:`release` or the end of the process, even a violent one."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.path = directory / "lease"
        self._file: TextIO = self.path.open("a+", encoding="utf-8")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._file.seek(0)
            holder = self._file.read().strip() or "unknown"
            since = os.fstat(self._file.fileno()).st_mtime
            self._file.close()
            raise LeaseTaken(directory, holder, since) from error
        self._file.truncate(0)
        self._file.write(f"{os.getpid()}\n")
        self._file.flush()

    def release(self) -> None:
        """Give the directory back. Idempotent."""
        self._file.close()
