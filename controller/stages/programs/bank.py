"""A bank: all programs of one kind that run now, computed together."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from controller.frame import F8
from controller.model.programs import FeedTable
from controller.stages.programs.kind import Kind, Now
from controller.stages.programs.kinds import KINDS
from controller.stages.programs.limits import Limits
from controller.stages.programs.run import Run

Flags = NDArray[np.bool_]
Told = list[tuple[int, str]]
LIMITS = ("most", "end_after", "end_total", "end_volume", "patience")
"""Parameters that every scan looks at."""


class Arrays(dict[str, F8]):
    """Arrays of one shape by name; one that is not there is NaN."""

    def __init__(self, size: int, entries: Mapping[str, F8]) -> None:
        super().__init__(entries)
        self._size = size

    def __missing__(self, name: str) -> F8:
        return np.full(self._size, np.nan)


class _Reading:
    """One signal of a bank's programs: where it is for each, in which unit, and whether it comes with a sample."""

    def __init__(self, name: str, runs: Sequence[Run]) -> None:
        signals = [run.program.signal(name) for run in runs]
        self._place = np.array([signal.place for signal in signals], np.intp)
        self._scale = np.array([signal.scale for signal in signals], np.float64)
        self._sampled = np.array([signal.sampled for signal in signals], np.bool_)
        self.any_sampled = bool(self._sampled.any())

    def read(self, values: F8, fresh: Flags) -> F8:
        """The values now, NaN where not valid or of an earlier batch's sample."""
        read = values[self._place] * self._scale
        if self.any_sampled:
            read[self._sampled & ~fresh] = np.nan
        return read


class Bank:
    """The programs of ``kind`` that run on the feeds ``rows``. Made anew whenever one begins, waits or ends.

    ``sampled``: some of them read what comes with a counted sample. ``holds`` are those that hold their last rate at
    their end, ``late`` those that have missed a value for too long; shape ``(running,)``. ``lost``: some of them miss
    one.
    """

    def __init__(self, kind: Kind, rows: Sequence[int], runs: Sequence[Run], table: FeedTable, lost_h: F8) -> None:
        self.kind, self.runs = kind, list(runs)
        self.rows = np.array(rows, np.intp)
        n = len(self.rows)
        feeds = [table.rows[row] for row in rows]
        names = dict.fromkeys([*LIMITS, *(name for run in runs for name in run.parameters)])
        self.parameters = Arrays(n, {name: _column(run.parameters[name] for run in runs) for name in names})
        kept = kind.memory if kind.steady else ()
        self._memory = {name: _column(run.memory[name] for run in runs) for name in kept}
        needed = dict.fromkeys(name for run in runs for name in reads(run))
        self._signals = {name: _Reading(name, runs) for name in needed}
        self.sampled = any(one.any_sampled for one in self._signals.values())
        self.limits = Limits(self.parameters, feeds)
        self.holds = np.array([run.word("at_end") != "stop" for run in runs], np.bool_)
        self.lost, self.late = bool(lost_h[self.rows].any()), np.zeros(n, np.bool_)
        self.volume = np.full(n, np.nan)
        self._control = np.array([run.program.control for run in runs], np.intp)
        self._litres = _column(feed.litres for feed in feeds)
        self._per_litre = _column(1.0 / (feed.hourly * feed.litres) if feed.is_flow else np.nan for feed in feeds)

    @property
    def reads(self) -> bool:
        """Whether any of them reads values."""
        return bool(self._signals)

    def rate(
        self, values: F8, fresh: Flags, hours: F8, dt_h: float, delivered: F8, disturbed: tuple[F8, F8] | None
    ) -> tuple[F8, Told]:
        """The rates of all programs, not finite where they cannot be decided, and what they have to tell. ``values``
        are those of all signals of the site, ``disturbed`` those of its loops and feeds; other arrays are the bank's.
        """
        n = len(self.rows)
        signals = Arrays(n, {name: one.read(values, fresh) for name, one in self._signals.items()})
        stirred = hours if disturbed is None else disturbed[0][self._control] + disturbed[1][self.rows]
        now = Now(
            self.runs, hours, dt_h, delivered, self.parameters, signals, self._memory, self._per_litre, self._litres,
            stirred,
        )  # fmt: skip
        rate = self.kind.rate(now)
        if self.limits.by_volume:
            self.volume = signals["volume"]
            rate = np.where(np.isfinite(self.parameters["end_volume"]) & np.isnan(self.volume), np.nan, rate)
        return rate, now.told

    def missing(self, place: int, values: F8, fresh: Flags) -> list[str]:
        """The titles of the values that a program needs and that are not valid."""
        run = self.runs[place]
        lacking = [name for name in reads(run) if np.isnan(self._signals[name].read(values, fresh)[place])]
        return [run.program.signal(name).title or name for name in lacking]

    def save(self) -> None:
        """Write what the programs remember back to each of them."""
        for name, column in self._memory.items():
            for run, value in zip(self.runs, column.tolist(), strict=True):
                run.memory[name] = value


def reads(run: Run) -> list[str]:
    """The signals that a program reads with its parameters."""
    limit = ["volume"] if math.isfinite(run.parameters["end_volume"]) else []
    return [*dict.fromkeys([*KINDS[run.program.name].reads(run.parameters), *limit])]


def _column(values: Iterable[float]) -> F8:
    return np.fromiter(values, np.float64)
