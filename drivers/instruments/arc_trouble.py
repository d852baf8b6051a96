"""What a Hamilton Arc sensor warns of, or has an error of: blocks of four words of 32 bits (manual 624300/01).

The manual is that of the pH sensor: of the others only the group of a bit is known, and its number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

GROUPS = ("measurement", "calibration", "interface", "hardware")


class Trouble(NamedTuple):
    """A block by its wire address and length, the status bit that tells of it, and its bits by group and number."""

    status_bit: int
    start: int
    length: int
    of_ph: Mapping[tuple[str, int], str]


WARNINGS = Trouble(0x08, 4735, 8, {
    ("calibration", 0x1): "calibration recommended", ("calibration", 0x2): "last calibration failed",
})  # fmt: skip
ERRORS = Trouble(0x10, 4799, 8, {
    ("measurement", 0x20): "glass resistance too high", ("measurement", 0x40): "glass resistance too low",
    ("measurement", 0x80): "reference resistance too high", ("measurement", 0x100): "reference resistance too low",
    ("measurement", 0x8000): "auxiliary potential too high", ("measurement", 0x10000): "auxiliary potential too low",
    ("measurement", 0x20000): "auxiliary resistance too high", ("measurement", 0x40000): "auxiliary resistance too low",
    ("measurement", 0x2000000): "temperature sensor defective", ("calibration", 0x2): "quality below 15 %",
    ("hardware", 0x1000000): "internal communication",
})  # fmt: skip


def spelled(block: Sequence[int], words: Mapping[tuple[str, int], str]) -> list[str]:
    """The bits that are set, in words as far as there are any; 32 bits have their low register first."""
    found: list[str] = []
    for place, group in enumerate(GROUPS):
        bits = block[2 * place] | block[2 * place + 1] << 16
        set_bits = (1 << shift for shift in range(32) if bits >> shift & 1)
        found += [words.get((group, bit), f"{group} {bit:#x}") for bit in set_bits]
    return found
