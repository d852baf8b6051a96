"""What is wrong with a file: one :class:`Problem` per mistake, and :class:`Problems` to raise all of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

Key = str | int
Path = tuple[Key, ...]
"""Where something is in a document: keys and list indexes from the top, ``("loops", "ph", "legs", 0)``."""


MOST_PROBLEMS = 100
"""Mistakes of one kind in one file after which looking stops: nobody reads more at once, and a hostile file must not
cost more than a moment.
"""

_MOST_NAMES = 500


class Problem(NamedTuple):
    """One mistake: where it is (line and column count from 1), what is wrong and why, and what to do about it."""

    file: str
    line: int
    column: int
    path: Path
    message: str
    hint: str = ""

    def __str__(self) -> str:
        hint = f" ({self.hint})" if self.hint else ""
        return f"{self.file}:{self.line}:{self.column}: {self.message}{hint}"

    def as_json(self) -> dict[str, object]:
        """The same as a JSON object; the path is a dotted text, as in ``loops.ph.legs.0``."""
        return {**self._asdict(), "path": dotted(self.path)}


class Problems(Exception):
    """Everything that is wrong, in the order of the files' lines. ``str()`` is one line per problem and a count."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = in_order(problems)
        super().__init__("\n".join([*map(str, self.problems), count(len(self.problems))]))


def in_order(problems: Sequence[Problem]) -> tuple[Problem, ...]:
    """Without repetitions, files in the order of their first problem, then by line and column."""
    files = {problem.file: None for problem in problems}
    order = {file: number for number, file in enumerate(files)}
    return tuple(sorted(dict.fromkeys(problems), key=lambda one: (order[one.file], one.line, one.column)))


def count(number: int) -> str:
    """``"1 problem"``, ``"3 problems"``."""
    return f"{number} problem{'' if number == 1 else 's'}"


def dotted(path: Path) -> str:
    """A path as text: ``loops.ph.legs.0``."""
    return ".".join(map(str, path))


def nearest(word: str, known: Sequence[str]) -> str:
    """A hint naming the known words nearest to ``word``, or some of them when none is near; empty without any and
    where there are too many to compare.
    """
    if not known or len(known) > _MOST_NAMES:
        return ""
    from difflib import get_close_matches

    plain = {one.lower(): one for one in reversed(known)}
    if near := get_close_matches(word.lower(), plain, n=2, cutoff=0.6):
        return f"did you mean {' or '.join(plain[one] for one in near)}?"
    listed = ", ".join(sorted(known)[:12]) + (", …" if len(known) > 12 else "")
    return f"known: {listed}"
