"""One ISA controller in plain Python, written from the formulas in the bank's docstring and from nothing else."""

import math
from dataclasses import replace


class ScalarPid:
    """``achieved`` is set by the caller, as for the bank."""

    def __init__(self, tuning, longest_dt=60.0):
        self.t, self.longest_dt = tuning, longest_dt
        self.integral = self.derivative = self.wanted = self.achieved = self.error = self.z = self.seen = 0.0
        self.y = self.r = 0.0
        self.running = self.acting = self.resting = False

    def retune(self, tuning):
        if tuning.gap != self.t.gap:
            self.acting = self.resting = False
        self.t, self.running = tuning, False

    def reschedule(self, gain, integral_time, derivative_time):
        """The proportional part that a new gain adds is taken off the integral; the derivative goes on."""
        if self.running:
            self.integral += (self.t.gain - gain) * self.seen
        self.t = replace(self.t, gain=gain, integral_time=integral_time, derivative_time=derivative_time)
        if derivative_time == 0.0:
            self.derivative = 0.0

    def shape(self, error, edge):
        """The error with slope ``gain`` up to the edge, slope 1 beyond the transition, and a parabola between."""
        gap, size = self.t.gap, abs(error)
        beyond = max(size - edge, 0.0)
        shaped = gap.gain * min(size, edge)
        if beyond < gap.transition:
            shaped += gap.gain * beyond + (1 - gap.gain) * beyond**2 / (2 * gap.transition)
        else:
            shaped += gap.gain * gap.transition + (1 - gap.gain) * gap.transition / 2 + beyond - gap.transition
        return math.copysign(shaped, error)

    def gapped(self, y, r):
        """The shaped error; when the controller begins or ceases to act, the integral takes the jump."""
        gap, error = self.t.gap, r - y
        inner = gap.width - gap.hysteresis
        acting = abs(error) > (inner if self.acting else gap.width)
        shaped = self.shape(error, inner if acting else gap.width)
        if acting != self.acting:
            # the measurement that is seen, r minus the shaped error, jumps the other way
            jump = shaped - self.shape(error, gap.width if acting else inner)
            self.integral -= self.t.gain * jump
            self.z -= jump
            self.acting = acting
        return shaped

    def kick(self, dt):
        t = self.t
        return t.derivative_time / (t.derivative_time + t.derivative_filter * dt) * t.gain * t.derivative_filter

    def step(self, y, r, live, dt, extra=0.0):
        t = self.t
        if not 0.0 <= dt <= self.longest_dt:
            self.running, dt = False, 0.0
        usable = live and abs(r - y) < 1e15 and abs(y) < 1e15
        run = usable and self.running
        tracking = t.tracking_time or t.integral_time
        self.integral += t.gain / t.integral_time * self.error * dt - math.expm1(-dt / tracking) * (
            self.achieved - self.wanted
        )
        error = self.gapped(y, r) if t.gap.width > 0 else r - y
        self.advance(y, r, error, run, usable, dt)
        self.error = error if usable else 0.0
        self.running = usable
        if not usable:
            self.integral = self.wanted = self.achieved
        else:
            self.seen = t.setpoint_weight * error - (1 - t.setpoint_weight) * (r - error)
            proportional = t.gain * self.seen
            if not run:
                self.integral = self.achieved - proportional - extra
            self.wanted = proportional + self.integral + self.derivative + extra if run else self.achieved
        return min(max(self.wanted, t.low), t.high)

    def advance(self, y, r, error, run, usable, dt):
        """The filtered derivative of ``c r - y``, ``y`` being the setpoint less the shaped error."""
        t = self.t
        z = r - error - t.derivative_weight * r
        resting = t.gap.width > 0 and error == 0.0
        if run and t.derivative_time > 0:
            moved = z - self.z
            if resting and self.resting:
                moved -= r - self.r
            self.derivative = self.derivative * self.kick(dt) / (t.gain * t.derivative_filter) - self.kick(dt) * moved
        elif not run:
            self.derivative = 0.0
        self.resting, self.r = resting, r
        if usable:
            self.z = z
