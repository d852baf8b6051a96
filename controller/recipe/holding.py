"""How a batch stops what must not run while it is held, sees that it has, and brings it back.

What is stopped was found in some mode, at some setpoint or output; so it comes back, and nothing else does.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Set
from typing import TYPE_CHECKING

from controller.commands import EventType
from controller.recipe.reader import AUTO, CASCADE, ENGAGED, MANUAL, OFF, REMOTE
from controller.recipe.run import Run
from controller.recipe.vocabulary import driven_by

if TYPE_CHECKING:
    from controller.recipe.control import ControlRecipe

AGAIN_S = 30.0
"""Process time after which a held batch tells a loop again to stop that is not seen to have stopped."""


def note_found(run: Run, recipe: ControlRecipe) -> None:
    """Remember how the loops run that a hold stops, unless that is known: a restart that was held did not finish."""
    batch = run.batch
    if batch.found_modes:
        return
    for loop in recipe.feeds:
        batch.found_modes[loop] = mode = run.mode(loop)
        value = run.number(f"{loop}.op" if mode == MANUAL else f"{loop}.sp")
        if math.isfinite(value):
            batch.found_values[loop] = value


def stop_until_seen(run: Run, recipe: ControlRecipe) -> None:
    """Stop what must not run while the batch is held, and tell those again that are not seen to have stopped. What an
    operator feeds by hand later, in a batch that is held, is the operator's.
    """
    batch = run.batch
    if batch.feeds_off:
        return
    if not batch.issued:
        stop_feeds(run, recipe, recipe.feeds, "hold")
        return
    feeding = still_feeding(run, recipe)
    if not feeding:
        batch.feeds_off = True
        return
    before, batch.feeding_s = batch.feeding_s, batch.feeding_s + run.dt
    if batch.feeding_s // AGAIN_S > before // AGAIN_S:
        if before < AGAIN_S:
            _tell_feeding(run, feeding)
        stop_feeds(run, recipe, feeding, "hold")


def stop_feeds(run: Run, recipe: ControlRecipe, loops: Iterable[str], step: str) -> None:
    """Propose that ``loops`` stop, together. None is switched on for that, and what people work on is left to them.

    A setpoint of 0 is proposed also to a loop that is off: what would switch it on may be on its way.
    """
    for loop in loops:
        mode = run.mode(loop)
        if mode not in {OFF, *ENGAGED}:
            continue
        by_zero = recipe.feeds[loop].by_zero
        if by_zero:
            run.ask_setpoint(loop, 0.0, step)
        if not by_zero or mode in {MANUAL, CASCADE}:
            run.set_mode(loop, OFF, step)
    run.batch.issued = True


def still_feeding(run: Run, recipe: ControlRecipe) -> list[str]:
    """The loops that are not known to have stopped. An output that an interlock holds at zero does not count alone,
    because it comes back.
    """
    return [loop for loop in recipe.feeds if not _has_stopped(run, recipe, loop)]


def bring_back(run: Run, recipe: ControlRecipe, moved: Set[str]) -> None:
    """Let what the hold stopped run as it did. ``moved`` are the loops that the operation's phases bring back.

    Where a restart of the supervisor came before, it left the loops off, or kept commands from acting: there, what the
    recipe had in force is put in force again, itself or through a loop that it drives. Nobody else's loop is touched.
    """
    batch = run.batch
    found = [loop for loop in batch.found_modes if loop not in moved and loop not in batch.missed]
    # A master is to run before those that follow it.
    for loop in sorted(found, key=lambda one: batch.found_modes[one] == CASCADE):
        _bring_back(run, loop)
    # They stay wanted until the batch runs, because this restart may be held as well.
    batch.missed = [*dict.fromkeys([*batch.missed, *(loop for loop in recipe.feeds if loop not in batch.found_modes)])]
    wanted = {*batch.missed}
    for loop in batch.setpoints:
        if loop not in moved and wanted & {loop, *driven_by(recipe.vessel_class, loop)}:
            run.set_loop(loop, batch.setpoints[loop], "restart")


def _bring_back(run: Run, loop: str) -> None:
    """One loop. A program that people began is theirs to begin again."""
    mode, value = run.batch.found_modes[loop], run.batch.found_values.get(loop)
    if mode == REMOTE:
        text = f"{run.batch.id}: the program of {run.batch.vessel}.{loop} is not the operation's and stays ended"
        run.tell(EventType.MESSAGE, "Status Change", text, value=loop, reason="begin it again if it is wanted")
    elif mode == AUTO and value is not None:
        run.engage(loop, value, "restart")
    elif mode in ENGAGED:
        run.set_mode(loop, mode, "restart")
        if mode == MANUAL and value is not None:
            run.set_output(loop, value, "restart")


def _has_stopped(run: Run, recipe: ControlRecipe, loop: str) -> bool:
    stop = recipe.feeds[loop]
    is_off = run.mode(loop) not in ENGAGED
    if not is_off and not (stop.by_zero and run.mode(loop) == AUTO and run.number(f"{loop}.sp") <= 0.0):
        return False
    return stop.most == math.inf or run.number(f"{loop}.op") <= stop.most


def _tell_feeding(run: Run, feeding: Iterable[str]) -> None:
    names = ", ".join(f"{run.batch.vessel}.{loop}" for loop in feeding)
    text = f"{run.batch.id}: {names} was told to stop and is not seen at zero after {AGAIN_S:.0f} s: check the pump"
    run.tell(EventType.MESSAGE, "Status Change", text, value=names, reason="told again until it is")
