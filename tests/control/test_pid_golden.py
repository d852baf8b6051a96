"""Golden rows of the PID core: form, weights, derivative, anti-windup, bumpless changes, measured time."""

import math

import numpy as np
import pytest

from controller.model.tuning import Gap, Tuning
from controller.stages.pid import PidBank

WIDE = {"low": -1e6, "high": 1e6}
ON = np.array([True])


class One:
    """A bank of one controller whose output is achieved unless told otherwise."""

    def __init__(self, *args, **kwargs):
        self.bank = PidBank([Tuning(*args, **kwargs)])
        self.step(0.0, 0.0, 0.0)

    def step(self, y, r, dt, live=True, achieved=None):
        u = float(self.bank.step(np.array([y]), np.array([r]), np.array([live]), dt)[0])
        self.bank.achieved[0] = u if achieved is None else achieved
        return u


def test_p1_isa_form_step_response():
    """I forward, as the docstring of the bank says: the error of a scan acts over the time until the next."""
    k, ti, dt = 2.5, 40.0, 0.5
    pid = One(k, ti, setpoint_weight=1.0, **WIDE)
    u = [pid.step(0.0, 1.0, dt) for _ in range(200)]
    exact = [k * (1 + n * dt / ti) for n in range(200)]
    np.testing.assert_allclose(u, exact, rtol=1e-12)


@pytest.mark.parametrize("b", [0.0, 0.3, 1.0])
def test_p3_setpoint_kick_is_gain_times_weight(b):
    pid = One(3.0, 50.0, setpoint_weight=b, derivative_time=7.0, **WIDE)
    before = pid.step(0.0, 0.0, 1.0)
    assert pid.step(0.0, 2.0, 1.0) - before == pytest.approx(3.0 * b * 2.0, abs=1e-12)


@pytest.mark.parametrize(("b", "c"), [(0.0, 0.0), (0.3, 0.0), (0.0, 1.0), (0.7, 0.4), (1.0, 1.0)])
def test_p3_the_load_response_does_not_know_the_weights(b, c):
    """At rest at a setpoint of 5 a load of 1 comes."""

    def life(b, c):
        pid, y, trace = PidBank([Tuning(2.0, 20.0, 2.0, setpoint_weight=b, derivative_weight=c, **WIDE)]), 5.0, []
        pid.achieved[0] = 5.0
        for _ in range(300):
            pid.achieved[:] = pid.step(np.array([y]), np.array([5.0]), ON, 0.1)
            y += 0.1 * (-y + float(pid.achieved[0]) + 1.0)
            trace.append(y)
        return trace

    found = life(b, c)
    assert max(found) > 5.2
    np.testing.assert_allclose(found, life(1.0, 0.0), atol=1e-12)


@pytest.mark.parametrize("c", [0.3, 1.0])
def test_p3_a_weighted_setpoint_kicks_the_derivative_too(c):
    pid = One(3.0, 50.0, derivative_time=7.0, derivative_weight=c, **WIDE)
    kick = pid.step(0.0, 2.0, 1e-9) - 3.0 * 2.0
    assert kick == pytest.approx(3.0 * 10.0 * c * 2.0, rel=1e-6)


def test_p4_derivative_of_a_ramp_is_minus_gain_times_td():
    pid = One(2.0, derivative_time=10.0, derivative_filter=5.0, **WIDE)
    with_d = [pid.step(0.1 * n, 0.0, 0.1) for n in range(1, 1000)]
    assert with_d[-1] + 2.0 * 99.9 == pytest.approx(-2.0 * 10.0, rel=1e-9)


@pytest.mark.parametrize("n", [2.0, 8.0, 20.0])
def test_p4_high_frequency_gain(n):
    pid = One(3.0, derivative_time=100.0, derivative_filter=n, **WIDE)
    assert -pid.step(1.0, 0.0, 1e-9) == pytest.approx(3.0 * (1 + n), rel=1e-6)


def test_p4_a_setpoint_step_gives_no_derivative_kick():
    pid = One(3.0, derivative_time=100.0, **WIDE)
    assert pid.step(0.0, 1.0, 0.1) == pytest.approx(3.0)


def windup(ti, tt, dt=1e-3, end=60.0, limit=0.1, follow=lambda u, before: u):
    """Plant 1/s, |u| <= ``limit``, r = 1: overshoot in percent and IAE; ``follow`` gives what is achieved."""
    pid = One(1.0, ti, tracking_time=tt, low=-limit, high=limit)
    pv, sp, y, top, iae, at = np.zeros(1), np.ones(1), 0.0, 0.0, 0.0, 0.0
    for _ in range(round(end / dt)):
        pv[0] = y
        at = follow(float(pid.bank.step(pv, sp, ON, dt)[0]), at)
        pid.bank.achieved[:] = at
        y += at * dt
        top = max(top, y)
        iae += abs(1.0 - y) * dt
    return (top - 1.0) * 100.0, iae


