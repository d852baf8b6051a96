"""The state machine of a batch (ISA-88 / IEC 61512), as one table.

The table is the requirement: the engine looks every command up in it, and the tests walk every cell.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple


class State(StrEnum):
    """Where a batch is."""

    IDLE = "Idle"
    RUNNING = "Running"
    COMPLETE = "Complete"
    PAUSING = "Pausing"
    PAUSED = "Paused"
    HOLDING = "Holding"
    HELD = "Held"
    RESTARTING = "Restarting"
    STOPPING = "Stopping"
    STOPPED = "Stopped"
    ABORTING = "Aborting"
    ABORTED = "Aborted"


class Kind(StrEnum):
    """What a state waits for: a command, its own end, or nothing any more."""

    QUIESCENT = "quiescent"
    TRANSIENT = "transient"
    FINAL = "final"


class Action(StrEnum):
    """What a batch can be told."""

    START = "start"
    PAUSE = "pause"
    RESUME = "resume"
    HOLD = "hold"
    RESTART = "restart"
    STOP = "stop"
    ABORT = "abort"
    RESET = "reset"


class Row(NamedTuple):
    """One state: its kind, where it ends by itself, what a command leads to, and its watchdog.

    ``watchdog_s`` is the longest process time in a transient state; infinite for Running, whose end the recipe's
    own transitions guard.
    """

    kind: Kind
    ends_in: State | None
    commands: Mapping[Action, State]
    watchdog_s: float = float("inf")


_END = {Action.STOP: State.STOPPING, Action.ABORT: State.ABORTING}
_HOLD = {Action.HOLD: State.HOLDING, **_END}

TABLE: Mapping[State, Row] = {
    State.IDLE: Row(Kind.QUIESCENT, None, {Action.START: State.RUNNING}),
    State.RUNNING: Row(Kind.TRANSIENT, State.COMPLETE, {Action.PAUSE: State.PAUSING, **_HOLD}),
    State.COMPLETE: Row(Kind.FINAL, None, {Action.RESET: State.IDLE}),
    State.PAUSING: Row(Kind.TRANSIENT, State.PAUSED, _HOLD, 600.0),
    State.PAUSED: Row(Kind.QUIESCENT, None, {Action.RESUME: State.RUNNING, **_HOLD}),
    State.HOLDING: Row(Kind.TRANSIENT, State.HELD, _END, 120.0),
    State.HELD: Row(Kind.QUIESCENT, None, {Action.RESTART: State.RESTARTING, **_END}),
    State.RESTARTING: Row(Kind.TRANSIENT, State.RUNNING, _HOLD, 120.0),
    State.STOPPING: Row(Kind.TRANSIENT, State.STOPPED, {Action.ABORT: State.ABORTING}, 120.0),
    State.STOPPED: Row(Kind.FINAL, None, {Action.ABORT: State.ABORTING, Action.RESET: State.IDLE}),
    State.ABORTING: Row(Kind.TRANSIENT, State.ABORTED, {}, 120.0),
    State.ABORTED: Row(Kind.FINAL, None, {Action.RESET: State.IDLE}),
}

REACHED: Mapping[Action, frozenset[State]] = {
    Action.START: frozenset({State.RUNNING}),
    Action.PAUSE: frozenset({State.PAUSING, State.PAUSED}),
    Action.RESUME: frozenset({State.RUNNING}),
    Action.HOLD: frozenset({State.HOLDING, State.HELD}),
    Action.RESTART: frozenset({State.RESTARTING, State.RUNNING}),
    Action.STOP: frozenset({State.STOPPING, State.STOPPED}),
    Action.ABORT: frozenset({State.ABORTING, State.ABORTED}),
    Action.RESET: frozenset({State.IDLE}),
}
"""The states in which a command has already reached what it asks for; there it is accepted and changes nothing."""


def target(state: State, action: Action) -> State | None:
    """Where ``action`` leads from ``state``: ``state`` itself when it is there already, ``None`` when refused."""
    allowed = TABLE[state].commands.get(action)
    if allowed is not None:
        return allowed
    return state if state in REACHED[action] else None


def allowed(state: State) -> tuple[str, ...]:
    """The commands that change something in ``state``."""
    return tuple(action.value for action in Action if action in TABLE[state].commands)


def is_final(state: State) -> bool:
    """Whether a batch in ``state`` is over, and its vessel free for another."""
    return TABLE[state].kind is Kind.FINAL
