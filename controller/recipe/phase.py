"""What every phase is: the smallest step that touches equipment or people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from controller.commands import Json
from controller.recipe.rest import Rest
from controller.recipe.run import Run


@dataclass(frozen=True, slots=True)
class Input:
    """A number that the operator is asked for, in ``unit``, from ``low`` to ``high``."""

    name: str
    title: str
    unit: str
    low: float
    high: float
    default: float | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """An open prompt."""

    id: str
    text: str
    inputs: tuple[Input, ...] = ()


class Phase:
    """A phase of one batch, with its own state. The engine calls, in this order: :meth:`start` when the operation
    begins; :meth:`step` every scan while the batch runs; :meth:`resume` after a hold or a restart; :meth:`stop` when
    the operation ends. ``moves`` is the loop whose setpoint it owns.

    ``endless``: it goes on until the operation ends. ``keeps_control``: it steps also while the batch is paused.
    """

    endless = False
    keeps_control = False

    def __init__(self, name: str, moves: str = "") -> None:
        self.name = name
        self.moves = moves

    def start(self, run: Run) -> None:
        """Begin, from nothing."""

    def step(self, run: Run) -> None:
        """One scan."""

    def rests(self, rest: Rest) -> bool:
        """Whether :meth:`step` does nothing, and :attr:`done` stays, as long as what it adds to ``rest`` holds."""
        return False

    def resume(self, run: Run) -> None:
        """Send again what has to be in force."""

    def stop(self, run: Run) -> None:
        """Leave nothing running."""

    @property
    def done(self) -> bool:
        """Whether the operation may go on."""
        return not self.endless

    @property
    def busy(self) -> bool:
        """Whether it is in the middle of something that a pause should wait for."""
        return False

    @property
    def question(self) -> Question | None:
        """The open prompt."""
        return None

    def answer(self, inputs: Mapping[str, float]) -> dict[str, Json]:
        """Take the answer to the open prompt; gives what simulated hands do, ``{action: {amount: number}}``."""
        return {}

    def state(self) -> dict[str, Json]:
        """What has to survive a restart."""
        return {}

    def restore(self, state: Mapping[str, Json]) -> None:
        """Take back what :meth:`state` gave."""
