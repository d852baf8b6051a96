"""What is known of one batch: plain data that is stored after every scan and read back after a restart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from controller.commands import Json
from controller.recipe.states import State


@dataclass(slots=True)
class Batch:
    """One batch on its vessel. Times are process time in seconds.

    ``elapsed_s`` and ``operation_elapsed_s`` count while the supervisor runs and the batch is not held. ``state_s`` is
    the time in the present state, ``issued`` whether a transient state has sent its commands. ``setpoints`` are those
    that the recipe put in force. ``baseline`` is the newest counted sample when the batch began, ``counted`` the newest
    now; ``None`` until known.
    ``formula`` is in the units of the recipe's parameters; ``prompts`` counts those that were opened, by name.
    ``feeds_off``: since this hold began all that it stops has been seen to have stopped; ``feeding_s`` is how long it
    has not. ``found_modes`` and ``found_values`` are how the hold found these loops: mode, and setpoint or, in manual,
    output; they are kept until the batch runs again.
    ``missed`` are the loops whose commands a restart of the supervisor kept from acting.
    """

    id: str
    vessel: str
    recipe: str
    sha256: str
    formula: dict[str, float]
    begin_at: str | None = None
    state: State = State.IDLE
    operation: str | None = None
    done: list[str] = field(default_factory=list)
    elapsed_s: float = 0.0
    operation_elapsed_s: float = 0.0
    state_s: float = 0.0
    issued: bool = False
    held_reason: str = ""
    deviations: list[dict[str, Json]] = field(default_factory=list)
    prompts: dict[str, int] = field(default_factory=dict)
    baseline: float | None = None
    counted: float | None = None
    setpoints: dict[str, float] = field(default_factory=dict)
    feeds_off: bool = False
    feeding_s: float = 0.0
    missed: list[str] = field(default_factory=list)
    found_modes: dict[str, str] = field(default_factory=dict)
    found_values: dict[str, float] = field(default_factory=dict)

    def has_new_sample(self) -> bool:
        """Whether a sample has been counted since the batch began."""
        return self.baseline is not None and self.counted is not None and self.counted > self.baseline

    def to_json(self) -> dict[str, Json]:
        """The batch as JSON, which later changes of the batch do not touch."""
        return {**{name: _copied(getattr(self, name)) for name in FIELDS}, "state": self.state.value}

    @classmethod
    def from_json(cls, data: Mapping[str, Json]) -> Batch:
        """The batch that :meth:`to_json` gave; entries of a later version are left out."""
        values: dict[str, Any] = {name: value for name, value in data.items() if name in FIELDS}
        values["state"] = State(values["state"])
        return cls(**values)


FIELDS = tuple(one.name for one in fields(Batch))
"""What is stored."""


def _copied(value: Any) -> Json:
    if isinstance(value, dict):
        return dict(value)
    return list(value) if isinstance(value, list) else value
