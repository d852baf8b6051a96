"""The phase that counts cells: ask for a sample, start the counter, wait for its number."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, cast

from controller.commands import EventType, Json
from controller.recipe.asking import ask
from controller.recipe.phase import Phase, Question
from controller.recipe.rest import Rest
from controller.recipe.run import Run
from controller.recipe.vocabulary import COUNT_REQUEST

AGAIN = "The count of sample {number} has not finished. Check the counter. {text}"


@dataclass(slots=True)
class _Progress:
    """``number`` is the sample that is asked for or being counted, 0 before it is chosen; ``started`` the newest that
    the counter was told to count. ``due_s`` is the operation's elapsed time, ``waited_s`` how long the counter takes.
    """

    step: Literal["waiting", "asked", "answered", "counting"] = "waiting"
    due_s: float = 0.0
    waited_s: float = 0.0
    number: int = 0
    started: int = 0
    open: str = ""
    text: str = ""


class CountPhase(Phase):
    """Counts every ``every_s``, the first ``first_s`` after the operation began.

    The sample's number is chosen when the operator is asked and kept from then on, so that whatever is repeated after a
    crash asks for the same sample, and the counter counts it once.
    """

    endless = True

    def __init__(self, every_s: float, first_s: float, sample_ml: float, text: str, time_out_s: float) -> None:
        super().__init__("count_cells")
        self.every_s = every_s
        self.first_s = first_s
        self.sample_ml = sample_ml
        self.text = text
        self.time_out_s = time_out_s
        self._now = _Progress()

    def start(self, run: Run) -> None:
        """Forget earlier counts; ask at once when the first is due."""
        self._now = _Progress(due_s=self.first_s)
        self.step(run)

    def step(self, run: Run) -> None:
        """Ask, start or wait."""
        now = self._now
        if now.step == "waiting" and run.batch.operation_elapsed_s >= now.due_s:
            self._ask(run, self.text)
        if now.step != "waiting" and now.started and self._counted(run) >= now.started:
            self._finish(run)
        elif now.step == "asked":
            self._choose(run)
        elif now.step == "answered":
            self._request(run)
        elif now.step == "counting":
            self._wait(run)

    def rests(self, rest: Rest) -> bool:
        """Until the next count is due, or while a sample is asked for that has its number."""
        if self._now.step == "waiting":
            rest.time(self._now.due_s)
            return True
        return self._now.step == "asked" and self._now.number > 0

    def resume(self, run: Run) -> None:
        """Ask for the same sample again: a counter that has it already does nothing."""
        if self._now.step == "counting":
            self._now.step = "answered"

    def stop(self, run: Run) -> None:
        """Withdraw an open prompt."""
        if self._now.open:
            run.tell(EventType.OPERATOR, "Status Change", f"Prompt {self._now.open} is no longer needed.")
        self._now = _Progress()

    @property
    def busy(self) -> bool:
        """Whether the counter is counting."""
        return self._now.step in {"answered", "counting"}

    @property
    def question(self) -> Question | None:
        """The request for a sample."""
        return Question(self._now.open, self._now.text) if self._now.open else None

    def answer(self, inputs: Mapping[str, float]) -> dict[str, Json]:
        """The sample is in the counter."""
        self._now.open = ""
        self._now.step = "answered"
        self._now.waited_s = 0.0
        return {"sample": {"volume": self.sample_ml}}

    def state(self) -> dict[str, Json]:
        """How far the count is."""
        return asdict(self._now)

    def restore(self, state: Mapping[str, Json]) -> None:
        """Take back how far the count was."""
        self._now = _Progress(**cast("dict[str, Any]", dict(state)))

    def _ask(self, run: Run, text: str) -> None:
        self._now.step = "asked"
        self._now.number = 0
        self._now.text = text
        self._now.open = ask(run, self.name, text)

    def _choose(self, run: Run) -> None:
        counted = self._counted(run)
        if self._now.number == 0 and not math.isnan(counted):
            self._now.number = max(int(counted), self._now.started) + 1

    def _request(self, run: Run) -> None:
        self._choose(run)
        if self._now.number == 0:
            self._wait(run)
            return
        self._now.started = self._now.number
        self._now.step = "counting"
        self._now.waited_s = 0.0
        if self._counted(run) >= self._now.number:
            self._finish(run)  # the request was sent before a crash that forgot it
        else:
            run.write_once(COUNT_REQUEST, float(self._now.number), self.name)

    def _wait(self, run: Run) -> None:
        self._now.waited_s += run.dt
        if self._now.waited_s > self.time_out_s:
            text = AGAIN.format(number=self._now.number or "(unknown)", text=self.text)
            run.tell(EventType.MESSAGE, "Status Change", text, value={"sample": self._now.number})
            self._ask(run, text)

    def _finish(self, run: Run) -> None:
        """The sample is counted; the next is due at its time of the grid, not before now."""
        missed = max(0.0, run.batch.operation_elapsed_s - self._now.due_s)
        due = self._now.due_s + self.every_s * (math.floor(missed / self.every_s) + 1)
        if self._now.open:
            run.tell(EventType.OPERATOR, "Status Change", f"Prompt {self._now.open} is no longer needed.")
        text = f"Sample {self._now.started} is counted."
        run.tell(EventType.PROCEDURAL, "Process Data", text, value={"sample": self._now.started})
        self._now = _Progress(due_s=due)

    @staticmethod
    def _counted(run: Run) -> float:
        return math.nan if run.batch.counted is None else run.batch.counted
