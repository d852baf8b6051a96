"""Phases that set a loop, or that ask the operator."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from controller.commands import EventType, Json
from controller.recipe.phase import Input, Phase, Question
from controller.recipe.rest import Rest
from controller.recipe.run import Run

Hands: TypeAlias = Callable[[Mapping[str, float]], dict[str, Json]]
"""From a prompt's inputs to what the simulated hands do."""


class SetPhase(Phase):
    """Puts a loop's setpoint in force, ``value`` in the loop's unit."""

    def __init__(self, loop: str, value: float) -> None:
        super().__init__(f"set {loop}", loop)
        self.value = value

    def start(self, run: Run) -> None:
        """Propose the setpoint, once."""
        run.set_loop(self.moves, self.value, self.name)

    def rests(self, rest: Rest) -> bool:
        """Always."""
        return True

    def resume(self, run: Run) -> None:
        """Propose the setpoint again."""
        run.set_loop(self.moves, self.value, self.name)


class PromptPhase(Phase):
    """Asks the operator to do something and to confirm it, with ``inputs``."""

    def __init__(self, name: str, text: str, inputs: tuple[Input, ...], hands: Hands) -> None:
        super().__init__(name)
        self.text = text
        self.inputs = inputs
        self.hands = hands
        self._open = ""
        self._answered = False

    def start(self, run: Run) -> None:
        """Open the prompt."""
        self._answered = False
        self._open = ask(run, self.name, self.text)

    def rests(self, rest: Rest) -> bool:
        """Always: an answer is a command."""
        return True

    @property
    def done(self) -> bool:
        """Whether it was answered."""
        return self._answered

    @property
    def question(self) -> Question | None:
        """The prompt until it is answered."""
        return Question(self._open, self.text, self.inputs) if self._open else None

    def answer(self, inputs: Mapping[str, float]) -> dict[str, Json]:
        """Close the prompt."""
        self._open = ""
        self._answered = True
        return self.hands(inputs)

    def state(self) -> dict[str, Json]:
        """Which prompt is open, and whether it was answered."""
        return {"open": self._open, "answered": self._answered}

    def restore(self, state: Mapping[str, Json]) -> None:
        """Take back the prompt."""
        self._open = str(state["open"])
        self._answered = bool(state["answered"])


def ask(run: Run, name: str, text: str) -> str:
    """Open a prompt and give its id: ``inoculate``, the second time ``inoculate-2``. No other prompt of the batch has
    it, so that an old answer can't fit a new question.
    """
    number = run.batch.prompts.get(name, 0) + 1
    run.batch.prompts[name] = number
    identifier = name if number == 1 else f"{name}-{number}"
    run.tell(EventType.OPERATOR, "Prompt", text, value={"prompt": identifier})
    return identifier
