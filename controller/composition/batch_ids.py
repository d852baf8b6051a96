"""Names of batches: vessel, UTC date and four random characters. No disk is asked, and any thread may."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

from controller.clock import iso_utc

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: nothing in it looks like something else, and each of 32 is worth five bits of a byte."""


class BatchIds:
    """Gives every id once; those of earlier runs differ with a probability of 1 - 1e-6. ``utc`` gives the date."""

    def __init__(self, utc: Callable[[], float]) -> None:
        self._utc = utc
        self._given: set[str] = set()
        self._lock = threading.Lock()

    def new(self, vessel: str) -> str:
        """An id that was not given before."""
        day = iso_utc(self._utc())[:10].replace("-", "")
        with self._lock:
            while (found := f"{vessel}-{day}-{_letters()}") in self._given:
                pass
            self._given.add(found)
        return found


def _letters() -> str:
    return "".join(ALPHABET[byte % 32] for byte in os.urandom(4))
