"""Exact figures of processes and loops, row by row, and what does not depend on a table."""

import math

import numpy as np
import pytest

from controller.model.pid_forms import Standard
from controller.tuning.margins import margins, ultimate
from controller.tuning.process import Process
from controller.tuning.rules import amigo_pi, amigo_pid, half_rule, simc
from controller.tuning.tangent import by_tangent
from tests.tuning.conftest import PROCESSES
from tests.tuning.oracles import GOLDEN, GOLDEN_ROWS, LATER_CROSSING, PROCESS_ROWS, RULE_ROWS, ULTIMATE_ROWS


def pid_of(name, rule):
    process = PROCESSES[name]
    return {
        "simc": lambda: simc(half_rule(process)),
        "amigo-pi": lambda: amigo_pi(by_tangent(process)),
        "amigo-pid": lambda: amigo_pid(by_tangent(process)),
    }[rule]()


@pytest.mark.parametrize(("name", "row"), PROCESS_ROWS.items())
def test_ultimate_and_tangent_of_each_process(name, row):
    gain, period, lag, delay = row
    found, model = ultimate(PROCESSES[name]), by_tangent(PROCESSES[name])
    assert found.gain == pytest.approx(gain, rel=0.005)
    assert found.period == pytest.approx(period, rel=0.005)
    assert model.integrating == (lag is None)
    assert model.delay == pytest.approx(delay, rel=1e-3)
    assert lag is None or model.lag == pytest.approx(lag, rel=1e-3)


@pytest.mark.parametrize(("name", "row"), ULTIMATE_ROWS.items())
def test_exact_ultimate_gain_and_period(name, row):
    found = ultimate({**PROCESSES, **GOLDEN}[name])
    assert (found.gain, found.period) == pytest.approx(row, rel=1e-3)


@pytest.mark.parametrize(("key", "row"), RULE_ROWS.items(), ids=lambda key: " ".join(map(str, key))[:40])
def test_rules_and_margins(key, row):
    pid = pid_of(*key)
    assert (pid.gain, pid.integral_time, pid.derivative_time) == pytest.approx(row[:3], rel=1e-3)
    found = margins(PROCESSES[key[0]], pid)
    assert found.stable
    assert found.ms == pytest.approx(row[3], rel=0.005)
    assert found.pm == pytest.approx(row[5], abs=0.5)
    if key != LATER_CROSSING:
        assert found.gm == pytest.approx(row[4], rel=0.005)


def test_the_gain_margin_is_that_of_the_worst_crossing():
    """A process of almost nothing but dead time: the curve comes closest to -1 at a later turn than its first."""
    name, rule = LATER_CROSSING
    process, pid = PROCESSES[name], pid_of(name, rule)
    w = np.linspace(2.0, 3.5, 100_000)
    loop = pid.response(w) * process.response(w)
    first = np.flatnonzero(np.diff(np.sign(loop.imag)) * (loop.real[1:] < 0.0))[0]
    assert 1.0 / abs(loop[first]) == pytest.approx(RULE_ROWS[LATER_CROSSING][4], rel=0.005)
    margin = margins(process, pid).gm
    assert margin == pytest.approx(3.287, rel=0.005)
    for factor, stable in ((0.995, True), (1.005, False)):
        more = Standard(pid.gain * margin * factor, pid.integral_time, pid.derivative_time, pid.filter_time)
        assert margins(process, more).stable is stable


@pytest.mark.parametrize(("name", "row"), GOLDEN_ROWS.items())
def test_golden_rules_and_margins(name, row):
    process = GOLDEN[name]
    pid = simc(half_rule(process))
    assert (pid.gain, pid.integral_time) == pytest.approx(row[:2], rel=1e-3)
    found = margins(process, pid)
    assert (found.ms, found.mt, found.gm) == pytest.approx(row[2:5], rel=0.005)
    assert found.pm == pytest.approx(row[5], abs=0.5)


@pytest.mark.parametrize("name", PROCESSES)
def test_a_loop_is_stable_up_to_its_ultimate_gain(name):
    process, limit = PROCESSES[name], ultimate(PROCESSES[name]).gain
    for factor, stable in ((0.99, True), (1.01, False)):
        found = margins(process, Standard(factor * limit))
        assert found.stable is stable
        assert (found.gm > 1.0) is stable
        assert found.gm == pytest.approx(1.0 / factor, rel=1e-6)


def test_integrating_twice_is_stable_only_with_enough_lead():
    process = Process(1.0, (0.1,), integrating=True)
    assert margins(process, Standard(1.0, 10.0)).stable
    assert not margins(process, Standard(1.0, 0.05)).stable


def test_the_wrong_sign_is_never_stable():
    found = margins(PROCESSES["e^-s/(s+1)"], Standard(-0.5, 1.0))
    assert not found.stable
    assert math.isinf(found.ms)
    assert margins(Process(-1.0, (1.0,), 1.0), Standard(-0.5, 1.0)).ms == pytest.approx(1.590, rel=0.005)


def test_a_single_lag_never_oscillates():
    process = Process(2.0, (5.0,))
    assert ultimate(process) == ultimate(Process(2.0, (5.0, 1.0)))
    assert math.isinf(ultimate(process).gain)
    found = margins(process, Standard(3.0, 5.0))
    assert math.isinf(found.gm)
    assert found.ms == pytest.approx(1.0, abs=1e-6)


def test_margins_do_not_know_the_unit_of_time():
    process, pid = PROCESSES["1/(s+1)^4"], Standard(1.1239, 2.4155, 0.6219, 0.06219)
    slow = margins(process.stretched(60.0), Standard(pid.gain, *(60.0 * t for t in (2.4155, 0.6219, 0.06219))))
    assert slow.ms == pytest.approx(margins(process, pid).ms, rel=1e-6)
    integrating = PROCESSES["e^-s/s"]
    assert ultimate(integrating.stretched(60.0)).period == pytest.approx(240.0)


@pytest.mark.parametrize("process", [{"lags": ()}, {"lags": (1.0,), "leads": (0.5,)}, {"lags": (-1.0,)}])
def test_what_is_no_process_is_refused(process):
    with pytest.raises(ValueError, match=r"lags"):
        Process(1.0, **process)


def test_what_a_rule_is_not_for_is_refused():
    with pytest.raises(ValueError, match="positive leads"):
        half_rule(Process(1.0, (1.0, 2.0), leads=(0.5,)))
    with pytest.raises(ValueError, match="needs a dead time"):
        simc(half_rule(Process(1.0, (1.0,))))
