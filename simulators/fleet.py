"""Vessels of one make side by side, each with cells of its own: what a rehearsal has in the place of a laboratory.

What becomes of a vessel depends on the seed and on its number only, to the bit: neither on how many there are, nor on
which of them are stepped together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simulators.biology.contamination import STERILE
from simulators.biology.culture import Validity
from simulators.biology.donors import Patient, patient
from simulators.bus import actuators_with
from simulators.description import CULTURES, described
from simulators.hands import check, perform, perform_on
from simulators.mishaps.board import Board
from simulators.mishaps.order import Order
from simulators.numeric import Array
from simulators.vessel_state import make_alone, make_vessels

POPULATION = "tc_m"
"""The model whose cells come from a population of patients; with the others every vessel has the usual cells."""
CELLS_PER_ML = 1e-3
"""1e9 cells in a mL of 10*6/mL."""
PERCENT = 100.0


class Wish(NamedTuple):
    """Something that hands are asked to do to one vessel."""

    column: int
    action: str
    amounts: dict[str, float]


class Begun(NamedTuple):
    """An inoculation: s of process time, and 1e9 viable cells."""

    process_s: float
    cells: float


class Fleet:
    """Many vessels as one plant. `numbers` are the vessels' numbers in the population, from 0; arrays have a number for
    each vessel, in that order.

    Hands act when the cultures have lived until now, which is within a minute: whoever is asked comes a little later.
    Cells for an inoculation come out of the patient's bag: not more than are in it, and as viable as they are.

    Raises ValueError when `entry`, see :data:`simulators.description.STATE_RANGES`, makes no sense.
    """

    patients: tuple[Patient, ...]
    """Who the cells come from; empty where the model knows no patients."""
    actuators: dict[str, Array]
    """To be written, in place, between steps; see the bus for names and units."""
    asked: Array
    """The same in one array, signals by vessels."""
    refused: list[tuple[int, str]]
    """What hands could not do: the vessel's column and why."""
    at_harvest: dict[int, dict[str, float]]
    """The truth of each vessel when its harvest was asked for, by column."""
    begun: dict[int, Begun]
    """When cells first came into each vessel, by column."""
    seeds: tuple[str, ...]
    """What decides the random numbers of each vessel."""
    valid: Validity
    """Where the model of the culture holds, by the quantities of :meth:`beyond`."""
    filled_l: Array
    """Medium that each vessel was given by hand, that it began with included; what the pumps bring is not."""

    def __init__(self, entry: Mapping[str, object], numbers: Sequence[int], seed: int) -> None:
        model = str(entry.get("model", POPULATION))
        self.patients = tuple(patient(seed, number) for number in numbers) if model == POPULATION else ()
        usual = [CULTURES[model].usual] * len(numbers) if model in CULTURES else []
        cells = [one.donor for one in self.patients] if self.patients else usual
        self.seeds = tuple(f"{seed}:{number}" for number in numbers)
        alone = len(numbers) == 1
        self._one = make_alone(entry, self.seeds[0], cells[0]) if alone else None
        self._many = None if alone else make_vessels(entry, [*self.seeds], cells)
        made = described(entry)
        self.valid = {**made.model.equations.valid, "bacteria": STERILE}
        wanted = actuators_with(made.fitted)
        self.asked = np.repeat([[value] for value in wanted.values()], len(numbers), axis=1)
        self.actuators = dict(zip(wanted, self.asked, strict=True))
        self.refused, self.at_harvest, self.begun = [], {}, {}
        self.filled_l = self.truth()["volume_l"].copy()
        self._wishes: list[Wish] = []
        self._board = Board(self._one) if self._one is not None else None
        self._boards = Board(self._many) if self._many is not None else None

    def befall(self, order: Order) -> None:
        """Let a mishap happen in every vessel. Raises ValueError for a signal that they do not have."""
        if self._boards is not None:
            self._boards.order(order, np.full(len(self.filled_l), True))
        elif self._board is not None:
            self._board.order(order)

    @property
    def readings(self) -> dict[str, Array]:
        """What the sensors showed after the last step, by signal name."""
        if self._many is not None:
            return self._many.readings
        assert self._one is not None
        return {name: np.array([value]) for name, value in self._one.readings.items()}

    def read(self, names: Sequence[str]) -> Array:
        """What some sensors showed after the last step, sensors by vessels."""
        vessel = self._one or self._many
        assert vessel is not None
        readings = vessel.readings
        return np.array([readings[name] for name in names]).reshape(len(names), len(self.filled_l))

    def truth(self) -> dict[str, Array]:
        """What is so, by signal name."""
        if self._many is not None:
            return self._many.truth()
        assert self._one is not None
        return {name: np.array([value]) for name, value in self._one.truth().items()}

    def beyond(self) -> dict[str, NDArray[np.bool_]]:
        """For each quantity that the model of the culture depends on: where it is asked for more than it knows."""
        vessel = self._one or self._many
        assert vessel is not None
        count = len(self.actuators["heater"])
        return {name: np.broadcast_to(np.asarray(truth), count) for name, truth in vessel.beyond().items()}

    def ask(self, column: int, action: str, amounts: Mapping[str, float]) -> None:
        """Ask hands for something; see :mod:`simulators.hands`. What makes no sense is refused and not done."""
        taken = dict(amounts)
        if action == "inoculate" and self.patients:
            taken = out_of_the_bag(self.patients[column], taken)
        try:
            check(action, taken)
        except ValueError as error:
            self.refused.append((column, f"{action}: {error}"))
            return
        if action == "harvest":
            self.at_harvest[column] = {name: float(values[column]) for name, values in self.truth().items()}
        self._wishes.append(Wish(column, action, taken))

    @property
    def busy(self) -> frozenset[int]:
        """The columns of the vessels at which hands have something to do."""
        return frozenset(wish.column for wish in self._wishes)

    def step(self, dt_s: float) -> None:
        """Let `dt_s` (> 0) pass in every vessel."""
        if self._many is not None:
            self._many.actuators.update(self.actuators)
            self._many.step(dt_s)
            ready = self._many.caught_up
        else:
            assert self._one is not None
            self._one.actuators.update(zip(self.actuators, self.asked[:, 0].tolist(), strict=True))
            self._one.step(dt_s)
            ready = self._one.caught_up
        if self._wishes and ready:
            wishes, self._wishes = self._wishes, []
            for wish in wishes:
                self._do(wish)

    def _do(self, wish: Wish) -> None:
        try:
            if self._many is not None:
                perform_on(self._many, wish.action, {wish.column: wish.amounts})
            elif self._one is not None:
                perform(self._one, wish.action, wish.amounts)
        except ValueError as error:
            self.refused.append((wish.column, f"{wish.action}: {error}"))
        else:
            self._note(wish)

    def _note(self, wish: Wish) -> None:
        self.filled_l[wish.column] += wish.amounts.get("volume_l", 0.0)
        if wish.action == "inoculate":
            cells = wish.amounts["volume_ml"] * wish.amounts["density"] * CELLS_PER_ML
            self.begun.setdefault(wish.column, Begun(float(self.truth()["process_s"][wish.column]), cells))


def out_of_the_bag(cells: Patient, amounts: dict[str, float]) -> dict[str, float]:
    """An inoculation with what the patient's bag holds: viable CD3+ cells after thawing."""
    bag = cells.cd3 * cells.viability
    volume, density = amounts.get("volume_ml", 0.0), amounts.get("density", 0.0)
    if volume * density * CELLS_PER_ML > bag:
        amounts = {**amounts, "density": bag / (volume * CELLS_PER_ML)}
    return {"viability": PERCENT * cells.viability, **amounts}
