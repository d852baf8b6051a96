"""Numbers in Modbus registers: types, and the order of their bytes and words."""

from __future__ import annotations

import struct
from typing import NamedTuple

CODES = {
    "uint16": "H", "int16": "h", "uint32": "I", "int32": "i", "float32": "f", "uint64": "Q", "int64": "q",
    "float64": "d",
}  # fmt: skip
ORDERS = ("ABCD", "CDAB", "BADC", "DCBA")
"""How the bytes ABCD of a number stand in registers: as they are, words swapped, bytes swapped, both."""


class Form(NamedTuple):
    """How a number is kept in registers."""

    kind: str = "uint16"
    order: str = ORDERS[0]

    @property
    def code(self) -> str:
        """Its letter for :mod:`struct`."""
        return CODES[self.kind]

    @property
    def length(self) -> int:
        """Registers it takes."""
        return struct.calcsize(self.code) // 2

    @property
    def places(self) -> tuple[int, ...]:
        """For each of its bytes, the most significant first, which byte of the registers it is; or the other way round,
        which is the same.
        """
        words = range(0, 2 * self.length, 2)
        swapped = 1 if self.order in {"BADC", "DCBA"} else 0
        ordered = reversed(words) if self.order in {"CDAB", "DCBA"} else words
        return tuple(word + (byte ^ swapped) for word in ordered for byte in (0, 1))

    def words(self, value: float) -> tuple[int, ...]:
        """The registers that hold a number, rounded if they are to hold a whole one. Raises ``ValueError``."""
        number = value if self.kind.startswith("float") else round(value)
        try:
            data = struct.pack(f">{self.code}", number)
        except (struct.error, OverflowError) as error:
            raise ValueError(f"{value:g} does not fit into {self.kind}") from error
        return struct.unpack(f">{self.length}H", bytes(data[place] for place in self.places))
