"""The parameters of a PID controller."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class Gap:
    """A region around the setpoint in which a controller rests; all but ``gain`` in PV units.

    Within ``width`` of the setpoint only ``gain`` (0 .. 1) of the error counts. Over ``transition`` beyond it the
    share rises to all. A controller that acts goes on until the error is ``hysteresis`` inside ``width``.
    """

    width: float = 0.0
    transition: float = 0.0
    gain: float = 0.0
    hysteresis: float = 0.0

    @property
    def plain(self) -> bool:
        """Whether it is only a width."""
        return self.transition == self.gain == self.hysteresis == 0.0


@dataclass(frozen=True, slots=True)
class Tuning:
    """One controller's parameters. ``gain`` in output units per PV unit, times in seconds.

    ``integral_time`` inf is no integral action; ``tracking_time`` 0 is the integral time (external reset).
    ``setpoint_weight`` and ``derivative_weight`` say how much of the setpoint the proportional and the derivative part
    see. ``low`` and ``high`` limit the output.
    """

    gain: float
    integral_time: float = math.inf
    derivative_time: float = 0.0
    derivative_filter: float = 10.0
    setpoint_weight: float = 1.0
    derivative_weight: float = 0.0
    tracking_time: float = 0.0
    gap: Gap = Gap()
    low: float = 0.0
    high: float = 100.0


@dataclass(frozen=True, slots=True)
class Schedule:
    """Tunings by a ``signal`` (a number of :class:`controller.model.signals.SignalIndex`): at the rising values ``at``
    the gains and times of the same place; all of the same length, at least 2.
    """

    signal: int
    at: tuple[float, ...]
    gain: tuple[float, ...]
    integral_time: tuple[float, ...]
    derivative_time: tuple[float, ...]


class FeedForward(NamedTuple):
    """``gain`` (output units per signal unit) times what ``signal`` is above ``around``, through a ``lag`` in s. With
    ``washout`` in s only its changes, which fade with that time.
    """

    signal: int
    gain: float
    around: float = 0.0
    lag: float = 0.0
    washout: float = 0.0
