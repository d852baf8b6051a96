"""The plant: every vessel of a site, in process time, without processes, clocks or wires.

>>> plant = Plant({"BR-101": {"model": "tc_m", "seed": 101, "volume_l": 1.0, "temperature_c": 22.0}}, seed=1)
>>> plant.actuators["BR-101"]["heater"] = 100.0
>>> plant.step(1.0)
>>> plant.sensors["BR-101"]["temperature"]  # doctest: +SKIP
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from simulators.description import doubts, mistakes
from simulators.hands import perform
from simulators.mishaps.book import Book
from simulators.vessel_state import make_vessel, set_state


@dataclass(slots=True)
class Deeds:
    """How often one action was done to one vessel, and the mL that it holds more since, all times together."""

    times: int = 0
    volume_ml: float = 0.0


def complaints(entry: Mapping[str, object]) -> list[tuple[tuple[str, ...], str]]:
    """Everything that is wrong with a vessel's description, by key and with ranges and their sources; where nothing
    is, what of its first state its model does not know.
    """
    return list(mistakes(entry)) or list(doubts(entry))


class Plant:
    """All vessels of a site. The vessels do not influence each other, nor does their number or order.

    `vessels` gives for each name the model, see :data:`simulators.description.CULTURES`, a seed and the initial
    state, see :data:`simulators.description.STATE_RANGES`; with `seed` this decides every number that follows. Raises
    ValueError for a description that makes no sense.
    """

    actuators: Mapping[str, dict[str, float]]
    """Actuator signals by vessel and name, to be written between steps; see the bus for names and units."""
    sensors: Mapping[str, Mapping[str, float]]
    """Readings after the last step by vessel and name."""
    mishaps: Book
    """What goes wrong with the vessels."""

    def __init__(self, vessels: Mapping[str, Mapping[str, object]], seed: int = 0) -> None:
        self._vessels = {name: make_vessel(name, entry, seed) for name, entry in vessels.items()}
        self.mishaps = Book(self._vessels)
        self._done: set[str] = set()
        self._deeds: dict[tuple[str, str], Deeds] = {}
        self.actuators = MappingProxyType({name: vessel.actuators for name, vessel in self._vessels.items()})
        self.sensors = MappingProxyType(
            {name: MappingProxyType(vessel.readings) for name, vessel in self._vessels.items()}
        )

    @property
    def vessels(self) -> tuple[str, ...]:
        """The vessels' names."""
        return tuple(self._vessels)

    def truth(self, vessel: str) -> dict[str, float]:
        """What is so in a vessel, by signal name. Raises KeyError for an unknown vessel."""
        return self._vessels[vessel].truth()

    def outside(self, vessel: str) -> tuple[str, ...]:
        """Quantities in which a vessel is beyond what its culture's model is valid for, by signal name; `temperature`
        and `ph` are the true ones. Raises KeyError for an unknown vessel.
        """
        return self._vessels[vessel].outside()

    def step(self, dt_s: float) -> None:
        """Let `dt_s` (> 0; 0.2 .. 10 s is meant) of process time pass in every vessel."""
        for vessel in self._vessels.values():
            vessel.step(dt_s)

    def hands(self, identifier: str, vessel: str, action: str, amounts: Mapping[str, float]) -> None:
        """Do something by hand, once for each `identifier`; see :mod:`simulators.hands`.

        Raises ValueError or KeyError for what cannot be done; it may then be asked again under the same identifier.
        """
        if identifier not in self._done:
            change_ml = perform(self._vessels[vessel], action, amounts)
            self._done.add(identifier)
            deeds = self._deeds.setdefault((vessel, action), Deeds())
            deeds.times += 1
            deeds.volume_ml += change_ml

    def deeds(self, vessel: str) -> dict[str, Deeds]:
        """What hands have really done to a vessel, by action. Under whatever identifier: a dose given twice counts
        twice.
        """
        return {action: deeds for (name, action), deeds in self._deeds.items() if name == vessel}

    def set_state(self, vessel: str, state: Mapping[str, float]) -> None:
        """Set state variables of a vessel. Raises ValueError or KeyError for what does not exist."""
        set_state(self._vessels[vessel], state)
