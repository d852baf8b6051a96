"""The newest scan's complete state in the database: one row, replaced."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from typing import NamedTuple

from controller.commands import Json


class Checkpoint(NamedTuple):
    """A scan's state, its process time in seconds, and its UTC time in seconds since the epoch."""

    state: dict[str, Json]
    process_s: float
    utc: float


class Unsaved(NamedTuple):
    """A checkpoint on its way to the disk."""

    state: Mapping[str, Json]
    process_s: float
    utc: float


def encoded(checkpoint: Unsaved) -> str:
    """The state as text; NaN and infinities survive. Raises ``TypeError``, ``ValueError`` for what JSON cannot say."""
    return json.dumps(checkpoint.state, separators=(",", ":"))


def save(connection: sqlite3.Connection, checkpoint: Unsaved, text: str) -> None:
    """Replace the checkpoint; ``text`` is its state, :func:`encoded`."""
    connection.execute(
        "INSERT OR REPLACE INTO checkpoint (one, process_s, utc, state) VALUES (1, ?, ?, ?)",
        (checkpoint.process_s, checkpoint.utc, text),
    )


def load(connection: sqlite3.Connection) -> Checkpoint | None:
    """The checkpoint, or ``None`` when no scan was ever stored."""
    row = connection.execute("SELECT state, process_s, utc FROM checkpoint").fetchone()
    return Checkpoint(json.loads(row[0]), row[1], row[2]) if row else None
