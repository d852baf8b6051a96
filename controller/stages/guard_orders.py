"""The command that lets a dose guard go: only a person gives it, with a reason, and only to a guard that holds."""

from __future__ import annotations

from controller.commands import Command, Event, Outcome
from controller.stages.dose_guard import DoseGuards
from controller.stages.orders import Change, refused
from controller.stages.orders import recorded as record


def reset_guard(guards: DoseGuards, command: Command) -> tuple[Outcome, Event]:
    """Count anew what the output ``command.target`` gives; the event is for the record, whatever came of it."""
    refusal = _refusal(guards, command)
    if refusal:
        return refused(command, refusal, _held(guards))
    place = guards.names.index(command.target)
    counted = guards.reset(place)
    text = f"{command.target} dose guard reset at {counted:.4g} {guards.unit(place)}: it counts anew"
    change = Change(text, "State Change", "free", "held")
    return Outcome(command, applied=True), record(command, change)


def _refusal(guards: DoseGuards, command: Command) -> str:
    """Why a guard is not reset; empty when it is."""
    if command.target not in guards.names:
        return f"{command.target} is no output with a dose guard"
    if command.source == "recipe":
        return "only a person can reset a dose guard"
    if not command.reason.strip():
        return "a dose guard is reset for a reason only: say why what was given is right"
    if command.target not in _held(guards):
        return f"the dose guard of {command.target} does not hold it"
    return ""


def _held(guards: DoseGuards) -> tuple[str, ...]:
    """The outputs that are held by their guards."""
    return tuple(str(name) for name, row in zip(guards.names, guards.rows, strict=True) if guards.held[row])
