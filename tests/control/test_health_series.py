"""P17: oscillation and the series behind the indices, through the stage, scan by scan."""

import math
from dataclasses import replace

import numpy as np
import pytest

from controller.stages.health_books import Place
from controller.stages.health_swings import Swings
from controller.stages.health_trace import PER_INTEGRAL_TIME
from tests.control.health_bench import LOOP, Bench, tuned
from tests.control.test_health_indices import SelfRegulating

SEEDS = 12


def bench(integral_time=16.0):
    return Bench(tuned(Bench().site, LOOP, integral_time=integral_time))


def relay(dead_time_s, amplitude=1.0, scans=1500):
    """Errors of an integrating process with a dead time under a relay: a limit cycle of four dead times, in which a
    sampled relay adds half a scan to each.
    """
    error, errors, asked = 0.3, [], [1.0] * dead_time_s
    for _ in range(scans):
        asked.append(math.copysign(amplitude, error))
        error -= asked.pop(0) * 0.01
        errors.append(error)
    return np.array(errors)


@pytest.mark.parametrize("dead_time_s", [6, 15, 40])
def test_p17_a_limit_cycle_is_found_with_its_period(dead_time_s):
    loop = bench()
    loop.settle()
    loop.scans(relay(dead_time_s))
    swings, recent = loop.figures()["oscillation"], loop.view()["recent"]["oscillation"]
    cycle_s = 4.0 * (dead_time_s + 0.5)
    assert swings["found"]
    assert swings["period_s"] == pytest.approx(cycle_s, rel=0.05)
    assert recent["found"]
    assert recent["period_s"] == pytest.approx(cycle_s, rel=0.05)


@pytest.mark.parametrize("integral_time", [16.0, 64.0])
def test_p17_white_noise_is_not_called_oscillating(integral_time):
    alarms = []
    for seed in range(SEEDS):
        loop = bench(integral_time)
        loop.settled()
        loop.scans(np.random.default_rng(seed).normal(size=1200))
        swings = loop.figures()["oscillation"]
        assert swings["half_swings"] > 50
        alarms += [swings["found"], loop.view()["recent"]["oscillation"]["found"]]
    assert not any(alarms)


def test_p17_noise_on_a_slow_swing_does_not_hide_it():
    loop = bench()
    loop.settle()
    wave = np.sin(2 * np.pi * np.arange(1500) / 50.0)
    loop.scans(wave + np.random.default_rng(3).normal(0.0, 0.3, 1500))
    swings = loop.figures()["oscillation"]
    assert swings["found"]
    assert swings["period_s"] == pytest.approx(50.0, rel=0.05)


def test_p17_a_swing_that_dies_away_is_no_oscillation():
    loop = bench()
    loop.settle()
    times = np.arange(1500)
    loop.scans(np.exp(-times / 40.0) * np.sin(2 * np.pi * times / 50.0))
    assert not loop.figures()["oscillation"]["found"]
    assert not loop.view()["recent"]["oscillation"]["found"]


