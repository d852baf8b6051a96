"""A cause: one link of the chain from an output back to what it follows from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from controller.commands import Json


class Kind(StrEnum):
    """What a cause is about, in the order in which causes are told: from the actuator back to the setpoint."""

    INTERLOCK = "interlock"
    DOSE_GUARD = "dose_guard"
    UNREACHABLE = "unreachable"
    DISOBEYED = "disobeyed"
    REFUSED = "refused"
    RATE = "rate"
    RANGE = "range"
    PULSES = "pulses"
    STEPS = "steps"
    NO_VALUE = "no_value"
    NOT_FOLLOWED = "not_followed"
    MODE = "mode"
    LIMIT = "limit"
    SLAVE_HELD = "slave_held"
    SLAVE_LIMITED = "slave_limited"
    RESUMING = "resuming"
    PARTS = "parts"
    GAP = "gap"
    SCHEDULE = "schedule"
    RATIO = "ratio"
    DOSE = "dose"
    REACHED = "reached"
    INSTRUMENT = "instrument"
    RAMP = "ramp"
    SETPOINT_LIMIT = "setpoint_limit"
    MASTER = "master"
    PROGRAM = "program"
    SETPOINT = "setpoint"


@dataclass(frozen=True, slots=True)
class Cause:
    """One link: its kind, a sentence, and the numbers in that sentence; ``conditions`` is what would end it."""

    kind: Kind
    text: str
    numbers: Mapping[str, Json] = field(default_factory=dict)
    conditions: tuple[Mapping[str, Json], ...] = ()

    def shown(self) -> dict[str, Json]:
        """As JSON."""
        conditions: list[Json] = [dict(one) for one in self.conditions]
        return {"kind": self.kind.value, "text": self.text, "numbers": dict(self.numbers), "conditions": conditions}
