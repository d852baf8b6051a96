"""The operator of a rehearsal: always there, answers every prompt with what is usual, and has hands.

What hands were asked for is done before the next prompt of that vessel is answered.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, cast

from controller.commands import Command, Event, Json, Verb
from controller.composition.hands import actions

if TYPE_CHECKING:
    from controller.recipe.model import Input, RecipeConfig
    from simulators.fleet import Fleet

PROMPT = "Prompt"


class Operator:
    """Answers with the defaults of the inputs, or with the middle of what is allowed where there is none. ``columns``
    are the vessels' places in the fleet.
    """

    def __init__(self, recipe: RecipeConfig, fleet: Fleet, columns: Mapping[str, int]) -> None:
        phases = [phase for operation in recipe.procedure for phase in operation.do]
        self._inputs = {phase.prompt: _usual(phase.inputs) for phase in phases if phase.prompt is not None}
        self._fleet, self._columns = fleet, columns
        self._open: list[Event] = []

    def answers(self, events: Sequence[Event]) -> list[Command]:
        """Do what the events ask of people: with hands, and by these commands."""
        for event in events:
            if event.subtype == PROMPT and isinstance(event.value, Mapping):
                self._open.append(event)
            for action in actions(event):
                amounts = {name: float(value) for name, value in action.items() if isinstance(value, int | float)}
                self._fleet.ask(self._columns[event.vessel], str(action["action"]), amounts)
        if not self._open:
            return []
        busy = self._fleet.busy
        ready = [event for event in self._open if self._columns[event.vessel] not in busy]
        self._open = [event for event in self._open if self._columns[event.vessel] in busy]
        return [self._answer(event) for event in ready]

    def _answer(self, event: Event) -> Command:
        prompt = str(cast("Mapping[str, Json]", event.value)["prompt"])
        name = prompt if prompt in self._inputs else prompt.rpartition("-")[0]
        value: dict[str, Json] = {"prompt": prompt, "inputs": {**self._inputs.get(name, {})}}
        return Command(Verb.PROMPT_ANSWER, event.batch, value, who="rehearsal", source="cli", reason="rehearsal")


def _usual(inputs: Mapping[str, Input]) -> dict[str, float]:
    return {name: _value(one) for name, one in inputs.items()}


def _value(asked: Input) -> float:
    if asked.default is not None:
        return asked.default.to(asked.unit)
    return 0.5 * (asked.low.to(asked.unit) + asked.high.to(asked.unit))
