"""What a batch is said to have brought: cells of a culture that is grown for them, else dry mass, and product where the
model of the culture makes one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

Contents = Mapping[str, float]
"""What is in a vessel, in the plant's own names and units."""


class Yield(NamedTuple):
    """One figure of what is in a vessel at the end: its name in files, title and unit."""

    name: str
    title: str
    unit: str
    of: Callable[[Contents], float]


def _concentration(name: str, title: str, unit: str, signal: str) -> Yield:
    return Yield(name, title, unit, lambda end: end[signal])


def _amount(name: str, title: str, unit: str, signal: str) -> Yield:
    return Yield(name, title, unit, lambda end: end[signal] * end["volume_l"])


CELLS = (
    _amount("viable_cells_1e9", "Viable cells", "10*9", "vcd"),
    _concentration("viable_density_1e6_per_ml", "Viable cell density", "10*6/mL", "vcd"),
    _concentration("viability_percent", "Viability", "%", "viability"),
)
BIOMASS = (
    _amount("biomass_g", "Dry mass", "g", "biomass"),
    _concentration("biomass_g_per_l", "Dry mass per volume", "g/L", "biomass"),
)
PRODUCT = (
    _amount("product_g", "Product", "g", "product"),
    _concentration("product_g_per_l", "Product per volume", "g/L", "product"),
)
OTHERS: Mapping[str, tuple[Yield, ...]] = {"ecoli_a": BIOMASS, "pen_b": (*PRODUCT, *BIOMASS)}


def yields_of(model: str) -> tuple[Yield, ...]:
    """What is told of batches of a model of a culture, by its name; the most important first."""
    return OTHERS.get(model, CELLS)