@pytest.mark.parametrize(
    ("ti", "tt", "overshoot", "iae"),
    [
        (1.0, math.inf, 90.0, 22.17),
        (1.0, 1.0, 5.5, 5.140),
        (5.0, math.inf, 60.0, 10.00),
        (5.0, 5.0, 6.6, 5.432),
        (5.0, 1.0, 0.0, 5.691),
    ],
)
def test_p5_anti_windup(ti, tt, overshoot, iae):
    found = windup(ti, tt)
    assert found[0] == pytest.approx(overshoot, rel=0.02, abs=0.06)
    assert found[1] == pytest.approx(iae, rel=0.02)


def test_p5_tracking_with_the_integral_time_is_external_reset():
    """External reset: ``I`` is the achieved output through a lag of Ti."""
    k, ti, dt, lag, y = 2.0, 30.0, 0.01, 0.0, 0.0
    pid = One(k, ti, low=-0.3, high=0.3)
    for n in range(20000):
        r = 1.0 if n < 8000 else -0.2
        u = pid.step(y, r, dt)
        assert u == pytest.approx(min(max(k * (r - y) + lag, -0.3), 0.3), abs=2e-4)
        lag += dt / ti * (u - lag)
        y += dt * 0.2 * (u - 0.1 * y)


def test_p6_manual_to_auto_and_back():
    pid = One(5.0, 60.0, derivative_time=5.0)
    pid.bank.achieved[0] = 42.0
    assert pid.step(3.0, 7.0, 1.0, live=False) == 42.0
    assert pid.step(3.1, 7.0, 1.0) == pytest.approx(42.0, abs=1e-9)
    automatic = pid.step(3.1, 7.0, 1.0)
    assert automatic == pytest.approx(42.0 + 5.0 / 60.0 * 3.9, abs=1e-9)
    assert pid.step(3.4, 7.0, 1.0, live=False) == automatic


@pytest.mark.parametrize(
    "new",
    [
        {"gain": 50.0},
        {"integral_time": 5.0},
        {"derivative_time": 30.0},
        {"setpoint_weight": 0.0},
        {"gap": Gap(0.5)},
        {"tracking_time": 1.0},
    ],
)
def test_p6_a_new_tuning_does_not_move_the_output(new):
    old = {"gain": 5.0, "integral_time": 60.0, "derivative_time": 5.0}
    pid = One(**old)
    y = 0.0
    for _ in range(50):
        before = pid.step(y, 3.0, 1.0)
        y += 0.01
    pid.bank.retune(0, Tuning(**{**old, **new}))
    assert pid.step(y, 3.0, 1.0) == pytest.approx(before, abs=1e-9)


@pytest.mark.parametrize(("ti", "tt", "overshoot", "iae"), [(1.0, 1.0, 5.5, 5.140), (5.0, 1.0, 0.0, 5.691)])
def test_p7_a_limit_that_only_the_actuator_knows_is_recovered_from_as_its_own(ti, tt, overshoot, iae):
    found = windup(ti, tt, limit=50.0, follow=lambda u, before: min(max(u, -0.1), 0.1))
    assert found == (pytest.approx(overshoot, rel=0.02, abs=0.06), pytest.approx(iae, rel=0.02))


@pytest.mark.parametrize(("ti", "tt", "overshoot", "iae"), [(1.0, 1.0, 5.5, 5.140), (5.0, 1.0, 0.0, 5.691)])
def test_p7_a_rate_limit_is_recovered_from_as_a_limit(ti, tt, overshoot, iae):
    """From end to end in a second: as without it, but that an error of one lasts a quarter of a second longer."""
    seen = []

    def slow(u, before):
        seen.append(before + min(max(u - before, -2e-4), 2e-4))
        return seen[-1]

    found = windup(ti, tt, follow=slow)
    assert np.abs(np.diff(seen)).max() <= 2e-4 + 1e-12
    assert found == (pytest.approx(overshoot, rel=0.02, abs=0.06), pytest.approx(iae + 0.25, rel=0.02))


