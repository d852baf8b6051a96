"""What loops look at besides their PV: feed-forward, boluses, ratios, schedules, other loops' outputs."""

import math

import numpy as np
import pytest

from controller.frame import BAD
from controller.model.tuning import FeedForward, Schedule
from tests.control.tables import Leg, Tuning, loop, signal, site, straight

WIDE = {"low": -100.0, "high": 100.0}


def one(make_rig, **more):
    rows = [loop("level", pv=0, tuning=Tuning(2.0, 50.0, **WIDE), legs=straight(0, -100.0), **more)]
    rig = make_rig(site=site(["pv", "load"], {"valve": (-100.0, 100.0, 0.0)}, rows))
    rig.values.update({0: 0.0, 1: 0.0})
    rig.step()
    rig.mode("V.level", "auto")
    rig.run(2)
    return rig


def plant(rig, scans, dt=1.0):
    """An integrator with valve and load; gives the PVs."""
    trace = []
    for _ in range(scans):
        rig.values[0] += 0.05 * dt * (rig.devices[2] + rig.values[1])
        rig.step(dt=dt)
        trace.append(rig.values[0])
    return np.array(trace)


def test_p12_perfect_feed_forward_leaves_no_error(make_rig):
    rig = one(make_rig, feed_forward=(FeedForward(1, -1.0),))
    rig.values[1] = 8.0
    rig.step()
    assert np.abs(plant(rig, 200)).max() < 1e-12
    without = one(make_rig)
    without.values[1] = 8.0
    without.step()
    assert np.abs(plant(without, 200)).max() > 1.0


def test_p12_a_bolus_counts_as_a_change_that_fades(make_rig):
    rig = one(make_rig, feed_forward=(FeedForward(1, -3.0, washout=20.0),))
    rig.values[1] = 5.0
    rig.step()
    assert rig.op("V.level") == pytest.approx(-15.0, abs=1e-9)
    rig.step()
    for n in range(1, 60):
        assert rig.op("V.level") == pytest.approx(-15.0 * math.exp(-n / 20.0), abs=1e-9)
        rig.step()


def test_p12_a_lag_and_a_bad_signal(make_rig):
    rig = one(make_rig, feed_forward=(FeedForward(1, 2.0, around=1.0, lag=10.0),))
    before = rig.op("V.level")
    rig.values[1] = 6.0
    rig.run(5)
    risen = rig.op("V.level") - before
    assert risen == pytest.approx(2.0 * 6.0 * (1 - math.exp(-5 / 10.0)), abs=1e-9)
    rig.bad[1] = 5
    rig.run(200)
    assert rig.op("V.level") - before == pytest.approx(12.0, abs=1e-6), "the last value stays"


def test_p12_manual_does_not_know_feed_forward(make_rig):
    rig = one(make_rig, feed_forward=(FeedForward(1, 2.0),))
    rig.mode("V.level", "manual")
    before = rig.op("V.level")
    rig.values[1] = 6.0
    rig.run(3)
    assert rig.op("V.level") == before
    rig.mode("V.level", "auto")
    assert rig.op("V.level") == pytest.approx(before, abs=1e-9)


def scheduled(make_rig, weight=1.0):
    tuning = Tuning(2.0, 50.0, setpoint_weight=weight, **WIDE)
    schedule = Schedule(1, (1.0, 10.0, 100.0), (2.0, 0.2, 0.02), (50.0, 100.0, 200.0), (0.0, 0.0, 0.0))
    rows = [loop("level", sp=3.0, pv=0, tuning=tuning, legs=straight(0, -100.0), schedule=schedule)]
    rig = make_rig(site=site(["pv", "kla"], {"valve": (-100.0, 100.0, 0.0)}, rows))
    rig.values.update({0: 3.0, 1: 1.0})
    rig.devices[2] = 40.0
    rig.step()
    rig.mode("V.level", "auto")
    rig.run(3)
    return rig


@pytest.mark.parametrize("weight", [1.0, 0.3, 0.0])
def test_p13_a_gain_change_at_steady_state_moves_nothing(make_rig, weight):
    rig = scheduled(make_rig, weight)
    before = rig.op("V.level")
    for kla in np.geomspace(1.0, 150.0, 30):
        rig.values[1] = kla
        rig.step()
        assert rig.op("V.level") == pytest.approx(before, abs=1e-10)


@pytest.mark.parametrize(
    ("kla", "gain", "ti"),
    [(0.5, 2.0, 50.0), (10**0.5, 0.2 * 10**0.5, 50.0 * 2**0.5), (10.0, 0.2, 100.0), (500.0, 0.02, 200.0)],
)
def test_p13_gains_are_interpolated_by_factors_and_kept_beyond_the_ends(make_rig, kla, gain, ti):
    rig = scheduled(make_rig)
    rig.values[1] = kla
    rig.step()
    level = rig.scan.loops.levels[0]
    assert level.schedules.current(0) == (pytest.approx(gain), pytest.approx(ti), 0.0)
    before = rig.op("V.level")
    rig.values[0] = 2.0
    rig.step()
    assert rig.op("V.level") - before == pytest.approx(gain, rel=1e-9)


