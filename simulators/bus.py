"""The signals that the plant and the instruments of a site share: one float64 slot per vessel and signal.

The memory is anonymous and shared, so a bus made before a fork is the same bus in every child, and it is gone with the
last process: nothing is left behind under /dev/shm. Each slot has ONE writer (sensors and truth: the plant; actuators:
the instrument that drives them), and a slot is one aligned 8-byte store, so readers need no lock and never see half a
value. Two slots read one after the other may be of two plant steps.
"""

from __future__ import annotations

import mmap
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

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
    "product",
    "true_ph",
    "true_do",
    "true_temperature",
    "base_ml",
    "feed_ml",
    "process_s",
    "kla",
)
"""What is so. L, 10*6/mL, %, 10*6/mL, 5 x mM, g/L dry mass, g/L, pH, % air, Cel, mL, mL, s of process time, 1/h."""

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
"""What every vessel has."""


class Fitting(NamedTuple):
    """Equipment that not every vessel has: the signals that come with it."""

    sensors: tuple[str, ...] = ()
    truth: tuple[str, ...] = ()
    actuators: tuple[str, ...] = ()


PUMPS: tuple[str, ...] = ("medium", "acid", "antifoam", "harvest", "bleed")
"""Pumps that not every vessel has; `medium` is perfusion's, and brings what `feed` brings."""
FITTINGS: Mapping[str, Fitting] = {
    "off_gas": Fitting(("off_gas_o2", "off_gas_co2")),
    "capacitance": Fitting(("capacitance",)),
    "foam": Fitting(("foam",), ("foam_cm",)),
    "feed_bottle": Fitting(("feed_bottle",)),
    "sample_port": Fitting((), ("sample_vcd", "sample_viability")),
    "exhaust_valve": Fitting((), ("valve_position",), ("exhaust_valve",)),
    "cooling": Fitting((), (), ("cooling_valve",)),
    **{pump: Fitting((f"{pump}_revolutions",), (f"{pump}_ml",), (f"{pump}_rpm",)) for pump in PUMPS},
}
"""Units: 2 x % of dry gas, 10*6/mL (viable), % of the foam's greatest height, cm, g, 10*6/mL and % of the last sample,
3 x % open; of the pumps rev, mL
and rev/min.
"""
NOTHING: Mapping[str, Collection[str]] = {}
AT_START: Mapping[str, float] = {"exhaust_valve": 100.0}
"""Actuators that do not start at 0: a valve that nobody drives is open."""
SLOT_BYTES = 8


def actuators_with(fitted: Collection[str]) -> dict[str, float]:
    """The actuator signals of a vessel with some fittings, as they are at the start."""
    more = [name for fitting in FITTINGS if fitting in fitted for name in FITTINGS[fitting].actuators]
    return {name: AT_START.get(name, 0.0) for name in (*ACTUATORS, *more)}


def fittings_of(entry: Mapping[str, object]) -> tuple[str, ...]:
    """What the `fitted` of a vessel's description names. Raises ValueError for what does not exist."""
    fitted = entry.get("fitted", [])
    if not isinstance(fitted, list) or not all(isinstance(name, str) and name in FITTINGS for name in fitted):
        raise ValueError(f"fitted must be a list of {', '.join(FITTINGS)}, not {fitted!r}")
    return tuple(name for name in FITTINGS if name in fitted)


class Bus:
    """The slots of all `vessels`, which have what is `fitted` besides. Slots start at 0, but for :data:`AT_START`."""

    def __init__(self, vessels: Iterable[str], fitted: Mapping[str, Collection[str]] = NOTHING) -> None:
        self._index: dict[str, dict[str, int]] = {}
        self._actuators: dict[str, tuple[str, ...]] = {}
        count = 0
        for vessel in vessels:
            own = fitted.get(vessel, ())
            more = [name for fitting in own for name in (*FITTINGS[fitting].sensors, *FITTINGS[fitting].truth)]
            self._actuators[vessel] = tuple(actuators_with(own))
            names = (*SENSORS, *TRUTH, *more, *self._actuators[vessel])
            self._index[vessel] = {name: count + place for place, name in enumerate(names)}
            count += len(names)
        self._slots = memoryview(mmap.mmap(-1, SLOT_BYTES * max(count, 1))).cast("d")
        for vessel, own in fitted.items():
            self.publish(vessel, actuators_with(own))

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
        return {name: slots[index[name]] for name in self._actuators[vessel]}

    def publish(self, vessel: str, values: Mapping[str, float]) -> None:
        """Write several slots, as their only writer. Raises KeyError for a vessel or signal that does not exist."""
        slots, index = self._slots, self._index[vessel]
        for name, value in values.items():
            slots[index[name]] = value
