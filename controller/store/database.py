"""The SQLite file: connections, numbered migrations, and what happens when it cannot be read."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from controller.store.errors import StoreTooNew, StoreUnavailable

BUSY_S = 0.25
"""How long one attempt waits for another process's lock; the writer tries again for as long as it takes."""

PAGE_BYTES = 4096


def connect_writer(path: Path, max_bytes: int | None = None) -> sqlite3.Connection:
    """The one connection that writes, usable from any one thread at a time; brings the file's schema up to date.

    ``max_bytes`` is a quota for the file: beyond it SQLite answers as on a full disk. Raises :class:`sqlite3.Error`,
    :class:`StoreTooNew`.
    """
    with ExitStack() as undo:
        connection = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
        undo.callback(connection.close)
        connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA journal_size_limit = 67108864")
        migrate(connection)
        if max_bytes is not None:
            connection.execute(f"PRAGMA max_page_count = {max(1, max_bytes // PAGE_BYTES)}")
        check(connection)
        undo.pop_all()
    return connection


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """A read-only connection that sees one unchanging state of the file, for one question from any thread.

    Raises :class:`StoreUnavailable` when the file cannot be read, also out of the caller's block.
    """
    address = f"{path.absolute().as_uri()}?mode=ro"
    try:
        with closing(sqlite3.connect(address, uri=True, timeout=BUSY_S, isolation_level=None)) as connection:
            connection.execute("BEGIN")
            yield connection
    except sqlite3.Error as error:
        raise StoreUnavailable(f"the record cannot be read: {error}") from error


def migrations() -> list[tuple[int, str]]:
    """Number and text of every migration, in order."""
    files = sorted((Path(__file__).parent / "migrations").glob("*.sql"))
    return [(int(file.name.split("_")[0]), file.read_text(encoding="utf-8")) for file in files]


def migrate(connection: sqlite3.Connection) -> None:
    """Apply the migrations the file does not have yet, each one wholly or not at all. Raises :class:`StoreTooNew`."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    known = migrations()
    if version > known[-1][0]:
        raise StoreTooNew(
            f"the store is of version {version}, this program knows up to {known[-1][0]}: open it with a newer one"
        )
    for number, script in known:
        if number > version:
            connection.executescript(f"BEGIN IMMEDIATE;\n{script}\nPRAGMA user_version = {number};\nCOMMIT;")


def check(connection: sqlite3.Connection) -> None:
    """Touch what a start needs. Raises :class:`sqlite3.DatabaseError` when the file is damaged there."""
    head, _ = connection.execute("SELECT number, hash FROM journal_head").fetchone() or (0, b"")
    (last,) = connection.execute("SELECT coalesce(max(number), 0) FROM journal").fetchone()
    if head != last:
        raise sqlite3.DatabaseError(f"the journal ends at {last}, its head says {head}")
    connection.execute("SELECT * FROM checkpoint").fetchall()
    connection.execute("SELECT count(*) FROM history_tail").fetchone()


def set_aside(path: Path, suffix: str) -> Path:
    """Rename a damaged file and its companions, so that nothing of it is lost; returns the new name."""
    kept = path.with_name(f"{path.name}.{suffix}")
    for companion in ("", "-wal", "-shm"):
        part = path.with_name(path.name + companion)
        if part.exists():
            part.rename(kept.with_name(kept.name + companion))
    return kept
