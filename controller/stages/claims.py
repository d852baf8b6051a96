"""Claims: which outputs are written at all in a scan, and which of them somebody else than control decides."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from controller.frame import F8
from controller.stages.flags import Flags, any_of


class Claims:
    """Found out anew whenever something in it became another; arrays of shape ``(outputs,)``.

    ``forced`` is what interlocks and dose guards hold outputs at, NaN where none does; ``held`` are these, and
    ``holds`` says whether there are any. ``claimed`` are the outputs that can be reached and that somebody decides,
    ``left`` the places of the others.
    """

    def __init__(self, safe: F8) -> None:
        n = len(safe)
        self._safe, self._seen = safe, b""
        self.forced = np.full(n, np.nan)
        self.held, self.claimed = np.zeros((2, n), np.bool_)
        self.left: NDArray[np.intp] = np.arange(n)
        self.holds = False

    def find(self, ready: Flags, target: F8, forced: F8, guarded: Flags) -> bool:
        """Look at a scan: what is ``ready``, what control asks for, what interlocks force, NaN where nothing, and what
        dose guards hold at its safe value, after the interlocks. Gives whether anything is another.
        """
        unled = np.isnan(target)
        seen = b"".join((ready.tobytes(), unled.tobytes(), forced.tobytes(), guarded.tobytes()))
        if seen == self._seen:
            return False
        self._seen = seen
        self.forced = np.where(np.isnan(forced) & guarded, self._safe, forced)
        self.held = ~np.isnan(self.forced)
        self.holds = any_of(self.held)
        self.claimed = ready & (self.held | ~unled)
        self.left = np.flatnonzero(~self.claimed)
        return True
