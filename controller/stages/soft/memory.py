"""What a model of a soft sensor remembers, and a restart brings back."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from controller.commands import Json
from controller.frame import F8


class Memory(dict[str, Any]):
    """Numbers by name: floats and lists of them for a single column, or arrays whose last axis are the columns."""

    def state(self, column: int) -> dict[str, Json]:
        """The memory of one column as JSON; what is not known is ``None``."""
        return {name: _plain(_of(kept, column)) for name, kept in self.items()}

    def restore(self, column: int, state: Mapping[str, Json]) -> None:
        """Take over what :meth:`state` gave. Raises ``ValueError`` for what does not fit."""
        found = {name: _numbers(state[name]) for name in self if name in state}
        for name, kept in self.items():
            if name not in found or found[name].shape != np.shape(_of(kept, column)):
                raise ValueError(f"the memory {name!r} does not fit")
        for name, kept in self.items():
            if isinstance(kept, np.ndarray):
                kept[..., column] = found[name]
            else:
                self[name] = found[name].tolist()


def _of(kept: Any, column: int) -> Any:
    return kept[..., column].tolist() if isinstance(kept, np.ndarray) else kept


def _plain(value: Any) -> Json:
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return float(value) if math.isfinite(value) else None


def _numbers(value: Json) -> F8:
    if isinstance(value, Sequence) and not isinstance(value, str):
        return np.array([_numbers(one) for one in value], np.float64)
    if value is None:
        return np.array(np.nan)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{value!r} is no number")
    return np.array(float(value))
