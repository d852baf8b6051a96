"""Ticks as the bytes of a Server-Sent Events stream: positional JSON, encoded once per tick for all clients."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import orjson
from numpy.typing import NDArray

from controller.frame import F8
from controller.publish.publisher import STATES, Publisher, Tick
from drivers.contract import Reason

REASONS = [reason.name.lower() for reason in Reason]
"""The word of each reason number in the live JSON."""

AGE_STEP_S = 1.0
"""An age alone is sent again when it has changed by this much and by a hundredth of itself."""


def frame(event: str, data: Any) -> bytes:
    """One event of the stream; ``data`` becomes one line of JSON, numbers that are not finite become null."""
    return b"event: %s\ndata: %s\n\n" % (event.encode(), orjson.dumps(data, option=orjson.OPT_SERIALIZE_NUMPY))


class Encoder:
    """Turns ticks into events; remembers what the last delta told, so that the next one tells only what changed."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher
        decimals = [cast("int", column.get("decimals", 3)) for column in publisher.columns]
        self._scale = 10.0 ** (np.array(decimals, np.float64) + 1)
        self._told: Tick | None = None
        self._value: F8 = np.empty(0)
        self._age: F8 = np.empty(0)

    def snapshot(self, tick: Tick) -> bytes:
        """Everything, as event ``snapshot``."""
        data = {
            "seq": tick.seq,
            "time": tick.time,
            "process_s": tick.process_s,
            "site": self._publisher.site,
            "columns": self._publisher.columns,
            "values": self._rounded(tick.value),
            "quality": tick.quality.tolist(),
            "reason": [REASONS[reason] for reason in tick.reason.tolist()],
            "age": np.round(tick.age, 1),
        }
        return frame("snapshot", data | {name: tick.state.get(name, []) for name in STATES})

    def delta(self, tick: Tick) -> bytes:
        """What changed since the tick of the previous call, as event ``delta``; all columns at the first call."""
        value = self._rounded(tick.value)
        changed = np.flatnonzero(self._changed(tick, value))
        state = {name: tick.state[name] for name in STATES if name in tick.state and self._state_changed(tick, name)}
        if self._told is None:
            self._age = tick.age.copy()
        self._age[changed] = tick.age[changed]
        self._told, self._value = tick, value
        values = zip(
            changed.tolist(),
            value[changed].tolist(),
            tick.quality[changed].tolist(),
            [REASONS[reason] for reason in tick.reason[changed].tolist()],
            np.round(tick.age[changed], 1).tolist(),
            strict=True,
        )
        data = {"seq": tick.seq, "time": tick.time, "process_s": tick.process_s, "v": list(values), "state": state}
        return frame("delta", data)

    def _rounded(self, value: F8) -> F8:
        return np.rint(value * self._scale) / self._scale

    def _changed(self, tick: Tick, value: F8) -> NDArray[np.bool_]:
        told = self._told
        if told is None:
            return np.ones(len(value), np.bool_)
        with np.errstate(invalid="ignore"):
            older = np.abs(tick.age - self._age) >= np.maximum(AGE_STEP_S, 0.01 * tick.age)
        same = (value == self._value) | (np.isnan(value) & np.isnan(self._value))
        changed: NDArray[np.bool_] = ~same | (tick.quality != told.quality) | (tick.reason != told.reason) | older
        return changed

    def _state_changed(self, tick: Tick, name: str) -> bool:
        return self._told is None or self._told.state.get(name) != tick.state[name]
