"""Calibrations on disk: a text file that only grows, one JSON entry a line, chained by hashes as the journal is.

What a power cut leaves of a last line is passed over with a warning, and the next entry begins a line of its own. An
entry that was altered, removed or reordered is found, except that nothing tells when the newest ones are missing.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import orjson

from controller.clock import iso_utc
from controller.store.entries import GENESIS, Entry, body, chain, seal

HASH = b',"hash":"'
"""What stands between an entry's text and its hash."""
END = b'"}'
"""What stands at the end of a whole entry, and nowhere else after its hash begins."""
Key = tuple[str, str]
"""Vessel and name."""


class CalibrationsUnusable(ValueError):
    """The file cannot be read, or an entry is not as it was written."""


class History(NamedTuple):
    """Every whole entry in order, with ``line``, its line in the file, among its keys; and what was passed over."""

    entries: Sequence[Entry]
    warnings: Sequence[str]
    head: bytes


def read(path: Path) -> History:
    """What is in the file; nothing when there is none. Raises :class:`CalibrationsUnusable`."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        content = b""
    except OSError as error:
        raise CalibrationsUnusable(f"{path}:1: cannot be read: {error.strerror}") from error
    entries: list[Entry] = []
    warnings: list[str] = []
    head = GENESIS
    for number, line in enumerate(content.split(b"\n"), 1):
        if not line:
            continue
        text, found, end = line.rpartition(HASH)
        if not found or not end.endswith(END):
            warnings.append(f"{path}:{number}: not a whole entry (power cut?); it is left out")
            continue
        head = chain(head, text + b"}")
        entry = _entry(text + b"}")
        if head.hex().encode() != end.removesuffix(END) or entry is None or entry.get("number") != len(entries) + 1:
            altered = "this entry, or one before it, was altered, removed or reordered"
            raise CalibrationsUnusable(f"{path}:{number}: {altered}")
        entries.append({**entry, "line": number})
    return History(entries, warnings, head)


def append(path: Path, content: Entry, utc: float, prefix: str) -> Entry:
    """Write one entry at the end, safely on the disk when this returns; returns it with number, time, id and hash.

    The id is the ``prefix``, the day and the number. Raises :class:`CalibrationsUnusable`, :class:`OSError`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        history = read(path)
        number = len(history.entries) + 1
        name = f"{prefix}-{iso_utc(utc)[:10].replace('-', '')}-{number}"
        text, digest = seal(body({"id": name, **content}), number, utc, history.head)
        begun = path.stat().st_size and not path.read_bytes().endswith(b"\n")
        stream.write(b"\n" * bool(begun) + text[:-1] + HASH + digest.hex().encode() + END + b"\n")
        stream.flush()
        os.fsync(stream.fileno())
    entry: Entry = {**orjson.loads(text), "hash": digest.hex()}
    return entry


def stacks(entries: Sequence[Entry]) -> dict[Key, list[Entry]]:
    """For every vessel and name the calibrations that are in force one below the other, the newest last: an undo takes
    off what came after the one it restores.
    """
    found: dict[Key, list[Entry]] = {}
    for entry in entries:
        stack = found.setdefault((entry["vessel"], entry["name"]), [])
        if entry["kind"] == "calibration":
            stack.append(entry)
        elif entry["kind"] == "undo":
            while stack and stack[-1]["id"] != entry["restores"]:
                stack.pop()
    return found


def checks(entries: Sequence[Entry]) -> dict[Key, Entry]:
    """The newest check of every vessel and name that has one."""
    return {(entry["vessel"], entry["name"]): entry for entry in entries if entry["kind"] == "check"}


def _entry(text: bytes) -> Entry | None:
    """What a line says, if it says anything."""
    try:
        entry = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    return entry if isinstance(entry, dict) else None
