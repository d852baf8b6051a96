"""What people do to a vessel by hand: inoculate, draw a sample, harvest, fill."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from simulators.biology.suspension import FRESH_VIABILITY
from simulators.vessel import Vessel

LEFT_AFTER_HARVEST = 0.01
"""Share of the vessel's size that clings to it."""

Amounts = Mapping[str, float]


def perform(vessel: Vessel[float], action: str, amounts: Amounts) -> float:
    """Do one action; gives the mL that the vessel holds more since.

    Raises ValueError for an action, an amount or a name that makes no sense; nothing is done then.
    """
    if action not in ACTIONS:
        raise ValueError(f"unknown action {action!r}; known: {', '.join(ACTIONS)}")
    do, needed, optional = ACTIONS[action]
    if missing := needed - amounts.keys():
        raise ValueError(f"{action} needs {', '.join(sorted(missing))}")
    if unknown := amounts.keys() - needed - optional:
        raise ValueError(f"{action} does not know {', '.join(sorted(unknown))}")
    if any(not 0.0 < value < float("inf") for value in amounts.values()):
        raise ValueError(f"{action}: every amount must be above 0")
    vessel.catch_up()
    before_l = vessel.volume_l
    do(vessel, amounts)
    return 1000.0 * (vessel.volume_l - before_l)


def inoculate(vessel: Vessel[float], amounts: Amounts) -> None:
    """Add `volume_ml` of cells in fresh medium, `density` 10*6/mL viable, `viability` in % (95)."""
    viability = 0.01 * amounts.get("viability", 100.0 * FRESH_VIABILITY)
    if viability > 1.0:
        raise ValueError("viability is above 100 %")
    share = _add_medium(vessel, amounts["volume_ml"] / 1000.0)
    vessel.culture.inoculate(amounts["density"], share, viability)


def fill(vessel: Vessel[float], amounts: Amounts) -> None:
    """Add `volume_l` of fresh medium at room temperature."""
    before = vessel.volume_l
    share = _add_medium(vessel, amounts["volume_l"])
    vessel.culture.dilute(share)
    room = vessel.tank.shell.ambient
    vessel.temperature = (vessel.temperature * before + room * amounts["volume_l"]) / vessel.volume_l


def sample(vessel: Vessel[float], amounts: Amounts) -> None:
    """Draw `volume_ml`; concentrations do not change."""
    left = vessel.volume_l - amounts["volume_ml"] / 1000.0
    if left < LEFT_AFTER_HARVEST * vessel.tank.nominal_l:
        raise ValueError("there is not that much in the vessel")
    vessel.volume_by_hand(left)


def harvest(vessel: Vessel[float], amounts: Amounts) -> None:
    """Take everything but what clings to the vessel."""
    del amounts
    vessel.volume_by_hand(min(vessel.volume_l, LEFT_AFTER_HARVEST * vessel.tank.nominal_l))


def _add_medium(vessel: Vessel[float], volume_l: float) -> float:
    total = vessel.volume_l + volume_l
    if total > vessel.tank.brim_l:
        raise ValueError(f"{total:.2f} L would overflow a vessel of {vessel.tank.brim_l:g} L")
    vessel.solution.dilute(vessel.volume_l, vessel.tank.fresh, volume_l)
    vessel.volume_by_hand(total)
    return volume_l / total


Action = Callable[[Vessel[float], Amounts], None]
ACTIONS: Mapping[str, tuple[Action, frozenset[str], frozenset[str]]] = {
    "inoculate": (inoculate, frozenset({"volume_ml", "density"}), frozenset({"viability"})),
    "fill": (fill, frozenset({"volume_l"}), frozenset()),
    "sample": (sample, frozenset({"volume_ml"}), frozenset()),
    "harvest": (harvest, frozenset(), frozenset()),
}
"""What to do, the amounts it needs, the amounts it may be given."""
