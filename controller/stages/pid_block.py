"""One block of PID controllers: the arithmetic of a scan in as few array operations as it takes.

What a controller does is folded into coefficients when it changes (mode, tuning, time between scans), so that a scan
is a dozen operations over whole arrays, with no masks. With the error ``e`` and the measurement ``y`` of a controller,
its integral ``I`` and the derivative's memory ``s``::

    I += R e' + alpha (achieved' - wanted')      s = keep s + (1 - keep) kick z'      (primes: of the last scan)
    wanted = (K b + kick c) e - (K (1-b) + kick (1-c)) y + I + s                      z = (1-c) y - c e

which is the controller of :mod:`controller.stages.pid`, its derivative being ``D = s - kick z``. A controller that does
not act has zeros for inputs, and its integral is what its output achieved.

The first line is one multiplication of six rows and one addition of three rows to three (see
:mod:`controller.stages.pid_memory`)::

    I       1          e         R
    s       keep    +  y         (1 - keep) kick (1 - c)
    wanted  -alpha     achieved  alpha
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from controller.frame import F8
from controller.model.tuning import Tuning
from controller.stages.pid_gap import Gaps
from controller.stages.pid_memory import PidMemory
from controller.stages.pid_parts import PARAMETERS, Parts

add, maximum, minimum, multiply, subtract = np.add, np.maximum, np.minimum, np.multiply, np.subtract
Flags = NDArray[np.bool_]
LARGEST = 1e15
"""A reading beyond this is no number of any process: it is treated like NaN."""
BOUND = LARGEST * LARGEST
LONGEST_RELEASE_S = 60.0
RELEASED = 1e-9
"""In output units: what a resumed controller still holds back below this is forgotten."""


class PidBlock(PidMemory):
    """``n`` controllers; see :class:`controller.stages.pid.PidBank` for what the arrays and methods mean."""

    __slots__ = (
        "_changed", "_cross", "_dt", "_extra", "_gaps", "_given_gaps", "_has_cross", "_has_derivative",
        "_has_idle", "_idle", "_keep", "_kick", "_live", "_parameters", "_release", "_releasing", "_rested",
        "_resumed", "_running", "_shares", "_sp", "_tracking", "longest_dt",
    )  # fmt: skip

    def __init__(
        self,
        tunings: Sequence[Tuning],
        longest_dt: float,
        output: F8,
        memory: F8,
        scratch: F8,
        achieved: F8 | None = None,
    ) -> None:
        n = len(tunings)
        super().__init__(n, output, memory, scratch, achieved)
        self.longest_dt = longest_dt
        self._kick, self._cross = np.zeros((2, n))
        self._release, self._resumed = np.zeros(n), np.full(n, np.nan)
        self._running, self._idle, self._live = np.zeros(n, np.bool_), np.ones(n, np.bool_), np.zeros(n, np.bool_)
        self._dt, self._changed, self._has_idle, self._releasing = math.nan, True, True, False
        self._extra: F8 | None = None
        self._parameters = np.array([[getattr(one, name) for one in tunings] for name in PARAMETERS], np.float64)
        self._given_gaps = [one.gap for one in tunings]
        self._learn_gaps()
        self._learn()

    def retune(self, row: int, tuning: Tuning) -> None:
        """Change one controller's parameters; it goes on from the achieved output."""
        self._parameters[:, row] = [getattr(tuning, name) for name in PARAMETERS]
        if tuning.gap != self._given_gaps[row]:
            self._given_gaps[row] = tuning.gap
            self._learn_gaps()
        self._learn()
        self.rebase(row)

    def reschedule(self, rows: NDArray[np.intp], gain: F8, integral_time: F8, derivative_time: F8) -> None:
        """Change gains and times while the controllers act: with the inputs of the last scan the output is the same."""
        gains, resets, leads, _, weights = self._parameters[:5]
        weight = weights[rows]
        seen = weight * self._error[rows] - (1.0 - weight) * self._measured[rows]
        self.integral[rows] += (gains[rows] - gain) * seen
        same = resets[rows].tobytes() + leads[rows].tobytes() == integral_time.tobytes() + derivative_time.tobytes()
        gains[rows], resets[rows], leads[rows] = gain, integral_time, derivative_time
        if same:
            self._weigh_gains(slice(None) if len(rows) > 1 or self._has_idle else rows.item(0))
        else:
            self._learn()

    def rebase(self, row: int | slice | Flags = slice(None)) -> None:
        """Continue from the achieved output in the next scan."""
        self._running[row], self._changed = False, True

    def resume(self, row: int, integral: float) -> None:
        """Start from the achieved output, and fade to what ``integral`` asks for."""
        self._resumed[row] = integral
        self.rebase(row)

    def running(self, row: int) -> bool:
        """Whether the controller acted in the last scan."""
        return bool(self._running[row])

    def parts(self) -> Parts:
        """What the last outputs were made of, copied."""
        extra = None if self._extra is None else self._extra.copy()
        return Parts(
            self._inputs.copy(), self._stored.copy(), self._parameters.copy(), self._kick.copy(), self._idle.copy(),
            extra, self.wanted.copy(),
        )  # fmt: skip

    def step(
        self,
        pv: F8,
        sp: F8,
        live: Flags,
        dt: float,
        blocked_up: Flags | None = None,
        blocked_down: Flags | None = None,
        extra: F8 | None = None,
    ) -> F8:
        """One scan; see :class:`controller.stages.pid.Step`."""
        if dt != self._dt:
            dt = self._elapse(dt)
        terms, wanted, output, integral = self._terms, self.wanted, self.output, self.integral
        # The last scan's error, and what its output fell short by, act over the time since.
        for rows, factors, products in self._products:
            multiply(rows, factors, products)
        if self._has_cross or blocked_up is not None or blocked_down is not None:
            self._redirect(blocked_up, blocked_down)
        add(self._moved_upper, self._moved_lower, self._upper)
        add(integral, wanted, integral)  # of ``wanted`` only the way to ``achieved`` is left
        subtract(sp, pv, self._error)
        self._measured[...] = pv
        if self._gaps is not None:
            self._rest(self._gaps, sp)
        started = self._check(live)
        multiply(self._all_weigh, self._all_inputs, terms)
        add(terms, self._state, terms)
        add(self._left, self._right, wanted)
        self._extra = extra
        if extra is not None:
            add(wanted, extra, out=wanted, where=self._running)
        if self._releasing:
            self._fade(dt)
        if started is not None:
            self._settle(started)
        maximum(wanted, self.low, out=output)
        minimum(output, self.high, out=output)
        return output

    def _redirect(self, up: Flags | None, down: Flags | None) -> None:
        """Take a share of the setpoint off the derivative, and let no integral move in a blocked direction; that of a
        controller that does not act is what its output achieved.
        """
        if self._has_cross:
            self._moves[4] -= self._cross * self._error
        if up is None and down is None:
            return
        integral, tracked, reset = self._moves[3], self._moves[2], self._moves[5]
        up, down = (np.zeros(len(integral), np.bool_) if flags is None else flags for flags in (up, down))
        blocked = up | down
        np.add(integral, tracked + reset, out=integral, where=blocked)
        tracked[blocked] = reset[blocked] = 0.0
        np.minimum(integral, 0.0, out=integral, where=up & self._running)
        np.maximum(integral, 0.0, out=integral, where=down & self._running)

    def _check(self, live: Flags) -> Flags | None:
        """Look at the inputs; gives those that put out what they achieved, when that changed."""
        if self._changed or live is not self._live:
            return self._sort(live)
        if self._has_idle:
            np.copyto(self._inputs, 0.0, where=self._idle)
        for piece in self._pieces:
            if not piece.dot(piece) < BOUND:
                return self._sort(live)
        return None

    def _learn_gaps(self) -> None:
        rows = [row for row, gap in enumerate(self._given_gaps) if gap.width > 0.0]
        self._gaps = Gaps(rows, [self._given_gaps[row] for row in rows]) if rows else None
        self._rested, self._sp = np.zeros(len(rows), np.bool_), np.zeros(len(rows))

    def _rest(self, gaps: Gaps, sp: F8) -> None:
        """A gap is taken off the error and put on the measurement."""
        rows, error = gaps.rows, self._error[gaps.rows]
        off, jumped = gaps.take_off(error)
        if self._has_derivative:
            self._hold_still(rows, off == error, sp[rows])
        self._error[rows] = error - off
        self._measured[rows] += off
        if jumped is not None:
            jumped[self._idle[rows]] = 0.0
            self.integral[rows] += self._parameters[0, rows] * jumped
            self._memory[rows] += self._kick[rows] * jumped

    def _hold_still(self, rows: NDArray[np.intp], resting: Flags, sp: F8) -> None:
        """A setpoint that moves while its controller rests moves what counts as measurement: no derivative of that."""
        if sp.tobytes() != self._sp.tobytes():
            followed = np.where(resting & self._rested, sp - self._sp, 0.0)
            self._memory[rows] += self._kick[rows] * followed
        self._rested, self._sp = resting, sp

    def _sort(self, live: Flags) -> Flags:
        """Find who acts: live, with usable inputs; gives who puts out what was achieved: others, and who begins."""
        if live is not self._live:
            live.setflags(write=False)  # a change is seen by the array being another one
            self._live = live
        usable = (np.abs(self._inputs) < LARGEST).all(axis=0)
        run = usable & live
        settled = ~(run & self._running)
        np.copyto(self._inputs, 0.0, where=~run)
        if (run == self._idle).any():
            np.logical_not(run, out=self._idle)
            self._has_idle = bool(self._idle.any())
            self._fold()
        self._memory[settled] = (self._kick * self._derived())[settled]
        self._running, self._changed = run, bool((live & ~usable).any())
        return settled

    def _fade(self, dt: float) -> None:
        """Let what a resumed controller holds back go, with the tracking time constant, at most a minute."""
        self._release *= np.exp(-dt / np.minimum(self._tracking, LONGEST_RELEASE_S))
        self.wanted += self._release
        held = np.abs(self._release) > RELEASED
        np.copyto(self._release, 0.0, where=~held)
        self._releasing = bool(held.any())

    def _settle(self, rows: Flags) -> None:
        """Put out what was achieved, with the integral that makes it so."""
        missing = self.achieved - self.wanted
        if self._releasing:
            missing += self._release
        np.add(self.integral, missing, out=self.integral, where=rows)
        np.copyto(self._release, 0.0, where=rows)
        np.copyto(self.integral, self.achieved, where=self._idle)
        np.copyto(self.wanted, self.achieved, where=rows)
        resuming = rows & self._running & ~np.isnan(self._resumed)
        if resuming.any():
            np.subtract(self.integral, self._resumed, out=self._release, where=resuming)
            np.copyto(self.integral, self._resumed, where=resuming)
            self._resumed[resuming] = np.nan
            self._releasing = True

    def _elapse(self, dt: float) -> float:
        """Coefficients for another ``dt``. After an interruption it is 0, and all go on from the achieved outputs."""
        if not 0.0 <= dt <= self.longest_dt:
            self.rebase()
            dt = 0.0
        self._dt = dt
        self._fold()
        return dt

    def _learn(self) -> None:
        """Take over changed parameters."""
        self._tracking = np.where(self._parameters[6] > 0.0, self._parameters[6], self._parameters[1])
        self._has_derivative = bool(self._parameters[2].any())
        self._has_cross = self._has_derivative and bool(self._parameters[5].any())
        self.low[:], self.high[:] = self._parameters[7:]
        b, c = self._parameters[4:6]
        self._shares = np.array(((b, -(1.0 - b)), (c, -(1.0 - c))))
        self._fold()

    def _derived(self) -> F8:
        """What the derivative acts on: the measurement, less a share of the setpoint."""
        if not self._has_cross:
            return np.asarray(self._measured)
        share = self._parameters[5]
        return np.asarray((1.0 - share) * self._measured - share * self._error)

    def _fold(self) -> None:
        """Parameters, the time between scans and who acts, as coefficients. A derivative keeps its value."""
        td, dt = self._parameters[2], 0.0 if math.isnan(self._dt) else self._dt
        whole = td + self._parameters[3] * dt
        self._keep = np.divide(td, whole, out=np.zeros(len(td)), where=whole > 0.0)
        alpha, change = -np.expm1(-dt / self._tracking), self._change
        change[0], change[1], change[2], change[5] = 1.0, self._keep, -alpha, alpha
        self._weigh_gains()

    def _weigh_gains(self, at: int | slice = slice(None)) -> None:
        """The same, as long as no time is another: of all controllers, or of one while all act."""
        gain, integral_time, _, n, _, c = self._parameters[:6, at]
        keep, change, dt = self._keep[at], self._change, 0.0 if math.isnan(self._dt) else self._dt
        kick = keep * gain * n
        if self._has_idle:
            kick[self._idle] = 0.0
        self._memory[at] += (kick - self._kick[at]) * self._derived()[at]
        self._kick[at], fresh = kick, (1.0 - keep) * kick
        self._weigh[:, at] = gain * self._shares[0, :, at] + kick * self._shares[1, :, at]
        change[3, at], change[4, at], self._cross[at] = gain / integral_time * dt, fresh * (1.0 - c), fresh * c
        if self._has_idle:
            change[:5, self._idle] = self._weigh[:, self._idle] = 0.0
            change[5, self._idle] = 1.0
