"""Lossless compression of one column of scans: values and qualities. Pure.

A column that holds decimals (a sensor's 37.02) is kept as integers scaled by a power of ten, and those as differences;
one that came from a 32-bit register as 32-bit floats; any other as it is. Bytes of equal weight are put side by side,
which is what makes them compress.
"""

from __future__ import annotations

import struct
import zlib

import numpy as np
from numpy.typing import NDArray

F8 = NDArray[np.float64]
I8 = NDArray[np.int64]
U1 = NDArray[np.uint8]

DECIMALS = 6
LEVEL = 3
DECIMAL, SINGLE, DOUBLE = 0, 1, 2
HEADER = struct.Struct("<BB")


def pack(value: F8, quality: U1) -> bytes:
    """One column of ``n`` scans as bytes; ``value`` and ``quality`` have shape ``(n,)``."""
    method, decimals, raw = _encoded(value)
    return HEADER.pack(method, decimals) + zlib.compress(raw + quality.tobytes(), LEVEL)


def unpack(data: bytes, scans: int) -> tuple[F8, U1]:
    """What :func:`pack` was given. Raises ``ValueError`` or ``zlib.error`` when ``data`` is damaged."""
    method, decimals = HEADER.unpack_from(data)
    raw = zlib.decompress(data[HEADER.size :])
    body, quality = raw[: len(raw) - scans], np.frombuffer(raw[len(raw) - scans :], np.uint8)
    if method == DECIMAL:
        return np.cumsum(_signed(_together(body, "<i8"))) / 10.0**decimals, quality
    return _together(body, "<f4" if method == SINGLE else "<f8").astype(np.float64), quality


def pack_times(time_us: I8) -> bytes:
    """Times in microseconds, as differences."""
    return zlib.compress(_apart(_differences(time_us)), LEVEL)


def unpack_times(data: bytes) -> I8:
    """What :func:`pack_times` was given."""
    return np.cumsum(_signed(_together(zlib.decompress(data), "<i8")))


def _encoded(value: F8) -> tuple[int, int, bytes]:
    decimals = _decimals(value)
    if decimals is not None:
        scaled = np.rint(value * 10.0**decimals).astype(np.int64)
        return DECIMAL, decimals, _apart(_differences(scaled))
    with np.errstate(over="ignore"):
        single = value.astype("<f4")
    if _same(single.astype(np.float64), value):
        return SINGLE, 0, _apart(single)
    return DOUBLE, 0, _apart(value.astype("<f8"))


def _decimals(value: F8) -> int | None:
    """The fewest decimals that hold every value exactly, or ``None``."""
    if not np.isfinite(value).all() or np.abs(value).max(initial=0.0) > 1e9:
        return None
    for decimals in range(DECIMALS + 1):
        scale = 10.0**decimals
        if _same(np.rint(value * scale).astype(np.int64) / scale, value):
            return decimals
    return None


def _same(one: F8, other: F8) -> bool:
    """Equal to the last bit, any NaN taken as any other."""
    equal = (one == other) & (np.signbit(one) == np.signbit(other))
    return bool((equal | (np.isnan(one) & np.isnan(other))).all())


def _differences(items: I8) -> I8:
    """Steps from item to item, sign in the lowest bit so that small ones have only small bytes."""
    step = np.diff(items, prepend=np.int64(0)).astype("<i8")
    return (step << 1) ^ (step >> 63)


def _signed(steps: NDArray[np.generic]) -> I8:
    step = steps.astype(np.int64)
    return (step >> 1 & np.int64(2**63 - 1)) ^ -(step & 1)


def _apart(items: NDArray[np.generic]) -> bytes:
    return items.view(np.uint8).reshape(len(items), -1).T.tobytes()


def _together(data: bytes, dtype: str) -> NDArray[np.generic]:
    width = np.dtype(dtype).itemsize
    return np.ascontiguousarray(np.frombuffer(data, np.uint8).reshape(width, -1).T).view(dtype).reshape(-1)
