"""The tag table: every value of the site, one row each, in one order for the whole life of the process."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np

from controller.frame import F8, UNCERTAIN
from controller.model.calculation import Calculation
from drivers.contract import Point

Kind = Literal["measurement", "calculated", "output"]

LEAST_STILL_SCANS = 30
"""No value is called frozen before the time of so many: a coarse one is now and then the same several times."""


class Mark(NamedTuple):
    """Which calibration goes into a tag: its name, the id of the stored entry or ``site file``, when it was found and
    until when it is valid (ISO texts; empty: for good).
    """

    name: str
    id: str
    date: str
    expires: str


class Tag(NamedTuple):
    """One value. ``low`` and ``high`` are the credible range of a measurement and the range of an output, in ``unit``.

    ``max_rate`` is in units per second, ``max_age`` in seconds (NaN: by the scan period), ``filter_s`` the time
    constant of the filter. A calculated tag has no ``connection`` and ``point`` but a ``calculation``; its ``low`` and
    ``high`` are infinite where nobody said what is credible. A noisy one is ``frozen_quality`` when it was the same for
    ``frozen_s``, infinite for one that may stand still.
    """

    vessel: str
    name: str
    title: str
    unit: str
    decimals: int
    kind: Kind
    low: float
    high: float
    connection: str | None = None
    point: Point | None = None
    max_rate: float = np.inf
    max_age: float = np.nan
    filter_s: float = 0.0
    frozen_s: float = np.inf
    frozen_quality: int = UNCERTAIN
    sampled: bool = False
    rebased: bool = False
    calculation: Calculation | None = None
    calibration: Mark | None = None

    @property
    def full_name(self) -> str:
        """``BR-101.temperature``: unique in the site, and the key of the tag's point."""
        return f"{self.vessel}.{self.name}"


@dataclass(slots=True)
class TagTable:
    """All tags, and the columns that the scan uses as arrays of shape ``(tags,)``."""

    tags: tuple[Tag, ...]
    index: dict[str, int] = field(init=False)
    low: F8 = field(init=False)
    high: F8 = field(init=False)

    def __post_init__(self) -> None:
        self.index = {tag.full_name: row for row, tag in enumerate(self.tags)}
        # What an output reads back is compared with what was written, not with its range: any number will do.
        largest = np.finfo(np.float64).max
        self.low = self.column(-largest if tag.kind == "output" else tag.low for tag in self.tags)
        self.high = self.column(largest if tag.kind == "output" else tag.high for tag in self.tags)

    def __len__(self) -> int:
        return len(self.tags)

    @staticmethod
    def column(values: Iterable[float]) -> F8:
        """An array of ``values``."""
        return np.fromiter(values, np.float64)

    def bindings(self) -> dict[str, list[tuple[int, Point]]]:
        """For every connection its tag indices and points, in the order of the table."""
        bound: dict[str, list[tuple[int, Point]]] = {}
        for row, tag in enumerate(self.tags):
            if tag.connection is not None and tag.point is not None:
                bound.setdefault(tag.connection, []).append((row, tag.point))
        return bound
