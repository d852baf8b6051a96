"""The vectorised bank equals a plain scalar controller over random lives, and survives any input."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.model.tuning import Gap, Tuning
from controller.stages import pid
from controller.stages.pid import PidBank
from tests.control.scalar_pid import ScalarPid


def nothing_or(some):
    return st.one_of(st.just(0.0), some)


gains = st.one_of(st.floats(0.01, 50), st.floats(-50, -0.01))
gaps = st.one_of(
    st.just(Gap()),
    st.builds(Gap, st.floats(0.01, 1)),
    st.builds(
        lambda width, share, transition, gain: Gap(width, transition, gain, share * width),
        st.floats(0.01, 1), st.floats(0, 0.9), nothing_or(st.floats(0.01, 1)), nothing_or(st.floats(0.01, 0.5)),
    ),
)  # fmt: skip
tunings = st.builds(
    Tuning,
    gain=gains,
    integral_time=st.one_of(st.floats(1, 2000), st.just(math.inf)),
    derivative_time=nothing_or(st.floats(0.1, 100)),
    derivative_filter=st.floats(2, 20),
    setpoint_weight=st.floats(0, 1),
    derivative_weight=nothing_or(st.floats(0.01, 1)),
    tracking_time=nothing_or(st.floats(0.5, 500)),
    gap=gaps,
    low=st.floats(-100, 0),
    high=st.floats(1, 100),
)


@given(
    tunings=st.lists(tunings, min_size=1, max_size=5), seed=st.integers(0, 2**32 - 1), block=st.sampled_from([2, 4096])
)
@settings(max_examples=60, deadline=None)
def test_p18_the_bank_equals_the_scalar_reference(tunings, seed, block):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pid, "BLOCK", block)
        live_together(tunings, seed)


def live_together(tunings, seed):
    """One random life of modes, qualities, setpoints, jitter, tunings, schedules and limits."""
    rng = np.random.default_rng(seed)
    bank, scalars, n = PidBank(tunings), [ScalarPid(tuning) for tuning in tunings], len(tunings)
    y, r, extra, live = rng.normal(size=n), rng.normal(size=n), np.zeros(n), np.ones(n, bool)
    for _ in range(60):
        dt = rng.choice([0.1, 1.0, rng.uniform(0.1, 10.0), 700.0, math.nan], p=[0.2, 0.5, 0.2, 0.05, 0.05])
        y = np.where(rng.random(n) < 0.05, np.nan, y + rng.normal(size=n) * 0.1)
        live = rng.random(n) < 0.9 if rng.random() < 0.3 else live
        r = np.where(rng.random(n) < 0.1, rng.normal(size=n), r)
        extra = rng.normal(size=n) if rng.random() < 0.2 else extra
        change_one(bank, scalars, rng)
        u = bank.step(y, r, live, dt, extra=extra)
        inputs = zip(y.tolist(), r.tolist(), live.tolist(), extra.tolist(), strict=True)
        expected = [s.step(y1, r1, live1, dt, x1) for s, (y1, r1, live1, x1) in zip(scalars, inputs, strict=True)]
        scale = max(1.0, float(np.abs(bank.terms()).max()))
        np.testing.assert_allclose(u, expected, rtol=1e-12, atol=1e-12 * scale)
        bank.achieved[:] = np.clip(u + rng.normal(size=n) * rng.choice([0, 1], size=n), bank.low, bank.high)
        for scalar, achieved in zip(scalars, bank.achieved.tolist(), strict=True):
            scalar.achieved = achieved
        y = np.where(np.isnan(y), 0.0, y)


def change_one(bank, scalars, rng):
    """Now and then another tuning, or a step of a gain schedule."""
    row = int(rng.integers(len(scalars)))
    old = scalars[row].t
    gain, ti = old.gain * rng.uniform(0.5, 2.0), old.integral_time * rng.uniform(0.5, 2.0)
    if rng.random() < 0.05:
        new = replace(old, gain=gain, integral_time=ti, setpoint_weight=rng.uniform(), high=rng.uniform(1, 100))
        bank.retune(row, new)
        scalars[row].retune(new)
    elif rng.random() < 0.2:
        bank.reschedule(np.array([row]), *(np.array([value]) for value in (gain, ti, old.derivative_time)))
        scalars[row].reschedule(gain, ti, old.derivative_time)


anything = st.floats(allow_nan=True, allow_infinity=True)


@given(
    tuning=tunings,
    life=st.lists(st.tuples(anything, anything, st.booleans(), st.one_of(st.floats(0.1, 10), anything)), max_size=40),
)
@settings(max_examples=150, deadline=None)
def test_p19_no_input_puts_out_what_is_no_number_or_beyond_the_limits(tuning, life):
    bank = PidBank([tuning])
    bank.achieved[0] = tuning.low
    for y, r, live, dt in life:
        with np.errstate(invalid="ignore", over="ignore"):
            u = float(bank.step(np.array([y]), np.array([r]), np.array([live]), dt)[0])
        assert tuning.low <= u <= tuning.high
        bank.achieved[0] = u


def test_p19_an_overflowing_gain_is_no_way_around_it():
    bank = PidBank([Tuning(1e10, 1.0)])
    for y in (1e14, -1e14, math.inf, 3.0, math.nan):
        u = bank.step(np.array([y]), np.array([0.0]), np.array([True]), 1.0)
        assert 0.0 <= u[0] <= 100.0


@pytest.mark.parametrize("n", [1, 7])
def test_the_output_array_is_reused(n):
    bank = PidBank([Tuning(1.0)] * n)
    args = np.zeros(n), np.ones(n), np.ones(n, bool), 1.0
    assert bank.step(*args) is bank.step(*args)


def test_who_may_act_cannot_be_changed_behind_the_bank():
    bank, live = PidBank([Tuning(1.0)] * 2), np.ones(2, bool)
    bank.step(np.zeros(2), np.ones(2), live, 1.0)
    with pytest.raises(ValueError, match="read-only"):
        live[0] = False


@pytest.mark.parametrize("row", [0, 4095, 8191, 8192, 30_000, 32_767, 32_768, 39_999])
def test_p19_a_bad_value_is_found_at_any_place_of_a_large_bank(row):
    bank = PidBank([Tuning(2.0)] * 40_000)
    pv, sp, live = np.zeros(40_000), np.ones(40_000), np.ones(40_000, bool)
    found = np.arange(40_000) % 90 + 5.0
    bank.achieved[:] = found
    bank.achieved[:] = bank.step(pv, sp, live, 1.0)
    pv[:] = 0.5
    pv[row] = math.nan
    expected = found - 1.0
    expected[row] = found[row]
    assert bank.step(pv, sp, live, 1.0).tolist() == bank.wanted.tolist() == expected.tolist()


@given(
    gain=st.one_of(st.floats(0.5, 50), st.floats(-50, -0.5)),
    ti=st.floats(2, 20),
    tracking=st.one_of(st.just(0.0), st.floats(2, 20)),
    td=nothing_or(st.floats(0.1, 5)),
    b=st.floats(0, 1),
    off=st.one_of(st.floats(10, 100), st.floats(-100, -10)),
    actuator=st.floats(10, 100),
)
@settings(max_examples=25, deadline=None)
def test_p5_p7_how_long_an_output_was_at_its_limit_makes_no_difference(gain, ti, tracking, td, b, off, actuator):
    """At the limit of the controller, or of an actuator that ends earlier, for 500 scans and for 2,000; back the other
    way the output is the same at every scan.
    """

    def back_after(scans):
        bank = PidBank([Tuning(gain, ti, td, setpoint_weight=b, tracking_time=tracking)])
        sp, live, after = np.array([10.0]), np.ones(1, bool), []
        away, back = sp - off, sp + off
        for scan in range(scans + 100):
            output = bank.step(away if scan < scans else back, sp, live, 1.0)
            bank.achieved[0] = min(output.item(), actuator)
            after.append(bank.achieved.item())
        return after[scans - 1 :]

    short, long = back_after(500), back_after(2000)
    assert short[0] in {0.0, actuator}, "it was at a limit"
    assert short[-1] != short[0] != long[-1], "and left it"
    np.testing.assert_allclose(short, long, atol=1e-3)
