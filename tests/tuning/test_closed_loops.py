"""Closed loops on the controllers as shipped, all rows of the tables at once."""

from functools import cache

import numpy as np
import pytest

from controller.model.pid_forms import Standard
from controller.tuning.closed_loop import Case, simulate
from controller.tuning.plants import Plants
from controller.tuning.process import Process
from controller.tuning.rules import half_rule
from tests.tuning.conftest import PROCESSES
from tests.tuning.oracles import GOLDEN, GOLDEN_ROWS, RULE_ROWS
from tests.tuning.test_margins import pid_of


def figures(cases, per_dead_time, dead_times):
    """Load IAE, setpoint IAE and overshoot of each process and tuning; sampled so often, for so many dead times."""
    dt = np.array([half_rule(process).delay / per_dead_time for process, _ in cases])
    both = [Case(process, pid, load=1.0) for process, pid in cases]
    both += [Case(process, pid, setpoint=1.0) for process, pid in cases]
    found = simulate(both, np.concatenate([dt, dt]), per_dead_time * dead_times)
    n = len(cases)
    return list(zip(found.iae[:n], found.iae[n:], found.overshoot[n:], strict=True))


@cache
def oracle_figures():
    cases = [(PROCESSES[key[0]], pid_of(*key)) for key in RULE_ROWS]
    return dict(zip(RULE_ROWS, figures(cases, 125, 100), strict=True))


@cache
def golden_figures():
    cases = [(GOLDEN[name], Standard(*row[:2])) for name, row in GOLDEN_ROWS.items()]
    return dict(zip(GOLDEN_ROWS, figures(cases, 400, 60), strict=True))


@pytest.mark.parametrize(("key", "row"), RULE_ROWS.items(), ids=lambda key: " ".join(map(str, key))[:40])
def test_oracle_rows(key, row):
    load, setpoint, overshoot = oracle_figures()[key]
    assert load == pytest.approx(row[6], rel=0.015)
    assert setpoint == pytest.approx(row[7], rel=0.015)
    assert overshoot == pytest.approx(row[8], abs=1.0)


@pytest.mark.parametrize(("name", "row"), GOLDEN_ROWS.items())
def test_golden_rows(name, row):
    load, setpoint, overshoot = golden_figures()[name]
    assert setpoint == pytest.approx(row[6], rel=0.02)
    assert load == pytest.approx(row[8], rel=0.02)
    assert overshoot == pytest.approx(row[7], rel=0.02, abs=0.05)


@pytest.mark.parametrize("name", ["e^-s/(5s+1)", "e^-s/(20s+1)", "e^-0.5s/s"])
def test_a_load_response_of_one_sign_has_an_iae_of_ti_over_k(name):
    row = GOLDEN_ROWS[name]
    assert golden_figures()[name][0] == pytest.approx(row[1] / row[0], rel=1e-3)


def test_a_dead_time_between_samples_is_exact():
    """The same process sampled at a whole and at a broken number of samples per dead time gives the same answer."""
    process, ends = Process(2.0, (3.0, 1.0), 1.0), []
    for dt in (0.1, 0.07, 1.0 / 3.0):
        plant = Plants([process], np.array([dt]))
        steps = round(21.0 / dt)
        y = [plant.step(np.ones(1))[0] for _ in range(steps)]
        ends.append(np.interp([7.0, 14.0], dt * np.arange(1, steps + 1), y))
    exact = [2.0 * (1.0 - (3.0 * np.exp(-t / 3.0) - np.exp(-t)) / 2.0) for t in (6.0, 13.0)]
    for end in ends:
        np.testing.assert_allclose(end, exact, rtol=2e-3)
    np.testing.assert_allclose(ends[0], exact, rtol=1e-12)


@pytest.mark.parametrize("name", PROCESSES)
def test_a_slow_sine_sees_the_frequency_response(name):
    """The simulated process and its frequency response are one and the same."""
    process, dt, w = PROCESSES[name].stretched(3.0 / PROCESSES[name].pace), 0.02, 0.5
    plant, t = Plants([process], np.array([dt])), dt * np.arange(1, 4001)
    drive = np.sin(w * (t - dt / 2.0)) if not process.integrating else np.cos(w * (t - dt / 2.0))
    y = np.array([plant.step(np.array([u]))[0] for u in drive.tolist()])
    last = t > 80.0 - 4.0 * 2.0 * np.pi / w
    wave = np.exp(-1j * w * t[last])
    found = (y[last] - y[last].mean()) @ wave / (drive[last] @ np.exp(-1j * w * (t[last] - dt / 2.0)))
    expected = complex(process.response(np.array(w)))
    assert abs(found / expected - 1.0) < 0.01


def test_limits_hold_and_figures_say_so():
    case = Case(PROCESSES["e^-s/(10s+1)"], Standard(5.0, 8.0), setpoint=1.0, low=0.0, high=2.0)
    found = simulate([case], np.array([0.05]), 3000)
    assert found.op.max() == 2.0
    assert found.op.min() >= 0.0
    assert found.deviation[0] == 1.0
    assert found.travel[0] > 1.0
    assert found.overshoot[0] < 10.0
    assert np.isnan(simulate([Case(case.process, case.pid)], np.array([0.05]), 3).overshoot[0])
