"""Proposals: what each rule says of a model, what is predicted of it, and the preview before it is accepted."""

import numpy as np
import pytest

from controller.model.pid_forms import Standard
from controller.tuning.margins import margins
from controller.tuning.process import Process
from controller.tuning.proposals import RULES, op_noise, predicted, preview, propose
from tests.tuning.conftest import PROCESSES

JACKET = Process(0.36, (4369.0, 92.0), 12.0)
PERIOD = 1.0


def by_rule(process, **options):
    return {one.rule: one for one in propose(process, PERIOD, **options)}


@pytest.mark.parametrize("name", PROCESSES)
def test_every_rule_proposes_a_robust_loop(name):
    process = PROCESSES[name].stretched(60.0)
    found = by_rule(process)
    assert list(found) == list(RULES)
    for one in found.values():
        assert one.margins.stable
        assert one.margins.ms < 1.85
        assert one.margins.gm > 2.7


@pytest.mark.parametrize("rule", RULES)
def test_what_is_not_known_is_not_relied_on(rule):
    sure, unsure = by_rule(JACKET)[rule], by_rule(JACKET, doubt=20.0)[rule]
    assert unsure.pid.gain < sure.pid.gain
    assert unsure.margins.ms < sure.margins.ms


def test_a_model_without_dead_time_gets_the_scan_s():
    fast = by_rule(Process(1.0, (100.0,)))
    assert fast["simc"].pid.gain == pytest.approx(100.0 / (2.0 * PERIOD / 2.0))
    assert all(one.margins.ms < 1.75 for one in fast.values())


def test_the_prediction_includes_the_scan():
    pid = Standard(50.0, 8.0)
    slow = predicted(PROCESSES["e^-s/(100s+1)"], pid, 1.0)
    assert slow.ms > margins(PROCESSES["e^-s/(100s+1)"], pid).ms + 0.3


def test_a_negative_process_gets_a_negative_gain():
    mirrored = Process(-JACKET.gain, JACKET.lags, JACKET.delay)
    for rule, one in by_rule(mirrored).items():
        straight = by_rule(JACKET)[rule]
        assert one.pid.gain == pytest.approx(-straight.pid.gain)
        assert one.margins.ms == pytest.approx(straight.margins.ms)


def test_the_noise_of_the_output_is_told():
    found = by_rule(JACKET, noise=0.02)
    assert found["simc"].op_noise == pytest.approx(0.02 * found["simc"].pid.gain)
    assert found["amigo-pid"].op_noise > 2.0 * 0.02 * found["amigo-pid"].pid.gain
    assert op_noise(Standard(-2.0, 10.0), 1.0, 0.1) == pytest.approx(0.2)


def test_a_preview_shows_every_tuning_side_by_side():
    found = by_rule(JACKET)
    tunings = [one.pid for one in found.values()]
    seen = preview(JACKET, tunings, PERIOD, 1.0, -10.0)
    assert seen.setpoint.pv.shape == seen.load.pv.shape == (len(seen.load.time), len(tunings))
    assert np.abs(seen.setpoint.pv[-1] - 1.0).max() < 0.05
    assert np.abs(seen.load.pv[-1]).max() < 0.05
    assert seen.load.pv.min() < -0.05
    places = dict(zip(found, seen.load.iae, strict=True))
    assert places["simc"] < places["lambda"]
    assert places["simc"] == pytest.approx(10.0 * found["simc"].pid.integral_time / found["simc"].pid.gain, rel=0.03)


def test_a_preview_knows_the_limits_of_the_output():
    tunings = [by_rule(JACKET)["simc"].pid]
    free, tight = (preview(JACKET, tunings, PERIOD, 1.0, 0.0, *limits) for limits in ((), (-5.0, 10.0)))
    assert tight.setpoint.op.max() == 10.0
    assert free.setpoint.op.max() > 10.0
    assert tight.setpoint.overshoot[0] < free.setpoint.overshoot[0] + 5.0


def test_a_preview_knows_the_setpoint_weight():
    tunings = [by_rule(JACKET)["simc"].pid]
    whole, half = (preview(JACKET, tunings, PERIOD, 1.0, -10.0, weight=weight) for weight in (1.0, 0.5))
    assert half.setpoint.op[0, 0] == pytest.approx(0.5 * whole.setpoint.op[0, 0])
    assert half.setpoint.overshoot[0] < whole.setpoint.overshoot[0]
    assert half.load.pv == pytest.approx(whole.load.pv)


def test_a_preview_without_any_integral_ends():
    seen = preview(JACKET, [Standard(10.0)], PERIOD, 1.0, 0.0)
    assert 0.7 < seen.setpoint.pv[-1, 0] < 0.8
