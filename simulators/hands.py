"""What people do to a vessel by hand: inoculate, draw a sample, harvest, fill."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from simulators.biology.suspension import FRESH_VIABILITY
from simulators.numeric import Array, Real, Truth, minimum, some, where
from simulators.physics.mass import mixed
from simulators.vessel import Vessel

LEFT_AFTER_HARVEST = 0.01
"""Share of the vessel's size that clings to it."""
HUNDRED = 100.0

Amounts = Mapping[str, float]


def perform(vessel: Vessel[float], action: str, amounts: Amounts) -> float:
    """Do one action; gives the mL that the vessel holds more since.

    Raises ValueError for an action, an amount or a name that makes no sense; nothing is done then.
    """
    check(action, amounts)
    vessel.catch_up()
    _refuse(vessel.volume_l, vessel, action, amounts)
    before_l = vessel.volume_l
    ACTIONS[action].do(vessel, True, amounts)
    return 1000.0 * (vessel.volume_l - before_l)


def perform_on(vessel: Vessel[Array], action: str, wanted: Mapping[int, Amounts]) -> None:
    """Do one action to some of many vessels, by their columns, at a moment when all cultures have lived until now; the
    others stay as they are, to the bit.

    Raises ValueError as :func:`perform` does; nothing is done then.
    """
    chosen, count = np.zeros(len(vessel.volume_l), np.bool_), len(vessel.volume_l)
    arrays = {name: np.full(count, value) for name, value in ACTIONS[action].neutral.items()}
    for column, amounts in wanted.items():
        check(action, amounts)
        _refuse(float(vessel.volume_l[column]), vessel, action, amounts)
        chosen[column] = True
        for name, value in amounts.items():
            arrays[name][column] = value
    ACTIONS[action].do(vessel, chosen, arrays)


def check(action: str, amounts: Amounts) -> None:
    """Raises ValueError for an action, an amount or a name that makes no sense."""
    if action not in ACTIONS:
        raise ValueError(f"unknown action {action!r}; known: {', '.join(ACTIONS)}")
    kind = ACTIONS[action]
    if missing := kind.needed - amounts.keys():
        raise ValueError(f"{action} needs {', '.join(sorted(missing))}")
    if unknown := amounts.keys() - kind.neutral.keys():
        raise ValueError(f"{action} does not know {', '.join(sorted(unknown))}")
    if any(not 0.0 < value < float("inf") for value in amounts.values()):
        raise ValueError(f"{action}: every amount must be above 0")
    if amounts.get("viability", 0.0) > HUNDRED:
        raise ValueError("viability is above 100 %")


def _refuse(volume_l: float, vessel: Vessel[float] | Vessel[Array], action: str, amounts: Amounts) -> None:
    """Raises ValueError for more than the vessel has, or than it has room for."""
    tank = vessel.tank
    change_l = 0.001 * amounts.get("volume_ml", 0.0) + amounts.get("volume_l", 0.0)
    if action == "sample":
        if volume_l - change_l < LEFT_AFTER_HARVEST * tank.nominal_l:
            raise ValueError("there is not that much in the vessel")
    elif volume_l + change_l > tank.brim_l:
        raise ValueError(f"{volume_l + change_l:.2f} L would overflow a vessel of {tank.brim_l:g} L")


def inoculate(vessel: Vessel[Real], _chosen: Truth, amounts: Mapping[str, Real]) -> None:
    """Add `volume_ml` of cells in fresh medium, `density` 10*6/mL viable, `viability` in % (95)."""
    viability = 0.01 * amounts.get("viability", HUNDRED * FRESH_VIABILITY + 0.0 * amounts["density"])
    share = _add_medium(vessel, 0.001 * amounts["volume_ml"])
    vessel.culture.inoculate(amounts["density"], share, viability)


def fill(vessel: Vessel[Real], _chosen: Truth, amounts: Mapping[str, Real]) -> None:
    """Add `volume_l` of fresh medium at room temperature."""
    before = vessel.volume_l
    share = _add_medium(vessel, amounts["volume_l"])
    vessel.culture.dilute(share)
    vessel.temperature = mixed(vessel.temperature, before, vessel.tank.shell.ambient, amounts["volume_l"])


def sample(vessel: Vessel[Real], _chosen: Truth, amounts: Mapping[str, Real]) -> None:
    """Draw `volume_ml`; concentrations do not change. A port that is fitted keeps some of it for the next sample."""
    if vessel.fittings is not None:
        vessel.fittings.sample(vessel.culture.truth(), amounts["volume_ml"])
    vessel.volume_by_hand(vessel.volume_l - 0.001 * amounts["volume_ml"])


def harvest(vessel: Vessel[Real], chosen: Truth, _amounts: Mapping[str, Real]) -> None:
    """Take everything but what clings to the vessel."""
    left = minimum(vessel.volume_l, LEFT_AFTER_HARVEST * vessel.tank.nominal_l)
    vessel.volume_by_hand(where(chosen, left, vessel.volume_l))


def _add_medium(vessel: Vessel[Real], volume_l: Real) -> Real:
    total = vessel.volume_l + volume_l
    if some(volume_l > 0.0):
        vessel.solution.dilute(vessel.volume_l, vessel.tank.fresh, volume_l)
    vessel.volume_by_hand(total)
    return volume_l / total


class Action(NamedTuple):
    """What to do, the amounts it needs, and for each that it may be given one that changes nothing."""

    do: Callable[..., None]
    needed: frozenset[str]
    neutral: Amounts


ACTIONS: Mapping[str, Action] = {
    "inoculate": Action(
        inoculate, frozenset({"volume_ml", "density"}), {"volume_ml": 0.0, "density": 0.0, "viability": 95.0}
    ),
    "fill": Action(fill, frozenset({"volume_l"}), {"volume_l": 0.0}),
    "sample": Action(sample, frozenset({"volume_ml"}), {"volume_ml": 0.0}),
    "harvest": Action(harvest, frozenset(), {}),
}
"""What hands can do."""
