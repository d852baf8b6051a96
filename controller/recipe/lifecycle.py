"""What a batch does in each state, one scan at a time: the procedure while it runs, and the ways in and out of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from controller.commands import Event, EventType
from controller.recipe.batch import Batch
from controller.recipe.holding import bring_back, note_found, still_feeding, stop_feeds, stop_until_seen
from controller.recipe.rest import Rest
from controller.recipe.run import Run, event
from controller.recipe.states import TABLE, State
from controller.recipe.vocabulary import END, HOLD, SAMPLE_NUMBER

if TYPE_CHECKING:
    from controller.recipe.control import ControlRecipe, Operation

CLOCKED = frozenset({State.RUNNING, State.PAUSING, State.PAUSED, State.RESTARTING})
"""The states in which the operation's time goes on; while a batch is held nothing the recipe counts on goes on."""


def step(run: Run, recipe: ControlRecipe) -> None:
    """One scan of one batch."""
    batch = run.batch
    run.note_samples()
    if is_clocked(batch):
        batch.elapsed_s += run.dt
        batch.operation_elapsed_s += run.dt
    batch.state_s += run.dt
    _STEPS.get(batch.state, _rest)(run, recipe)
    _watch(run)


def is_clocked(batch: Batch) -> bool:
    """Whether the operation's time goes on."""
    return batch.state in CLOCKED and batch.operation is not None


def rests(rest: Rest, recipe: ControlRecipe) -> bool:
    """Whether :func:`step` only lets time pass for a batch as long as ``rest`` holds."""
    run, batch = rest.run, rest.run.batch
    if SAMPLE_NUMBER in run.vessel_class.measurements and not rest.value(SAMPLE_NUMBER):
        return False
    if batch.state is State.RUNNING:
        operation = recipe.operation(batch.operation)
        return operation is not None and operation.rests(rest)
    return batch.state not in _STEPS or (batch.state is State.HELD and batch.feeds_off)


def enter(run: Run, state: State, reason: str = "") -> None:
    """Go to ``state`` by itself and put that on record."""
    run.events.append(change_state(run.batch, state, reason))


def change_state(batch: Batch, state: State, reason: str = "", *, who: str = "", command: int = 0) -> Event:
    """Put ``batch`` into ``state``; gives the event that says so."""
    text = f"{batch.id}: {batch.state} → {state}"
    previous, batch.state = batch.state, state
    batch.state_s = 0.0
    batch.issued = False
    if state is State.HOLDING:
        batch.held_reason = reason
        batch.feeds_off, batch.feeding_s = False, 0.0
    elif state is State.RUNNING:
        batch.held_reason = ""
        batch.found_modes, batch.found_values, batch.missed = {}, {}, []
    return event(
        batch,
        EventType.PROCEDURAL,
        "State Change",
        text,
        value=state.value,
        previous=previous.value,
        reason=reason,
        who=who,
        command=command,
    )


def _rest(run: Run, recipe: ControlRecipe) -> None:
    """Quiescent and final states do nothing."""


def _run(run: Run, recipe: ControlRecipe) -> None:
    if run.batch.operation is None:
        _begin(run, recipe)
        return
    operation = recipe.operations[run.batch.operation]
    onward = operation.next(run)
    if onward is None:
        for phase in operation.phases:
            phase.step(run)
        return
    target, transition = onward
    because = (transition.because or transition.when.text) if transition else "all its phases are done"
    if transition is not None and target == HOLD:
        transition.passed = True
        enter(run, State.HOLDING, because)
        return
    run.belongs = "" if target == END else target
    _leave(run, operation)
    if target == END:
        _complete(run, recipe, because)
    else:
        _enter_operation(run, recipe.operations[target], because)


def _begin(run: Run, recipe: ControlRecipe) -> None:
    """The first operation, or the one to begin at, with everything in force that the ones before it set."""
    first = next(iter(recipe.operations))
    name = run.batch.begin_at or first
    run.belongs = name
    for phase in recipe.setpoints_before(name):
        phase.start(run)
    _enter_operation(run, recipe.operations[name], "the batch starts")


def _enter_operation(run: Run, operation: Operation, because: str) -> None:
    batch = run.batch
    previous, batch.operation, batch.operation_elapsed_s = batch.operation, operation.name, 0.0
    text = f"{batch.id}: {operation.title}"
    run.tell(EventType.PROCEDURAL, "State Change", text, value=operation.name, previous=previous, reason=because)
    operation.start(run)