@pytest.mark.parametrize("integral_time", [1.0, 16.0, 100.0, 710.0, 1e6])
def test_p17_the_pace_of_the_series_fits_the_loop(integral_time):
    loop = bench(integral_time)
    loop.settled()
    loop.scans(np.zeros(1100))
    series = loop.health.trace.read(loop.row)
    stride = min(max(2 ** math.floor(math.log2(integral_time / PER_INTEGRAL_TIME)), 1), 1024)
    assert len(series.time) == min(1101 // stride, 1023)
    if len(series.time) > 1:
        assert series.interval_s == pytest.approx(stride)
    if 1 < stride < 1024:
        assert PER_INTEGRAL_TIME <= integral_time / stride < 2 * PER_INTEGRAL_TIME


def test_p17_a_sample_is_the_mean_error_since_the_last():
    loop = bench(64.0)
    loop.settle()
    errors = np.random.default_rng(1).normal(size=400)
    loop.scans(errors, np.arange(400.0))
    series = loop.health.trace.read(loop.row)
    first = -194 % 4
    expected = errors[first : first + 396].reshape(-1, 4).mean(axis=1)
    assert series.error[-99:] == pytest.approx(expected, abs=1e-9)
    assert np.diff(series.output[-50:]) == pytest.approx(4.0)


def test_p17_the_series_begins_anew_when_control_was_interrupted_or_a_setpoint_came():
    loop = bench()
    loop.settle()
    loop.scans(np.zeros(200))
    assert len(loop.health.trace.read(loop.row).time) >= 200
    loop.frame.quality[loop.pv] = 2
    loop.scan(0.0)
    loop.frame.quality[loop.pv] = 0
    assert len(loop.health.trace.read(loop.row).time) == 0
    loop.scans(np.zeros(30))
    assert len(loop.health.trace.read(loop.row).time) == 30
    loop.setpoint(5.0)
    loop.scans(np.zeros(48))
    assert len(loop.health.trace.read(loop.row).time) == 0
    loop.scans(np.zeros(10))
    assert len(loop.health.trace.read(loop.row).time) == 10


def test_p17_a_sample_needs_control_for_most_of_its_time():
    loop = bench(64.0)
    loop.settle()
    loop.scans(np.zeros(-int(loop.health.trace._scan) % 4))
    for lost, samples in ((1, 1), (3, 0)):
        loop.scans(np.zeros(4))
        before = len(loop.health.trace.read(loop.row).time)
        loop.frame.quality[loop.pv] = 2
        loop.scans(np.zeros(lost))
        loop.frame.quality[loop.pv] = 0
        loop.scans(np.zeros(4 - lost))
        assert len(loop.health.trace.read(loop.row).time) == (before + 1 if samples else 0)


def test_p17_an_operation_that_ends_does_not_disturb_the_series():
    loop = bench(64.0)
    loop.settle()
    for operation in ("warm_up", "expand", "harvest"):
        loop.places[0] = Place("B-1", operation)
        loop.scans(np.full(7, 0.5))
    series = loop.health.trace.read(loop.row)
    assert len(series.time) >= 5
    assert series.error[-4:] == pytest.approx(0.5)


def swings(*halves):
    """The half swings, each of so many equal errors, that are found comparable, as (alike, length)."""
    tracker, found = Swings(1), []
    for length, error in halves:
        for _ in range(length):
            ended = tracker.take(np.array([0]), np.array([error]), np.array([2.0]))
            found += zip(ended.alike.tolist(), ended.length_s.tolist(), strict=True)
    return found


def test_p17_half_swings_are_compared_with_those_on_the_same_side():
    uneven = [(4, 1.0), (6, -0.7)] * 5
    assert swings(*uneven) == [(True, 8.0), (True, 12.0)] * 3 + [(True, 8.0)]


def test_p17_half_swings_are_alike_in_area_and_length():
    assert swings((10, 1.0), (10, -1.0), (7, 0.65), (6, -1.0), (1, 1.0))[0] == (False, 14.0)
    assert swings((10, 1.0), (10, -1.0), (8, 0.65), (6, -1.0), (1, 1.0))[0] == (True, 16.0)
    assert swings((10, 1.0), (10, -1.0), (6, 1.4), (6, -1.0), (1, 1.0))[0] == (False, 12.0)
    assert swings((10, 1.0), (10, -1.0), (8, 1.2), (6, -1.0), (1, 1.0))[0] == (True, 16.0)


def test_p17_an_interruption_begins_the_swings_anew():
    whole = [(6, 1.0), (6, -1.0), (6, 1.0), (6, -1.0)]
    assert len(swings(*whole, (1, 1.0))) == 2
    assert swings(*whole, (1, math.nan), *whole[:3]) == [(True, 12.0)]


def test_p17_a_short_series_says_nothing_yet():
    loop = bench()
    loop.settle()
    loop.scans(np.random.default_rng(0).normal(size=100))
    recent = loop.view()["recent"]
    assert recent["samples"] < 128
    assert (recent["harris"], recent["oscillation"], recent["stiction"]) == (None, None, None)


def test_p17_harris_index_of_a_loop_by_its_dead_time():
    """Noise that a moving average of two scans made cannot be beaten with a dead time of two scans."""
    loop = bench(16.0)
    loop.settle()
    noise = np.random.default_rng(5).normal(size=1200)
    loop.scans(noise[1:] + noise[:-1])
    recent = loop.view()["recent"]
    assert (recent["delay_s"], recent["delay_from"]) == (2.0, "integral time")
    assert recent["harris"] == pytest.approx(1.0, abs=0.05)
    loop.scans(0.05 * np.cumsum(np.random.default_rng(6).normal(size=1200)))
    assert loop.view()["recent"]["harris"] < 0.1


def test_p17_samples_come_at_the_pace_of_the_tuning_in_force():
    loop = bench(1600.0)
    loop.settle()
    loop.scans(np.zeros(20 * 64))
    assert loop.view()["recent"]["interval_s"] == 64.0
    tuning = loop.site.loops.rows[loop.row].tuning
    loop.loops.retune(loop.row, replace(tuning, integral_time=64.0))
    loop.scans(np.zeros(200))
    recent = loop.view()["recent"]
    assert recent["interval_s"] == 4.0, "16 to 32 samples per integral time"
    assert 45 <= recent["samples"] <= 50, "a new series"


def test_p17_the_dead_time_that_is_taken_follows_the_tuning_in_force():
    loop = bench()
    tuning = loop.site.loops.rows[loop.row].tuning
    loop.loops.retune(loop.row, replace(tuning, integral_time=80.0))
    assert loop.view()["recent"]["delay_s"] == 10.0


@pytest.mark.parametrize(("process", "verdict"), [
    (SelfRegulating(0.5, 1.0, stick=0.4), "likely"),
    (SelfRegulating(1.7, 1.0), "unlikely"),
])  # fmt: skip
def test_p17_a_sticking_valve_is_told_from_a_tight_tuning_in_the_report(process, verdict):
    loop = bench()
    loop.settle()
    for noise in np.random.default_rng(2).normal(0.0, 0.003, 2500):
        pv, output = process.scan(noise)
        loop.scan(1.0 - pv, output)
    recent = loop.view()["recent"]
    assert recent["oscillation"]["found"]
    assert recent["stiction"]["verdict"] == verdict


def test_p17_a_series_read_while_it_is_written_holds_nothing_that_was_overwritten():
    loop = bench()
    loop.settled()
    trace, row = loop.health.trace, loop.row
    loop.scans(np.zeros(3000))

    class Counting:
        """The count as a reader finds it: between its first and second look 100 samples came."""

        def __init__(self, counts):
            self.looks = iter(counts)

        def __getitem__(self, _):
            return next(self.looks)

    end = int(trace._count[row])
    trace._count = Counting([end - 100, end])
    series = trace.read(row)
    assert len(series.time) == 1024 - 1 - 100
    assert np.all(np.diff(series.time) == 1.0)
