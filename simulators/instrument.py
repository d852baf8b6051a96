"""What every simulated instrument is given, and how it says where it can be reached."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeAlias

from simulators.faults import Faults

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"


class Signals(Protocol):
    """One vessel's signals by name, in the units of the bus: what is measured, what is driven, what is true."""

    def read(self, signal: str) -> float:
        """The newest value. Raises KeyError for a name that does not exist."""
        ...

    def write(self, signal: str, value: float) -> None:
        """Set an actuator. Raises KeyError for a name that does not exist."""
        ...


@dataclass(frozen=True, slots=True)
class Context:
    """One instrument's part of the world.

    `spec` is its entry of the document on stdin, `vessels` the signals by vessel name, `directory` where
    pseudo-terminals are linked, `ready` takes the address (`url`, `port` or `pty`) once the instrument answers.
    """

    name: str
    spec: Mapping[str, Json]
    vessels: Mapping[str, Signals]
    directory: Path
    seed: int
    faults: Faults
    ready: Callable[[Mapping[str, Json]], None]

    @property
    def vessel(self) -> Signals:
        """The signals of the instrument's only vessel. Raises KeyError when the spec names none that exists."""
        return self.vessels[str(self.spec["vessel"])]


class SpecError(ValueError):
    """The document on stdin does not describe a site that can be simulated."""
