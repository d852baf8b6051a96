"""Builds a document's tree from the stream of YAML events: one pass, no recursion, in C where libyaml is there."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NoReturn

import yaml

from controller.config.problems import MOST_PROBLEMS, Path, Problem, Problems
from controller.config.source import TOP, Document, Position, Tree

DEEPEST = 20
"""Mappings and lists inside each other that a file may have."""

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})")
_DECIMAL = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})\.[0-9]{1,30}([eE][-+][0-9]{1,3})?")
_WORDS: dict[str, Tree] = {
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    ".inf": float("inf"), "+.inf": float("inf"), "-.inf": float("-inf"), ".nan": float("nan"), ".NaN": float("nan"),
}  # fmt: skip
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_SYNTAX_HINTS = (
    (re.compile("',' or '[]}]'"), 'inside { } or [ ], put text with brackets, braces or commas in quotes: "7.20 [pH]"'),
    (re.compile("mapping values are not allowed"), "put text with a colon in quotes, and check the indentation"),
    (
        re.compile("cannot start any token"),
        "indent with spaces, not tabs; put text that starts with % @ or ` in quotes",
    ),
    (
        re.compile("block end|expected key|simple key"),
        "check the indentation: entries of one mapping start in one column",
    ),
    (re.compile("end of stream"), "a quote or a bracket is opened and not closed"),
)


def build(document: Document) -> None:
    """Fill in the document's tree and positions. Mistakes that leave the rest readable go to its ``problems``;
    others raise :class:`Problems`.
    """
    builder = _Builder(document)
    try:
        for event in yaml.parse(document.text, Loader=_LOADER):
            builder.feed(event)
    except yaml.MarkedYAMLError as error:
        document.problems.append(_syntax_problem(document, error))
        raise Problems(document.problems) from error
    except (yaml.YAMLError, UnicodeEncodeError) as error:
        document.problems.append(_unprintable_problem(document))
        raise Problems(document.problems) from error
    if not document.values:
        raise Problems([document.problem((), "the file is empty")])


def scalar(event: yaml.ScalarEvent) -> Tree:
    """The value of a scalar. Numbers that YAML's versions read differently stay text."""
    text: str = event.value
    if not event.implicit[0]:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _DECIMAL.fullmatch(text) else text


@dataclass(slots=True)
class _Open:
    """A mapping or list that is being filled. ``key`` is the key whose value comes next, ``None`` before a key;
    the value of a ``duplicate`` key is thrown away.
    """

    path: Path
    items: dict[str, Tree] | list[Tree]
    key: str | None = None
    duplicate: bool = False


class _Builder:
    def __init__(self, document: Document) -> None:
        self.document = document
        self.stack: list[_Open] = []

    def feed(self, event: yaml.Event) -> None:
        """Take one event. Raises :class:`Problems` where reading on would be pointless or dangerous."""
        if isinstance(event, yaml.NodeEvent):
            self.node(event)
        elif isinstance(event, yaml.CollectionEndEvent):
            self.stack.pop()
        elif isinstance(event, yaml.DocumentStartEvent) and self.document.values:
            self.stop(event, "a second document starts here", "a file holds one document: remove the ---")

    def complain(self, event: yaml.Event, message: str, hint: str, path: Path) -> None:
        """Add a problem at an event. Raises :class:`Problems` when there are too many."""
        line, column = _position(event)
        self.document.problems.append(Problem(self.document.file, line, column, path, message, hint))
        if len(self.document.problems) >= MOST_PROBLEMS:
            raise Problems(self.document.problems)

    def stop(self, event: yaml.Event, message: str, hint: str) -> NoReturn:
        """Add a problem and raise :class:`Problems`: what follows would be pointless or dangerous to read."""
        self.complain(event, message, hint, ())
        raise Problems(self.document.problems)

    def node(self, event: yaml.NodeEvent) -> None:
        """Take a scalar, an alias, or the start of a mapping or list."""
        parent = self.stack[-1] if self.stack else None
        if parent is not None and isinstance(parent.items, dict) and parent.key is None:
            self.take_key(event, parent)
            return
        path = self.next_path(parent)
        self.document.values[path] = _position(event)
        self.check_node(event, path)
        if isinstance(event, yaml.CollectionStartEvent):
            value: Tree = {} if isinstance(event, yaml.MappingStartEvent) else []
        else:
            value = scalar(event) if isinstance(event, yaml.ScalarEvent) else None
        self.place(value, parent)
        if isinstance(value, dict | list):
            if len(self.stack) >= DEEPEST:
                self.stop(event, f"nested more than {DEEPEST} deep", "lay the file out flatter")
            self.stack.append(_Open(path, value))

    def take_key(self, event: yaml.NodeEvent, parent: _Open) -> None:
        """Take a mapping's key; duplicates are reported and their value will be thrown away."""
        if not isinstance(event, yaml.ScalarEvent):
            self.stop(event, "a key must be text", 'put text that starts with { [ or * in quotes: "{vessel}"')
        key = event.value
        path = (*parent.path, key)
        self.check_node(event, path)
        parent.key = key
        parent.duplicate = path in self.document.keys
        if parent.duplicate:
            first = self.document.keys[path].line
            self.complain(event, f"{key!r} is here a second time", f"the first is on line {first}: keep one", path)
        else:
            self.document.keys[path] = _position(event)

    def next_path(self, parent: _Open | None) -> Path:
        """The path of the value that comes next."""
        if parent is None:
            return ()
        if isinstance(parent.items, list):
            return (*parent.path, len(parent.items))
        # Positions inside a duplicate's value must not replace those of the first.
        return (*parent.path, f"{parent.key} again" if parent.duplicate else str(parent.key))

    def place(self, value: Tree, parent: _Open | None) -> None:
        """Put a value into the mapping or list that is being filled."""
        if parent is None:
            self.document.tree = value
        elif isinstance(parent.items, list):
            parent.items.append(value)
        else:
            if not parent.duplicate:
                parent.items[str(parent.key)] = value
            parent.key = None

    def check_node(self, event: yaml.NodeEvent, path: Path) -> None:
        """Report aliases, anchors and tags."""
        if isinstance(event, yaml.AliasEvent):
            self.complain(event, "aliases are not accepted", "write the value itself", path)
            self.document.broken.add(path)
            return
        if event.anchor is not None:
            self.complain(event, "anchors are not accepted", f"remove &{event.anchor}", path)
        if isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent) and event.tag is not None:
            self.complain(event, "tags are not accepted", f"remove {event.tag}", path)
            self.document.broken.add(path)


def _position(event: yaml.Event) -> Position:
    mark = event.start_mark
    return Position(mark.line + 1, mark.column + 1) if mark else TOP


def _syntax_problem(document: Document, error: yaml.MarkedYAMLError) -> Problem:
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    message = f"not valid YAML: {error.problem or error.context}"
    hint = next((hint for pattern, hint in _SYNTAX_HINTS if pattern.search(message)), "")
    return Problem(document.file, line, column, (), message, hint)


def _unprintable_problem(document: Document) -> Problem:
    match = _UNPRINTABLE.search(document.text)
    start = match.start() if match else 0
    line = document.text.count("\n", 0, start) + 1
    column = start - document.text.rfind("\n", 0, start)
    return Problem(document.file, line, column, (), "a character that YAML does not allow", "remove or escape it")
