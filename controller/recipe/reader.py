"""What a batch reads of its vessel."""

from __future__ import annotations

import math
from typing import Protocol

from controller.frame import BAD
from controller.recipe.conditions import Reader

OFF, MANUAL, AUTO, CASCADE, REMOTE = "off", "manual", "auto", "cascade", "remote"
ENGAGED = frozenset({MANUAL, AUTO, CASCADE, REMOTE})
"""The modes in which something moves a loop's output."""


class VesselReader(Reader, Protocol):
    """The values of the moment, and who decides each loop's output."""

    def mode(self, vessel: str, loop: str) -> str:
        """The mode of a loop, as commands say it. Raises ``KeyError`` for a loop that the vessel does not have."""


class NothingRead:
    """Before the first scan nothing is known, and no loop is switched on."""

    def read(self, _vessel: str, _name: str) -> tuple[float, int]:
        """Unknown."""
        return math.nan, BAD

    def mode(self, _vessel: str, _loop: str) -> str:
        """Off."""
        return OFF
