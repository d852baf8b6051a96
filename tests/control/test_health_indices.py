"""P17: Harris index, oscillation and stiction, as pure functions of a series."""

import math

import numpy as np
import pytest

from controller.stages import oscillation, stiction
from controller.stages.harris import fit, harris_index, impulse_response, minimum_variance_share, variance_ratio

SEEDS = 300


def autoregression(coefficients, samples, seed, start=300):
    """A series of the model, driven by white noise of variance 1."""
    noise = np.random.default_rng(seed).normal(size=samples + start)
    series = np.zeros(samples + start)
    for step in range(len(coefficients), len(series)):
        series[step] = noise[step] + np.dot(coefficients, series[step - len(coefficients) : step][::-1])
    return series[start:]


def test_p17_harris_index_of_a_known_model():
    """AR(1), 0.9, delay 2: (1 + 0.81) (1 - 0.81)."""
    assert minimum_variance_share(np.array([0.9]), 2) == pytest.approx(0.3439, abs=1e-12)
    assert minimum_variance_share(np.array([0.9]), 1) == pytest.approx(0.19, abs=1e-12)
    assert minimum_variance_share(np.zeros(0), 5) == 1.0
    assert minimum_variance_share(np.array([0.9]), 500) == pytest.approx(1.0, abs=1e-12)


def test_p17_harris_index_from_data():
    found = [harris_index(autoregression([0.9], 2000, seed), 2) for seed in range(20)]
    assert np.mean(found) == pytest.approx(0.3439, abs=0.02)
    assert np.max(np.abs(np.array(found) - 0.3439)) < 0.1


@pytest.mark.parametrize("coefficients", [[0.9], [1.2, -0.5], [0.5, 0.2, -0.3]])
def test_p17_the_variance_of_a_model_is_that_of_its_whole_impulse_response(coefficients):
    response = impulse_response(np.array(coefficients), 2000)
    assert variance_ratio(np.array(coefficients)) == pytest.approx(float(response @ response), rel=1e-9)


def test_p17_a_model_that_is_not_stable_has_no_variance():
    assert variance_ratio(np.array([1.1])) == math.inf
    assert minimum_variance_share(np.array([1.1]), 3) == 0.0


def test_p17_the_fit_finds_the_model():
    model = fit(autoregression([1.2, -0.5], 5000, 3))
    assert model.coefficients[:2] == pytest.approx([1.2, -0.5], abs=0.05)
    assert model.variance == pytest.approx(1.0, rel=0.05)
    assert len(model.coefficients) <= 6


def test_p17_the_best_possible_loop_has_a_harris_index_of_one_and_a_sluggish_one_little():
    noise = np.random.default_rng(1).normal(size=2000)
    best = noise[1:] + 0.8 * noise[:-1]
    assert harris_index(best, 2) == pytest.approx(1.0, abs=0.03)
    assert harris_index(autoregression([0.995], 2000, 2), 2) < 0.05


def test_p17_a_series_that_does_not_move_has_no_harris_index():
    assert math.isnan(harris_index(np.full(500, 3.0), 2))


@pytest.mark.parametrize("period", [6.0, 17.3, 60.0])
@pytest.mark.parametrize("noise", [0.0, 0.3, 0.7])
def test_p17_an_oscillation_is_found_with_its_period(period, noise):
    for seed in range(10):
        phase = 2 * np.pi * np.arange(1000) / period + seed
        found = oscillation.find(0.4 * np.sin(phase) + 0.4 * noise * np.random.default_rng(seed).normal(size=1000))
        assert found.found
        assert found.period == pytest.approx(period, rel=0.05)
        assert found.amplitude == pytest.approx(0.4 * math.sqrt(1 + 2 * noise**2), rel=0.1)


def test_p17_two_swings_at_once_are_not_taken_for_one_of_another_period():
    time = 2 * np.pi * np.arange(1000)
    found = oscillation.find(np.sin(time / 12) + np.sin(time / 115))
    assert found.strength > oscillation.LEAST_STRENGTH
    assert not found.found


def test_p17_a_square_a_triangle_and_pulses_are_oscillations_too():
    phase = np.arange(800) / 40.0
    for wave in (np.sign(np.sin(2 * np.pi * phase)), np.abs(phase % 1.0 - 0.5), (phase % 1.0 < 0.15) * 1.0):
        assert oscillation.find(wave).period == pytest.approx(40.0, rel=0.05)


@pytest.mark.parametrize("samples", [128, 1000])
def test_p17_white_noise_is_not_called_oscillating(samples):
    alarms = sum(oscillation.find(autoregression([], samples, seed, 0)).found for seed in range(SEEDS))
    assert alarms == 0


def test_p17_noise_that_a_process_smoothed_is_seldom_called_oscillating():
    alarms = sum(oscillation.find(autoregression([0.9], 1000, seed)).found for seed in range(100))
    assert alarms <= 3


@pytest.mark.parametrize(
    "series", [np.zeros(500), np.full(500, 2.0), np.linspace(0.0, 1.0, 500), np.exp(-np.arange(500) / 100.0)]
)
def test_p17_what_does_not_swing_is_no_oscillation(series):
    found = oscillation.find(series)
    assert not found.found


