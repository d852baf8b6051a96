"""P17: the figures of loop health against what they are by arithmetic."""

import json
import math

import numpy as np
import pytest

from controller.frame import BAD, UNCERTAIN
from controller.stages.loop_state import Mode
from tests.control.health_bench import LOOP, Bench


@pytest.fixture
def bench():
    return Bench()


def test_p17_iae_and_itae_of_an_exponential(bench):
    """e = exp(-t/T): the integral of it is T, that of t e is T^2; each scan stands for the time since the last."""
    time_constant, dt, scans = 50.0, 0.5, 2000
    times = dt * np.arange(1, scans + 1)
    bench.scans(np.exp(-times / time_constant), dt=dt)
    found, q = bench.figures(), math.exp(-dt / time_constant)
    assert found["iae"] == pytest.approx(dt * q * (1 - q**scans) / (1 - q), rel=1e-12)
    assert found["iae"] == pytest.approx(time_constant, rel=dt / time_constant)
    assert found["itae"] == pytest.approx(dt * float(times @ np.exp(-times / time_constant)), rel=1e-12)
    assert found["itae"] == pytest.approx(time_constant**2, rel=1e-3)
    assert found["mean_absolute_error"] == pytest.approx(found["iae"] / (scans * dt), rel=1e-12)


def test_p17_an_error_counts_the_same_on_both_sides(bench):
    bench.scans([1.0, -1.0, 3.0, -3.0], dt=2.0)
    found = bench.figures()
    assert (found["iae"], found["offset"]) == (16.0, 0.0)
    assert found["itae"] == 2 * (1 * 2 + 1 * 4 + 3 * 6 + 3 * 8)


def test_p17_itae_begins_anew_with_a_setpoint_and_with_automatic(bench):
    bench.scans([1.0] * 10)
    bench.setpoint(30.0)
    bench.scans([1.0] * 3)
    assert bench.figures()["itae"] == sum(range(1, 11)) + 1 + 2 + 3
    bench.mode(Mode.MANUAL)
    bench.scans([1.0] * 5)
    bench.mode(Mode.AUTO)
    bench.scan(1.0)
    assert bench.figures()["itae"] == sum(range(1, 11)) + 1 + 2 + 3 + 1


