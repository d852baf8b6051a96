"""What every simulated instrument is given, and how it says where it can be reached."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol, TypeAlias

from simulators.faults import Faults

GENERAL = frozenset({"kind", "vessel", "vessels", "signals", "number", "user", "password", "db"})
"""Settings that a site may hand to any instrument, whether it has a use for them or not."""

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"


class Settings(Mapping[str, Json]):
    """An instrument's entry of the document; remembers what was looked at, so that a misspelt word is found.

    ``used`` says that all were looked at, and the instrument answers.
    """

    def __init__(self, entry: Mapping[str, Json]) -> None:
        self._entry = entry
        self._known: set[str] = set(GENERAL)
        self.used = False

    def __getitem__(self, key: str) -> Json:
        self._known.add(key)
        return self._entry[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entry)

    def __len__(self) -> int:
        return len(self._entry)

    def check(self) -> None:
        """To be called once everything was looked at. Raises :class:`SpecError` for words that nothing looked at."""
        if unknown := sorted(self._entry.keys() - self._known):
            known = ", ".join(sorted(self._known - GENERAL - {"pty"})) or "none"
            raise SpecError(f"there is no setting {', '.join(unknown)}; known: {known}")
        self.used = True


class Signals(Protocol):
    """One vessel's signals by name, in the units of the bus: what is measured, what is driven, what is true."""

    def read(self, signal: str) -> float:
        """The newest value. Raises KeyError for a name that does not exist."""
        ...

    def write(self, signal: str, value: float) -> None:
        """Set an actuator. Raises KeyError for a name that does not exist."""
        ...


def has(signals: Signals, name: str) -> bool:
    """Whether the vessel has a signal of that name."""
    try:
        signals.read(name)
    except KeyError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class Context:
    """One instrument's part of the world.

    `spec` is its entry of the document on stdin, `vessels` the signals by vessel name, `directory` where
    pseudo-terminals are linked, `ready` takes the address (`url`, `port` or `pty`) once the instrument answers,
    `clock` gives the process time in seconds, which runs as fast as the site does.
    """

    name: str
    spec: Mapping[str, Json]
    vessels: Mapping[str, Signals]
    directory: Path
    seed: int
    faults: Faults
    ready: Callable[[Mapping[str, Json]], None]
    clock: Callable[[], float] = time.monotonic

    @property
    def port(self) -> int | None:
        """The TCP port that was asked for, 0 for a free one. Raises :class:`SpecError` when it is none."""
        port = self.spec.get("port")
        if port is not None and (isinstance(port, bool) or not isinstance(port, int) or not 0 <= port <= 65535):
            raise SpecError("port must be a number from 0 to 65535")
        return port

    @property
    def vessel(self) -> Signals:
        """The signals of the instrument's only vessel. Raises KeyError when the spec names none that exists."""
        return self.vessels[str(self.spec["vessel"])]

    def source(self, role: str, alone: Callable[[], float]) -> Callable[[], float]:
        """What the instrument measures as `role`: the vessel's signal that the spec's `signals` names for it, or
        `alone` for one that stands alone. While a probe is off, the instrument does not answer. Raises KeyError for a
        signal that does not exist.
        """
        signal = self._signal(role)
        if signal is None:
            return alone
        probe = _Probe(self.vessel, signal)
        self.faults.blind.append(probe.is_off)
        return probe.read

    def sink(self, role: str) -> Callable[[float], None]:
        """Where the instrument puts what it does as `role`: into the vessel, or nowhere if it stands alone."""
        signal = self._signal(role)
        return _nowhere if signal is None else partial(self.vessel.write, signal)

    def _signal(self, role: str) -> str | None:
        signals = self.spec.get("signals", {})
        if not isinstance(signals, dict):
            raise SpecError(f'{self.name}: signals must be an object, such as {{"flow": "air"}}')
        signal = signals.get(role)
        return None if signal is None else str(signal)


class _Probe:
    """One signal as an instrument measures it; while it is off, the value it had before."""

    def __init__(self, vessel: Signals, signal: str) -> None:
        self._vessel, self._signal = vessel, signal
        self._last = 0.0
        self.read()

    def read(self) -> float:
        value = self._vessel.read(self._signal)
        if math.isfinite(value):
            self._last = value
        return self._last

    def is_off(self) -> bool:
        return not math.isfinite(self._vessel.read(self._signal))


def _nowhere(_value: float) -> None:
    """What an instrument does that stands alone acts on nothing."""


class SpecError(ValueError):
    """The document on stdin does not describe a site that can be simulated."""
