"""First-order lags, discretised exactly so that any step length is stable and right."""

from __future__ import annotations

from functools import lru_cache

from simulators.numeric import Real, exp, maximum, minimum


def approach(dt_s: float, tau_s: Real) -> Real:
    """The share of the way to a constant target that a lag covers in `dt_s`: 1 - exp(-dt/tau)."""
    return 1.0 - exp(-dt_s / tau_s)


@lru_cache(maxsize=1024)
def covered(dt_s: float, tau_s: float) -> float:
    """:func:`approach` for one vessel, remembered: steps and time constants are few."""
    return approach(dt_s, tau_s)


def toward(value: Real, target: Real, dt_s: float, tau_s: float) -> Real:
    """`value` after `dt_s` of lagging behind a constant `target`."""
    return value + (target - value) * covered(dt_s, tau_s)


def slew(value: Real, target: Real, limit: float) -> Real:
    """`target`, or as far towards it as a move of at most `limit` (> 0) gets."""
    return minimum(maximum(target, value - limit), value + limit)