class SelfRegulating:
    """A first-order process with a dead time under PI, and a valve that may stick: it stays until its demand is more
    than ``stick`` away, then jumps there.
    """

    def __init__(self, gain, integral_time, lag=1.0, dead_time=1.0, stick=0.0, noise=0.003, limit=20.0, dt=0.1):
        self.gain, self.integral_time, self.lag, self.dt = gain, integral_time, lag, dt
        self.stick, self.noise, self.limit = stick, noise, limit
        self.delayed = [0.0] * round(dead_time / dt)
        self.pv = self.integral = self.valve = 0.0

    def run(self, scans, seed=0):
        """PV and output of every scan, at a setpoint of 1."""
        noise = np.random.default_rng(seed).normal(0.0, self.noise, scans)
        return np.array([self.scan(one) for one in noise]).T

    def scan(self, noise):
        error = 1.0 - self.pv - noise
        wanted = self.gain * error + self.integral
        output = min(max(wanted, -self.limit), self.limit)
        self.integral += (self.gain * error * self.dt + (output - wanted) * self.dt) / self.integral_time
        if abs(output - self.valve) > self.stick:
            self.valve = output
        self.delayed.append(self.valve)
        self.pv += self.dt * (self.delayed.pop(0) - self.pv) / self.lag
        return 1.0 - error, output


def judged(loop, seed=0):
    pv, output = loop.run(4000, seed)[:, 1000:]
    found = oscillation.find(1.0 - pv)
    assert found.found
    return stiction.hint(pv, output, found.period)


@pytest.mark.parametrize("stick", [0.2, 0.8])
@pytest.mark.parametrize("gain", [0.3, 0.5, 0.7])
def test_p17_a_valve_that_sticks_is_hinted(stick, gain):
    found = judged(SelfRegulating(gain, 1.0, stick=stick))
    assert found.verdict == "likely"
    assert found.shape > stiction.TRIANGLE


AGGRESSIVE = [(1.5, 1.0), (1.7, 1.0), (0.9, 0.35), (0.6, 0.25), (0.3, 0.14)]
"""Gain and integral time at which the same process swings by itself, the last ones by their integral alone."""


@pytest.mark.parametrize(("gain", "integral_time"), AGGRESSIVE)
@pytest.mark.parametrize("noise", [0.003, 0.05])
def test_p17_a_loop_that_is_tuned_too_tightly_is_not_hinted(gain, integral_time, noise):
    for limit in (3.0, 20.0):
        found = judged(SelfRegulating(gain, integral_time, noise=noise, limit=limit))
        assert found.verdict == "unlikely"


def hints(loops):
    """How many of some loops oscillate, and how many of these are hinted."""
    runs = [loop.run(4000, seed)[:, 1000:] for seed, loop in enumerate(loops)]
    swings = [(pv, output, oscillation.find(1.0 - pv)) for pv, output in runs]
    verdicts = [stiction.hint(pv, output, swing.period).verdict for pv, output, swing in swings if swing.found]
    return len(verdicts), verdicts.count("likely")


@pytest.mark.soak
@pytest.mark.timeout(300)
def test_p17_hints_counted_over_processes_and_tunings():
    """What sticks is found where the dead time is about the lag; what is tightly tuned is never suspected."""
    sticky = [
        SelfRegulating(gain, 1.0, stick=stick, noise=noise)
        for gain in np.linspace(0.2, 0.7, 6)
        for stick in (0.05, 0.1, 0.2, 0.4, 0.8)
        for noise in (0.001, 0.003, 0.006)
    ]
    oscillating, hinted = hints(sticky)
    assert oscillating >= 0.9 * len(sticky)
    assert hinted >= 0.95 * oscillating
    tight = [
        SelfRegulating(gain * lag / dead_time / 2, slower * lag, lag, dead_time, noise=noise, limit=limit)
        for lag, dead_time in ((1.0, 1.0), (5.0, 1.0), (1.0, 0.3))
        for gain in (0.5, 1.0, 2.0, 3.0, 4.0)
        for slower in (2.0, 1.0, 0.5, 0.3, 0.15)
        for noise, limit in ((0.003, 3.0), (0.01, 20.0), (0.05, 20.0))
    ]
    oscillating, hinted = hints(tight)
    assert oscillating >= 50
    assert hinted == 0


def test_p17_one_test_alone_would_take_an_integral_for_a_stuck_valve():
    found = judged(SelfRegulating(0.3, 0.14))
    assert found.lag > stiction.THIRTY_DEGREES[0]
    assert found.height > stiction.THIRTY_DEGREES[1]
    assert found.verdict == "unlikely"


def test_p17_a_disturbance_from_outside_is_not_hinted():
    time = np.arange(1500) / 30.0
    pv, output = np.sin(2 * np.pi * time), -np.sin(2 * np.pi * time - 0.6)
    assert stiction.hint(pv, output, 30.0).verdict == "unlikely"


def test_p17_a_triangle_in_opposition_to_the_pv_is_not_hinted():
    """A loop without integral action whose PV is a triangle: the shape alone proves nothing."""
    triangle = np.abs(np.arange(1500) / 30.0 % 1.0 - 0.5)
    found = stiction.hint(-triangle, triangle, 30.0)
    assert found.shape > stiction.TRIANGLE
    assert found.verdict == "undecided"


def test_p17_asymmetry_of_two_sines_is_that_of_their_phase():
    time = 2 * np.pi * np.arange(6000) / 60.0
    for degrees in (0.0, 30.0, 60.0, 90.0):
        lag, height = stiction.asymmetry(-np.sin(time), np.sin(time + math.radians(degrees)))
        assert lag == pytest.approx(degrees / 90.0, abs=0.03)
        assert height == pytest.approx(math.tan(math.radians(degrees / 2.0)) ** 2, abs=0.03)
    lag, height = stiction.THIRTY_DEGREES
    assert (lag, height) == pytest.approx((30.0 / 90.0, math.tan(math.radians(15.0)) ** 2))


def test_p17_nothing_is_said_about_an_output_that_does_not_move():
    found = stiction.hint(np.sin(np.arange(300.0)), np.full(300, 5.0), 6.28)
    assert found.verdict == "undecided"
    assert math.isnan(found.lag)
    assert math.isnan(found.shape)
