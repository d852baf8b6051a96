"""The journal's rows in the database: appending, reading, verifying. Every function works inside a given connection."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

import orjson

from controller.commands import Command
from controller.store.entries import GENESIS, Entry, chain, entry_command, seal


def append(connection: sqlite3.Connection, bodies: Sequence[bytes], utc: float) -> list[Entry]:
    """Write entries (from :func:`entries.body`) at the end, in order; returns them with number, time and hash.

    Belongs into a transaction of the caller. Raises :class:`sqlite3.Error`.
    """
    number, digest = connection.execute("SELECT number, hash FROM journal_head").fetchone()
    written: list[Entry] = []
    for content in bodies:
        number += 1
        text, digest = seal(content, number, utc, digest)
        connection.execute(
            "INSERT INTO journal (number, entry, hash) VALUES (?, ?, ?)", (number, text.decode(), digest)
        )
        written.append({**orjson.loads(text), "hash": digest.hex()})
    connection.execute("UPDATE journal_head SET number = ?, hash = ?", (number, digest))
    return written


def entries(
    connection: sqlite3.Connection,
    after: int | None,
    limit: int,
    vessel: str | None = None,
    batch: str | None = None,
    type_: str | None = None,
) -> list[Entry]:
    """Up to ``limit`` rows in journal order: those after number ``after``, or the newest when it is ``None``."""
    wanted = [("vessel = ?", vessel), ("batch = ?", batch), ("type = ?", type_), ("number > ?", after)]
    used = [(clause, value) for clause, value in wanted if value is not None]
    where = " AND ".join(clause for clause, _ in used) or "1"
    order = "ASC" if after is not None else "DESC"
    sql = f"SELECT entry, hash FROM journal WHERE {where} ORDER BY number {order} LIMIT ?"
    rows = connection.execute(sql, [*(value for _, value in used), limit]).fetchall()
    found = [{**orjson.loads(text), "hash": digest.hex()} for text, digest in rows]
    return found if after is not None else found[::-1]


def command(connection: sqlite3.Connection, number: int) -> Command | None:
    """The command committed under ``number``, or ``None`` when that row is no command or does not exist."""
    row = connection.execute("SELECT entry FROM journal WHERE number = ? AND kind = 'command'", (number,)).fetchone()
    return entry_command(orjson.loads(row[0])) if row else None


def answers(connection: sqlite3.Connection, number: int) -> list[Entry]:
    """The events that say what came of the command ``number``, oldest first."""
    sql = "SELECT entry FROM journal WHERE answers = ? ORDER BY number"
    return [orjson.loads(text) for (text,) in connection.execute(sql, (number,))]


def commands_after(connection: sqlite3.Connection, number: int) -> list[Command]:
    """Every command committed after ``number``, in journal order."""
    sql = "SELECT entry FROM journal WHERE kind = 'command' AND number > ? ORDER BY number"
    return [entry_command(orjson.loads(text)) for (text,) in connection.execute(sql, (number,))]


def verify(connection: sqlite3.Connection) -> int | None:
    """The number of the first row that is altered, missing or out of order; ``None`` when the whole chain holds."""
    connection.text_factory = bytes
    expected, digest = 0, GENESIS
    try:
        head, head_digest = connection.execute("SELECT number, hash FROM journal_head").fetchone()
        for number, text, stored in connection.execute("SELECT number, entry, hash FROM journal ORDER BY number"):
            expected += 1
            digest = chain(digest, text)
            if number != expected or digest != stored or orjson.loads(text)["number"] != number:
                return expected
    except (sqlite3.DatabaseError, TypeError, ValueError, KeyError):
        return expected + 1
    return None if (head, head_digest) == (expected, digest) else expected + 1
