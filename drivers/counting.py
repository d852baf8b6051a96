"""Counts of devices that start again from nothing, when somebody clears them or the power fails."""

from __future__ import annotations


class Counter:
    """A total that goes on where the device's own count falls back to less than half: then it has started anew. A count
    that falls a little was rounded otherwise, or the device turned back: the total waits for it.
    """

    def __init__(self) -> None:
        self._before = self._last = 0.0

    def total(self, count: float) -> float:
        """The total, the device's own count being what it is. It never falls."""
        if count <= self._last / 2:
            self._before += self._last
            self._last = count
        self._last = max(self._last, count)
        return self._before + self._last
