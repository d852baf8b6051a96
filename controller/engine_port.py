"""What the scan asks of the recipe engine."""

from __future__ import annotations

from typing import Protocol

from controller.commands import Command, Event, Json, Outcome
from controller.stages.interlocks import Reader


class Stepped(Protocol):
    """What the engine wants and what it has to tell after one step."""

    @property
    def proposals(self) -> list[Command]:
        """Commands for the door."""

    @property
    def events(self) -> list[Event]:
        """Lines of the record."""


class Engine(Protocol):
    """What the scan asks of the recipe engine."""

    def apply(self, command: Command, now_s: float) -> Outcome:
        """Carry out or refuse a command on a batch."""

    def step(self, now_s: float, read: Reader) -> Stepped:
        """Advance all batches; what they want of the plant comes back as commands for the door."""

    def state(self) -> dict[str, Json]:
        """Everything it needs to go on after a restart."""

    def restore(self, state: dict[str, Json], now_s: float, outage_s: float) -> list[Event]:
        """Take over a state; batches come back held."""

    def view(self) -> list[dict[str, Json]]:
        """Batches in the shape of the live JSON."""
