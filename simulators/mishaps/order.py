"""One mishap that is to happen: which, to what, when, for how long and how badly."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from simulators.bus import FITTINGS, SENSORS, actuators_with, fittings_of
from simulators.mishaps.catalogue import CATALOGUE, LONGEST_S, Mishap


@dataclass(frozen=True, slots=True)
class Order:
    """A mishap of the catalogue with everything decided. Times are process seconds, `start_s` from when it is ordered;
    `signal` is "" and `magnitude` 0 where there is none to choose; `duration_s` may be infinite.
    """

    mishap: Mishap
    signal: str
    magnitude: float
    start_s: float
    duration_s: float

    @property
    def text(self) -> str:
        """In words: ``probe-drift-ph of ph, 0.1 [pH], for 600 s``."""
        words = [self.mishap.name + (f" of {self.signal}" if self.signal else "")]
        if self.mishap.magnitude is not None:
            words.append(f"{self.magnitude:g} {self.mishap.magnitude.unit}")
        if math.isfinite(self.duration_s):
            words.append(f"{'within' if self.mishap.ramp else 'for'} {self.duration_s:g} s")
        return ", ".join(words)


def ordered(
    name: str,
    signal: str | None = None,
    *,
    start_s: float = 0.0,
    duration_s: float | None = None,
    magnitude: float | None = None,
) -> Order:
    """The order for a mishap by its name; what is not said is as usual.

    Raises ValueError for a name, a signal, a time or a magnitude that does not exist or is out of its range, with what
    is possible.
    """
    if name not in CATALOGUE:
        raise ValueError(f"there is no process fault {name!r}; known: {', '.join(CATALOGUE)}")
    mishap = CATALOGUE[name]
    return Order(
        mishap,
        signal_of(mishap, signal),
        magnitude_of(mishap, magnitude),
        start_of(mishap, start_s),
        duration_of(mishap, duration_s),
    )


def signal_of(mishap: Mishap, signal: str | None) -> str:
    """The signal, or the first that is possible, or "". Raises ValueError for one that it cannot befall."""
    if signal is None:
        return mishap.signals[0] if mishap.signals else ""
    if signal not in mishap.signals:
        possible = ", ".join(mishap.signals) or "the whole vessel, without a signal"
        raise ValueError(f"{mishap.name} cannot befall {signal!r}; possible: {possible}")
    return signal


def signals_of(entry: Mapping[str, object]) -> frozenset[str]:
    """What a vessel has that mishaps may befall, by its description. Raises ValueError for a wrong `fitted`."""
    fitted = fittings_of(entry)
    return frozenset((*SENSORS, *actuators_with(fitted), *(name for one in fitted for name in FITTINGS[one].sensors)))


def check_fitted(mishap: Mishap, signal: str, has: Collection[str], vessel: str) -> None:
    """Raises ValueError for a signal that is not among what the vessel of that name `has`, with what is."""
    if signal and signal not in has:
        possible = ", ".join(name for name in mishap.signals if name in has) or "none of those that it can befall"
        raise ValueError(f"{mishap.name}: {vessel} has no {signal}; fitted: {possible}")


def start_of(mishap: Mishap, start_s: float) -> float:
    """The start in s. Raises ValueError out of its range."""
    if not 0.0 <= start_s <= LONGEST_S:
        raise ValueError(f"{mishap.name}: start {start_s:.10g} s is outside 0 .. {LONGEST_S:.10g} s")
    return start_s


def magnitude_of(mishap: Mishap, magnitude: float | None) -> float:
    """The magnitude, or the usual one. Raises ValueError out of its range."""
    known = mishap.magnitude
    if known is None:
        if magnitude is not None:
            raise ValueError(f"{mishap.name} has no magnitude")
        return 0.0
    value = known.usual if magnitude is None else magnitude
    if not known.low <= value <= known.high:
        raise ValueError(
            f"{mishap.name}: magnitude {value:g} {known.unit} is outside {known.low:g} .. {known.high:g} {known.unit} "
            f"(usual {known.usual:g}, {known.basis})"
        )
    return value


def duration_of(mishap: Mishap, duration_s: float | None) -> float:
    """The duration in s, or the usual one. Raises ValueError out of its range."""
    value = mishap.duration_s if duration_s is None else duration_s
    if not mishap.shortest_s <= value <= mishap.longest_s:
        raise ValueError(
            f"{mishap.name}: duration {value:g} s is outside {mishap.shortest_s:.10g} .. {mishap.longest_s:.10g} s"
        )
    return value
