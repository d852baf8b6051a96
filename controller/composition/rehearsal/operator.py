"""The operator of a rehearsal: always there, answers every prompt with what is usual, and has hands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

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

    def answers(self, events: Sequence[Event]) -> list[Command]:
        """Do what the events ask of people: with hands at once, and by these commands."""
        commands = []
        for event in events:
            if event.subtype == PROMPT and isinstance(event.value, Mapping):
                commands.append(self._answer(event, str(event.value["prompt"])))
            for action in actions(event):
                amounts = {name: float(value) for name, value in action.items() if isinstance(value, int | float)}
                self._fleet.ask(self._columns[event.vessel], str(action["action"]), amounts)
        return commands

    def _answer(self, event: Event, prompt: str) -> Command:
        name = prompt if prompt in self._inputs else prompt.rpartition("-")[0]
        value: dict[str, Json] = {"prompt": prompt, "inputs": {**self._inputs.get(name, {})}}
        return Command(Verb.PROMPT_ANSWER, event.batch, value, who="rehearsal", source="cli", reason="rehearsal")


def _usual(inputs: Mapping[str, Input]) -> dict[str, float]:
    return {name: _value(one) for name, one in inputs.items()}


def _value(asked: Input) -> float:
    if asked.default is not None:
        return asked.default.to(asked.unit)
    return 0.5 * (asked.low.to(asked.unit) + asked.high.to(asked.unit))
