"""The control recipe: one batch's frozen copy of a recipe, with the formula's values in place, ready to be stepped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING

from controller.commands import Json
from controller.config.vessel_class import VesselClassConfig
from controller.recipe.asking import SetPhase
from controller.recipe.conditions import Condition
from controller.recipe.phase import Phase, Question
from controller.recipe.rest import Rest
from controller.recipe.run import Run
from controller.recipe.vocabulary import Stop

if TYPE_CHECKING:
    from controller.recipe.check import LoadedRecipe


@dataclass(slots=True)
class Transition:
    """Leads on to ``then`` when ``when`` has been true for ``dwell_s``.

    ``true_s`` is how long it has been true, ``None`` when it is not. ``passed``: it held the batch, which was restarted
    nevertheless; it counts again once it was not true.
    """

    when: Condition
    dwell_s: float
    then: str
    because: str
    true_s: float | None = None
    passed: bool = False

    def fires(self, run: Run) -> bool:
        """Whether it leads on now."""
        if self.when.evaluate(run.read) is not True:
            self.true_s = None
            self.passed = False
            return False
        self.true_s = 0.0 if self.true_s is None else self.true_s + run.dt
        return self.true_s >= self.dwell_s and not self.passed

    def rests(self, rest: Rest) -> bool:
        """Whether nothing of it goes on as long as ``rest`` holds."""
        return self.true_s is None and rest.truth(self.when)

    def reset(self) -> None:
        """Start anew."""
        self.true_s = None
        self.passed = False

    def state(self) -> dict[str, Json]:
        """What has to survive a restart."""
        return {"true_s": self.true_s, "passed": self.passed}

    def restore(self, state: Mapping[str, Json]) -> None:
        """Take back what :meth:`state` gave."""
        true_s = state["true_s"]
        self.true_s = float(true_s) if isinstance(true_s, int | float) else None
        self.passed = bool(state["passed"])


@dataclass(slots=True)
class Operation:
    """One operation of a batch: its phases, its transitions, and where it leads when all phases are done. ``auto_tune``
    are the loops that may be tuned while it is active.
    """

    name: str
    title: str
    phases: list[Phase]
    transitions: list[Transition]
    then: str | None
    auto_tune: frozenset[str] = frozenset()

    def start(self, run: Run) -> None:
        """Begin all phases, together."""
        for transition in self.transitions:
            transition.reset()
        for phase in self.phases:
            phase.start(run)

    def next(self, run: Run) -> tuple[str, Transition | None] | None:
        """Where to go now, and the transition that says so; ``None`` to stay. The first in the file wins."""
        fired = [transition for transition in self.transitions if transition.fires(run)]
        if fired:
            return fired[0].then, fired[0]
        if self.then is not None and all(phase.done for phase in self.phases):
            return self.then, None
        return None

    def rests(self, rest: Rest) -> bool:
        """Whether a scan has nothing to do for it as long as ``rest`` holds."""
        return all(one.rests(rest) for one in self.transitions) and all(phase.rests(rest) for phase in self.phases)

    def state(self) -> dict[str, Json]:
        """What has to survive a restart."""
        return {
            "phases": [phase.state() for phase in self.phases],
            "transitions": [transition.state() for transition in self.transitions],
        }

    def restore(self, state: Mapping[str, Json]) -> None:
        """Take back what :meth:`state` gave."""
        for phase, stored in zip(self.phases, _parts(state, "phases"), strict=True):
            phase.restore(stored)
        for transition, stored in zip(self.transitions, _parts(state, "transitions"), strict=True):
            transition.restore(stored)


def _parts(state: Mapping[str, Json], key: str) -> list[dict[str, Json]]:
    stored = state[key]
    return [part for part in stored if isinstance(part, dict)] if isinstance(stored, list) else []


@dataclass(slots=True)
class ControlRecipe:
    """A recipe as one batch runs it. ``loops`` are all that it moves, with those they drive; ``feeds`` those that stop
    when the batch is held, and how, ``sampled`` the tags that come with a counted sample.
    """

    recipe: LoadedRecipe
    vessel_class: VesselClassConfig
    operations: dict[str, Operation]
    loops: tuple[str, ...]
    feeds: Mapping[str, Stop]
    sampled: frozenset[str]

    def operation(self, name: str | None) -> Operation | None:
        """The operation of that name."""
        return self.operations.get(name) if name is not None else None

    def setpoints_before(self, name: str) -> list[SetPhase]:
        """What the operations before ``name`` put in force, each loop's last."""
        last: dict[str, SetPhase] = {}
        for operation in takewhile(lambda one: one.name != name, self.operations.values()):
            for phase in operation.phases:
                if isinstance(phase, SetPhase):
                    last.pop(phase.moves, None)
                    last[phase.moves] = phase
        return list(last.values())

    def questions(self, operation: str | None) -> list[tuple[Phase, Question]]:
        """The open prompts of an operation, and the phases that ask."""
        current = self.operation(operation)
        asked = [(phase, phase.question) for phase in current.phases] if current else []
        return [(phase, question) for phase, question in asked if question is not None]
