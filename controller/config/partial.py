"""A tree without what is wrong in it, so that the rest can still be checked; remembers where everything was."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from controller.config.location import path_in
from controller.config.problems import Path
from controller.config.source import Tree

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails


def related(one: Path, other: Path) -> bool:
    """Whether one of two paths leads to the other."""
    shorter = min(len(one), len(other))
    return one[:shorter] == other[:shorter]


@dataclass(slots=True)
class Pruned:
    """A copy of ``whole`` without some entries. ``cuts`` are the original paths of entries that were wrong, ``extras``
    of those that nobody knows; ``placeholders`` stand in for keys at the top that must be there.
    """

    whole: Tree
    placeholders: Mapping[str, Tree]
    tree: Tree = None
    cuts: set[Path] = field(default_factory=set)
    extras: set[Path] = field(default_factory=set)
    _filled: dict[str, Tree] = field(default_factory=dict)
    _kept: dict[Path, list[int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.rebuild()

    def original(self, path: Path) -> Path:
        """Where something of the pruned tree is in the whole one."""
        result: list[str | int] = []
        for depth, key in enumerate(path):
            kept = self._kept.get(path[:depth])
            result.append(kept[key] if kept is not None and isinstance(key, int) and key < len(kept) else key)
        return tuple(result)

    def cut(self, error: ErrorDetails) -> bool:
        """Take out what a validation error complains of; ``False`` when nothing would be left."""
        missing = error["type"] == "missing"
        path = self.original(path_in(self.tree, error["loc"], missing=missing))
        if error["type"] == "extra_forbidden":
            self.extras.add(path)
            return True
        if missing and len(path) == 1 and path[0] in self.placeholders:
            self._filled[str(path[0])] = self.placeholders[str(path[0])]
            self.cuts.add(path)
            return True
        path = path[:-1] if missing else path
        self.cuts.add(path)
        return path != ()

    def rebuild(self) -> None:
        """Make ``tree`` anew, without all that was cut."""
        self._kept.clear()
        self.tree = self._copy(self.whole, (), ())
        if isinstance(self.tree, dict):
            self.tree.update(self._filled)

    def _copy(self, part: Tree, path: Path, new_path: Path) -> Tree:
        gone = self.cuts | self.extras
        if isinstance(part, dict):
            return {
                key: self._copy(value, (*path, key), (*new_path, key))
                for key, value in part.items()
                if (*path, key) not in gone
            }
        if isinstance(part, list):
            kept = [index for index in range(len(part)) if (*path, index) not in gone]
            self._kept[new_path] = kept
            return [self._copy(part[old], (*path, old), (*new_path, new)) for new, old in enumerate(kept)]
        return part
