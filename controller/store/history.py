"""Every scan in the database: a tail of single scans, packed into columns when it has grown long enough."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from controller.store.columns import F8, I8, U1, pack, pack_times, unpack, unpack_times
from controller.store.trends import Series, empty, reduce

CHUNK = 512
"""Scans in a chunk: packing one takes milliseconds, and a day at 1 s is 169 of them."""


class Row(NamedTuple):
    """One scan: UTC in microseconds, and values and qualities in the order of the columns, as bytes."""

    time_us: int
    data: bytes


def row(utc: float, value: NDArray[np.float64], quality: NDArray[np.uint8]) -> Row:
    """One scan as it is stored; copies what it is given. ``utc`` in seconds, both arrays of shape ``(columns,)``."""
    return Row(round(utc * 1e6), value.astype("<f8").tobytes() + quality.astype(np.uint8).tobytes())


class HistoryWriter:
    """Writes rows of a fixed list of columns. Lives on the writer's thread; every call is inside its transaction."""

    def __init__(self, connection: sqlite3.Connection, columns: Sequence[str]) -> None:
        self.columns = tuple(columns)
        connection.execute("BEGIN IMMEDIATE")
        self._layout = self._own_layout(connection)
        self._pack_foreign(connection)
        connection.execute("COMMIT")
        (self._tail,) = connection.execute("SELECT count(*) FROM history_tail").fetchone()

    def write(self, connection: sqlite3.Connection, rows: Sequence[Row]) -> int:
        """Append ``rows``; returns the length of the tail, to be handed to :meth:`written` after the commit."""
        connection.executemany(
            "INSERT INTO history_tail (layout, time_us, data) VALUES (?, ?, ?)",
            [(self._layout, item.time_us, item.data) for item in rows],
        )
        tail = int(self._tail) + len(rows)
        if tail < CHUNK:
            return tail
        pack_tail(connection, self._layout, self.columns)
        return 0

    def written(self, tail: int) -> None:
        """The transaction is durable: ``tail`` is what :meth:`write` returned."""
        self._tail = tail

    def _own_layout(self, connection: sqlite3.Connection) -> int:
        names = json.dumps(self.columns)
        connection.execute("INSERT OR IGNORE INTO history_layout (columns) VALUES (?)", (names,))
        (layout,) = connection.execute("SELECT id FROM history_layout WHERE columns = ?", (names,)).fetchone()
        return int(layout)

    def _pack_foreign(self, connection: sqlite3.Connection) -> None:
        """Pack what an earlier run with other columns left in the tail."""
        sql = "SELECT DISTINCT layout, columns FROM history_tail JOIN history_layout ON id = layout WHERE layout != ?"
        for layout, columns in connection.execute(sql, (self._layout,)).fetchall():
            pack_tail(connection, layout, json.loads(columns))


def pack_tail(connection: sqlite3.Connection, layout: int, columns: Sequence[str]) -> None:
    """Turn the tail's rows of one layout into a chunk per column."""
    rows = connection.execute(
        "SELECT time_us, data FROM history_tail WHERE layout = ? ORDER BY scan", (layout,)
    ).fetchall()
    time_us = np.array([time for time, _ in rows], np.int64)
    value, quality = split([data for _, data in rows], len(columns))
    chunk = connection.execute(
        "INSERT INTO history_time (first, last, scans, data) VALUES (?, ?, ?, ?)",
        (int(time_us.min()), int(time_us.max()), len(rows), pack_times(time_us)),
    ).lastrowid
    connection.executemany(
        "INSERT INTO history_chunk (name, chunk, data) VALUES (?, ?, ?)",
        [(name, chunk, pack(value[:, i], quality[:, i])) for i, name in enumerate(columns)],
    )
    connection.execute("DELETE FROM history_tail WHERE layout = ?", (layout,))


def split(rows: Sequence[bytes], columns: int) -> tuple[F8, U1]:
    """Values and qualities of shape ``(rows, columns)``; a column is contiguous in neither."""
    table = np.frombuffer(b"".join(rows), np.uint8).reshape(len(rows), columns * 9)
    value = np.ascontiguousarray(table[:, : columns * 8]).view("<f8").reshape(len(rows), columns)
    return value, table[:, columns * 8 :]


def read(
    connection: sqlite3.Connection, columns: Sequence[str], start: float, end: float, points: int
) -> dict[str, Series]:
    """Each column between two UTC times in seconds, in at most ``points`` points; an unknown column is empty."""
    span = (round(end * 1e6), round(start * 1e6))
    sql = "SELECT chunk, scans, data FROM history_time WHERE first <= ? AND last >= ? ORDER BY chunk"
    chunks = connection.execute(sql, span).fetchall()
    times = {chunk: unpack_times(data) for chunk, _, data in chunks}
    scans = {chunk: count for chunk, count, _ in chunks}
    tail = _tail(connection, span)
    return {name: _column(connection, name, times, scans, tail, span, points) for name in columns}


class _Tail(NamedTuple):
    columns: list[str]
    time_us: I8
    value: F8
    quality: U1


def _tail(connection: sqlite3.Connection, span: tuple[int, int]) -> _Tail | None:
    sql = """SELECT columns, time_us, data FROM history_tail JOIN history_layout ON id = layout
             WHERE time_us <= ? AND time_us >= ? ORDER BY scan"""
    rows = connection.execute(sql, span).fetchall()
    if not rows:
        return None
    columns = json.loads(rows[0][0])
    value, quality = split([data for _, _, data in rows], len(columns))
    return _Tail(columns, np.array([time for _, time, _ in rows], np.int64), value, quality)


def _column(
    connection: sqlite3.Connection,
    name: str,
    times: dict[int, I8],
    scans: dict[int, int],
    tail: _Tail | None,
    span: tuple[int, int],
    points: int,
) -> Series:
    parts: list[tuple[I8, F8, U1]] = []
    if times:
        sql = "SELECT chunk, data FROM history_chunk WHERE name = ? AND chunk BETWEEN ? AND ? ORDER BY chunk"
        for chunk, data in connection.execute(sql, (name, min(times), max(times))):
            if chunk in times:
                parts.append((times[chunk], *unpack(data, scans[chunk])))
    if tail is not None and name in tail.columns:
        column = tail.columns.index(name)
        parts.append((tail.time_us, tail.value[:, column], tail.quality[:, column]))
    if not parts:
        return empty()
    time_us, value, quality = (np.concatenate([part[i] for part in parts]) for i in range(3))
    inside = (time_us <= span[0]) & (time_us >= span[1])
    return reduce(time_us[inside] / 1e6, value[inside], quality[inside], points)
