"""P16: models from records, exact where the model can be exact, honest where it cannot."""

import math

import numpy as np
import pytest

from controller.stages.experiment import Guards
from controller.stages.relay import Relay
from controller.stages.step_test import StepTest
from controller.tuning.fit import Samples, fit_models
from controller.tuning.held_input import HeldInput
from controller.tuning.kinds import FIRST, OTHERS
from controller.tuning.margins import ultimate
from controller.tuning.plants import Plants
from controller.tuning.process import Process
from tests.tuning.conftest import PROCESSES, SCAN, WIDE, run, samples, tuned_relay
from tests.tuning.oracles import GOLDEN, ULTIMATE_ROWS

KINDS = {kind.name: kind for kind in (FIRST, *OTHERS)}


@pytest.mark.parametrize("name", ULTIMATE_ROWS)
def test_p16_the_fit_to_a_relay_gives_the_exact_ultimate_gain_and_period(name):
    process = {**PROCESSES, **GOLDEN}[name]
    one = run(process, Relay(0.0, 1.0, WIDE, 10.0, 1.5))
    found = ultimate(fit_models(samples(one))[0].process)
    assert found.gain == pytest.approx(ULTIMATE_ROWS[name][0], rel=0.05)
    assert found.period == pytest.approx(ULTIMATE_ROWS[name][1], rel=0.05)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("e^-s/(10s+1)", "first order"),
        ("e^-s/(s+1)^2", "second order"),
        ("1/(s+1)^3", "third order"),
        ("e^-s/s", "integrating"),
        ("e^-0.5s/(s(0.5s+1))", "integrating with a lag"),
    ],
)
def test_p16_a_process_of_a_kind_that_is_known_is_found_exactly(name, kind):
    fit = fit_models(samples(run(PROCESSES[name], Relay(0.0, 1.0, WIDE, 10.0, 1.5))))[0]
    assert fit.kind == kind
    assert fit.process.gain == pytest.approx(1.0, rel=0.02)
    assert fit.process.pace == pytest.approx(PROCESSES[name].pace, rel=0.02)
    assert fit.explained > 0.999


@pytest.mark.parametrize("name", ["e^-s/(s+1)", "e^-s/(s+1)^2", "1/(s+1)^4", "e^-s/s"])
def test_p16_a_step_test_with_noise_finds_the_process_too(name):
    guards = Guards(-50.0, 50.0, longest_s=1e9)
    one = run(PROCESSES[name], StepTest(0.0, 1.0, guards, 10.0, travel=25.0), noise=0.2, seed=3)
    fit = fit_models(samples(one))[0]
    assert fit.process.gain == pytest.approx(1.0, rel=0.03)
    found, exact = ultimate(fit.process), ultimate(PROCESSES[name])
    assert found.period == pytest.approx(exact.period, rel=0.1)
    assert fit.residual == pytest.approx(0.2, rel=0.1)


def test_doubt_grows_with_the_noise_and_covers_the_error():
    errors = []
    for noise in (0.1, 1.0):
        fits = [fit_models(samples(tuned_relay("e^-s/(s+1)", noise, seed=seed))) for seed in range(4)]
        first = [next(fit for fit in fits_ if fit.kind == "first order") for fits_ in fits]
        spread = float(np.std([fit.process.delay for fit in first]))
        doubt = float(np.mean([fit.doubt for fit in first]))
        assert 0.4 < spread / doubt < 2.5
        errors.append(doubt)
    assert errors[1] > 3.0 * errors[0]


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_answers_like_its_process(kind):
    """The closed formulas that are fitted against the simulation of the same process."""
    times = np.array([0.7, 3.0, 1.2])[: 1 + len(KINDS[kind].repeats)]
    rng, dt = np.random.default_rng(1), 0.1
    u = np.repeat(rng.normal(size=20), 15)
    process = KINDS[kind].process(2.0, times)
    plant = Plants([process], np.array([dt]))
    simulated = np.array([plant.step(np.array([one]))[0] for one in u])
    time = dt * np.arange(len(u))
    answer = 2.0 * KINDS[kind].answer(HeldInput(time, u), times, time + dt)
    np.testing.assert_allclose(answer, simulated, atol=2e-3 * np.abs(simulated).max())


def test_an_output_that_was_rate_limited_is_taken_as_it_was():
    process, dt = Process(3.0, (2.0,), 0.5), 0.05
    u = np.concatenate([np.zeros(60), np.linspace(0.0, 5.0, 80), np.full(200, 5.0), np.zeros(200)])
    plant = Plants([process], np.array([dt]))
    y = np.array([0.0, *(plant.step(np.array([one]))[0] for one in u[:-1].tolist())])
    fit = fit_models(Samples(dt * np.arange(len(u)), y, u, dt))[0]
    assert fit.kind == "first order"
    assert (fit.process.gain, fit.process.lags[0], fit.process.delay) == pytest.approx((3.0, 2.0, 0.5), rel=1e-3)


def test_a_load_that_nobody_knows_of_does_not_spoil_the_model():
    """The loop was not quite at rest: a slow process drifts away from there all the time."""
    process = Process(1.0, (100.0, 2.0), 0.3)
    one = run(process, Relay(0.0, 1.0, WIDE, 10.0, 1.5), noise=0.02, load=0.5)
    found, exact = fit_models(samples(one))[0].process, ultimate(process)
    assert ultimate(found).gain == pytest.approx(exact.gain, rel=0.15)
    assert ultimate(found).period == pytest.approx(exact.period, rel=0.1)
    w = np.array([0.2])
    assert abs(found.response(w)[0] / process.response(w)[0]) == pytest.approx(1.0, rel=0.15)


def test_a_process_that_falls_with_more_output_has_a_negative_gain():
    process = Process(-2.0, (1.0,), 1.0)
    one = run(process, Relay(0.0, -1.0, WIDE, 10.0, 1.5), noise=0.2)
    fit = fit_models(samples(one))[0]
    assert fit.process.gain == pytest.approx(-2.0, rel=0.05)


def test_a_record_that_says_nothing_is_refused():
    t = np.arange(200.0)
    noise = np.random.default_rng(0).normal(size=200)
    with pytest.raises(ValueError, match="did not move"):
        fit_models(Samples(t, noise, np.zeros(200), 1.0))
    with pytest.raises(ValueError, match="too short"):
        fit_models(Samples(t[:20], noise[:20], np.sign(noise[:20]), 1.0))
    with pytest.raises(ValueError, match="the PV did not answer"):
        fit_models(Samples(t, noise, np.repeat([0.0, 5.0, -5.0, 5.0], 50), 1.0))


def test_time_may_be_in_any_unit():
    one = tuned_relay("1/(s+1)^4", 1.0)
    minutes, s = fit_models(samples(one))[0], samples(one)
    seconds = fit_models(Samples(60.0 * s.time, s.pv, s.op, 60.0 * SCAN))[0]
    assert seconds.process.pace == pytest.approx(60.0 * minutes.process.pace, rel=0.01)
    assert not math.isclose(minutes.doubt, 0.0)
