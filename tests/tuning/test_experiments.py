"""Experiments: how they move, why they end, and that the output always goes back to where it was."""

import math

import numpy as np
import pytest

from controller.stages import experiment as module
from controller.stages import experiment_record
from controller.stages.experiment import Guards, Stage
from controller.stages.relay import Relay
from controller.stages.step_test import StepTest
from controller.tuning.plants import Plants
from tests.tuning.conftest import PROCESSES, SCAN, run

LAG = PROCESSES["e^-s/(s+1)"]
GUARDS = Guards(0.0, 100.0, 20.0, 80.0, longest_s=3600.0)


def relay(base=40.0, guards=GUARDS, **options):
    return Relay(base, 1.0, guards, 10.0, **options)


def rest(experiment, pv=50.0, scans=60, noise=0.0):
    rng = np.random.default_rng(0)
    for _ in range(scans):
        assert experiment.step(pv + noise * float(rng.standard_normal()), experiment.output, 1.0) == experiment.base
    return experiment


def test_nothing_moves_until_noise_and_rest_are_known():
    one = rest(relay(), noise=0.1)
    assert one.stage is Stage.RESTING
    assert one.step(50.0, 40.0, 1.0) == 50.0
    assert one.stage is Stage.MOVING
    assert one.noise == pytest.approx(0.1, rel=0.2)
    assert one.reference == pytest.approx(50.0, abs=0.05)
    assert one.hysteresis == pytest.approx(3.0 * one.noise)


def test_the_relay_switches_beyond_the_hysteresis_and_needs_it_confirmed():
    one = rest(relay(hysteresis=1.0))
    outputs = [one.step(pv, one.output, 1.0) for pv in (50.9, 51.1, 50.9, 51.1, 51.1, 51.1, 51.1)]
    assert outputs == [50.0] * 5 + [30.0, 30.0]
    assert [one.step(pv, one.output, 1.0) for pv in (49.1, 48.9, 48.9, 48.9)] == [30.0, 30.0, 30.0, 50.0]


def test_a_process_that_falls_with_more_output_is_driven_the_other_way_round():
    one = rest(Relay(40.0, -1.0, GUARDS, 10.0, hysteresis=1.0, confirmed=1))
    assert [one.step(pv, one.output, 1.0) for pv in (50.0, 48.0, 52.0)] == [50.0, 30.0, 50.0]


def test_amplitudes_are_cut_to_the_room_there_is():
    low = relay(base=3.0, asymmetry=2.0)
    assert (low.up, low.down) == (10.0, -3.0)
    assert relay(base=99.0).stage is Stage.ABORTED
    assert "no room: the output is at 99 within 0 .. 100" in relay(base=99.0).reason
    assert "no room" in StepTest(96.0, 1.0, GUARDS, 10.0).reason
    assert StepTest(95.0, 1.0, GUARDS, -10.0).stage is Stage.RESTING


def test_a_step_test_longer_than_its_record_still_sees_that_the_pv_rests(monkeypatch):
    monkeypatch.setattr(experiment_record, "CAPACITY", 128)
    one = run(LAG, StepTest(0.0, 1.0, Guards(-50.0, 50.0), 10.0), noise=0.01)
    assert (one.stage, one.reason) == (Stage.DONE, "the PV rests again")
    assert one.record._stride > 1


@pytest.mark.parametrize("kind", [Relay, StepTest])
@pytest.mark.parametrize("noise", [0.0, 1.0])
def test_it_ends_by_itself_and_the_output_is_where_it_was(kind, noise):
    one = run(LAG, kind(0.0, 1.0, Guards(-50.0, 50.0, longest_s=1e4), 10.0), noise=noise)
    assert one.stage is Stage.DONE
    assert one.reason == ("4 cycles" if kind is Relay else "the PV rests again")
    assert one.output == one.base == 0.0
    assert one.step(3.0, 0.0, SCAN) == 0.0
    assert np.abs(one.record.op).max() == 10.0


def test_a_step_of_an_integrating_process_ends_when_it_has_gone_far_enough():
    one = run(PROCESSES["e^-s/s"], StepTest(0.0, 1.0, Guards(-50.0, 50.0), 10.0, travel=20.0), noise=0.1)
    assert one.stage is Stage.DONE
    assert one.reason.startswith("the PV moved by 20")


def started():
    one = rest(relay())
    assert one.step(50.0, 40.0, 1.0) == 50.0
    return one


@pytest.mark.parametrize(
    ("pv", "op", "dt", "reason"),
    [
        (math.nan, 50.0, 1.0, "the PV is Bad"),
        (80.1, 50.0, 1.0, "the PV (80.1) left the band 20 .. 80"),
        (19.9, 50.0, 1.0, "the PV (19.9) left the band 20 .. 80"),
        (50.0, 50.0, 3600.0, "the longest time of 3600 s is over"),
    ],
)
def test_a_guard_ends_it_within_the_scan(pv, op, dt, reason):
    one = started()
    assert one.step(pv, op, dt) == 40.0
    assert one.stage is Stage.ABORTED
    assert one.reason == reason
    assert one.step(50.0, 40.0, 1.0) == 40.0


