"""Numbers in Modbus registers: types, and the order of their bytes and words."""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping, Sequence
from typing import NamedTuple

CODES = {
    "uint16": "H", "int16": "h", "uint32": "I", "int32": "i", "float32": "f", "uint64": "Q", "int64": "q",
    "float64": "d",
}  # fmt: skip
ORDERS = ("ABCD", "CDAB", "BADC", "DCBA")
"""How the bytes ABCD of a number stand in registers: as they are, words swapped, bytes swapped, both."""


class Form(NamedTuple):
    """How a number is kept in registers."""

    kind: str
    order: str = ORDERS[0]

    @property
    def length(self) -> int:
        """Registers it takes."""
        return struct.calcsize(CODES[self.kind]) // 2

    @property
    def is_integer(self) -> bool:
        """Whether it cannot hold a fraction."""
        return "int" in self.kind

    def value(self, words: Sequence[int]) -> float:
        """The number in these registers."""
        data = struct.pack(f">{self.length}H", *self._sorted(words))
        return float(struct.unpack(f">{CODES[self.kind]}", data)[0])

    def words(self, value: float) -> tuple[int, ...]:
        """The registers that hold a number, rounded if they are to hold a whole one. Raises ``ValueError``."""
        number = round(value) if self.is_integer and math.isfinite(value) else value
        try:
            data = struct.pack(f">{CODES[self.kind]}", number)
        except (struct.error, OverflowError) as error:
            raise ValueError(f"{value:g} does not fit into {self.kind}") from error
        return tuple(self._sorted(struct.unpack(f">{self.length}H", data)))

    def _sorted(self, words: Sequence[int]) -> list[int]:
        """From the order of the wire to ABCD, or back."""
        swapped = list(reversed(words)) if self.order in {"CDAB", "DCBA"} else list(words)
        if self.order in {"BADC", "DCBA"}:
            return [word >> 8 | (word & 0xFF) << 8 for word in swapped]
        return swapped


FORMS: Mapping[str, Form] = {kind: Form(kind) for kind in CODES}
