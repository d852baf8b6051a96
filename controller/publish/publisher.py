"""The newest scan for everyone who looks: one immutable tick, replaced atomically; readers hold no lock."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from threading import Lock
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from controller.commands import Json
from controller.frame import F8, U1

Why = Callable[[str], dict[str, Json]]
"""Explains why the output of a loop, by full name, is what it is."""
STATES = ("vessels", "batches", "alarms", "connections", "waiting_calibrations")
"""The parts of a tick that are not numbers in columns."""


class Tick(NamedTuple):
    """One scan as published; nobody changes it afterwards.

    The arrays have shape ``(columns,)`` in the publisher's order; ``time`` is UTC in seconds, ``process_s`` process
    time. ``state`` holds the lists named in :data:`STATES`, in the shape of the live JSON. ``why`` explains the loops
    from what it copied; any thread may call it, and ``None`` is a scan that cannot explain itself.
    """

    seq: int
    time: float
    process_s: float
    value: F8
    quality: U1
    reason: U1
    age: F8
    state: Mapping[str, Json]
    why: Why | None = None


def column_key(column: Mapping[str, Json]) -> str:
    """A column's name in the history: ``BR-101.temperature``, ``BR-101.temperature.sp``, ``BR-101.temperature.op``."""
    suffix = "" if column["kind"] == "tag" else f".{column['kind']}"
    return f"{column['vessel']}.{column['name']}{suffix}"


class Publisher:
    """Takes every scan, keeps the newest.

    ``site`` and ``columns`` describe the live JSON's ``site`` and ``columns`` and never change; ``connections`` names
    the connection each column comes from, "" for none.
    """

    def __init__(
        self, site: Mapping[str, Json], columns: Sequence[Mapping[str, Json]], connections: Sequence[str] = ()
    ) -> None:
        self.site = dict(site)
        self.columns = tuple(dict(column) for column in columns)
        self.keys = {column_key(column): index for index, column in enumerate(self.columns)}
        self.latest: Tick | None = None
        self._listeners: tuple[Callable[[], None], ...] = ()
        self._lock = Lock()
        self._connections = sorted({name for name in connections if name})
        self._counted = np.array([i for i, name in enumerate(connections) if name], np.intp)
        self._group = np.array([3 * self._connections.index(name) for name in connections if name], np.intp)
        self._samples = np.zeros(3 * len(self._connections), np.int64)

    def publish(
        self,
        time: float,
        process_s: float,
        value: F8,
        quality: U1,
        reason: U1,
        age: F8,
        state: Mapping[str, Json],
        why: Why | None = None,
    ) -> None:
        """Replace the newest tick and wake whoever listens. Called by the scan; takes the arrays and ``state`` over."""
        seq = self.latest.seq + 1 if self.latest is not None else 1
        for array in (value, quality, reason, age):
            array.flags.writeable = False
        self._samples = self._samples + self._count(quality)
        self.latest = Tick(seq, time, process_s, value, quality, reason, age, state, why)
        for listener in self._listeners:
            listener()

    def subscribe(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call ``listener`` after every publish, on the scan's thread: it must neither block nor raise.

        Returns what ends it.
        """
        with self._lock:
            self._listeners = (*self._listeners, listener)
        return lambda: self._unsubscribe(listener)

    def samples(self) -> dict[tuple[str, int], int]:
        """Samples since the start, by connection and quality (0 Good, 1 Uncertain, 2 Bad)."""
        counts = self._samples.reshape(-1, 3)
        return {
            (name, quality): int(counts[i, quality]) for i, name in enumerate(self._connections) for quality in range(3)
        }

    def _count(self, quality: U1) -> NDArray[np.int64]:
        return np.bincount(self._group + quality[self._counted], minlength=len(self._samples)).astype(np.int64)

    def _unsubscribe(self, listener: Callable[[], None]) -> None:
        with self._lock:
            self._listeners = tuple(other for other in self._listeners if other is not listener)
