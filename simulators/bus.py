"""The signals that the plant and the instruments of a site share: one float64 slot per vessel and signal.

The memory is anonymous and shared, so a bus made before a fork is the same bus in every child, and it is gone with the
last process: nothing is left behind under /dev/shm. Each slot has ONE writer (sensors and truth: the plant; actuators:
the instrument that drives them), and a slot is one aligned 8-byte store, so readers need no lock and never see half a
value. Two slots read one after the other may be of two plant steps.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterable, Mapping

SENSORS: tuple[str, ...] = (
    "temperature",
    "jacket_temperature",
    "agitation",
    "air",
    "o2",
    "co2",
    "n2",
    "weight",
    "pressure",
    "ph",
    "do",
    "base_revolutions",
    "feed_revolutions",
)
"""What instruments measure, lag and noise included. Cel, Cel, rev/min, 4 x mL/min, g net, mbar, pH, % air, 2 x rev."""

TRUTH: tuple[str, ...] = (
    "volume_l",
    "vcd",
    "viability",
    "dead_density",
    "glucose",
    "glutamine",
    "lactate",
    "ammonia",
    "acetate",
    "biomass",
    "true_ph",
    "true_do",
    "true_temperature",
    "base_ml",
    "feed_ml",
    "process_s",
    "kla",
)
"""What is so. L, 10*6/mL, %, 10*6/mL, 5 x mM, g/L dry mass, pH, % air, Cel, mL, mL, s of process time, 1/h."""

ACTUATORS: tuple[str, ...] = (
    "heater",
    "agitation_sp",
    "air_sp",
    "o2_sp",
    "co2_sp",
    "n2_sp",
    "base_rpm",
    "feed_rpm",
)
"""What instruments drive. %, rev/min, 4 x mL/min, 2 x rev/min."""

SIGNALS: tuple[str, ...] = SENSORS + TRUTH + ACTUATORS
SLOT_BYTES = 8


class Bus:
    """The slots of all `vessels`; every slot starts at 0."""

    def __init__(self, vessels: Iterable[str]) -> None:
        names = tuple(vessels)
        self._index = {vessel: {name: row * len(SIGNALS) + i for i, name in enumerate(SIGNALS)}
                       for row, vessel in enumerate(names)}  # fmt: skip
        self._slots = memoryview(mmap.mmap(-1, SLOT_BYTES * max(len(names) * len(SIGNALS), 1))).cast("d")

    @property
    def vessels(self) -> tuple[str, ...]:
        """The vessels' names."""
        return tuple(self._index)

    def get(self, vessel: str, signal: str) -> float:
        """The newest value. Raises KeyError for a vessel or signal that does not exist."""
        return self._slots[self._index[vessel][signal]]

    def set(self, vessel: str, signal: str, value: float) -> None:
        """Write one slot, as its only writer. Raises KeyError for a vessel or signal that does not exist."""
        self._slots[self._index[vessel][signal]] = value

    def state(self, vessel: str) -> dict[str, float]:
        """Every signal of a vessel by name. Raises KeyError for a vessel that does not exist."""
        slots = self._slots
        return {name: slots[i] for name, i in self._index[vessel].items()}

    def actuators(self, vessel: str) -> dict[str, float]:
        """The actuator signals of a vessel by name. Raises KeyError for a vessel that does not exist."""
        slots, index = self._slots, self._index[vessel]
        return {name: slots[index[name]] for name in ACTUATORS}

    def publish(self, vessel: str, values: Mapping[str, float]) -> None:
        """Write several slots, as their only writer. Raises KeyError for a vessel or signal that does not exist."""
        slots, index = self._slots, self._index[vessel]
        for name, value in values.items():
            slots[index[name]] = value
