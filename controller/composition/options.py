"""What a supervisor is started with, whoever starts it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from controller.commands import Json


@dataclass(frozen=True, slots=True)
class BatchOrder:
    """A batch to create and start once the supervisor runs, unless the vessel already has one."""

    recipe: Path
    vessel: str
    formula: Mapping[str, str] = field(default_factory=dict)
    begin_at: str | None = None
    reason: str = "started from the command line"


@dataclass(frozen=True, slots=True)
class Options:
    """Everything ``biovisor run`` and ``biovisor demo`` decide before the first scan.

    ``simulate`` starts simulators beside the supervisor; ``instruments`` is the line that ``biovisor simulate``
    printed, for instruments that run already. ``initial`` sets the simulated plants' starting states, and
    ``scenario`` is the file of what goes wrong with them.
    """

    site: Path
    data: Path
    host: str = "127.0.0.1"
    port: int = 8000
    speed: float = 1.0
    simulate: bool = False
    instruments: str | None = None
    initial: Mapping[str, Mapping[str, Json]] = field(default_factory=dict)
    batches: tuple[BatchOrder, ...] = ()
    scenario: Path | None = None
