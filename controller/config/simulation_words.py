"""The words of a vessel's ``simulation`` section: what a simulated vessel is, and in which state it begins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from controller.commands import Json
from controller.config.problems import Key


class Word(NamedTuple):
    """A quantity: the plant's own name of it, and its unit there."""

    name: str
    unit: str


QUANTITIES: Mapping[str, Word] = {
    "size": Word("size_l", "L"),
    "volume": Word("volume_l", "L"),
    "temperature": Word("temperature_c", "Cel"),
    "ph": Word("ph", "[pH]"),
    "do": Word("do", "%"),
    "density": Word("vcd", "10*6/mL"),
    "dead_density": Word("dead_density", "10*6/mL"),
    "biomass": Word("biomass", "g/L"),
    "glucose": Word("glucose", "mmol/L"),
    "glutamine": Word("glutamine", "mmol/L"),
    "lactate": Word("lactate", "mmol/L"),
    "ammonia": Word("ammonia", "mmol/L"),
    "product": Word("product", "g/L"),
    "acetate": Word("acetate", "mmol/L"),
    "age": Word("culture_age_h", "h"),
    "protein": Word("protein", "g/L"),
    "retained": Word("retained", "%"),
}
"""What carries a unit in a site file."""
WORDS = ("model", "seed", "parameters", "fitted", "feed", "sensors", "as_bought", *QUANTITIES)
"""All of a section's words; ``parameters`` and ``feed`` are the model's, each in the unit that the plant has it in."""


class SimulationCheck(Protocol):
    """Judges a section by what the plant can do."""

    def __call__(self, section: Mapping[str, Json]) -> Sequence[tuple[tuple[Key, ...], str]]:
        """Where in the section something is wrong, and what."""
