"""Checks of the procedure as a whole: every operation is reached, ends in time, and leads on."""

from __future__ import annotations

import math
from collections.abc import Sequence

from controller.config.problems import Path
from controller.recipe.checker import RecipeChecker
from controller.recipe.conditions import Condition
from controller.recipe.model import OperationConfig
from controller.recipe.symbols import ELAPSED
from controller.recipe.vocabulary import END, HOLD

ENDLESS = frozenset({"count_cells", "feed_by_count", "exponential_feed"})
"""Phases that go on until the operation ends."""


def check_flow(check: RecipeChecker) -> None:
    """Names, targets, reachability, time-outs."""
    target = check.condition(("target",), check.config.target)
    if target is not None and ELAPSED in target.names:
        hint = "say what a batch is to have reached, such as viable_density >= target_density"
        check.problem(("target",), f"target: {ELAPSED!r} is the time of an operation, not of the batch", hint)
    if not check.config.procedure:
        check.problem(("procedure",), "the procedure has no operations")
        return
    _names(check)
    for index, operation in enumerate(check.config.procedure):
        _targets(check, ("procedure", index), operation)
        conditions = [
            check.condition(("procedure", index, "until", row, "when"), one.when)
            for row, one in enumerate(operation.until)
        ]
        _way_out(check, ("procedure", index), operation, conditions)
    _reachable(check)


def _names(check: RecipeChecker) -> None:
    seen: set[str] = set()
    for index, operation in enumerate(check.config.procedure):
        path: Path = ("procedure", index, "operation")
        if operation.operation in {HOLD, END}:
            check.problem(path, f"{operation.operation!r} is a word of the language", "give it another name")
        if operation.operation in seen:
            check.problem(path, f"there is an operation {operation.operation!r} already")
        seen.add(operation.operation)


def _targets(check: RecipeChecker, path: Path, operation: OperationConfig) -> None:
    known = check.bound.document.names(("procedure",), "operation")
    if operation.then is not None:
        check.known((*path, "then"), operation.then, [*known, END], "operation")
    for index, transition in enumerate(operation.until):
        check.known((*path, "until", index, "then"), transition.then, [*known, END, HOLD], "operation")


def _way_out(
    check: RecipeChecker, path: Path, operation: OperationConfig, conditions: Sequence[Condition | None]
) -> None:
    """Something leads on even when nothing that is measured is known: a time-out, or phases that all end."""
    name = operation.operation
    written = check.bound.document.at(check.bound.pruned.original(path))
    if not isinstance(written, dict) or not (written.get("until") or written.get("then")):
        check.problem((*path, "operation"), f"nothing leads out of {name!r}", "add then: or until:")
        return
    if operation.then is not None and not any(phase.kind in ENDLESS for phase in operation.do):
        return
    # A condition that could not be compiled is reported as such; whether it is the time-out cannot be said.
    understood = [condition for condition in conditions if condition is not None]
    if len(understood) == len(conditions) and not any(_times_out(condition) for condition in understood):
        hint = "add a transition such as when: elapsed > 6 h"
        check.problem((*path, "operation"), f"{name!r} may never end: it has no time-out", hint)


def _times_out(condition: Condition) -> bool:
    """Whether the condition becomes true by the passing of time alone."""
    return condition.evaluate(lambda name: (1e12, 0) if name == ELAPSED else (math.nan, 2)) is True


def _reachable(check: RecipeChecker) -> None:
    names = check.bound.document.names(("procedure",), "operation")
    onward = {one.operation: [_meant(name, names) for name in _leads_to(one)] for one in check.config.procedure}
    reached: set[str] = set()
    ahead = [check.config.procedure[0].operation]
    while ahead:
        name = ahead.pop()
        if name not in reached:
            reached.add(name)
            ahead.extend(onward.get(name, ()))
    for index, operation in enumerate(check.config.procedure):
        if operation.operation not in reached:
            message = f"{operation.operation!r} is never reached"
            check.problem(("procedure", index, "operation"), message, "no then: before it leads here")
    if END not in reached and reached <= {*onward, HOLD}:
        check.problem(("procedure",), "the batch never ends", "let an operation lead on to end")


def _leads_to(operation: OperationConfig) -> list[str]:
    return [*(one.then for one in operation.until), *([operation.then] if operation.then is not None else [])]


def _meant(name: str, names: Sequence[str]) -> str:
    """The operation that a name stands for, so that a misspelt one does not cut off all that follows."""
    if name in {*names, END, HOLD}:
        return name
    from difflib import get_close_matches

    return next(iter(get_close_matches(name, [*names, END], n=1)), name)