def test_an_operator_ends_it_and_the_first_reason_stays():
    one = started()
    one.stop("stopped by ann")
    one.stop("too late")
    assert (one.stage, one.reason, one.output) == (Stage.ABORTED, "stopped by ann", 40.0)
    assert one.step(50.0, 50.0, 1.0) == 40.0


def test_an_output_that_does_not_follow_ends_it():
    one = started()
    outputs = [one.step(50.0, 37.0, 1.0) for _ in range(module.OFF_SCANS + 1)]
    assert outputs[-2:] == [50.0, 40.0]
    assert "does not follow" in one.reason
    late = started()
    for _ in range(30):
        late.step(50.0, 40.0 if late.elapsed % 5.0 == 0.0 else 50.0, 1.0)
    assert late.stage is Stage.MOVING, "now and then one scan late is no reason"


def test_a_loop_that_is_not_steady_is_left_alone():
    one = relay(guards=GUARDS)
    for scan in range(80):
        assert one.step(50.0 + 0.05 * scan, 40.0, 1.0) == 40.0
    assert one.stage is Stage.ABORTED
    assert "not at rest: its PV moved by 2.95" in one.reason
    slow = Relay(40.0, 1.0, Guards(0.0, 100.0, least=3.0), 10.0)
    for scan in range(61):
        slow.step(50.0 + 0.05 * scan, 40.0, 1.0)
    assert slow.stage is Stage.MOVING, "what the PV cannot resolve is no movement"


def test_what_a_guard_forbids_is_never_put_out():
    rng = np.random.default_rng(3)
    for seed in range(20):
        guards = Guards(30.0, 45.0, 30.0, 70.0)
        one = Relay(float(rng.uniform(30, 45)), rng.choice([-1.0, 1.0]), guards, float(rng.uniform(1, 40)))
        noise = np.random.default_rng(seed)
        for _ in range(300):
            pv = float(noise.normal(50.0, 8.0)) if noise.random() > 0.01 else math.nan
            assert 30.0 <= one.step(pv, float(noise.uniform(20.0, 60.0)), 1.0) <= 45.0


def test_the_record_is_bounded_and_keeps_its_time(monkeypatch):
    monkeypatch.setattr(experiment_record, "CAPACITY", 64)
    record = experiment_record.Record()
    for scan in range(1000):
        record.add(float(scan), 2.0 * scan, 3.0 * scan)
        record.correct(4.0 * scan)
    assert 32 <= len(record) <= 64
    np.testing.assert_array_equal(record.pv, 2.0 * record.time)
    np.testing.assert_array_equal(record.op, 4.0 * record.time)
    np.testing.assert_array_equal(np.diff(record.time), 16.0)


def test_the_record_holds_what_the_output_really_was():
    one = started()
    one.step(50.0, 49.5, 1.0)
    np.testing.assert_array_equal(one.record.op[-2:], [49.5, 50.0])


def test_two_experiments_on_the_same_numbers_are_the_same():
    ends = [run(LAG, Relay(0.0, 1.0, Guards(-50.0, 50.0), 10.0), noise=0.5, seed=5) for _ in range(2)]
    np.testing.assert_array_equal(ends[0].record.pv, ends[1].record.pv)
    assert ends[0].switches == ends[1].switches


def test_a_relay_that_finds_its_loop_moved_by_a_load_still_swings():
    """A load that comes in between shifts the swings; they stay inside the band, and the experiment ends."""
    one, plant = relay(base=40.0, confirmed=1), Plants([LAG], np.array([SCAN]))
    y, scans = 50.0, 0
    while not one.stage.over:
        y = 50.0 + float(
            plant.step(np.array([one.step(y, one.output, SCAN) - 40.0 + (3.0 if scans > 200 else 0.0)]))[0]
        )
        scans += 1
        assert scans < 5000
    assert one.stage is Stage.DONE


def test_in_automatic_the_mean_of_a_moving_output_is_its_rest():
    rng, one = np.random.default_rng(7), relay(base=43.0)
    for _ in range(60):
        one.step(50.0, 40.0 + float(rng.normal()), 1.0)
    assert one.step(50.0, 40.0, 1.0) == one.base + 10.0
    assert one.base == pytest.approx(40.0, abs=0.5)
    drifting = relay()
    for scan in range(61):
        drifting.step(50.0, 40.0 + 0.1 * scan, 1.0)
    assert "its output moved by 5.9" in drifting.reason


def test_a_report_does_not_change_afterwards(monkeypatch):
    monkeypatch.setattr(experiment_record, "CAPACITY", 128)
    one = started()
    report = one.report()
    kept = report.pv[:-1].copy()
    for _ in range(500):
        one.step(51.0, one.output, 1.0)
    assert (report.stage, len(report.time)) == (Stage.MOVING, 61)
    np.testing.assert_array_equal(report.pv[:-1], kept)
