"""A cell counter in process: a sample takes two minutes, its result stays until the next."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from simulators.instruments.vicell_counter import COUNTING_S, Culture, counted

if TYPE_CHECKING:
    from controller.frame import F8

READINGS = ("sample", "viable_density", "viability")
START = "start"


class Counter:
    """Counts what is in the vessels, as far off by chance as the counter on the wire; arrays have a number for each
    vessel. A number that was counted already is not counted again. ``truth`` gives what is so. What chance makes of a
    sample depends on its number and its vessel's of ``seeds`` only.
    """

    def __init__(self, seeds: Sequence[str], truth: Callable[[], Mapping[str, F8]]) -> None:
        vessels = len(seeds)
        self._truth, self._seeds = truth, seeds
        self._readings: dict[str, F8] = {name: np.full(vessels, np.nan) for name in READINGS}
        self._readings["sample"][:] = 0.0
        self._drawn = {name: np.full(vessels, np.nan) for name in READINGS}
        self._running, self._ready_s = np.zeros(vessels), np.full(vessels, np.inf)
        self._next_s = np.inf
        self._now_s = 0.0

    def read(self, names: Sequence[str]) -> F8:
        """What it shows, ``(names, vessels)``."""
        return np.array([self._readings[name] for name in names])

    def at(self, now_s: float) -> bool:
        """Let time pass: samples that are ready show their results. Says whether one may have been."""
        self._now_s = now_s
        if now_s < self._next_s:
            return False
        ready = self._ready_s <= now_s
        for name, values in self._readings.items():
            values[ready] = self._drawn[name][ready]
        self._ready_s[ready] = np.inf
        self._next_s = float(self._ready_s.min())
        return True

    def start(self, column: int, number: float) -> None:
        """Begin to count what is in a vessel now, as the sample of that number."""
        if number <= max(self._readings["sample"][column], self._running[column]):
            return
        truth = self._truth()
        self._running[column], self._ready_s[column] = number, self._now_s + COUNTING_S
        self._next_s = min(self._next_s, self._now_s + COUNTING_S)
        cup = "sample_" if "sample_vcd" in truth else ""
        culture = Culture(float(truth[f"{cup}vcd"][column]), float(truth[f"{cup}viability"][column]))
        found = counted(culture, random.Random(f"{self._seeds[column]}:{number:g}"))
        for name, value in zip(READINGS, (number, *found), strict=True):
            self._drawn[name][column] = value
