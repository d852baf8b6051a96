"""The gateway: the one object through which the HTTP interface reaches the supervisor.

The composition root gives an implementation. Everything here is free of web words and cheap to import.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from controller.commands import Command, Event, Outcome
    from controller.publish import Publisher
    from controller.runtime import ScanStats
    from controller.stages.health_report import HealthReport
    from controller.stages.tuning_report import TuningReport
    from controller.store import Store


class Refused(Exception):
    """The gateway does not take a command. ``conflict`` says that the state forbids it, not the command's content."""

    def __init__(self, reason: str, *, conflict: bool = True, allowed: Sequence[str] = ()) -> None:
        super().__init__(reason)
        self.reason = reason
        self.conflict = conflict
        self.allowed = tuple(allowed)


@dataclass(frozen=True, slots=True)
class ParameterInfo:
    """A parameter of a program: a number in ``unit`` from ``low`` to ``high``, a word of ``choices``, or ``points``
    over time.
    """

    title: str
    unit: str
    low: float
    high: float
    default: float | str | None = None
    needed: bool = False
    choices: tuple[str, ...] = ()
    points: bool = False


@dataclass(frozen=True, slots=True)
class ProgramInfo:
    """A program that may lead a loop."""

    title: str
    parameters: Mapping[str, ParameterInfo]


@dataclass(frozen=True, slots=True)
class LoopInfo:
    """What an operator may ask of a loop: limits in ``unit`` for the setpoint, in ``output_unit`` for the output.

    ``bottle`` is what a full bottle holds, in ``amount_unit``; ``None`` where there is none.
    """

    name: str
    title: str
    unit: str
    low: float
    high: float
    output_unit: str
    output_low: float
    output_high: float
    modes: tuple[str, ...]
    confirm_step: float | None = None
    programs: Mapping[str, ProgramInfo] = field(default_factory=dict)
    amount_unit: str = ""
    bottle: float | None = None


@dataclass(frozen=True, slots=True)
class VesselInfo:
    """One vessel and its loops by name; ``guarded`` are the outputs that have a dose guard."""

    name: str
    title: str
    vessel_class: str
    loops: Mapping[str, LoopInfo]
    guarded: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class FormulaInfo:
    """A value of a recipe's formula: its default and its hard range, in ``unit``."""

    title: str
    unit: str
    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class RecipeInfo:
    """A recipe that can be run here; ``operations`` in order."""

    name: str
    version: str
    title: str
    vessel_class: str
    formula: Mapping[str, FormulaInfo] = field(default_factory=dict)
    operations: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SiteInfo:
    """What does not change while the supervisor runs. ``simulated`` marks a site whose instruments are simulators."""

    name: str
    title: str
    simulated: bool
    vessels: Mapping[str, VesselInfo]
    recipes: Mapping[str, RecipeInfo] = field(default_factory=dict)


class ReadBack(NamedTuple):
    """What the device answered after a write: value in ``unit``, UTC time in seconds."""

    value: float
    unit: str
    time: float


class Gateway(Protocol):
    """The supervisor as the HTTP interface knows it. Awaitables are awaited on the interface's own event loop."""

    @property
    def site(self) -> SiteInfo:
        """Vessels, loops, limits, recipes."""

    @property
    def publisher(self) -> Publisher:
        """The newest scan."""

    @property
    def store(self) -> Store:
        """The record, for reading and for following it."""

    @property
    def stats(self) -> ScanStats:
        """How the scan is doing."""

    @property
    def tuning(self) -> TuningReport:
        """The loops' tuning sets and experiments."""

    @property
    def health(self) -> HealthReport:
        """How well the loops do."""

    async def submit(self, command: Command) -> int:
        """Through the one door: the number under which the journal committed ``command``. 0: nothing can be stored now,
        and it acts all the same, because it only stops something; the record follows.

        Raises :class:`Refused`, :class:`controller.store.StoreUnavailable`.
        """

    async def outcome(self, journal: int, timeout_s: float) -> Outcome | None:
        """What the scan made of a command, waiting at most ``timeout_s`` of wall time; ``None``: not known by then."""

    async def read_back(self, journal: int, timeout_s: float) -> ReadBack | None:
        """What the device says after an applied command; ``None`` when it has not answered, or nothing was written."""

    def new_batch(self, vessel: str) -> str:
        """A batch id that was never used."""

    def note(self, event: Event) -> None:
        """Put on record what was refused before it could become a command."""

    def scan_alive(self) -> tuple[bool, float]:
        """Whether the scan runs as it should, and wall seconds since it last completed (infinite before the first)."""

    def ready(self) -> tuple[bool, Sequence[str]]:
        """Whether vessels can be operated, and if not, why."""
