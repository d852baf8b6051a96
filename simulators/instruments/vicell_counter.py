"""The cell counter itself, without its wire: takes one sample at a time, counts it, remembers the results."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum

COUNTING_S = 120.0
"""Process seconds from StartSample to the result, normal wash."""

STEPS = ((20.0, "InProcessAspirating"), (35.0, "InProcessMixing"), (100.0, "InProcessImageAcquisition"))
"""What a running sample is doing until when; cleaning fills the rest."""

DENSITY_NOISE = 0.015
"""Relative standard deviation of a density: 95 % of counts within 3 %."""

VIABILITY_NOISE = 0.5
"""Standard deviation of a viability in per cent points."""

CELLS_PER_DENSITY = 400
"""Cells seen on a hundred images for each 10*6/mL."""


@dataclass(frozen=True, slots=True)
class Culture:
    """What is in a vessel: viable density in 10*6/mL and viability in per cent."""

    viable_density: float
    viability: float


def counted(culture: Culture, noise: random.Random) -> tuple[float, float]:
    """What a count of a culture finds: viable density and viability in their units, off by chance."""
    viable = max(culture.viable_density * noise.gauss(1.0, DENSITY_NOISE), 0.0)
    viability = min(max(culture.viability + noise.gauss(0.0, VIABILITY_NOISE), 0.0), 100.0) if viable else 0.0
    return viable, viability


class SampleStatus(IntEnum):
    """Progress of one sample, numbered as in the instrument's public client (recalled)."""

    NotProcessed = 0
    InProcessAspirating = 1
    InProcessMixing = 2
    InProcessImageAcquisition = 3
    InProcessCleaning = 4
    AcquisitionComplete = 5
    Completed = 6
    SkipManual = 7
    SkipError = 8


FINISHED = frozenset({SampleStatus.Completed, SampleStatus.SkipManual})


@dataclass(slots=True)
class Sample:
    """One sample and its count. Densities in 10*6/mL, viability in per cent, diameters in um."""

    name: str
    tag: str
    dilution: int
    position: tuple[str, int]
    cell_type: str
    quality_control: str
    wash: int
    started_s: float
    started_at: datetime
    identifier: str
    viable_density: float
    total_density: float
    viability: float
    diameter: float
    circularity: float
    stopped: bool = False


@dataclass(frozen=True, slots=True)
class Order:
    """What a host asks for: the checked content of a SampleConfig."""

    name: str
    tag: str
    dilution: int
    row: str
    column: int
    cell_type: str
    quality_control: str
    wash: int


class Refusal(Exception):
    """The instrument does not do what was asked; the text says why."""


@dataclass(slots=True)
class Counter:
    """The counter. `now_s` is process time, `clock` the instrument's own clock, `look` shows what a vessel holds.

    Counting noise depends on seed and sample name only, so that a run can be repeated.
    """

    seed: int
    now_s: Callable[[], float]
    clock: Callable[[], datetime]
    look: Callable[[str], Culture]
    cell_types: tuple[str, ...]
    samples: list[Sample] = field(default_factory=list)

    def start(self, order: Order) -> Sample:
        """Draw and count one sample. Raises :class:`Refusal` when busy or when the order makes no sense."""
        if self.busy:
            raise Refusal("a sample is being processed")
        self._check(order)
        sample = self._count(order)
        self.samples.append(sample)
        return sample

    @property
    def busy(self) -> bool:
        """Whether a sample is being processed."""
        return any(self.status(sample) not in FINISHED for sample in self.samples[-1:])

    def stop(self) -> None:
        """Give the running sample up. Raises :class:`Refusal` when there is none."""
        if not self.busy:
            raise Refusal("no sample is being processed")
        self.samples[-1].stopped = True

    def status(self, sample: Sample) -> SampleStatus:
        """How far a sample is."""
        if sample.stopped:
            return SampleStatus.SkipManual
        elapsed = self.now_s() - sample.started_s
        if elapsed >= COUNTING_S:
            return SampleStatus.Completed
        return next((SampleStatus[step] for until, step in STEPS if elapsed < until), SampleStatus.InProcessCleaning)

    def _check(self, order: Order) -> None:
        if not order.name:
            raise Refusal("SampleName is empty")
        if bool(order.cell_type) == bool(order.quality_control):
            raise Refusal("give either CellType or QualityControl, the other empty")
        if order.cell_type and order.cell_type not in self.cell_types:
            raise Refusal(f"unknown cell type {order.cell_type!r}")
        if order.dilution < 1:
            raise Refusal("Dilution must be 1 or more")
        if not _position_exists(order.row, order.column):
            raise Refusal(f"there is no position {order.row!r} {order.column}")

    def _count(self, order: Order) -> Sample:
        noise = random.Random(f"{self.seed}:{order.name}")
        viable, viability = counted(self.look(order.name), noise)
        return Sample(
            name=order.name,
            tag=order.tag,
            dilution=order.dilution,
            position=(order.row, order.column),
            cell_type=order.cell_type,
            quality_control=order.quality_control,
            wash=order.wash,
            started_s=self.now_s(),
            started_at=self.clock(),
            identifier=str(uuid.UUID(int=noise.getrandbits(128), version=4)),
            viable_density=viable,
            total_density=100.0 * viable / viability if viability else 0.0,
            viability=viability,
            diameter=noise.gauss(10.2, 0.1),
            circularity=noise.gauss(0.92, 0.005),
        )


def _position_exists(row: str, column: int) -> bool:
    if row == "Y":
        return column == 1
    return 1 <= column <= 24 if row == "Z" else row in set("ABCDEFGH") and 1 <= column <= 12
