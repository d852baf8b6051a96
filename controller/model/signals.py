"""Signals: what control may look at, by number: every tag, then the setpoint and then the output of every loop."""

from __future__ import annotations

from collections.abc import Iterable, Mapping


class SignalIndex:
    """Numbers of signals in a site of ``tags`` tags (by full name) and the loops ``loops`` (full names, in order)."""

    def __init__(self, tags: Mapping[str, int], loops: Iterable[str]) -> None:
        self._tags = tags
        self._loops = {name: row for row, name in enumerate(loops)}

    def of(self, vessel: str, name: str) -> int:
        """The number of a tag, of ``<loop>.sp`` or of ``<loop>.op`` of a vessel. Raises ``KeyError``."""
        loop, dot, part = name.partition(".")
        if not dot:
            return self._tags[f"{vessel}.{name}"]
        row = self._loops[f"{vessel}.{loop}"]
        return len(self._tags) + row + (len(self._loops) if part == "op" else 0)
