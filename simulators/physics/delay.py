"""Dead time: a pipe through which things move at one speed."""

from __future__ import annotations

from collections import deque
from typing import Generic, TypeAlias

from simulators.numeric import Real

Values: TypeAlias = tuple[Real, ...]
DUST_S = 1e-9
"""Less than this is what adding and subtracting of durations leaves."""


class DeadTime(Generic[Real]):
    """What enters comes out `dead_s` later (0 and more), whatever the length of the steps."""

    def __init__(self, dead_s: float, values: Values[Real]) -> None:
        """A pipe full of `values`."""
        self.dead_s = dead_s
        self.fill(values)

    def fill(self, values: Values[Real]) -> None:
        """As if `values` had entered for long."""
        self._inside: deque[tuple[float, Values[Real]]] = deque([(self.dead_s, values)])

    def step(self, entering: Values[Real], dt_s: float) -> Values[Real]:
        """What came out while `entering` went in for `dt_s` (> 0): its mean over that time."""
        inside = self._inside
        inside.append((dt_s, entering))
        span_s, values = inside.popleft()
        if span_s < dt_s - DUST_S:
            return self._mean(span_s, values, dt_s)
        if span_s > dt_s + DUST_S:
            inside.appendleft((span_s - dt_s, values))
        return values

    def _mean(self, span_s: float, values: Values[Real], dt_s: float) -> Values[Real]:
        """The same where more than one portion comes out, the first of them being `values`."""
        inside, left_s = self._inside, dt_s - span_s
        out = tuple(value * (span_s / dt_s) for value in values)
        while left_s > DUST_S:
            span_s, values = inside.popleft()
            part_s = span_s if span_s < left_s else left_s
            out = tuple(so_far + value * (part_s / dt_s) for so_far, value in zip(out, values, strict=True))
            left_s -= part_s
            if span_s - part_s > DUST_S:
                inside.appendleft((span_s - part_s, values))
        return out
