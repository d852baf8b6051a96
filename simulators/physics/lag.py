"""First-order lags, discretised exactly so that any step length is stable and right."""

from __future__ import annotations

from math import exp


def approach(dt_s: float, tau_s: float) -> float:
    """The share of the way to a constant target that a lag covers in `dt_s`: 1 - exp(-dt/tau)."""
    return 1.0 - exp(-dt_s / tau_s)


def slew(value: float, target: float, limit: float) -> float:
    """`target`, or as far towards it as a move of at most `limit` (> 0) gets."""
    return min(max(target, value - limit), value + limit)
