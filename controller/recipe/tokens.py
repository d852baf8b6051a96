"""From the text of a condition to its tokens.

A number takes the word after it as its unit, so that ``38.5 Cel`` and ``4 10*6/mL`` are one token each.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import NamedTuple

LONGEST = 1000
"""Characters a condition may have."""

WORDS = frozenset({"and", "or", "not", "abs"})
"""Names that belong to the language."""

_SPACE = re.compile(r"\s+")
_NUMBER = re.compile(r"\d{1,30}(?:\.\d{1,30})?(?:[eE][+-]?\d{1,3}(?![\w.]))?")
_UNIT = re.compile(r"(?:10[*^]|1(?=/|\s|\)|$)|[A-Za-z%\[{°µ])(?:[^\s()<>=!]|\([^\s()]*\))*")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)?")
_OPERATOR = re.compile(r"<=|>=|==|!=|[<>+\-*/()]")
_HINTS = {
    "=": "write == to compare",
    "&": "write and",
    "|": "write or",
    "!": "write not",
    "≥": "write >=",
    "≤": "write <=",
    ",": "use a decimal point",
}


class Fault(NamedTuple):
    """Something wrong with a text: ``offset`` characters into it, counted from 0."""

    offset: int
    message: str
    hint: str = ""


class ConditionError(ValueError):
    """A text of the language that is not understood; ``faults`` are all that were found."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("; ".join(f"column {fault.offset + 1}: {fault.message}" for fault in faults))
        self.faults = faults


class Kind(StrEnum):
    """What a token is."""

    NUMBER = "a number"
    NAME = "a name"
    WORD = "a word of the language"
    OPERATOR = "an operator"
    END = "the end"


class Token(NamedTuple):
    """One token. ``offset`` and ``end`` are its place in the text; ``unit`` is a number's, ``None`` without one."""

    kind: Kind
    text: str
    offset: int
    end: int
    unit: str | None = None
    unit_offset: int = 0


def tokenise(text: str) -> list[Token]:
    """The tokens of ``text``, the last of kind END. Raises :class:`ConditionError`."""
    if len(text) > LONGEST:
        raise ConditionError([Fault(0, f"longer than {LONGEST} characters")])
    tokens: list[Token] = []
    position = 0
    while position < len(text):
        if space := _SPACE.match(text, position):
            position = space.end()
            continue
        token = _number(text, position) or _word(text, position)
        tokens.append(token)
        position = token.end
    tokens.append(Token(Kind.END, "", len(text), len(text)))
    return tokens


def _number(text: str, position: int) -> Token | None:
    match = _NUMBER.match(text, position)
    if match is None:
        return None
    start = match.end()
    if _UNIT.match(text, start) and not text[start].isdigit():
        raise ConditionError([Fault(start, "a space is missing between the number and its unit")])
    space = _SPACE.match(text, start)
    unit = _UNIT.match(text, space.end()) if space else None
    if unit is None or unit.group() in WORDS:
        return Token(Kind.NUMBER, match.group(), position, start)
    return Token(Kind.NUMBER, match.group(), position, unit.end(), unit.group(), unit.start())


def _word(text: str, position: int) -> Token:
    if name := _NAME.match(text, position):
        kind = Kind.WORD if name.group() in WORDS else Kind.NAME
        return Token(kind, name.group(), position, name.end())
    if operator := _OPERATOR.match(text, position):
        return Token(Kind.OPERATOR, operator.group(), position, operator.end())
    found = text[position]
    raise ConditionError([Fault(position, f"{found!r} is not understood here", _HINTS.get(found, ""))])
