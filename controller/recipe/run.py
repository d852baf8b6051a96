"""One batch in one scan: what it reads, and what it proposes and tells."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from controller.commands import Command, Event, EventType, Json, Verb
from controller.config.vessel_class import VesselClassConfig
from controller.frame import BAD
from controller.recipe.batch import Batch
from controller.recipe.reader import AUTO, CASCADE, MANUAL, VesselReader
from controller.recipe.symbols import ELAPSED
from controller.recipe.vocabulary import SAMPLE_NUMBER, driven_by

UNKNOWN = (math.nan, BAD)


@dataclass(slots=True)
class Run:
    """A batch, the plant as it reads it, the time ``dt`` since the last scan, and what it has to say. ``sampled`` are
    the tags that come with a counted sample. ``belongs`` is the operation that proposals are for when it's not the
    present one: what ends an operation is for the next.

    Proposals go through the door like anybody's commands and act in a later scan.
    """

    batch: Batch
    vessel_class: VesselClassConfig
    reader: VesselReader
    dt: float = 0.0
    sampled: frozenset[str] = frozenset()
    proposals: list[Command] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    belongs: str | None = None

    def read(self, name: str) -> tuple[float, int]:
        """Value and quality of a name of the language.

        What came with a sample is unknown until a sample of this batch was counted: the density of the batch before
        must not harvest this one.
        """
        if name == ELAPSED:
            return self.batch.operation_elapsed_s, 0
        if name in self.sampled and not self.batch.has_new_sample():
            return UNKNOWN
        return self.reader.read(self.batch.vessel, name)

    def number(self, name: str) -> float:
        """The value of a name, NaN when it is unknown."""
        value, quality = self.read(name)
        return value if quality < BAD and math.isfinite(value) else math.nan

    def mode(self, loop: str) -> str:
        """The mode of a loop."""
        return self.reader.mode(self.batch.vessel, loop)

    def note_samples(self) -> None:
        """Remember the newest counted sample; the first that is seen is the one before this batch."""
        number = self.number(SAMPLE_NUMBER) if SAMPLE_NUMBER in self.vessel_class.measurements else math.nan
        if math.isnan(number):
            return
        if self.batch.baseline is None:
            self.batch.baseline = number
        self.batch.counted = number

    def set_loop(self, loop: str, value: float, step: str, *, engage: bool = True, why: str = "") -> None:
        """Propose a setpoint; with ``engage`` also that the loop, and the loops it drives, follow it.

        ``step`` names the phase, or the state, that wants it.
        """
        self.batch.setpoints[loop] = value
        if not engage:
            self.ask_setpoint(loop, value, step, why)
            return
        self.engage(loop, value, step, why)
        for driven in driven_by(self.vessel_class, loop):
            self.set_mode(driven, CASCADE, step)

    def engage(self, loop: str, value: float, step: str, why: str = "") -> None:
        """Propose that a loop works to a setpoint. What the recipe had in force is kept, to go on with.

        An actuator that leaves manual takes its output as setpoint: there, the one that is wanted comes last.
        """
        by_hand = self.mode(loop) == MANUAL
        if by_hand:
            self.set_mode(loop, AUTO, step)
        self.ask_setpoint(loop, value, step, why)
        if not by_hand:
            self.set_mode(loop, AUTO, step)

    def ask_setpoint(self, loop: str, value: float, step: str, why: str = "") -> None:
        """Propose a setpoint and nothing else."""
        self._propose(Verb.SETPOINT, loop, {"value": value}, step, why)

    def set_output(self, loop: str, value: float, step: str) -> None:
        """Propose the output of a loop in manual."""
        self._propose(Verb.OUTPUT, loop, {"value": value}, step)

    def set_mode(self, loop: str, mode: str, step: str) -> None:
        """Propose a loop's mode."""
        self._propose(Verb.MODE, loop, {"mode": mode}, step)

    def set_program(self, loop: str, value: Mapping[str, Json], step: str, why: str = "") -> None:
        """Propose that a program leads a loop, that it ends, or that it waits."""
        self._propose(Verb.PROGRAM, loop, value, step, why)

    def write_once(self, output: str, value: float, step: str) -> None:
        """Propose a write that happens once."""
        self._propose(Verb.WRITE_ONCE, output, {"value": value}, step)

    def tell(
        self, kind: EventType, subtype: str, text: str, *, value: Json = None, previous: Json = None, reason: str = ""
    ) -> None:
        """Put something on record."""
        self.events.append(event(self.batch, kind, subtype, text, value=value, previous=previous, reason=reason))

    def _propose(self, verb: Verb, target: str, value: Mapping[str, Json], step: str, why: str = "") -> None:
        batch = self.batch
        place = "/".join(part for part in (batch.recipe, batch.operation, step) if part)
        reason = f"{place}: {why}" if why else place
        self.proposals.append(
            Command(
                verb,
                f"{batch.vessel}.{target}",
                value,
                f"recipe {batch.id}",
                "recipe",
                reason,
                batch=batch.id,
                operation=(batch.operation or "") if self.belongs is None else self.belongs,
            )
        )


def event(
    batch: Batch,
    kind: EventType,
    subtype: str,
    text: str,
    *,
    value: Json = None,
    previous: Json = None,
    reason: str = "",
    who: str = "",
    command: int = 0,
) -> Event:
    """An event about a batch; ``who`` is the batch itself unless somebody is named."""
    return Event(
        kind,
        subtype,
        batch.id,
        text,
        vessel=batch.vessel,
        batch=batch.id,
        value=value,
        previous=previous,
        who=who or f"recipe {batch.id}",
        reason=reason,
        command=command,
    )
