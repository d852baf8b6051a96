"""What the scan asks of the recipe engine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
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


class VesselReader(Reader, Protocol):
    """The values of the moment, and who decides each loop's output."""

    def mode(self, vessel: str, loop: str) -> str:
        """The mode of a loop, as commands say it."""


class Engine(Protocol):
    """What the scan asks of the recipe engine."""

    def apply(self, command: Command, now_s: float) -> Outcome:
        """Carry out or refuse a command on a batch."""

    def settle(self, outcomes: Iterable[Outcome]) -> None:
        """Hear what became of commands, its own among them."""

    def operation(self, vessel: str) -> str:
        """The operation that runs on a vessel, "" for none; it changes with an event, or answers a command."""

    def placed(self) -> Sequence[tuple[str, str, bool]]:
        """Of every batch its id, its vessel, and whether it is not over; that changes as :meth:`operation` does."""

    def no_tuning(self, vessel: str, loop: str) -> str:
        """Why a loop of a vessel may not be tuned now; "" when it may."""

    def step(self, now_s: float, read: VesselReader) -> Stepped:
        """Advance all batches; what they want of the plant comes back as commands for the door."""

    def state(self) -> dict[str, Json]:
        """Everything it needs to go on after a restart."""

    def restore(self, state: Mapping[str, Json], now_s: float, outage_s: float) -> list[Event]:
        """Take over a state; batches come back held."""

    def view(self) -> list[dict[str, Json]]:
        """Batches in the shape of the live JSON."""
