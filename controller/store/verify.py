"""Checking the journal of a store that need not be open, for the command line and for audits."""

from __future__ import annotations

from pathlib import Path

from controller.store import database, journal
from controller.store.errors import StoreUnavailable


def verify(path: Path) -> tuple[int, int | None]:
    """How many rows the journal has, and the number of the first one that is altered, missing or out of order.

    The second is ``None`` when every row is as it was written. A file too damaged to be read has its first row bad.
    """
    try:
        with database.reading(path) as connection:
            (rows,) = connection.execute("SELECT count(*) FROM journal").fetchone()
            return int(rows), journal.verify(connection)
    except StoreUnavailable:
        return 0, 1
