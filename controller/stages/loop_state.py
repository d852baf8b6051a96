"""What is known of one loop besides its numbers: mode, who holds it and why."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import IntEnum


class Mode(IntEnum):
    """Who decides a loop's output: nobody because it is being worked on, nobody (safe value), the operator, the loop
    itself, its master through it, or a program or host through it.
    """

    OUT_OF_SERVICE = -1
    OFF = 0
    MANUAL = 1
    AUTO = 2
    CASCADE = 3
    REMOTE = 4

    @property
    def word(self) -> str:
        """The mode as commands and pages say it."""
        return self.name.lower()

    @classmethod
    def parse(cls, word: object) -> Mode | None:
        """The mode of that word, or ``None``."""
        return next((mode for mode in cls if mode.word == word), None)


@dataclass(slots=True)
class LoopState:
    """``claimed``: a loop that is off and that nobody has commanded yet leaves its outputs as they are.

    ``adopt``: take over the value that the outputs are found at (as setpoint of a direct loop, as manual output).
    ``unasked``: nobody asked for this mode, a restart or a lost value brought it, and somebody has to decide.
    ``saved_integral`` is what the integral was before an interruption, NaN when nothing is known of it.
    """

    mode: Mode = Mode.OFF
    claimed: bool = False
    adopt: bool = False
    held_by: str = "operator"
    reason: str = "not yet switched on"
    suspended: str = ""
    unasked: bool = False
    revision: int = 0
    saved_integral: float = math.nan
