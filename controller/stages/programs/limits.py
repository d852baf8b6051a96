"""What holds for every program: its lowest and highest rate, and where it ends."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from controller.frame import F8
from controller.model.programs import Feed

ENOUGH = 1e-6
"""Share of an amount that may be missing when it counts as delivered."""


class Limits:
    """The limits of the programs of a bank; arrays of shape ``(running,)``, NaN where there is none. ``by_volume``:
    some of them end at a volume.
    """

    def __init__(self, parameters: Mapping[str, F8], feeds: Sequence[Feed]) -> None:
        self._least = np.array([feed.least for feed in feeds], np.float64)
        self._most = np.maximum(np.fmin([feed.most for feed in feeds], parameters["most"]), self._least)
        self._after, self._total = parameters["end_after"], parameters["end_total"]
        self._volume = parameters["end_volume"]
        self._hourly = np.array([feed.hourly or 1.0 for feed in feeds], np.float64)
        self.by_volume = bool(np.isfinite(self._volume).any())
        self._by_total = bool(np.isfinite(self._total).any())
        self._ends = self.by_volume or self._by_total or bool(np.isfinite(self._after).any())

    def limited(self, rate: F8, delivered: F8, dt_h: float) -> F8:
        """Rates within the limits, and none that would go beyond the amount at which a program ends before the next
        scan; ``delivered`` is the amount since it began.
        """
        most = self._most
        if self._by_total and dt_h > 0.0:
            left = np.maximum(self._total - delivered, 0.0)
            most = np.fmin(most, left / (dt_h * self._hourly))
        return np.minimum(np.maximum(rate, self._least), most)

    def ended(self, hours: F8, delivered: F8, volume: F8) -> Iterator[tuple[int, str, bool]]:
        """The programs that end now: their place, why, and whether that is by time alone."""
        if not self._ends:
            return
        late, given = hours >= self._after, delivered >= self._total * (1.0 - ENOUGH)
        full = volume >= self._volume
        for place in np.flatnonzero(late | given | full).tolist():
            if full[place]:
                yield place, f"the culture has reached {volume[place]:.4g} L", False
            elif given[place]:
                yield place, f"it has delivered {delivered[place]:.4g}", False
            else:
                yield place, f"its {self._after[place]:.4g} h are over", True
