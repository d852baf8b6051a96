"""Process faults of a simulated site as its user orders them: quantities with units in, a request of the simulators'
control port out, and everything that is wrong with an order beside the key that it is about.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple, cast

from controller.commands import Json
from controller.config.problems import nearest
from controller.units import Quantity, UnitError
from simulators.mishaps.board import in_vessel
from simulators.mishaps.catalogue import CATALOGUE, Mishap
from simulators.mishaps.order import (
    Order,
    check_fitted,
    duration_of,
    magnitude_of,
    ordered,
    signal_of,
    signals_of,
    start_of,
)

__all__ = ["Order", "Wish", "Wrong", "catalogue", "in_plant", "order_of", "request", "signals_of"]


class Wish(NamedTuple):
    """One process fault that somebody wants; what is None is as usual."""

    fault: str
    signal: str | None = None
    start: Quantity | None = None
    duration: Quantity | None = None
    magnitude: Quantity | None = None


class Wrong(NamedTuple):
    """What is wrong with a wish: the key that it is about, the message, what to do."""

    key: str
    message: str
    hint: str = ""


def request(wish: Wish, vessel: str, has: Collection[str] | None = None) -> dict[str, Json] | list[Wrong]:
    """What to ask the control port for, or everything that is wrong with the wish. ``has`` are the vessel's signals;
    of a vessel that is not known yet they are not checked.
    """
    mishap = CATALOGUE.get(wish.fault)
    if mishap is None:
        return [Wrong("fault", f"there is no process fault {wish.fault!r}", nearest(wish.fault, list(CATALOGUE)))]
    asked: dict[str, Json] = {"op": "process_fault", "vessel": vessel, "fault": mishap.name}
    wrong: list[Wrong] = []
    parts: tuple[tuple[str, str, Callable[[Mishap, Wish], Json]], ...] = (
        ("signal", "signal", _signal), ("start", "start_s", _start), ("duration", "duration_s", _duration),
        ("magnitude", "magnitude", _magnitude),
    )  # fmt: skip
    for key, name, part in parts:
        try:
            asked[name] = part(mishap, wish)
            if key == "signal" and has is not None:
                check_fitted(mishap, str(asked[name] or ""), has, vessel)
        except UnitError as error:
            wrong.append(Wrong(key, f"{key}: {error.message}", error.hint))
        except ValueError as error:
            wrong.append(Wrong(key, str(error)))
    return wrong or asked


def order_of(asked: Mapping[str, Json]) -> Order:
    """The same request for a plant in process, which has no control port."""
    given = {key: cast("float", asked[key]) for key in ("start_s", "duration_s", "magnitude") if asked[key] is not None}
    signal = asked["signal"]
    return ordered(str(asked["fault"]), None if signal is None else str(signal), **given)


def in_plant(fault: str) -> bool:
    """Whether a fault of the catalogue does anything to the vessel itself, or to its wires only."""
    return in_vessel(CATALOGUE[fault])


def catalogue() -> Sequence[Mishap]:
    """Every process fault that can be ordered."""
    return tuple(CATALOGUE.values())


def _signal(mishap: Mishap, wish: Wish) -> Json:
    return signal_of(mishap, wish.signal) or None


def _start(mishap: Mishap, wish: Wish) -> Json:
    return start_of(mishap, 0.0 if wish.start is None else wish.start.to("s"))


def _duration(mishap: Mishap, wish: Wish) -> Json:
    duration_s = duration_of(mishap, None if wish.duration is None else wish.duration.to("s"))
    return duration_s if math.isfinite(duration_s) else None


def _magnitude(mishap: Mishap, wish: Wish) -> Json:
    if wish.magnitude is None or mishap.magnitude is None:
        magnitude_of(mishap, None if wish.magnitude is None else wish.magnitude.value)
        return mishap.magnitude.usual if mishap.magnitude else None
    return magnitude_of(mishap, wish.magnitude.difference(mishap.magnitude.unit))
