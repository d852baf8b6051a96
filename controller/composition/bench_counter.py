"""A cell counter in process, for rehearsals: one sample takes two minutes, results stay until the next."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simulators.plant import Plant

COUNTING_S = 120.0


@dataclass(slots=True)
class _Bench:
    """One vessel's samples: ``finished`` is the newest number, ``running`` the one that is ready at ``ready_s``."""

    finished: float = 0.0
    density: float = math.nan
    viability: float = math.nan
    running: float = 0.0
    ready_s: float = math.inf
    drawn: tuple[float, float] = (math.nan, math.nan)


class BenchCounter:
    """Counts what is in the plant's vessels, without noise. A number that was counted already is not counted again."""

    def __init__(self, plant: Plant) -> None:
        self._plant = plant
        self._benches = {vessel: _Bench() for vessel in plant.vessels}
        self._now_s = 0.0

    def at(self, now_s: float) -> None:
        """Let time pass: samples that are ready show their results."""
        self._now_s = now_s
        for bench in self._benches.values():
            if now_s >= bench.ready_s:
                bench.finished, (bench.density, bench.viability) = bench.running, bench.drawn
                bench.ready_s = math.inf

    def signals(self, address: str) -> tuple[Callable[[], float] | None, Callable[[float], None] | None]:
        """What reads and what writes a point ``<vessel>.<what>``. Raises ``ValueError`` for an unknown one."""
        vessel, _, what = address.rpartition(".")
        bench = self._benches.get(vessel)
        readers = {"sample": "finished", "viable_density": "density", "viability": "viability"}
        if bench is None or what not in {"start", *readers}:
            raise ValueError(f"the counter has no point {address}")
        if what == "start":
            return None, lambda number: self._start(vessel, number)
        return (lambda: float(getattr(bench, readers[what]))), None

    def _start(self, vessel: str, number: float) -> None:
        bench = self._benches[vessel]
        if number > max(bench.finished, bench.running):
            truth = self._plant.truth(vessel)
            bench.running, bench.ready_s = number, self._now_s + COUNTING_S
            cup = "sample_" if "sample_vcd" in truth else ""
            bench.drawn = (truth[f"{cup}vcd"], truth[f"{cup}viability"])
