"""A vessel from its description, and its state set from outside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from simulators.biology.suspension import Suspension, fed_with
from simulators.description import PHYSICAL, Described, check_state, described
from simulators.draws import Alone, Draws, Together
from simulators.numeric import Array, Real, filled, gathered
from simulators.vessel import Vessel

IONS: Mapping[str, float] = {"lactate": -1.0, "acetate": -1.0, "ammonia": 1.0}
"""Charge of what can be set, which moves the strong-ion difference."""


def make_vessel(name: str, entry: Mapping[str, object], seed: int) -> Vessel[float]:
    """A vessel from its description, see :mod:`simulators.description`.

    Raises ValueError when `entry` makes no sense.
    """
    try:
        usual = described(entry).model.usual
        return make_alone(entry, f"{seed}:{entry.get('seed', name)}", usual)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error


def make_vessels(entry: Mapping[str, object], seeds: Sequence[str], cells: Sequence[Any]) -> Vessel[Array]:
    """As many vessels of one description as there are `seeds`, with the parameters of each vessel's cells; those that
    the description gives hold for all.

    Raises ValueError when `entry` makes no sense.
    """
    what = described(entry)
    own = [one._replace(**what.parameters) for one in cells]
    return _made(what, type(what.model.usual)(*gathered(own)), Together(list(seeds)), np.zeros(len(seeds)))


def make_alone(entry: Mapping[str, object], seed: str, cells: Any) -> Vessel[float]:
    """One of those vessels by itself.

    Raises ValueError when `entry` makes no sense.
    """
    what = described(entry)
    return _made(what, cells._replace(**what.parameters), Alone(seed), 0.0)


def _made(what: Described, cells: Any, draws: Draws[Real], like: Real) -> Vessel[Real]:
    """Vessels with these cells; `like` has a number for each."""
    culture: Suspension[Real] = Suspension(fed_with(what.model.equations(cells), what.feed))
    volume, temperature = (filled(like, what.state[name]) for name in ("volume_l", "temperature_c"))
    vessel = Vessel(what.tank, culture, draws, volume, temperature, what.fitted)
    set_state(vessel, what.given)
    return vessel


def set_state(vessel: Vessel[Real], state: Mapping[str, float]) -> None:
    """Set state variables; whatever is not named stays. A pH is reached by carbon dioxide, or by base where
    there is too much acid for that.

    Raises ValueError for what does not exist or is out of range.
    """
    check_state(state, vessel.tank)
    vessel.catch_up()
    like = vessel.volume_l
    for name, value in state.items():
        if name not in PHYSICAL:
            _set_culture(vessel, name, filled(like, value))
    if "volume_l" in state:
        vessel.volume_by_hand(filled(like, state["volume_l"]))
    if "temperature_c" in state:
        vessel.set_temperature(filled(like, state["temperature_c"]))
    if "protein" in state:
        vessel.protein = filled(like, state["protein"])
    if "retained" in state:
        vessel.out = vessel.out._replace(retained=filled(like, 0.01 * state["retained"]))
    if "do" in state:
        vessel.solution.oxygen_percent = filled(like, state["do"])
    if "ph" in state:
        vessel.solution.set_ph(filled(like, state["ph"]))
    else:
        vessel.solution.settle()
    vessel.settle()


def _set_culture(vessel: Vessel[Real], name: str, value: Real) -> None:
    before = vessel.culture.truth().get(name, 0.0 * value)
    if not vessel.culture.set(name, value):
        raise ValueError(f"this vessel's culture has no {name}")
    vessel.solution.strong = vessel.solution.strong + IONS.get(name, 0.0) * (value - before)