def test_p13_a_bad_signal_leaves_the_tuning(make_rig):
    rig = scheduled(make_rig)
    rig.values[1] = 10.0
    rig.step()
    rig.bad[1] = 5
    rig.run(5)
    assert rig.scan.loops.levels[0].schedules.current(0)[0] == pytest.approx(0.2)
    assert rig.result.frame.quality[1] == BAD


def test_p12_a_ratio_follows_its_signal(make_rig):
    rows = [loop("share", "ratio", sp=0.25, low=0.0, high=1.0, of=0, output=0, factor=2.0, op_high=50.0)]
    rig = make_rig(site=site(["wild"], {"flow": (0.0, 50.0, 0.0)}, rows))
    rig.values[0] = 20.0
    rig.step()
    rig.mode("V.share", "auto")
    assert rig.devices[1] == pytest.approx(0.25 * 2.0 * 20.0)
    rig.values[0] = 60.0
    rig.step()
    assert rig.devices[1] == pytest.approx(30.0)
    rig.values[0] = 1000.0
    rig.step()
    assert rig.devices[1] == 50.0, "never beyond what it moves"
    rig.bad[0] = 5
    rig.run(4)
    assert rig.devices[1] == 50.0
    assert "output held" in rig.scan.loops.states[0].suspended
    rig.mode("V.share", "manual")
    rig.step(rig.command("loop.output", "V.share", value=7.0))
    assert rig.devices[1] == 7.0


def test_p10_mid_ranging_brings_the_fast_actuator_back_to_its_middle(make_rig):
    """A small fast valve holds the level; a big slow one is moved so that the small one comes back to half."""
    names = ["level", "middle"]
    of = signal(["pv"], ["small", "big"], names, "level.op")
    rows = [
        loop("level", pv=0, tuning=Tuning(20.0, 30.0), legs=straight(0)),
        loop("middle", sp=50.0, pv=of, tuning=Tuning(-0.2, 100.0), legs=straight(1)),
    ]
    rig = make_rig(site=site(["pv"], {"small": (0.0, 100.0, 0.0), "big": (0.0, 100.0, 0.0)}, rows))
    rig.values[0] = 0.0
    rig.step()
    rig.mode("V.level", "auto")
    rig.mode("V.middle", "auto")
    for _ in range(4000):
        rig.values[0] += 0.01 * (rig.devices[1] + 5.0 * rig.devices[2] - 300.0)
        rig.step()
    assert rig.values[0] == pytest.approx(0.0, abs=0.05)
    assert rig.op("V.level") == pytest.approx(50.0, abs=1.0)
    assert rig.op("V.middle") == pytest.approx(50.0, abs=1.0)


def test_p10_legs_that_act_together_share_the_work(make_rig):
    legs = (Leg(0, 0.0, 100.0, 0.0, 50.0), Leg(1, 40.0, 100.0, 0.0, 10.0))
    rows = [loop("do", pv=0, sp=10.0, tuning=Tuning(1.0, 20.0), legs=legs, together=True)]
    rig = make_rig(site=site(["pv"], {"stir": (0.0, 50.0, 0.0), "o2": (0.0, 10.0, 0.0)}, rows))
    rig.values[0] = 10.0
    rig.step()
    rig.mode("V.do", "manual")
    last = (-1.0, -1.0)
    for op in (0.0, 20.0, 40.0, 70.0, 100.0):
        rig.step(rig.command("loop.output", "V.do", value=op))
        now = (rig.devices[1], rig.devices[2])
        assert now >= last
        last = now
    assert last == (50.0, 10.0)
    rig.step(rig.command("loop.output", "V.do", value=70.0))
    rig.mode("V.do", "auto")
    assert rig.op("V.do") == pytest.approx(70.0, abs=1e-9)
    rig.run(5)
    assert rig.op("V.do") == pytest.approx(70.0, abs=1e-9), "no error, no movement"


def test_a_station_holds_a_setpoint_for_others(make_rig):
    rows = [
        loop("do", pv=0, sp=10.0, tuning=Tuning(1.0, 20.0), legs=(Leg(1, 0.0, 100.0, 21.0, 100.0, cascade=True),)),
        loop("oxygen", "station", sp=21.0, low=0.0, high=100.0),
    ]
    rig = make_rig(site=site(["pv"], {}, rows))
    rig.values[0] = 5.0
    rig.step()
    assert rig.setpoint("V.oxygen", 40.0).applied
    assert rig.op("V.oxygen") == 40.0
    rig.mode("V.do", "auto")
    assert rig.scan.loops.states[1].mode.word == "cascade"
    start = rig.op("V.oxygen")
    rig.run(30)
    assert rig.op("V.oxygen") > start, "it follows the DO loop"
    rig.scan.loops.reached[1] = 50.0
    rig.run(400)
    assert rig.op("V.oxygen") == 50.0
    limit = (50.0 - 21.0) / 79.0 * 100.0
    assert rig.scan.loops.levels[0].bank.wanted[0] < limit + 6.0, "what was not made of it does not wind up"
