"""The table of feeds: loops that programs may lead, or that deliver from a bottle."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from controller.frame import F8


class Parameter(NamedTuple):
    """One parameter of a program on one loop: a number in ``unit`` from ``low`` to ``high``, one of ``choices`` (the
    first by default), or ``points`` over hours whose rates are in these limits. ``needed``: it has no default.
    """

    name: str
    title: str
    unit: str
    low: float
    high: float
    default: float | None = None
    needed: bool = False
    choices: tuple[str, ...] = ()
    points: bool = False


class Signal(NamedTuple):
    """Where a program reads a value: ``place`` among all tags, then the setpoints, then the outputs of all loops, or -1
    for nowhere; times ``scale`` it is in the program's unit. ``sampled``: it comes with a counted sample.
    """

    title: str
    place: int
    scale: float = 1.0
    sampled: bool = False


NOWHERE = Signal("", -1)


class Program(NamedTuple):
    """One program that may lead one loop. ``control`` is the row of the loop that controls what the program watches, or
    -1.
    """

    name: str
    title: str
    parameters: tuple[Parameter, ...]
    signals: Mapping[str, Signal]
    control: int = -1

    def signal(self, name: str) -> Signal:
        """The signal of that name, :data:`NOWHERE` when the program has none."""
        return self.signals.get(name, NOWHERE)


class Bottle(NamedTuple):
    """What a feed is taken from: ``volume`` and ``warn_at`` in the feed's amount, ``density`` in g for one of it.
    ``weight`` is the row of the balance's tag or -1, its numbers times ``weight_scale`` are g, as are ``tare`` (NaN
    when not known) and ``bump``. ``stops``: an empty bottle stops the pump.
    """

    volume: float
    warn_at: float
    stops: bool
    weight: int = -1
    weight_scale: float = 1.0
    density: float = math.nan
    tare: float = math.nan
    bump: float = 10.0


class Feed(NamedTuple):
    """One loop (row ``loop`` of the loop table, row ``output`` of the output table) that programs lead, from ``least``
    to ``most``. What it delivers is told in ``amount``, "" for a loop that is no flow: at a rate of 1 it is ``hourly``
    in an hour, and one of it is ``litres``. ``total`` and ``sample`` are rows of the tag table or -1.
    """

    vessel: str
    name: str
    title: str
    loop: int
    output: int
    unit: str
    decimals: int
    least: float
    most: float
    amount: str
    hourly: float
    litres: float
    total: int
    sample: int
    programs: Mapping[str, Program]
    bottle: Bottle | None = None

    @property
    def full_name(self) -> str:
        """``BR-101.feed``: the target of commands."""
        return f"{self.vessel}.{self.name}"

    @property
    def is_flow(self) -> bool:
        """Whether it delivers a liquid."""
        return self.amount != ""


@dataclass(slots=True)
class FeedTable:
    """All feeds of the site; arrays have shape ``(feeds,)``. ``index`` leads from a loop's full name to its feed."""

    rows: tuple[Feed, ...] = ()
    index: dict[str, int] = field(init=False)
    loop: NDArray[np.intp] = field(init=False)
    output: NDArray[np.intp] = field(init=False)
    most: F8 = field(init=False)
    hourly: F8 = field(init=False)
    vessel: NDArray[np.intp] = field(init=False)

    def __post_init__(self) -> None:
        self.index = {feed.full_name: row for row, feed in enumerate(self.rows)}
        self.loop = np.array([feed.loop for feed in self.rows], np.intp)
        self.output = np.array([feed.output for feed in self.rows], np.intp)
        self.most = np.array([feed.most for feed in self.rows], np.float64)
        self.hourly = np.array([feed.hourly for feed in self.rows], np.float64)
        vessels = list(dict.fromkeys(feed.vessel for feed in self.rows))
        self.vessel = np.array([vessels.index(feed.vessel) for feed in self.rows], np.intp)

    def __len__(self) -> int:
        return len(self.rows)
