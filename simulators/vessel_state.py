"""A vessel from its description, and its state set from outside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from simulators.biology import cho_a, cho_m, ecoli_a, pen_b, tc_m, tc_p
from simulators.biology.suspension import Suspension, fed_with
from simulators.bus import fittings_of
from simulators.draws import Alone, Draws, Together
from simulators.numeric import Array, Real, filled, gathered
from simulators.sizes import as_bought, equipped, sized
from simulators.tank import TANKS, Tank
from simulators.vessel import Vessel


class Model(NamedTuple):
    """A model of a culture: its equations, and the parameters of the usual cells as a named tuple."""

    equations: Any
    usual: Any


CULTURES: Mapping[str, Model] = {
    "tc_m": Model(tc_m.TCell, tc_m.DONOR),
    "ecoli_a": Model(ecoli_a.Coli, ecoli_a.STRAIN),
    "tc_p": Model(tc_p.PublishedTCell, tc_p.DONOR),
    "cho_a": Model(cho_a.Cho, cho_a.LINE),
    "cho_m": Model(cho_m.DenseCho, cho_m.LINE),
    "pen_b": Model(pen_b.Penicillium, pen_b.MOULD),
}
"""Models of a culture by the name a site gives them."""

DEFAULTS: Mapping[str, float] = {"temperature_c": 22.0}
PHYSICAL = frozenset({"volume_l", "temperature_c", "do", "ph", "protein", "retained"})
WORDS = frozenset({"model", "seed", "fitted", "feed", "sensors", "as_bought"})
"""What a description says besides numbers."""
STATE_RANGES: Mapping[str, tuple[float, float]] = {
    "volume_l": (0.01, 1.5),
    "temperature_c": (0.0, 100.0),
    "do": (0.0, 400.0),
    "ph": (4.0, 9.0),
    "vcd": (0.0, 1e6),
    "dead_density": (0.0, 1e6),
    "biomass": (0.0, 300.0),
    "glucose": (0.0, 2000.0),
    "glutamine": (0.0, 200.0),
    "lactate": (0.0, 500.0),
    "ammonia": (0.0, 500.0),
    "acetate": (0.0, 1000.0),
    "culture_age_h": (0.0, 10_000.0),
    "protein": (0.0, 50.0),
    "retained": (0.0, 1.0),
}
"""State variables and their limits: share of the vessel's size (it is given in L), Cel, % air, pH, 2 x 10*6/mL, g/L,
5 x mM, h since activation, g/L that foam, share of the cells that what harvests keeps back.
"""

IONS: Mapping[str, float] = {"lactate": -1.0, "acetate": -1.0, "ammonia": 1.0}
"""Charge of what can be set, which moves the strong-ion difference."""


def make_vessel(name: str, entry: Mapping[str, object], seed: int) -> Vessel[float]:
    """A vessel from `model`, `seed`, `size_l` (2: its working volume), its `sensors`, whether it is `as_bought`, see
    :mod:`simulators.sizes`, what is `fitted` to it, what its `feed` holds in mM, and the initial state.

    Raises ValueError when `entry` makes no sense.
    """
    try:
        return _made(entry, None, Alone(f"{seed}:{entry.get('seed', name)}"), 0.0)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error


def make_vessels(entry: Mapping[str, object], seeds: Sequence[str], cells: Sequence[Any]) -> Vessel[Array]:
    """As many vessels of one description as there are `seeds`, with the parameters of each vessel's cells.

    Raises ValueError when `entry` makes no sense.
    """
    return _made(entry, type(cells[0])(*gathered(cells)), Together(list(seeds)), np.zeros(len(seeds)))


def make_alone(entry: Mapping[str, object], seed: str, cells: Any) -> Vessel[float]:
    """One of those vessels by itself.

    Raises ValueError when `entry` makes no sense.
    """
    return _made(entry, cells, Alone(seed), 0.0)


def _made(entry: Mapping[str, object], cells: Any, draws: Draws[Real], like: Real) -> Vessel[Real]:
    """Vessels with these cells, or the usual ones; `like` has a number for each."""
    model, tank, state, given = _described(entry)
    equations = fed_with(model.equations(model.usual if cells is None else cells), entry.get("feed", {}))
    volume, temperature = (filled(like, state[name]) for name in ("volume_l", "temperature_c"))
    culture: Suspension[Real] = Suspension(equations)
    vessel = Vessel(tank, culture, draws, volume, temperature, fittings_of(entry))
    set_state(vessel, given)
    return vessel


def _described(entry: Mapping[str, object]) -> tuple[Model, Tank, dict[str, float], dict[str, float]]:
    """Model and tank, the state to begin with, and what of it was given."""
    name = str(entry.get("model", "tc_m"))
    if name not in CULTURES:
        raise ValueError(f"unknown model {name!r}; known: {', '.join(CULTURES)}")
    given = {key: _number(key, value) for key, value in entry.items() if key not in WORDS}
    tank = TANKS[name] if (size := given.pop("size_l", None)) is None else sized(TANKS[name], size)
    tank = equipped(tank, entry.get("sensors", {}))
    if (uncalibrated := entry.get("as_bought", False)) not in (True, False):
        raise ValueError(f"as_bought must be true or false, not {uncalibrated!r}")
    tank = as_bought(tank) if uncalibrated else tank
    state = {"volume_l": 0.5 * tank.nominal_l, **DEFAULTS, **given}
    check_state(state, tank)
    return CULTURES[name], tank, state, given


def check_state(state: Mapping[str, float], tank: Tank) -> None:
    """Raises ValueError for a variable that does not exist or is out of range."""
    for name, value in state.items():
        if name not in STATE_RANGES:
            raise ValueError(f"there is no state variable {name!r}; known: {', '.join(STATE_RANGES)}")
        unit = tank.nominal_l if name == "volume_l" else 1.0
        low, high = (unit * end for end in STATE_RANGES[name])
        if not low <= value <= high:
            raise ValueError(f"{name} must be {low:g} .. {high:g}")


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
        vessel.out = vessel.out._replace(retained=filled(like, state["retained"]))
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


def _number(what: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError(f"{what} must be a number")
    return float(value)
