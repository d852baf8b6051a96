"""Random numbers of vessels: a generator for each, so that no draw depends on how many there are."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from simulators.numeric import Array, Real

ERRORS, READINGS, DRIFTS, MISHAPS = range(4)
"""What the streams of a vessel are for; those from `MISHAPS` on, each for one mishap."""
BLOCK, SMALL_BLOCK = 128, 32
"""Rows of noise made at a time, for one vessel and for many: what is made for hundreds must stay in the cache."""
Rows: TypeAlias = list[Real]


def generator(seed: str, stream: int) -> np.random.Generator:
    """One of a vessel's streams of random numbers."""
    number = int.from_bytes(sha256(seed.encode()).digest()[:16])
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(number, spawn_key=(stream,))))


class Noise(Protocol[Real]):
    """Standard normal numbers."""

    def next(self) -> Rows[Real]:
        """The next row."""
        ...


class Draws(Protocol[Real]):
    """What differs between vessels of one make."""

    def uniform(self, low: float, high: float) -> Real:
        """A number within limits, for each vessel."""
        ...

    def normal(self) -> Real:
        """A standard normal number for each vessel."""
        ...

    def noise(self, stream: int, width: int) -> Noise[Real]:
        """Rows of `width` normal numbers, as :meth:`rows` are."""
        ...

    def branch(self, name: str) -> Draws[Real]:
        """Draws of the same vessels for something that not all have: they change no other number."""
        ...

    def rows(self, values: Sequence[Real]) -> Rows[Real]:
        """Several quantities of the vessels as it is quickest to reckon with them: one vessel's one by one, those of
        many in a single array, quantities by vessels.
        """
        ...

    def columns(self, rows: Rows[Real]) -> Sequence[Real]:
        """The quantities one by one again."""
        ...


class Alone:
    """The draws of one vessel."""

    def __init__(self, seed: str) -> None:
        self._seed = seed
        self._errors = generator(seed, ERRORS)

    def uniform(self, low: float, high: float) -> float:
        """A number within limits."""
        return self._errors.uniform(low, high)

    def normal(self) -> float:
        """A standard normal number."""
        return self._errors.standard_normal()

    def noise(self, stream: int, width: int) -> Noise[float]:
        """Rows of `width` normal numbers."""
        return _AloneNoise(generator(self._seed, stream), width)

    def branch(self, name: str) -> Alone:
        """Draws that change no other."""
        return Alone(f"{self._seed}/{name}")

    def rows(self, values: Sequence[float]) -> list[float]:
        """The quantities as they are."""
        return list(values)

    def columns(self, rows: list[float]) -> Sequence[float]:
        """The quantities as they are."""
        return rows


class Together:
    """The draws of many vessels, each by its own seed the same as alone."""

    def __init__(self, seeds: list[str]) -> None:
        self._seeds = seeds
        self._errors = [generator(seed, ERRORS) for seed in seeds]

    def uniform(self, low: float, high: float) -> Array:
        """A number within limits for each vessel."""
        return np.array([errors.uniform(low, high) for errors in self._errors])

    def normal(self) -> Array:
        """A standard normal number for each vessel."""
        return np.array([errors.standard_normal() for errors in self._errors])

    def noise(self, stream: int, width: int) -> Noise[Array]:
        """Rows of one array, `width` by vessels."""
        return _TogetherNoise([generator(seed, stream) for seed in self._seeds], width)

    def branch(self, name: str) -> Together:
        """Draws that change no other."""
        return Together([f"{seed}/{name}" for seed in self._seeds])

    def rows(self, values: Sequence[Array]) -> list[Array]:
        """The quantities in one array, quantities by vessels."""
        return [np.array(values)]

    def columns(self, rows: list[Array]) -> Sequence[Array]:
        """The quantities one by one."""
        return list(rows[0])


class _AloneNoise:
    def __init__(self, source: np.random.Generator, width: int) -> None:
        self._source, self._width = source, width
        self._rows: list[list[float]] = []

    def next(self) -> list[float]:
        """The next row."""
        if not self._rows:
            self._rows = self._source.standard_normal((BLOCK, self._width)).tolist()
            self._rows.reverse()
        return self._rows.pop()


class _TogetherNoise:
    def __init__(self, sources: list[np.random.Generator], width: int) -> None:
        self._made: NDArray[np.float64] = np.empty((len(sources), SMALL_BLOCK * width))
        self._sources = list(zip(sources, self._made, strict=True))
        self._block: NDArray[np.float64] = np.empty((SMALL_BLOCK, width, len(sources)))
        self._used = SMALL_BLOCK

    def next(self) -> list[Array]:
        """The next row, as one array."""
        if self._used == SMALL_BLOCK:
            for source, mine in self._sources:
                source.standard_normal(out=mine)
            self._block[...] = self._made.T.reshape(self._block.shape)
            self._used = 0
        self._used += 1
        return [self._block[self._used - 1]]
