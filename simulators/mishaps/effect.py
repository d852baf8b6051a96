"""What a mishap does to a vessel, or to some of many: the moments at which it can."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Generic, TypeAlias

from simulators.mishaps.order import Order
from simulators.numeric import Real, Truth, where
from simulators.vessel import Vessel

Signals: TypeAlias = MutableMapping[str, Real]


class Effect(Generic[Real]):
    """One mishap from its begin to its end, in the vessels where `here` holds; others keep every bit.

    A step calls :meth:`drive` with what the actuators are asked for, then :meth:`act`, and with what was read
    :meth:`show`; `elapsed_s` is the time since the begin, at the end of the step. This one does nothing.
    """

    def __init__(self, order: Order, here: Truth) -> None:
        self.order, self.here = order, here

    def begin(self, vessel: Vessel[Real]) -> None:
        """Once, before its first step."""

    def drive(self, wanted: Signals[Real]) -> None:
        """Change what the actuators are asked for."""

    def act(self, vessel: Vessel[Real], elapsed_s: float, dt_s: float) -> None:
        """Change the vessel for a step of `dt_s`."""

    def show(self, vessel: Vessel[Real], elapsed_s: float) -> None:
        """Change what the instruments read."""

    def end(self, vessel: Vessel[Real]) -> None:
        """Once, when it is over."""

    def grown(self, elapsed_s: float) -> float:
        """The magnitude that a growing mishap has after `elapsed_s`."""
        return self.order.magnitude * min(elapsed_s / self.order.duration_s, 1.0)

    def put(self, signals: Signals[Real], name: str, value: Real) -> None:
        """Set a signal where it happens."""
        signals[name] = where(self.here, value, signals[name])
