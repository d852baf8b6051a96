"""How a calculated tag comes about: its model, that model's version, and what it is calculated from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

LARGEST = 1.7976931348623157e308


class Input(NamedTuple):
    """One input: the model's word for it, the row of the tag, and how the tag's value becomes the model's,
    ``gain * value + offset``.
    """

    name: str
    row: int
    gain: float = 1.0
    offset: float = 0.0


@dataclass(frozen=True, slots=True)
class Calculation:
    """A tag's value is ``gain`` times what ``model`` in its ``version`` makes of the ``inputs``; ``parameters`` are in
    the model's units, ``options`` choose between its forms. Outside ``low`` .. ``high``, in the tag's unit, it is Bad.
    """

    model: str
    version: int
    inputs: tuple[Input, ...]
    parameters: Mapping[str, float] = field(default_factory=dict)
    options: Mapping[str, str] = field(default_factory=dict)
    gain: float = 1.0
    low: float = -LARGEST
    high: float = LARGEST

    @property
    def name(self) -> str:
        """``our_gas_balance 1``: what a record names it by."""
        return f"{self.model} {self.version}"


def in_order(depends: Mapping[int, Iterable[int]]) -> list[list[int]]:
    """The keys in groups, each after everything that it depends on; what is no key is there from the start. Raises
    ``ValueError`` for a circle.
    """
    left = {row: set(rows) & depends.keys() for row, rows in depends.items()}
    groups: list[list[int]] = []
    while left:
        free = [row for row, rows in left.items() if not rows & left.keys()]
        if not free:
            raise ValueError(f"calculated from each other in a circle: rows {sorted(left)}")
        groups.append(free)
        for row in free:
            del left[row]
    return groups


def origins(row: int, depends: Mapping[int, Sequence[int]]) -> list[int]:
    """The rows that are no keys, from which ``row`` is calculated in the end, without repetitions."""
    found: dict[int, None] = {}
    waiting = [row]
    while waiting:
        for one in depends[waiting.pop()]:
            if one in depends:
                waiting.append(one)
            else:
                found[one] = None
    return list(found)
