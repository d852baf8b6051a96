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


class Truth(NamedTuple):
    """A statement: ``evaluate`` decides it, ``explain`` says it with the values of the moment."""

    evaluate: Evaluate
    explain: Explain
    compound: bool = False


def comparison(sign: str, left: Amount, right: Amount) -> Truth:
    """``left sign right``; unknown when either side is. Raises :class:`Clash`."""
    one, other = comparable(left, right)
    return Truth(_compare(_COMPARE[sign], one.get, other.get), _say(sign, left, right))


def negation(part: Truth) -> Truth:
    """``not part``; unknown stays unknown."""
    inner = part.evaluate

    def evaluate(read: Reads) -> bool | None:
        """The truth now."""
        truth = inner(read)
        return None if truth is None else not truth

    return Truth(evaluate, lambda read: f"not ({part.explain(read)})")


def conjunction(parts: Sequence[Truth]) -> Truth:
    """False as soon as one part is, else unknown as soon as one part is."""
    return Truth(_joined([part.evaluate for part in parts], decisive=False), _say_all(" and ", parts), compound=True)


def disjunction(parts: Sequence[Truth]) -> Truth:
    """True as soon as one part is, else unknown as soon as one part is."""
    return Truth(_joined([part.evaluate for part in parts], decisive=True), _say_all(" or ", parts), compound=True)


def number(value: float) -> str:
    """A value as the live text shows it."""
    if isnan(value):
        return "unknown"
    return f"{value:.2f}" if value == 0 or abs(value) >= 0.01 else f"{value:.3g}"


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
    suffix = "" if unit.text == "1" else f" {unit.text}"

    def explain(read: Reads) -> str:
        """The statement now."""
        one, other = (
            number(side.get(read)) if side.constant is not None else f"{side.source} {number(side.get(read))}"
            for side in sides
        )
        return f"{one} {sign} {other}{suffix}"

    return explain
