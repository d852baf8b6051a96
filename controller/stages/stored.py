"""Reading stored states: columns of numbers beside a column of names, of which anything may be missing or wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeGuard

import numpy as np

from controller.commands import Json


def by_name(state: Mapping[str, Json], columns: Sequence[str], names: Sequence[Json]) -> dict[int, list[float]]:
    """The numbers in ``columns`` of a stored state whose column ``names`` says whose they are, by place in ``names``.

    Names that are gone, and rows in which something is no number, are left out.
    """
    stored = state.get("names")
    if not isinstance(stored, list):
        return {}
    lists = [values for column in columns if isinstance(values := state.get(column), list)]
    if len(lists) != len(columns) or any(len(values) != len(stored) for values in lists):
        return {}
    found = {}
    for name, *values in zip(stored, *lists, strict=True):
        row = numbers(values)
        if name in names and len(row) == len(values):
            found[names.index(name)] = row
    return found


def numbers(values: Json) -> list[float]:
    """The finite numbers in a stored list."""
    return [float(value) for value in values if is_number(value)] if isinstance(values, list) else []


def is_number(value: Json) -> TypeGuard[int | float]:
    """Whether a stored value is a finite number."""
    return isinstance(value, int | float) and not isinstance(value, bool) and bool(np.isfinite(value))
