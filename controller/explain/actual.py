"""The mode that a loop really is in, beside the one it was commanded into, and why.

Tracking and held are never commanded, as in the function blocks of IEC 61804 (local override and initialisation
manual): a loop that tracks takes what others make of its output; one that is held cannot act.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from controller.explain.words import said
from controller.model.loops import Loop
from controller.model.site import Site
from controller.stages.interlocks import Hold
from controller.stages.loop_state import LoopState, Mode

TRACKING, HELD = "tracking", "held"
ACTUAL = (TRACKING, HELD)
"""The actual modes that nobody can command."""


class OutputFacts(NamedTuple):
    """What holds, guards, does not obey or refuses, by row of the output table; and the rows that can be reached."""

    holds: Mapping[int, Hold]
    guarded: Mapping[int, str]
    astray: Mapping[int, tuple[float, float]]
    refused: Mapping[int, str]
    ready: Collection[int]


class Actual(NamedTuple):
    """The word of the actual mode, and its reason."""

    word: str
    reason: str


def actual_mode(
    site: Site,
    row: int,
    states: Sequence[LoopState],
    outputs: OutputFacts,
) -> Actual:
    """What loop ``row`` really does: interlocks and dose guards have the last word, then comes what it lacks, then its
    actuators and slaves, then its mode.
    """
    loop, state, astray = site.loops.rows[row], states[row], outputs.astray
    reached = [output for output in loop.moves if output in outputs.ready]
    held = [hold_text(site, output, outputs.holds[output]) for output in reached if output in outputs.holds]
    held += [guard_text(site, output, outputs.guarded[output]) for output in reached if output in outputs.guarded]
    if held:
        return Actual(TRACKING, "; ".join(held))
    if state.suspended:
        return Actual(HELD, state.suspended)
    wrong = [_astray(site, output, *astray[output]) for output in loop.moves if output in astray]
    if wrong:
        return Actual(TRACKING, "; ".join(wrong))
    if state.mode > Mode.OFF and left_alone(loop, states):
        return Actual(TRACKING, unfollowed(site, loop, states))
    return Actual(state.mode.word, state.reason)


def hold_text(site: Site, output: int, hold: Hold) -> str:
    """What an interlock does to one output."""
    value = said(hold.value, site.outputs.rows[output].unit)
    return f"interlock {hold.interlock.title} holds {output_title(site, output)} at {value} ({hold.text})"


def guard_text(site: Site, output: int, why: str) -> str:
    """What a dose guard does to one output."""
    row = site.outputs.rows[output]
    return f"dose guard holds {output_title(site, output)} at {said(row.safe, row.unit)} ({why})"


def left_alone(loop: Loop, states: Sequence[LoopState]) -> bool:
    """Whether a loop moves other loops only, and none of them follows it."""
    slaves = loop.slaves
    return bool(slaves) and not loop.moves and all(states[slave].mode is not Mode.CASCADE for slave in slaves)


def unfollowed(site: Site, loop: Loop, states: Sequence[LoopState]) -> str:
    """Why nothing follows a loop that moves loops only."""
    return " and ".join(_is_in(site, slave, states) for slave in loop.slaves) + ", so nothing follows"


def output_title(site: Site, output: int) -> str:
    """What people call an output."""
    return site.tags.tags[site.outputs.rows[output].tag].title


def _is_in(site: Site, slave: int, states: Sequence[LoopState]) -> str:
    return f"{site.loops.rows[slave].title} is {mode_words(states[slave].mode)}"


def mode_words(mode: Mode) -> str:
    """A mode after "is": ``in manual``, ``off``, ``out of service``."""
    words = mode.word.replace("_", " ")
    return words if mode <= Mode.OFF else f"in {words}"


def _astray(site: Site, output: int, read: float, asked: float) -> str:
    unit = site.outputs.rows[output].unit
    return f"{output_title(site, output)} reads back {said(read, unit)} instead of {said(asked, unit)}"