def test_p7_an_output_that_cannot_follow_does_not_wind_up():
    pid = One(1.0, 10.0)
    for _ in range(1000):
        pid.step(0.0, 20.0, 1.0, achieved=5.0)
    assert pid.bank.wanted[0] - 5.0 == pytest.approx(20.0, rel=0.06), "K e Tt/Ti, however long it lasts"


@pytest.mark.parametrize("derivative", [0.0, 10.0])
def test_p9_inside_the_gap_nothing_moves_in_a_day(derivative):
    rng = np.random.default_rng(9)
    bank = PidBank([Tuning(120.0, 900.0, derivative, gap=Gap(0.02), low=-100.0)])
    bank.achieved[0] = 12.0
    sp, pvs = np.array([7.2]), 7.2 + np.clip(rng.normal(0.0, 0.005, (24 * 3600, 1)), -0.0199, 0.0199)
    bank.step(sp, sp, ON, 1.0)
    frozen = float(bank.integral[0])
    for pv in pvs:
        bank.achieved[:] = bank.step(pv, sp, ON, 1.0)
        assert bank.achieved[0] == pytest.approx(12.0, abs=1e-9)
    assert bank.integral[0] == pytest.approx(frozen, abs=1e-9)


def closed_loop(steps):
    """Temperature-like plant under PI, with the given times between scans; the PV at each time."""
    pid, y, now, trace = One(46.0, 710.0, tracking_time=60.0), 30.0, 0.0, []
    for dt in steps:
        u = pid.step(y, 37.0, dt)
        y += (1 - math.exp(-dt / 4000.0)) * (22.0 + 0.35 * u - y)
        now += dt
        trace.append((now, y))
    return trace


def test_p14_jitter_of_half_a_period_changes_nothing():
    rng = np.random.default_rng(14)
    steady = closed_loop([1.0] * 7200)
    jittered = closed_loop(rng.uniform(0.5, 1.5, 7200))
    at = np.arange(100, 7000, 100.0)
    a, b = (np.interp(at, *zip(*trace, strict=True)) for trace in (steady, jittered))
    np.testing.assert_allclose(a - 30.0, b - 30.0, rtol=0.01)


def test_p14_no_step_after_ten_minutes_without_scans():
    pid = One(46.0, 710.0)
    for _ in range(100):
        before = pid.step(36.9, 37.0, 1.0)
    assert pid.step(36.5, 37.0, 600.0) == pytest.approx(before, abs=1e-9)
    assert pid.step(36.5, 37.0, 1.0) == pytest.approx(before + 46.0 / 710.0 * 0.5, abs=1e-9)


def test_a_bad_pv_holds_and_freezes_the_integral():
    pid = One(46.0, 710.0)
    before = [pid.step(36.9, 37.0, 1.0) for _ in range(10)][-1]
    assert {pid.step(math.nan, 37.0, 1.0) for _ in range(500)} == {before}
    assert pid.step(36.8, 37.0, 1.0) == pytest.approx(before, abs=1e-9)


def test_a_resumed_integral_comes_back_without_a_step():
    pid = One(46.0, 710.0, tracking_time=60.0)
    pid.bank.achieved[0] = 0.0
    pid.bank.resume(0, 8.0)
    first = pid.step(37.0, 37.0, 1.0)
    assert first == pytest.approx(0.0, abs=1e-9)
    assert pid.step(37.0, 37.0, 1.0) < 0.5
    for _ in range(600):
        last = pid.step(37.0, 37.0, 1.0)
    assert last == pytest.approx(8.0, abs=0.01)


def test_p14_an_interruption_while_a_resumed_integral_comes_back_makes_no_step():
    pid = One(46.0, 710.0, tracking_time=60.0)
    pid.bank.resume(0, 40.0)
    for _ in range(5):
        before = pid.step(36.9, 37.0, 1.0)
    assert pid.step(36.9, 37.0, 600.0) == pytest.approx(before, abs=1e-9)
    assert pid.step(36.9, 37.0, 1e-9) == pytest.approx(before, abs=1e-9)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_p11_a_blocked_direction_stops_the_integral_within_a_scan(sign):
    bank = PidBank([Tuning(2.0, 10.0, **WIDE)] * 2)
    pv, sp, live = np.zeros(2), np.full(2, sign), np.ones(2, bool)
    first, none = np.array([True, False]), np.zeros(2, bool)
    for _ in range(3):
        before = bank.step(pv, sp, live, 1.0).copy()
        bank.achieved[:] = before
    up, down = (first, none) if sign > 0 else (none, first)
    after = bank.step(pv, sp, live, 1.0, up, down)
    assert after[0] == before[0]
    assert after[1] - before[1] == pytest.approx(sign * 0.2)
