"""The FLEX2 itself, without its wire: takes one sample at a time, measures it for minutes, has one newest result."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from simulators.instrument import Signals

PANEL_S = 270.0
"""Process seconds of a full panel."""

GLUCOSE_G, LACTATE_G = 0.180156, 0.090078
"""g/mmol."""
NOISE = 0.005
"""Relative standard deviation of a result."""

ALONE: Mapping[str, float] = {
    "Gas/pH": 7.05, "Gas/pCO2": 45.0, "Gas/pO2": 120.0,
    "Chem/Na": 130.0, "Chem/K": 5.2, "Chem/Ca": 1.1, "Chem/NH4": 1.8, "Chem/Gln": 2.4, "Chem/Glu": 1.2,
    "Chem/Gluc": 3.6, "Chem/Lac": 1.1, "Osmo": 305.0,
    "CellDensity/TotalDensity": 2.1, "CellDensity/ViableDensity": 2.0, "CellDensity/Viability": 95.2,
    "CellDensity/AvgLiveDiameter": 12.4, "CellDensity/LiveStdDeviation": 1.9, "CellDensity/TotalCellCount": 840.0,
    "CellDensity/TotalLiveCount": 800.0, "CellDensity/GoodImageCount": 30.0,
    "CalculatedResults/HCO3": 12.1, "CalculatedResults/O2Saturation": 97.0, "CalculatedResults/CO2Saturation": 6.0,
    "CalculatedResults/pHCorrected": 7.06, "CalculatedResults/pCO2Corrected": 44.0,
    "CalculatedResults/pO2Corrected": 118.0,
}  # fmt: skip
"""What a sample that comes from no vessel contains, in the instrument's units."""


@dataclass(frozen=True, slots=True)
class Order:
    """What the host asked for: the arguments as they were when the command bit rose."""

    sample: str
    vessel: str = ""
    operator: str = ""
    sample_type: str = ""


@dataclass(frozen=True, slots=True)
class Result:
    """One finished sample; ``modified_at`` is later than ``sampled_at`` when somebody corrected it."""

    order: Order
    sampled_at: datetime
    modified_at: datetime
    values: Mapping[str, float]


@dataclass(slots=True)
class Analyzer:
    """`now_s` is process time, `clock` the instrument's own, `look` gives a vessel's signals or None.

    The first `ignores` commands, and any while a sample is being measured, are ignored without a word.
    """

    seed: int
    now_s: Callable[[], float]
    clock: Callable[[], datetime]
    look: Callable[[str], Signals | None]
    panel_s: float = PANEL_S
    ignores: int = 0
    taken: list[Order] = field(default_factory=list)
    _running: tuple[float, Result] | None = None

    def schedule(self, order: Order, due_s: float = 0.0) -> None:
        """Measure a sample, `due_s` process seconds from now."""
        if self.ignores > 0 or self._running is not None or not order.sample:
            self.ignores -= self.ignores > 0
            return
        self.taken.append(order)
        now = self.clock()
        self._running = (self.now_s() + due_s + self.panel_s, Result(order, now, now, self._measure(order)))

    def finished(self) -> Result | None:
        """The result of the sample that has just been measured, once."""
        if self._running is None or self.now_s() < self._running[0]:
            return None
        result, self._running = self._running[1], None
        return result

    def _measure(self, order: Order) -> dict[str, float]:
        noise = random.Random(f"{self.seed}:{order.sample}")
        values = dict(ALONE)
        vessel = self.look(order.sample)
        if vessel is not None:
            values |= _contents(vessel)
        return {name: value * noise.gauss(1.0, NOISE) for name, value in values.items()}


def _contents(vessel: Signals) -> dict[str, float]:
    viable, viability = vessel.read("vcd"), vessel.read("viability")
    return {
        "Gas/pH": vessel.read("true_ph"),
        "Chem/NH4": vessel.read("ammonia"),
        "Chem/Gln": vessel.read("glutamine"),
        "Chem/Gluc": vessel.read("glucose") * GLUCOSE_G,
        "Chem/Lac": vessel.read("lactate") * LACTATE_G,
        "CellDensity/ViableDensity": viable,
        "CellDensity/Viability": viability,
        "CellDensity/TotalDensity": 100.0 * viable / viability if viability > 0 else 0.0,
    }
