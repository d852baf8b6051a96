"""Parameters of a model: what is usual, what is possible, and where both come from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Protocol

import numpy as np

from simulators.numeric import Array, Real, Truth

A_FACTOR = "a factor of 5 either way, chosen"
"""The range of a parameter for which nothing narrower is known."""


class Limit(NamedTuple):
    """A parameter's usual value, its range (both ends belong to it) and unit; where the value and the range come from.

    `basis` says first whether the value is published, derived or chosen.
    """

    usual: float
    low: float
    high: float
    unit: str
    basis: str
    reason: str = A_FACTOR


class Span(NamedTuple):
    """Where a model holds for one quantity of the state or the environment, and who says so."""

    low: float
    high: float
    unit: str
    basis: str


class Parameters(Protocol):
    """A named tuple of parameters, each a float or an array with one value per vessel."""

    def _asdict(self) -> dict[str, float | Array]: ...


def limits(basis: str, values: Mapping[str, tuple[float, str]]) -> dict[str, Limit]:
    """Limits of a factor of 5 about each usual value, which has a unit."""
    return {name: Limit(usual, usual / 5.0, usual * 5.0, unit, basis) for name, (usual, unit) in values.items()}


def usual(table: Mapping[str, Limit]) -> dict[str, float]:
    """The usual values."""
    return {name: limit.usual for name, limit in table.items()}


def check(parameters: Parameters, table: Mapping[str, Limit]) -> None:
    """Raises ValueError with all that is negative, no number or out of range, with the range and its source."""
    wrong = []
    for name, value in parameters._asdict().items():
        limit = table[name]
        values = np.atleast_1d(value)
        for place in np.flatnonzero(~((values >= limit.low) & (values <= limit.high)))[:1]:
            where = f" in vessel {place}" if isinstance(value, np.ndarray) else ""
            wrong.append(beyond(name, float(values[place]), limit, where))
    if wrong:
        raise ValueError("; ".join(wrong))


def beyond(name: str, value: float, limit: Limit, where: str = "") -> str:
    """What is wrong with a parameter, with its range and the source of both; empty for one within its limits."""
    if limit.low <= value <= limit.high:
        return ""
    return (
        f"{name} = {value:.6g} {limit.unit}{where} is outside {limit.low:.4g} .. {limit.high:.4g} "
        f"({limit.reason}; usual {limit.usual:.6g}, {limit.basis})"
    )


def outside(value: Real, span: Span) -> Truth:
    """Whether a quantity has left where the model holds; for each vessel."""
    if isinstance(value, np.ndarray):
        return (value < span.low) | (value > span.high)
    return not span.low <= value <= span.high
