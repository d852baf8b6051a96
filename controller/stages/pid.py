"""The PID bank: all controllers of one cascade level, computed together.

ISA form with setpoint weight ``b``, derivative on the filtered measurement and tracking of the achieved output::

    u = K (b r - y) + I + D        dI/dt = K/Ti e + (achieved - v)/Tt        D = -K Td s/(1 + s Td/N) y

Discretisation, with the measured time ``dt`` since the last scan: ``I`` forward (the error of the last scan acts over
the time that passed since), tracking exact (``1 - exp(-dt/Tt)``), ``D`` backward (stable for every ``dt``). ``v`` is
the output before its limits. With ``Tt = Ti`` this is external reset (Åström and Hägglund, *Advanced PID Control*,
2006, ch. 3.5).

One rule makes every change bumpless: a controller that did not run in the last scan, or was changed since, puts out
the achieved output and solves ``I`` for it; it runs from there.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from controller.frame import F8
from controller.model.tuning import Tuning

Flags = NDArray[np.bool_]
LARGEST = 1e15
"""A reading beyond this is no number of any process: it is treated like NaN."""
LONGEST_RELEASE_S = 60.0
RELEASED = 1e-9
"""In output units: what a resumed controller still holds back below this is forgotten."""


class PidBank:
    """``n`` controllers as arrays of shape ``(n,)``.

    ``achieved`` is what the outputs really were in the last scan, mapped back to controller outputs: written by the
    caller after the interlocks, and before :meth:`step` for a controller that is to put out a given value (manual).
    Longer than ``longest_dt`` seconds between two scans counts as an interruption: no integral is made up for it.
    """

    def __init__(self, tunings: Sequence[Tuning], longest_dt: float = 60.0) -> None:
        self.n = n = len(tunings)
        self.longest_dt = longest_dt
        self.achieved, self.output, self.wanted, self.integral = np.zeros((4, n))
        self.low, self.high = np.zeros((2, n))
        self._gain, self._reset, self._td, self._filter, self._tracking, self._unweighted, self._gap = np.zeros((7, n))
        self._alpha, self._keep, self._kick = np.zeros((3, n))
        self._error, self._derivative, self._release, self._pv, self._sp, self._part, self._other = np.zeros((7, n))
        self._resumed = np.full(n, np.nan)
        self._running, self._live, self._run, self._idle = np.zeros((4, n), np.bool_)
        self._dt = math.nan
        self._releasing = False
        for row, tuning in enumerate(tunings):
            self.retune(row, tuning)

    def retune(self, row: int, tuning: Tuning) -> None:
        """Change one controller's parameters without a bump."""
        self._gain[row] = tuning.gain
        self._reset[row] = tuning.gain / tuning.integral_time
        self._td[row], self._filter[row] = tuning.derivative_time, tuning.derivative_filter
        self._tracking[row] = tuning.tracking_time or tuning.integral_time
        self._unweighted[row], self._gap[row] = 1.0 - tuning.setpoint_weight, tuning.gap
        self.low[row], self.high[row] = tuning.low, tuning.high
        self._has_weight, self._has_gap = bool(self._unweighted.any()), bool(self._gap.any())
        self._has_derivative = bool(self._td.any())
        self._dt = math.nan
        self.rebase(row)

    def rebase(self, row: int | slice | Flags = slice(None)) -> None:
        """Continue from the achieved output in the next scan."""
        self._running[row] = False

    def resume(self, row: int, integral: float) -> None:
        """Start from the achieved output, but fade to what this ``integral`` asks for, within about a tracking time:
        it was right before an interruption. NaN: nothing is known of it.
        """
        self._resumed[row] = integral
        self.rebase(row)

    def running(self, row: int) -> bool:
        """Whether the controller acted in the last scan, so that its integral means something."""
        return bool(self._running[row])

    def step(
        self, pv: F8, sp: F8, live: Flags, dt: float, blocked_up: Flags | None = None, blocked_down: Flags | None = None
    ) -> F8:
        """The outputs of this scan, limited; the array is overwritten by the next call.

        ``live`` are those that may act; the others put out what they achieved, and so does one whose ``pv`` or
        ``sp`` is no number. ``blocked_up`` and ``blocked_down`` stop the integral of a cascade's master in the
        direction in which its slave cannot follow.
        """
        if dt != self._dt:
            dt = self._discretise(dt)
        run = self._who_runs(pv, sp, live)
        self._integrate(dt, blocked_up, blocked_down)
        if self._has_derivative:
            self._differentiate(pv, run)
        np.copyto(self._pv, pv, where=self._live)
        np.copyto(self._sp, sp, where=self._live)
        proportional = self._proportional()
        wanted = np.add(proportional, self.integral, out=self.wanted)
        if self._has_derivative:
            wanted += self._derivative
        if self._releasing:
            self._fade(dt)
        idle = np.logical_not(run, out=self._idle)
        if idle.any():
            self._settle(idle, proportional)
        self._running[:] = self._live
        np.maximum(wanted, self.low, out=self.output)
        return np.minimum(self.output, self.high, out=self.output)

    def _discretise(self, dt: float) -> float:
        """Coefficients for ``dt``; after an interruption everyone continues from the achieved output, ``dt`` 0."""
        if not 0.0 <= dt <= self.longest_dt:
            self.rebase()
            dt = 0.0
        self._dt = dt
        np.divide(-dt, self._tracking, out=self._alpha)
        np.expm1(self._alpha, out=self._alpha)
        np.negative(self._alpha, out=self._alpha)
        if self._has_derivative:
            whole = self._td + self._filter * dt
            self._keep[:] = 0.0
            np.divide(self._td, whole, out=self._keep, where=whole > 0.0)
            np.multiply(self._keep, self._gain * self._filter, out=self._kick)
        return dt

    def _who_runs(self, pv: F8, sp: F8, live: Flags) -> Flags:
        """Live with usable inputs now and in the last scan."""
        usable = np.less(np.abs(pv, out=self._part), LARGEST, out=self._live)
        usable &= np.less(np.abs(sp, out=self._part), LARGEST, out=self._run)
        usable &= live
        return np.logical_and(usable, self._running, out=self._run)

    def _integrate(self, dt: float, blocked_up: Flags | None, blocked_down: Flags | None) -> None:
        """Let the last scan's error, and what its output fell short by, act over the time since."""
        change = np.multiply(self._reset, self._error, out=self._part)
        change *= dt
        shortfall = np.subtract(self.achieved, self.wanted, out=self._other)
        shortfall *= self._alpha
        change += shortfall
        if blocked_up is not None:
            np.minimum(change, 0.0, out=change, where=blocked_up)
        if blocked_down is not None:
            np.maximum(change, 0.0, out=change, where=blocked_down)
        self.integral += change

    def _differentiate(self, pv: F8, run: Flags) -> None:
        """Filtered slope of the measurement; inside the gap the measurement counts as still."""
        moved = np.subtract(pv, self._pv, out=self._part, where=run)
        if self._has_gap:
            inside = run & (self._gap > 0.0) & (np.abs(self._sp - self._pv) <= self._gap)
            moved[inside] = 0.0
        self._derivative *= self._keep
        np.multiply(moved, self._kick, out=moved, where=run)
        np.subtract(self._derivative, moved, out=self._derivative, where=run)

    def _proportional(self) -> F8:
        """``K (b r - y)``, the gap taken off the error; the error is kept for the integral of the next scan."""
        error = np.subtract(self._sp, self._pv, out=self._error)
        part = self._part
        if self._has_gap:
            np.minimum(error, self._gap, out=part)
            error -= np.maximum(part, -self._gap, out=part)
        if not self._has_weight:
            return np.multiply(self._gain, error, out=part)
        np.multiply(self._unweighted, self._sp, out=part)
        np.subtract(error, part, out=part)
        return np.multiply(self._gain, part, out=part)

    def _fade(self, dt: float) -> None:
        """Let what a resumed controller holds back go, with the tracking time constant, at most a minute."""
        self._release *= np.exp(-dt / np.minimum(self._tracking, LONGEST_RELEASE_S))
        self.wanted += self._release
        self._releasing = bool((np.abs(self._release) > RELEASED).any())

    def _settle(self, idle: Flags, proportional: F8) -> None:
        """Whoever does not run puts out what was achieved, with the integral that makes it so."""
        np.copyto(self._derivative, 0.0, where=idle)
        np.copyto(self._release, 0.0, where=idle)
        np.subtract(self.achieved, proportional, out=self.integral, where=idle)
        np.copyto(self.wanted, self.achieved, where=idle)
        resuming = idle & self._live & ~np.isnan(self._resumed)
        if resuming.any():
            np.subtract(self.integral, self._resumed, out=self._release, where=resuming)
            np.copyto(self.integral, self._resumed, where=resuming)
            self._resumed[resuming] = np.nan
            self._releasing = True
