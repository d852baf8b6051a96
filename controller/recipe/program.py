"""The phase that lets a program lead a feed: begun once by a command, computed by the scan itself."""

from __future__ import annotations

from collections.abc import Mapping

from controller.commands import Json
from controller.recipe.conditions import Condition
from controller.recipe.phase import Phase
from controller.recipe.rest import Rest
from controller.recipe.run import Run


class ProgramPhase(Phase):
    """Begins ``program`` on a loop with its ``parameters`` in the program's units, and ends it when ``until`` is true,
    or with the operation. Its time stands still while ``wait_when`` is true, and while the batch is held.

    Every start has a name of its own, so that asking for it again, after a hold or a restart of the supervisor, goes on
    with it; a program that has ended stays ended.
    """

    endless = True
    keeps_control = True

    def __init__(
        self,
        loop: str,
        program: str,
        parameters: Mapping[str, Json],
        until: Condition | None,
        wait_when: Condition | None,
    ) -> None:
        super().__init__(f"feed {program}", loop)
        self.program = program
        self.parameters = dict(parameters)
        self.until = until
        self.wait_when = wait_when
        self._key = ""
        self._ended = False
        self._waits = False

    def start(self, run: Run) -> None:
        """Begin the program, unless ``until`` is true already."""
        batch = run.batch
        self._key = f"{batch.id}/{batch.operation}/{self.moves}/{batch.elapsed_s:.3f}"
        self._ended = self._waits = False
        if self._is_over(run):
            self._end(run)
        else:
            self._begin(run)

    def step(self, run: Run) -> None:
        """End the program when ``until`` is true; let it wait while ``wait_when`` is."""
        if self._ended:
            return
        if self._is_over(run):
            self._end(run)
            return
        waits = self.wait_when is not None and self.wait_when.evaluate(run.read) is not False
        if waits != self._waits:
            self._waits = waits
            run.set_program(self.moves, {"wait": waits}, self.name)

    def rests(self, rest: Rest) -> bool:
        """Once it is over, or as long as neither condition is another."""
        return self._ended or (rest.truth(self.until) and rest.truth(self.wait_when))

    def resume(self, run: Run) -> None:
        """Go on where it stopped; what had ended is ended again, because nobody knows whether that was heard."""
        if self._ended:
            self._end(run, "it has ended")
        else:
            self._begin(run)
        self._waits = False

    def stop(self, run: Run) -> None:
        """Feed no more."""
        if not self._ended:
            self._end(run, "the operation ends")

    def state(self) -> dict[str, Json]:
        """Which start it is, and whether it is over."""
        return {"key": self._key, "ended": self._ended, "waits": self._waits}

    def restore(self, state: Mapping[str, Json]) -> None:
        """Take back which start it was."""
        self._key, self._ended, self._waits = str(state["key"]), bool(state["ended"]), bool(state["waits"])

    def _begin(self, run: Run) -> None:
        value: dict[str, Json] = {"program": self.program, "parameters": dict(self.parameters), "run": self._key}
        run.set_program(self.moves, value, self.name)

    def _is_over(self, run: Run) -> bool:
        return self.until is not None and self.until.evaluate(run.read) is True

    def _end(self, run: Run, why: str = "") -> None:
        self._ended = True
        because = why or (self.until.explain(run.read) if self.until else "")
        run.set_program(self.moves, {"program": None}, self.name, because)
        run.set_loop(self.moves, 0.0, self.name, why=because)
