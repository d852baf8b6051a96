"""What a loop cannot be asked for as it is now, and why: told before somebody asks, and refused with the same words."""

from __future__ import annotations

from typing import NamedTuple

from controller.stages.loop_state import Mode
from controller.stages.loops import Loops


class Bar(NamedTuple):
    """Why something is refused, and the modes that would be accepted instead."""

    reason: str
    allowed: tuple[str, ...]


def setpoint_bar(loops: Loops, row: int) -> Bar | None:
    """What keeps a loop from taking a setpoint, ``None`` for nothing."""
    loop, state = loops.table.rows[row], loops.states[row]
    if state.mode is Mode.OUT_OF_SERVICE:
        return Bar(f"{loop.title} is out of service: {state.reason}", ("off",))
    if state.mode is Mode.CASCADE and loop.type != "direct":
        return Bar(f"{loop.title} follows {_master(loops, row)}: set it to auto first", ("auto",))
    return None


def output_bar(loops: Loops, row: int) -> Bar | None:
    """What keeps a loop's output from being set by hand, ``None`` for nothing."""
    mode = loops.states[row].mode
    if mode is Mode.MANUAL:
        return None
    return Bar(f"{loops.table.rows[row].title} is in {mode.word}: its output can be set in manual only", ("manual",))


def mode_bar(loops: Loops, row: int, mode: Mode) -> Bar | None:
    """What keeps a loop from a mode that it has, ``None`` for nothing. What is being worked on is not taken into
    service in passing.
    """
    title, state = loops.table.rows[row].title, loops.states[row]
    if state.mode is Mode.OUT_OF_SERVICE and mode > Mode.OFF:
        return Bar(f"{title} is out of service ({state.reason}): set it to off first", ("off",))
    if mode is Mode.CASCADE and loops.states[loops.table.master[row]].mode <= Mode.OFF:
        return Bar(f"{_master(loops, row)} is off, so there is nothing to follow", ("off", "manual", "auto"))
    return None


def bars(loops: Loops, row: int, modes: list[str]) -> dict[str, str]:
    """Everything that is refused now, with its reason: ``setpoint``, ``output``, and words of ``modes``."""
    found = {"setpoint": setpoint_bar(loops, row), "output": output_bar(loops, row)}
    for mode in Mode:
        if mode.word in modes:
            found[mode.word] = mode_bar(loops, row, mode)
    return {what: bar.reason for what, bar in found.items() if bar is not None}


def _master(loops: Loops, row: int) -> str:
    return loops.table.rows[loops.table.master[row]].title
