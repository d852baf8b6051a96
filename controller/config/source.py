"""From a YAML file to a plain tree in which every key and value knows its line and column.

Only the part of YAML that means the same to every reader is accepted: one document, text keys, no duplicate keys, no
anchors, aliases or tags. Only ``true`` and ``false`` are booleans and only plain decimals are numbers, as in YAML 1.2:
``on``, ``12:30``, ``010`` and ``1e3`` stay the text that they are. Size and depth are limited before anything is built.
"""

from __future__ import annotations

import hashlib
import pathlib
from dataclasses import dataclass, field
from typing import NamedTuple

from controller.config.problems import Path, Problem, Problems

LARGEST = 256 * 1024
"""Bytes a file may have."""

Tree = None | bool | int | float | str | list["Tree"] | dict[str, "Tree"]


class Position(NamedTuple):
    """Line and column, both from 1, in characters."""

    line: int
    column: int


TOP = Position(1, 1)


@dataclass(slots=True)
class Document:
    """One parsed file. ``keys`` and ``values`` give the position of every key and value by its path.

    ``problems`` are the mistakes of the YAML itself that did not keep the rest from being read; nothing is known
    about the values at ``broken``.
    """

    file: str
    text: str
    sha256: str
    tree: Tree = None
    keys: dict[Path, Position] = field(default_factory=dict)
    values: dict[Path, Position] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    broken: set[Path] = field(default_factory=set)

    def problem(self, path: Path, message: str, hint: str = "", *, at_key: bool = False, offset: int = 0) -> Problem:
        """A problem at a value, or at its key. ``offset`` counts characters into a text on one line. A path that
        does not exist is reported at the nearest thing around it that does.
        """
        position = self.keys.get(path) if at_key else None
        position = position or self._nearest(path)
        column = position.column
        if offset and path in self.values:
            column += offset + self._is_quoted(position)
        return Problem(self.file, position.line, column, path, message, hint)

    def at(self, path: Path) -> Tree:
        """The part of the tree at ``path``; ``None`` where there is none."""
        part = self.tree
        for key in path:
            if isinstance(part, dict) and isinstance(key, str):
                part = part.get(key)
            elif isinstance(part, list) and isinstance(key, int) and 0 <= key < len(part):
                part = part[key]
            else:
                return None
        return part

    def names(self, path: Path, name_key: str = "") -> list[str]:
        """What is named at ``path``, whether or not it is otherwise right: the keys of a mapping, or in a list of
        mappings the text under ``name_key``.
        """
        part = self.at(path)
        if isinstance(part, dict):
            return list(part)
        entries = [entry.get(name_key) for entry in part if isinstance(entry, dict)] if isinstance(part, list) else []
        return [name for name in entries if isinstance(name, str)]

    def _nearest(self, path: Path) -> Position:
        while path:
            if path in self.values:
                return self.values[path]
            path = path[:-1]
            if path in self.keys:
                return self.keys[path]
        return self.values.get((), TOP)

    def _is_quoted(self, position: Position) -> bool:
        line = self.text.split("\n")[position.line - 1]
        return line[position.column - 1 : position.column] in {'"', "'"}


def read_document(path: pathlib.Path) -> Document:
    """Read and parse a file. Raises :class:`Problems` when it can't be read or is not YAML."""
    file = str(path)
    try:
        if not path.is_file():
            raise Problems([Problem(file, 1, 1, (), "there is no such file" if not path.exists() else "not a file")])
        with path.open("rb") as stream:
            data = stream.read(LARGEST + 1)
    except OSError as error:
        raise Problems([Problem(file, 1, 1, (), f"cannot be read: {error.strerror}")]) from error
    return parse_bytes(data, file)


def parse_text(text: str, file: str = "<text>") -> Document:
    """Parse a text. Raises :class:`Problems` when it is not YAML."""
    return parse_bytes(text.encode("utf-8", "surrogatepass"), file)


def parse_bytes(data: bytes, file: str) -> Document:
    """Parse UTF-8 bytes. Raises :class:`Problems` when they are not YAML."""
    from controller.config.build import build

    if len(data) > LARGEST:
        raise Problems([Problem(file, 1, 1, (), f"the file is larger than {LARGEST // 1024} kB")])
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = error.start - (data.rfind(b"\n", 0, error.start) + 1) + 1
        raise Problems([Problem(file, line, column, (), "not UTF-8 text", "save the file as UTF-8")]) from error
    document = Document(file, text, hashlib.sha256(data).hexdigest())
    build(document)
    return document
