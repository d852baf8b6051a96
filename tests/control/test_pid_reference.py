"""The vectorised bank equals a plain scalar controller over random lives, and survives any input."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.model.tuning import Tuning
from controller.stages.pid import PidBank


class Scalar:
    """One ISA controller in plain Python, written from the formulas in the bank's docstring."""

    def __init__(self, tuning, longest_dt=60.0):
        self.t, self.longest_dt = tuning, longest_dt
        self.integral = self.derivative = self.error = self.wanted = self.achieved = self.y = self.r = 0.0
        self.running = False

    def step(self, y, r, live, dt):
        t = self.t
        if not 0.0 <= dt <= self.longest_dt:
            self.running, dt = False, 0.0
        live = live and abs(y) < 1e15 and abs(r) < 1e15
        run = live and self.running
        tracking = t.tracking_time or t.integral_time
        self.integral += t.gain / t.integral_time * self.error * dt - math.expm1(-dt / tracking) * (
            self.achieved - self.wanted
        )
        if run and t.derivative_time > 0:
            moved = 0.0 if t.gap > 0 and abs(self.r - self.y) <= t.gap else y - self.y
            keep = t.derivative_time / (t.derivative_time + t.derivative_filter * dt)
            self.derivative = keep * self.derivative - keep * t.gain * t.derivative_filter * moved
        if live:
            self.y, self.r = y, r
        error = self.r - self.y
        self.error = error - max(min(error, t.gap), -t.gap)
        proportional = t.gain * (self.error - (1.0 - t.setpoint_weight) * self.r)
        if not run:
            self.derivative, self.integral = 0.0, self.achieved - proportional
        self.running = live
        self.wanted = proportional + self.integral + self.derivative if run else self.achieved
        return min(max(self.wanted, t.low), t.high)


tunings = st.builds(
    Tuning,
    gain=st.floats(-50, 50),
    integral_time=st.one_of(st.floats(1, 2000), st.just(math.inf)),
    derivative_time=st.one_of(st.just(0.0), st.floats(0.1, 100)),
    derivative_filter=st.floats(2, 20),
    setpoint_weight=st.floats(0, 1),
    tracking_time=st.one_of(st.just(0.0), st.floats(0.5, 500)),
    gap=st.one_of(st.just(0.0), st.floats(0.01, 1)),
    low=st.floats(-100, 0),
    high=st.floats(1, 100),
)


@given(tunings=st.lists(tunings, min_size=1, max_size=5), seed=st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
def test_the_bank_equals_the_scalar_reference(tunings, seed):
    rng = np.random.default_rng(seed)
    bank, scalars = PidBank(tunings), [Scalar(tuning) for tuning in tunings]
    low, high = bank.low, bank.high
    n = len(tunings)
    y, r = rng.normal(size=n), rng.normal(size=n)
    for _ in range(60):
        dt = rng.choice([0.1, 1.0, rng.uniform(0.1, 10.0), 700.0, math.nan], p=[0.2, 0.5, 0.2, 0.05, 0.05])
        y = np.where(rng.random(n) < 0.05, np.nan, y + rng.normal(size=n) * 0.1)
        live = rng.random(n) < 0.9
        r = np.where(rng.random(n) < 0.1, rng.normal(size=n), r)
        u = bank.step(y, r, live, dt)
        expected = [
            s.step(*values, dt) for s, *values in zip(scalars, y.tolist(), r.tolist(), live.tolist(), strict=True)
        ]
        np.testing.assert_allclose(u, expected, rtol=1e-12, atol=1e-12 * max(1.0, float(np.abs(bank.integral).max())))
        bank.achieved[:] = np.clip(u + rng.normal(size=n) * rng.choice([0, 1], size=n), low, high)
        for scalar, achieved in zip(scalars, bank.achieved.tolist(), strict=True):
            scalar.achieved = achieved
        y = np.where(np.isnan(y), 0.0, y)


anything = st.floats(allow_nan=True, allow_infinity=True)


@given(
    tuning=tunings,
    life=st.lists(st.tuples(anything, anything, st.booleans(), st.one_of(st.floats(0.1, 10), anything)), max_size=40),
)
@settings(max_examples=150, deadline=None)
def test_no_input_puts_out_what_is_no_number_or_beyond_the_limits(tuning, life):
    bank = PidBank([tuning])
    bank.achieved[0] = tuning.low
    for y, r, live, dt in life:
        u = float(bank.step(np.array([y]), np.array([r]), np.array([live]), dt)[0])
        assert tuning.low <= u <= tuning.high
        bank.achieved[0] = u


def test_an_overflowing_gain_is_no_way_around_it():
    bank = PidBank([Tuning(1e10, 1.0)])
    for y in (1e14, -1e14, math.inf, 3.0, math.nan):
        u = bank.step(np.array([y]), np.array([0.0]), np.array([True]), 1.0)
        assert 0.0 <= u[0] <= 100.0


@pytest.mark.parametrize("n", [1, 7])
def test_the_output_array_is_reused(n):
    bank = PidBank([Tuning(1.0)] * n)
    args = np.zeros(n), np.ones(n), np.ones(n, bool), 1.0
    assert bank.step(*args) is bank.step(*args)
