"""Questions about arrays of flags, asked in every scan: on short arrays ``any`` and ``all`` cost ten times as much."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from controller.frame import BAD, F8, U1

Flags = NDArray[np.bool_]
TRUE, FALSE, BAD_BYTE = b"\x01", b"\x00", bytes([BAD])


def any_of(flags: Flags) -> bool:
    """Whether at least one is set."""
    return TRUE in flags.tobytes()


def all_of(flags: Flags) -> bool:
    """Whether none is missing."""
    return FALSE not in flags.tobytes()


def any_bad(quality: U1) -> bool:
    """Whether one of the qualities is Bad."""
    return BAD_BYTE in quality.tobytes()


def any_number(values: F8) -> bool:
    """Whether one of the values is not 0."""
    return bool(np.count_nonzero(values))


def rows_where(flags: Flags) -> NDArray[np.intp]:
    """The places of those that are set."""
    return flags.nonzero()[0]
