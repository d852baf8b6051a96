"""Who the controllers are measured against: a library, plain numpy, and compiled loops; all with the same tunings."""

import math
from itertools import cycle

import numpy as np

from controller.model.tuning import Tuning
from controller.stages.pid import PidBank

FRAMES = 8
"""Measurements that take turns, so that every scan sees other values than the one before."""
DT = 1.0


def tunings(n, seed=1):
    """``n`` controllers with everything: P, I, filtered D, setpoint weight, limits, tracking of what was achieved."""
    rng = np.random.default_rng(seed)
    gains, times = rng.uniform(1.0, 5.0, n).tolist(), rng.uniform(20.0, 200.0, n).tolist()
    return [
        Tuning(gain, time, 5.0, setpoint_weight=0.6, tracking_time=30.0)
        for gain, time in zip(gains, times, strict=True)
    ]


def measurements(n, seed=2):
    """PVs of shape ``(FRAMES, n)`` around a setpoint of 37."""
    rng = np.random.default_rng(seed)
    return 37.0 + 0.1 * rng.normal(size=(FRAMES, n))


def run_bank(bank, pvs, jitter=0.0):
    """One scan of a bank: the outputs, and what was achieved back to it. With ``jitter`` each scan has another dt."""
    sp, live = np.full(pvs.shape[1], 37.0), np.ones(pvs.shape[1], np.bool_)
    step, achieved, pv = bank.step, bank.achieved, cycle(pvs).__next__
    dt = cycle(DT * (1.0 + jitter * n) for n in range(len(pvs))).__next__

    def run():
        achieved[...] = step(pv(), sp, live, DT)

    def run_late():
        achieved[...] = step(pv(), sp, live, dt())

    return run_late if jitter else run


def product(n, pvs, jitter=0.0):
    """The product's bank."""
    return run_bank(PidBank(tunings(n)), pvs, jitter)


def simple_pid(n, pvs):
    """``n`` objects of simple-pid, told the time since the last update. They have neither a filter of D nor a setpoint
    weight nor tracking: less to do.
    """
    from simple_pid import PID

    pids = [
        PID(t.gain, t.gain / t.integral_time, t.gain * t.derivative_time, 37.0, None, (t.low, t.high))
        for t in tunings(n)
    ]
    frame = cycle(pvs.tolist()).__next__
    return lambda: [pid(pv, DT) for pid, pv in zip(pids, frame(), strict=True)]


def naive_numpy(n, pvs):
    """The formulas as one would write them down."""
    return run_bank(NumpyPid(tunings(n)), pvs)


def bare_numpy(n, pvs):
    """Only the formulas: every controller acts, every value is good. Less to do."""
    return run_bank(BarePid(tunings(n)), pvs)


def compiled(n, pvs):
    """One loop over all controllers, compiled by numba before it is measured."""
    import numba

    return run_bank(LoopedPid(tunings(n), numba.njit(error_model="numpy")(advance)), pvs)


class NumpyPid:
    """The same controllers, vectorised without a second thought: masks and temporaries."""

    def __init__(self, tunings):
        names = ("gain", "integral_time", "derivative_time", "derivative_filter", "setpoint_weight", "low", "high")
        for name in (*names, "tracking_time"):
            setattr(self, name, np.array([getattr(one, name) for one in tunings]))
        n = len(tunings)
        self.integral, self.derivative, self.error, self.wanted, self.achieved = (np.zeros(n) for _ in range(5))
        self.pv, self.running, self.dt = np.zeros(n), np.zeros(n, np.bool_), math.nan

    def step(self, pv, sp, live, dt):
        if dt != self.dt:
            self.dt, self.tracked = dt, -np.expm1(-dt / self.tracking_time)
        usable = live & np.isfinite(pv) & np.isfinite(sp)
        error = sp - pv
        keep = self.derivative_time / (self.derivative_time + self.derivative_filter * dt)
        kick = keep * self.gain * self.derivative_filter
        integral = self.integral + self.gain / self.integral_time * self.error * dt
        integral = integral + self.tracked * (self.achieved - self.wanted)
        proportional = self.gain * (self.setpoint_weight * sp - pv)
        run = usable & self.running
        derivative = np.where(run, keep * self.derivative - kick * (pv - self.pv), 0.0)
        integral = np.where(run, integral, self.achieved - proportional)
        integral = np.where(usable, integral, self.achieved)
        wanted = np.where(run, proportional + integral + derivative, self.achieved)
        self.integral, self.derivative, self.wanted = integral, derivative, wanted
        self.error, self.pv, self.running = np.where(usable, error, 0.0), pv, usable
        return np.clip(wanted, self.low, self.high)


class BarePid(NumpyPid):
    """The control law without modes, starts and bad values."""

    def step(self, pv, sp, live, dt):
        keep = self.derivative_time / (self.derivative_time + self.derivative_filter * dt)
        self.derivative = keep * self.derivative - keep * self.gain * self.derivative_filter * (pv - self.pv)
        self.integral = self.integral + self.gain / self.integral_time * self.error * dt
        self.integral = self.integral + dt / self.tracking_time * (self.achieved - self.wanted)
        self.wanted = self.gain * (self.setpoint_weight * sp - pv) + self.integral + self.derivative
        self.error, self.pv = sp - pv, pv
        return np.clip(self.wanted, self.low, self.high)


class LoopedPid:
    """The same controllers as loops: ``advance`` or what a compiler made of it."""

    def __init__(self, tunings, advance):
        self.advance, self.tunings, self.dt = advance, tunings, math.nan
        n = len(tunings)
        self.state, self.running, self.output = np.zeros((6, n)), np.zeros(n, np.bool_), np.zeros(n)
        self.achieved = self.state[5]
        self.step(np.zeros(n), np.zeros(n), np.zeros(n, np.bool_), DT)

    def step(self, pv, sp, live, dt):
        if dt != self.dt:
            self.dt, self.parameters = dt, np.array([self._folded(one, dt) for one in self.tunings]).T.copy()
        self.advance(pv, sp, live, self.parameters, self.state, self.running, self.output)
        return self.output

    @staticmethod
    def _folded(t, dt):
        keep = t.derivative_time / (t.derivative_time + t.derivative_filter * dt)
        return (t.gain, t.setpoint_weight, keep, keep * t.gain * t.derivative_filter,
                t.gain / t.integral_time * dt, -math.expm1(-dt / t.tracking_time), t.low, t.high)  # fmt: skip


def advance(pv, sp, live, parameters, state, running, output):
    """One scan. Rows of ``parameters``: gain, weight, keep, kick, rate, tracked, low, high; of ``state``: integral,
    derivative, error, measurement, wanted, achieved.
    """
    for i in range(len(pv)):
        y, r, achieved = pv[i], sp[i], state[5, i]
        if live[i] and math.isfinite(y) and math.isfinite(r):
            proportional = parameters[0, i] * (parameters[1, i] * r - y)
            if running[i]:
                integral = state[0, i] + parameters[4, i] * state[2, i] + parameters[5, i] * (achieved - state[4, i])
                state[1, i] = parameters[2, i] * state[1, i] - parameters[3, i] * (y - state[3, i])
                wanted = proportional + integral + state[1, i]
            else:
                integral, wanted = achieved - proportional, achieved
                state[1, i] = 0.0
            state[2, i], running[i] = r - y, True
        else:
            integral = wanted = achieved
            state[1, i] = state[2, i] = 0.0
            running[i] = False
        state[0, i], state[3, i], state[4, i] = integral, y, wanted
        output[i] = min(max(wanted, parameters[6, i]), parameters[7, i])
