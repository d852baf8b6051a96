"""What a kind of program is: a pure function from values, parameters and its own memory to a rate."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, NamedTuple

from controller.frame import F8
from controller.stages.programs.run import Run

NO_LIMIT = 60.0
"""Exponents are cut here: e^60 times anything is beyond every pump, and exp() itself would overflow after months."""


class Missing(ValueError):
    """What a program lacks to begin; the message says what."""


@dataclass(slots=True)
class Now:
    """What all running programs of one kind see in one scan; arrays of shape ``(running,)``.

    ``runs`` are the programs themselves. ``hours`` is each program's own time, ``dt_h`` the hours since the last scan,
    ``delivered`` the amount that was delivered in them. ``parameters`` and ``signals`` are NaN where not given or not
    valid; ``memory`` is kept from scan to scan and may be changed. ``per_litre`` is the loop's rate for 1 L/h,
    ``litres`` what one amount is; ``disturbed`` is above 0 where the values say little now. ``told`` takes what has to
    go on record: which program, and the text.
    """

    runs: Sequence[Run]
    hours: F8
    dt_h: float
    delivered: F8
    parameters: Mapping[str, F8]
    signals: Mapping[str, F8]
    memory: dict[str, F8]
    per_litre: F8
    litres: F8
    disturbed: F8
    told: list[tuple[int, str]] = field(default_factory=list)


class Start(NamedTuple):
    """What a program begins with: its parameters and the values of the moment, NaN where not given or not valid."""

    parameters: Mapping[str, float]
    signals: Mapping[str, float]
    per_litre: float


class Kind(ABC):
    """A kind of program. ``memory`` are the names of what it remembers. ``steady``: while it waits, its last rate may
    go on; one that is not gives single doses, feeds nothing while it waits, and keeps its memory in its run itself.
    ``watches``: it follows the culture also while it waits, since cells do not.
    """

    memory: ClassVar[tuple[str, ...]] = ()
    steady: ClassVar[bool] = True
    watches: ClassVar[bool] = False

    def reads(self, parameters: Mapping[str, float]) -> tuple[str, ...]:
        """The signals that it reads while it runs with these parameters."""
        del parameters
        return ()

    def begin(self, start: Start) -> dict[str, float]:
        """What it remembers at the start. Raises :class:`Missing`."""
        del start
        return {}

    @abstractmethod
    def rate(self, now: Now) -> F8:
        """The rate of each program in its loop's unit; NaN where a value is missing that decides it."""

    def away(self, memory: dict[str, float], hours: float) -> None:
        """Nothing ran for so long, and a steady program goes on. Most kinds have nothing to make up for."""
        del memory, hours

    def interrupt(self, memory: dict[str, float]) -> None:
        """It no longer runs, for how long nobody knows. Most kinds have nothing to forget."""
        del memory

    def waits(self, memory: Mapping[str, float]) -> str:
        """Why it does not go on besides a value that is missing; "" when there is no such reason."""
        del memory
        return ""
