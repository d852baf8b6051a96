"""Three-valued logic: true, false, unknown (``None``), after Kleene; and how each part says what it is now."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from math import isnan
from typing import NamedTuple, TypeAlias

from controller.recipe.amounts import Amount, Getter, Reads, Sense, comparable

Evaluate: TypeAlias = Callable[[Reads], bool | None]
Explain: TypeAlias = Callable[[Reads], str]

_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}


class Edge(NamedTuple):
    """The value ``limit`` of ``name``, in the name's own unit, at which a comparison changes."""

    name: str
    limit: float


class Truth(NamedTuple):
    """A statement: ``evaluate`` decides it, ``explain`` says it with the values of the moment.

    ``edges`` are all that it depends on, or ``None`` where it is not only names that are compared with numbers.
    """

    evaluate: Evaluate
    explain: Explain
    compound: bool = False
    edges: tuple[Edge, ...] | None = None


def comparison(sign: str, left: Amount, right: Amount) -> Truth:
    """``left sign right``; unknown when either side is. Raises :class:`Clash`."""
    one, other = comparable(left, right)
    return Truth(_compare(_COMPARE[sign], one.get, other.get), _say(sign, left, right), edges=_edges(one, other))


def negation(part: Truth) -> Truth:
    """``not part``; unknown stays unknown."""
    inner = part.evaluate

    def evaluate(read: Reads) -> bool | None:
        """The truth now."""
        truth = inner(read)
        return None if truth is None else not truth

    return Truth(evaluate, lambda read: f"not ({part.explain(read)})", edges=part.edges)


def conjunction(parts: Sequence[Truth]) -> Truth:
    """False as soon as one part is, else unknown as soon as one part is."""
    evaluate = _joined([part.evaluate for part in parts], decisive=False)
    return Truth(evaluate, _say_all(" and ", parts), compound=True, edges=_all_edges(parts))


def disjunction(parts: Sequence[Truth]) -> Truth:
    """True as soon as one part is, else unknown as soon as one part is."""
    evaluate = _joined([part.evaluate for part in parts], decisive=True)
    return Truth(evaluate, _say_all(" or ", parts), compound=True, edges=_all_edges(parts))


def number(value: float, limit: float = 0.0) -> str:
    """A value as the live text shows it, no finer than the ``limit`` beside it where that is 1 or more."""
    if isnan(value):
        return "unknown"
    if abs(limit) >= 1.0:
        return f"{value:.2f}"
    return f"{value:.2f}" if value == 0 or abs(value) >= 0.01 else f"{value:.3g}"


def _edges(one: Amount, other: Amount) -> tuple[Edge, ...] | None:
    for side, limit in ((one, other.constant), (other, one.constant)):
        if side.name and limit is not None:
            return (Edge(side.name, limit),)
    return None


def _all_edges(parts: Sequence[Truth]) -> tuple[Edge, ...] | None:
    edges: list[Edge] = []
    for part in parts:
        if part.edges is None:
            return None
        edges += part.edges
    return tuple(edges)


def _compare(compare: Callable[[float, float], bool], left: Getter, right: Getter) -> Evaluate:
    def evaluate(read: Reads) -> bool | None:
        """The truth now."""
        a = left(read)
        b = right(read)
        if isnan(a) or isnan(b):
            return None
        return compare(a, b)

    return evaluate


def _joined(parts: Sequence[Evaluate], *, decisive: bool) -> Evaluate:
    def evaluate(read: Reads) -> bool | None:
        """The truth now."""
        result: bool | None = not decisive
        for part in parts:
            truth = part(read)
            if truth is decisive:
                return decisive
            if truth is None:
                result = None
        return result

    return evaluate


def _say_all(word: str, parts: Sequence[Truth]) -> Explain:
    def explain(read: Reads) -> str:
        """The statement now."""
        return word.join(f"({part.explain(read)})" if part.compound else part.explain(read) for part in parts)

    return explain


def _say(sign: str, left: Amount, right: Amount) -> Explain:
    """Both sides in the unit of the one that was written as a number: "elapsed 3.20 > 6.00 h"."""
    point = Sense.DIFFERENCE not in {left.sense, right.sense}
    unit = left.unit if left.constant is not None else right.unit if right.constant is not None else left.unit
    sides = [side.to(unit, point=point) for side in (left, right)]
    limits = [side.constant for side in reversed(sides)]
    suffix = "" if unit.text == "1" else f" {unit.text}"

    def explain(read: Reads) -> str:
        """The statement now."""
        values = [side.get(read) for side in sides]
        one, other = (
            number(value) if side.constant is not None else f"{side.source} {number(value, limit or 0.0)}"
            for side, value, limit in zip(sides, values, limits, strict=True)
        )
        return f"{one} {sign} {other}{suffix}"

    return explain