def test_p17_tv_of_a_square_wave(bench):
    bench.scan(0.0, 40.0)
    bench.scans(np.zeros(100), [40.0 + 5.0 * (-1) ** (n // 10) for n in range(100)])
    found = bench.figures()
    assert found["tv"] == 5.0 + 9 * 10.0
    assert found["tv_per_h"] == pytest.approx(found["tv"] / 101.0 * 3600.0)


def test_p17_tv_does_not_depend_on_the_scan_period(bench):
    bench.scan(0.0, 10.0, dt=0.5)
    bench.scans(np.zeros(3), [12.0, 9.0, 9.0], dt=0.5)
    bench.scans(np.zeros(2), [10.0, 9.0], dt=4.0)
    assert bench.figures()["tv"] == 2.0 + 3.0 + 1.0 + 1.0


def test_p17_what_the_output_did_by_hand_is_not_the_loops(bench):
    """The loop takes over in the scan in which the operator's last step arrives."""
    bench.mode(Mode.MANUAL)
    bench.scans([0.0] * 3, [20.0, 60.0, 40.0])
    bench.mode(Mode.AUTO)
    bench.scans([0.0] * 2, [80.0, 81.0])
    assert bench.figures()["tv"] == 1.0


def test_p17_sigma_and_offset_of_seeded_noise(bench):
    noise = 0.3 + np.random.default_rng(7).normal(0.0, 0.2, 5000)
    bench.scans(noise)
    found = bench.figures()
    assert found["offset"] == pytest.approx(noise.mean(), rel=1e-9)
    assert found["sigma"] == pytest.approx(noise.std(), rel=1e-9)
    assert found["sigma"] == pytest.approx(0.2, rel=0.02)


def test_p17_time_in_band_and_at_the_limits(bench):
    band = bench.view()["band"]
    for side, scans in ((0.0, 50), (1.0, 30), (-1.0, 20)):
        bench.limited(side)
        bench.scans([0.99 * band if side >= 0.0 else -1.01 * band] * scans)
    found = bench.figures()
    assert found["in_band"] == pytest.approx(80.0)
    assert found["saturated"] == pytest.approx(50.0)
    assert found["saturated_high"] == pytest.approx(30.0)


def test_p17_only_automatic_with_a_usable_pv_counts_and_the_rest_is_told(bench):
    bench.scans([1.0] * 10)
    bench.mode(Mode.MANUAL)
    bench.scans([5.0] * 20, [80.0] * 20)
    bench.mode(Mode.AUTO)
    bench.scan(1.0, 80.0)
    bench.frame.quality[bench.pv] = BAD
    bench.scans([9.0] * 7, [80.0] * 7)
    bench.frame.quality[bench.pv] = UNCERTAIN
    bench.scan(1.0, 80.0)
    bench.mode(Mode.AUTO, "an output cannot be reached: holding")
    bench.scans([4.0] * 3, [80.0] * 3)
    bench.scan(1.0, 80.0, dt=11.0)
    found = bench.figures()
    assert found["iae"] == found["controlled_s"] == 12.0
    assert found["tv"] == 0.0
    assert (found["not_automatic_s"], found["bad_pv_s"], found["unseen_s"]) == (20.0, 10.0, 11.0)
    excluded = found["not_automatic_s"] + found["bad_pv_s"] + found["unseen_s"]
    assert found["controlled_s"] + excluded == found["elapsed_s"] == 53.0


@pytest.mark.parametrize("mode", list(Mode))
def test_p17_automatic_is_every_mode_in_which_the_loop_decides(bench, mode):
    bench.mode(mode)
    bench.scan(1.0)
    assert bench.figures()["controlled_s"] == (1.0 if mode >= Mode.AUTO else 0.0)


def test_p17_a_loop_that_never_controlled_has_no_rates(bench):
    bench.mode(Mode.OFF)
    bench.scans([1.0] * 5)
    found = bench.figures()
    assert found["not_automatic_s"] == found["elapsed_s"] == 5.0
    rates = ("offset", "mean_absolute_error", "sigma", "tv_per_h", "in_band", "saturated", "saturated_high")
    assert {found[name] for name in rates} == {None}
    assert found["iae"] == found["itae"] == found["tv"] == 0.0


def test_p17_a_loop_without_a_pv_is_not_judged():
    bench = Bench(loop="BR-101.feed")
    bench.frame.value[:] = 3.0
    bench.scan(0.0)
    assert bench.view()["judged"] is False
    assert bench.figures()["controlled_s"] == 0.0
    names = {entry["loop"] for entry in bench.report.compare("all")}
    assert names == {"temperature", "ph", "do", "agitation", "air"}


@pytest.mark.parametrize("wrong", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("where", ["pv", "sp", "op"])
def test_p17_what_is_no_number_does_not_stay_in_the_sums(bench, wrong, where):
    bench.scans([1.0] * 5, [10.0] * 5)
    kept = float(bench.loops.sp[bench.row])
    if where == "pv":
        bench.scan(wrong, 10.0)
    elif where == "sp":
        bench.loops.sp[bench.row] = wrong
        bench.health.step(tuple(bench.places), bench.now, 1.0)
        bench.loops.sp[bench.row] = kept
    else:
        bench.scan(1.0, wrong)
    bench.scans([1.0] * 5, [10.0] * 5)
    found = bench.figures()
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert 10.0 <= found["iae"] <= 11.0
    assert found["tv"] == 0.0


def test_p17_loops_do_not_touch_each_other(bench):
    bench.scans([2.0] * 4)
    other = bench.report.loop("BR-102", "temperature")["all"]
    assert (other["iae"], other["elapsed_s"]) == (0.0, 4.0)


def test_p17_the_band_is_the_classes_the_alarms_or_a_share_of_the_setpoints(bench):
    found = {name: bench.report.loop("BR-101", name) for name in ("temperature", "ph", "do", "air")}
    assert {name: (one["band"], one["band_from"]) for name, one in found.items()} == {
        "temperature": (0.2, "class"),
        "ph": (pytest.approx(0.05), "class"),
        "do": (5.0, "class"),
        "air": (25.0, "setpoint range"),
    }
    assert LOOP in bench.site.health
