"""Outputs in whole steps: the mean is what was asked for, nothing else is told, and without steps nothing changes."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.model.guards import Interlock
from controller.model.loops import Output, OutputTable
from controller.stages.steps import Steps
from tests.control.tables import loop, site

STEP = 0.6


def steps(step=STEP, low=0.0, high=300.0, longest_dt=10.0):
    return Steps(OutputTable((Output(0, "V.feed", low, high, 0.0, step=step),)), longest_dt)


def one(bank, asked, dt=1.0, *, free=True):
    return float(bank.step(np.array([asked]), np.array([free]), dt)[0])


@pytest.fixture
def rig(make_rig):
    limits = {"feed": (0.0, 300.0, 1.0, {"step": STEP})}
    loops = [loop("feed", "direct", output=0, low=0.0, high=300.0)]
    full = Interlock("V", "full", "Full", "level > 1", None, ((0, 0.5),))
    rig = make_rig(site=site(["level"], limits, loops, interlocks=(full,)))
    rig.step()
    rig.mode("V.feed", "auto")
    return rig


def flows(rig, scans, asked):
    rig.setpoint("V.feed", asked)
    return np.array([rig.step() and rig.devices[1] for _ in range(scans)])


def test_a_flow_between_two_steps_is_both_of_them_and_right_in_the_mean(rig):
    seen = flows(rig, 300, 2.0)
    assert set(np.round(seen, 9)) == {1.8, 2.4}
    assert seen.mean() == pytest.approx(2.0, abs=STEP / 300)
    assert rig.scan.outputs.actual[0] == 2.0, "what control achieved is what it asked for"
    assert not any("reads" in text for text in rig.texts())


def test_a_whole_step_is_written_once(rig):
    flows(rig, 3, 1.8)
    rig.writes.clear()
    rig.run(5)
    assert rig.devices[1] == 1.8
    assert not any(rig.writes)


def test_what_is_forced_or_safe_is_written_as_it_is_and_nothing_is_owed_after(rig):
    flows(rig, 4, 2.0)
    rig.values[0] = 2.0
    rig.step()
    assert rig.devices[1] == 0.5
    assert not rig.scan.outputs.steps.owed.any()
    rig.values[0] = 0.0
    rig.run(2)
    assert round(rig.devices[1], 9) in {1.8, 2.4}
    rig.mode("V.feed", "off")
    assert rig.devices[1] == 1.0


def test_an_interruption_is_not_made_up_for():
    bank = steps()
    for _ in range(5):
        one(bank, 2.0)
    assert one(bank, 2.0, dt=600.0) == pytest.approx(1.8)
    assert not bank.owed.any()


@given(st.floats(0.0, 20.0), st.floats(0.05, 5.0), st.lists(st.floats(0.1, 9.0), min_size=20, max_size=200))
@settings(deadline=None)
def test_whatever_comes_late_the_account_is_bounded_and_only_neighbours_are_written(asked, step, times):
    bank, owed, given = steps(step, high=20.0), 0.0, asked
    for dt in times:
        owed += (asked - given) * dt
        given = one(bank, asked, dt)
        assert abs(given - asked) < step * (1.0 + 1e-6)
        assert bank.owed[0] == pytest.approx(owed, abs=1e-4)
        assert abs(owed) <= step * 10.0


def test_pulses_and_ends_of_the_range_go_through_the_steps():
    bank = steps(low=1.0, high=2.0)
    assert {round(one(bank, 1.1), 9) for _ in range(9)} == {1.0, 1.2}
    assert {round(one(bank, 1.9), 9) for _ in range(9)} == {1.8, 2.0}
    assert one(bank, 2.0, free=False) == 2.0
    pauses = steps()
    one(pauses, 0.7)
    assert one(pauses, 0.0) == 0.0


def test_a_site_without_steps_does_nothing():
    assert not len(steps(0.0))


def test_the_bench_knows_the_steps_of_its_pumps_by_their_calibration(make_rig):
    rows = make_rig().site.outputs.rows
    steps = {row.name.partition(".")[2]: row.step for row in rows if row.step and row.name.startswith("BR-101")}
    assert steps == {"feed_flow": pytest.approx(0.6), "base_flow": pytest.approx(0.15)}


def test_the_bench_feeds_what_is_asked(make_rig):
    rig = make_rig()
    rig.step()
    rig.mode("feed", "auto")
    rig.setpoint("feed", 2.0)
    seen = [rig.step() and rig.device("feed_flow") for _ in range(60)]
    assert math.fsum(seen) / 60 == pytest.approx(2.0, abs=0.02)
    assert all(abs(flow / 0.6 - round(flow / 0.6)) < 1e-6 for flow in seen)


def test_what_must_not_be_divided_any_more_is_written_as_it_is_though_it_is_asked_the_same():
    bank = steps()
    assert {round(one(bank, 2.0), 9) for _ in range(9)} == {1.8, 2.4}
    assert one(bank, 2.0, free=False) == 2.0
    assert bank.owed.tolist() == [0.0]
    assert round(one(bank, 2.0), 9) in {1.8, 2.4}


def test_what_is_no_number_once_spoils_nothing_after_it():
    bank = Steps(OutputTable(tuple(Output(row, f"V.feed-{row}", 0.0, 300.0, 0.0, step=STEP) for row in (0, 1))))
    free = np.ones(2, np.bool_)
    bank.step(np.array([2.0, math.nan]), free, 1.0)
    after = [bank.step(np.array([2.0, 2.0]), free, 1.0) for _ in range(300)]
    assert np.mean(after, axis=0) == pytest.approx([2.0, 2.0], abs=STEP / 300)
    assert np.isfinite(bank.owed).all()