def _leave(run: Run, operation: Operation) -> None:
    for phase in operation.phases:
        phase.stop(run)
    if operation.name not in run.batch.done:
        run.batch.done.append(operation.name)


def _complete(run: Run, recipe: ControlRecipe, because: str) -> None:
    enter(run, State.COMPLETE, because)
    _switch_off(run, recipe, "end")
    run.batch.operation = None


def _pause(run: Run, recipe: ControlRecipe) -> None:
    """Go on until nothing is in the middle of something, then rest."""
    operation = recipe.operation(run.batch.operation)
    phases = operation.phases if operation else []
    for phase in phases:
        if phase.busy or phase.keeps_control:
            phase.step(run)
    if not any(phase.busy for phase in phases):
        enter(run, State.PAUSED)


def _paused(run: Run, recipe: ControlRecipe) -> None:
    operation = recipe.operation(run.batch.operation)
    for phase in operation.phases if operation else []:
        if phase.keeps_control:
            phase.step(run)


def _hold(run: Run, recipe: ControlRecipe) -> None:
    """Stop the feeds; arrive when they are seen to have stopped. Everything else goes on being controlled."""
    note_found(run, recipe)
    stop_until_seen(run, recipe)
    if run.batch.feeds_off:
        enter(run, State.HELD, run.batch.held_reason)
        run.batch.issued = True


def _held(run: Run, recipe: ControlRecipe) -> None:
    """Nothing may be fed, whatever was on its way: also after a restart of the supervisor, or an unconfirmed hold."""
    stop_until_seen(run, recipe)


def _restart(run: Run, recipe: ControlRecipe) -> None:
    """Put the operation's setpoints in force again, then run."""
    if run.batch.issued:
        enter(run, State.RUNNING)
        return
    run.batch.issued = True
    operation = recipe.operation(run.batch.operation)
    if operation is None:
        return
    moved = {phase.moves for phase in operation.phases}
    bring_back(run, recipe, moved)
    for transition in operation.transitions:
        transition.true_s = None
    for phase in operation.phases:
        phase.resume(run)


def _stop(run: Run, recipe: ControlRecipe) -> None:
    """Stop the feeds first, then switch everything off."""
    if not run.batch.issued:
        stop_feeds(run, recipe, recipe.feeds, "stop")
    elif not still_feeding(run, recipe):
        _switch_off(run, recipe, "stop")
        enter(run, State.STOPPED)


def _abort(run: Run, recipe: ControlRecipe) -> None:
    """Everything off, at once."""
    if not run.batch.issued:
        _switch_off(run, recipe, "abort")
        run.batch.issued = True
    else:
        enter(run, State.ABORTED)


def _switch_off(run: Run, recipe: ControlRecipe, step_name: str) -> None:
    """Every loop of the recipe off: its outputs go to their safe values. Feeds first."""
    loops = dict.fromkeys([*recipe.feeds, *recipe.loops])
    for loop in loops:
        run.set_mode(loop, "off", step_name)
    run.batch.setpoints.clear()


_LATE: Mapping[State, tuple[State, str]] = {
    State.PAUSING: (State.HOLDING, "the pause was not reached in time"),
    State.HOLDING: (State.HELD, "held, but the feeds are not confirmed to be at zero: check the pumps"),
    State.RESTARTING: (State.HOLDING, "the restart took too long"),
    State.STOPPING: (State.ABORTING, "the feeds are not confirmed to be at zero"),
    State.ABORTING: (State.ABORTED, "the end is not confirmed: check the outputs"),
}


def _watch(run: Run) -> None:
    """No transient state lasts for ever."""
    batch = run.batch
    if batch.state in _LATE and batch.state_s > TABLE[batch.state].watchdog_s:
        state, why = _LATE[batch.state]
        run.tell(EventType.MESSAGE, "Status Change", f"{batch.id}: {why}", reason="watchdog")
        enter(run, state, why)
        if state is State.HELD:
            batch.held_reason = f"{batch.held_reason}; {why}"


_STEPS: Mapping[State, Callable[[Run, ControlRecipe], None]] = {
    State.RUNNING: _run,
    State.PAUSING: _pause,
    State.PAUSED: _paused,
    State.HOLDING: _hold,
    State.HELD: _held,
    State.RESTARTING: _restart,
    State.STOPPING: _stop,
    State.ABORTING: _abort,
}
