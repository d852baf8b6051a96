"""How much a closed loop can bear: maximum sensitivities, gain and phase margin, and the limit of stability.

Computed from the frequency response on a dense grid that is refined where it matters, so the figures are exact to
about seven digits (Åström and Hägglund, *Advanced PID Control*, 2006, ch. 4; Skogestad and Postlethwaite,
*Multivariable Feedback Control*, 2005, ch. 2).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from controller.frame import F8
from controller.model.pid_forms import C16, Standard
from controller.tuning.process import Process

DECADES_BELOW, DECADES_ABOVE, PER_DECADE = 4, 4, 200
TURNS, PER_TURN = 20, 150
ZOOMS, ZOOMED = 6, 41
DOUBLINGS, HALVINGS = 60, 40
NO_TURN = 1.5


@dataclass(frozen=True, slots=True)
class Margins:
    """Of one loop. ``ms`` and ``mt`` are the peaks of the sensitivity and of its complement, ``gm`` the gain margin
    as a factor, ``pm`` the phase margin in degrees; inf where there is no limit. A loop that is not ``stable`` has
    ``gm`` below 1 or ``pm`` below 0 and an ``ms`` that means nothing.
    """

    ms: float
    mt: float
    gm: float
    pm: float
    stable: bool


@dataclass(frozen=True, slots=True)
class Ultimate:
    """Where a purely proportional controller would just oscillate: its ``gain`` and ``period`` in seconds."""

    gain: float
    period: float


def ultimate(process: Process) -> Ultimate:
    """The ultimate gain and period; an infinite gain with period 0 where there is none."""
    w = _crossing(process)
    if w is None:
        return Ultimate(math.inf, 0.0)
    return Ultimate(1.0 / abs(complex(process.response(np.array(w)))), 2.0 * np.pi / w)


def margins(process: Process, pid: Standard) -> Margins:
    """The margins of ``process`` under ``pid``."""
    if process.gain * pid.gain <= 0.0:
        return Margins(math.inf, math.inf, 0.0, -180.0, stable=False)
    loop, w = _Loop(process, pid), _grid(process, pid)
    ms = _peak(lambda at: np.asarray(1.0 / np.abs(1.0 + loop.at(at))), w)
    mt = _peak(lambda at: np.asarray(np.abs(loop.at(at) / (1.0 + loop.at(at)))), w)
    return Margins(ms, mt, loop.gain_margin(w), loop.phase_margin(w), loop.stable(w))


class _Loop:
    """The open loop: controller times process."""

    def __init__(self, process: Process, pid: Standard) -> None:
        self._process, self._pid = process, pid

    def at(self, w: F8) -> C16:
        """The frequency response."""
        return np.asarray(self._pid.response(w) * self._process.response(w))

    def phase(self, w: F8) -> F8:
        """The phase without jumps: a PID controller's own stays within ±180°."""
        return np.asarray(self._process.phase(w) + np.angle(self._pid.response(w) * np.sign(self._pid.gain)))

    def gain_margin(self, w: F8) -> float:
        """By how much the gain may rise until the curve meets -1, at the worst of the crossings."""
        turns = np.floor((self.phase(w) + np.pi) / (2.0 * np.pi))
        place = np.flatnonzero(np.diff(turns))
        level = 2.0 * np.pi * np.maximum(turns[place], turns[place + 1]) - np.pi
        crossings = _bisect(lambda at: self.phase(at) - level, w[place], w[place + 1])
        worst = float(np.abs(self.at(crossings)).max(initial=0.0))
        return 1.0 / worst if worst > 0.0 else math.inf

    def phase_margin(self, w: F8) -> float:
        """By how many degrees the phase may fall where the gain is 1, at the worst of these frequencies."""
        place = np.flatnonzero(np.diff(np.abs(self.at(w)) > 1.0))
        crossings = _bisect(lambda at: np.abs(self.at(at)) - 1.0, w[place], w[place + 1])
        return float(np.degrees(self.phase(crossings) + np.pi).min(initial=math.inf))

    def stable(self, w: F8) -> bool:
        """Nyquist: from rest to infinity ``1 + L`` turns back by what ``L`` was turned by its integrators, and never
        around the origin.
        """
        loop, start = self.at(w), self.at(w[:1])
        turned = np.unwrap(np.angle(1.0 + loop))
        before = self.phase(w[:1]) + np.angle((1.0 + start) / start) if abs(start[0]) > 1.0 else turned[:1]
        return bool(abs(turned[-1] - turned[0] + before[0]) < NO_TURN)


def _crossing(process: Process) -> float | None:
    """The frequency at which the phase passes -180°, or ``None``."""
    high = np.array([1.0 / process.pace if process.pace > 0.0 else 1.0])
    for _ in range(DOUBLINGS):
        if process.phase(high)[0] < -np.pi:
            return float(_bisect(lambda w: process.phase(w) + np.pi, np.zeros(1), high)[0])
        high = high * 2.0
    return None


def _grid(process: Process, pid: Standard) -> F8:
    """Frequencies over which all of the loop happens; with a dead time evenly spaced over its first turns."""
    centre = 2.0 * np.pi / period if (period := ultimate(process).period) > 0.0 else 1.0 / max(process.lags)
    slowest = min(centre, 1.0 / max(process.pace, pid.integral_time if math.isfinite(pid.integral_time) else 0.0))
    low, high = np.log10(slowest) - DECADES_BELOW, np.log10(centre) + DECADES_ABOVE
    w = np.logspace(low, high, int((high - low) * PER_DECADE))
    if process.delay <= 0.0:
        return w
    turns = np.arange(1, TURNS * PER_TURN + 1) * (centre / PER_TURN)
    return np.union1d(w[w < turns[-1]], turns)


def _peak(height: Callable[[F8], F8], w: F8) -> float:
    """The greatest height over ``w``, refined between the neighbours of the greatest point."""
    fine, top = w, 0.0
    for _ in range(ZOOMS):
        heights = height(fine)
        best = int(np.argmax(heights))
        top = float(heights[best])
        fine = np.linspace(fine[max(best - 1, 0)], fine[min(best + 1, len(fine) - 1)], ZOOMED)
    return top


def _bisect(function: Callable[[F8], F8], low: F8, high: F8) -> F8:
    """The zeros of ``function`` between ``low`` and ``high``, where it has opposite signs."""
    rises = function(high) > 0.0
    for _ in range(HALVINGS):
        middle = (low + high) / 2.0
        beyond = (function(middle) > 0.0) == rises
        low, high = np.where(beyond, low, middle), np.where(beyond, middle, high)
    return np.asarray((low + high) / 2.0)
