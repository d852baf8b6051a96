"""A program that was started on a loop: what it was told, what it remembers, and how far it is."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from controller.commands import Json
from controller.model.programs import Program

Points = tuple[tuple[float, float], ...]


class Numbers(dict[str, float]):
    """Numbers by name; a name that is not there is NaN."""

    def __missing__(self, name: str) -> float:
        return math.nan


@dataclass(slots=True)
class Run:
    """``parameters`` are in the program's units, a word as its place among the choices; ``points`` of a table are hours
    and rates. ``key`` is what a recipe calls this start, so that asking for it again goes on with it. ``delivered`` is
    the amount since it began, ``rate`` what it asks for.

    ``frozen``: somebody lets it wait. ``over`` says why it has ended, ``stands`` why it does not run, ``lacks`` which
    value has been missing for too long.
    """

    program: Program
    parameters: Numbers
    points: Points = ()
    key: str = ""
    memory: dict[str, float] = field(default_factory=dict)
    notes: list[float] = field(default_factory=list)
    hours: float = 0.0
    delivered: float = 0.0
    rate: float = 0.0
    frozen: bool = False
    over: str = ""
    stands: str = ""
    lacks: str = ""

    @property
    def waits(self) -> str:
        """Why it does not go on; "" when it does."""
        return self.stands or self.lacks

    def word(self, name: str) -> str:
        """A word among the parameters, "" when the program has no such choice."""
        choices = next((one.choices for one in self.program.parameters if one.name == name), ())
        return choices[int(self.parameters[name])] if choices else ""

    def shown(self) -> dict[str, Json]:
        """The parameters as people give them: numbers, words, points; what was not given is left out."""
        shown: dict[str, Json] = {}
        for one in self.program.parameters:
            value = self.parameters[one.name]
            if one.points:
                shown[one.name] = [[hour, rate] for hour, rate in self.points]
            elif one.choices:
                shown[one.name] = self.word(one.name)
            elif math.isfinite(value):
                shown[one.name] = value
        return shown

    def state(self) -> dict[str, Json]:
        """What has to survive a restart."""
        return {
            "program": self.program.name,
            "parameters": self.shown(),
            "key": self.key,
            "memory": {name: value if math.isfinite(value) else None for name, value in self.memory.items()},
            "notes": [*self.notes],
            "hours": self.hours,
            "delivered": self.delivered,
            "rate": self.rate,
            "frozen": self.frozen,
            "over": self.over,
        }

    def restore(self, state: Mapping[str, Json]) -> None:
        """Take back what :meth:`state` gave of a run with the same program and parameters."""
        memory, notes = state.get("memory"), state.get("notes")
        self.memory = (
            {name: number(value, math.nan) for name, value in memory.items()} if isinstance(memory, dict) else {}
        )
        self.notes = [number(value, 0.0) for value in notes] if isinstance(notes, list) else []
        self.key, self.over = str(state.get("key", "")), str(state.get("over", ""))
        self.frozen = bool(state.get("frozen"))
        self.hours, self.delivered = number(state.get("hours"), 0.0), number(state.get("delivered"), 0.0)
        self.rate = number(state.get("rate"), 0.0)


def number(value: Json, default: float) -> float:
    """A finite number of a stored state, else ``default``."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return default
    return float(value)
