"""Setpoints: exact ramps, filters, where a ramp starts, and programs that lead."""

import json
import math

import numpy as np
import pytest

from drivers.contract import Reason
from tests.control.tables import Tuning, loop, site, straight


def rig_with(make_rig, pv=20.0, **more):
    tuning = Tuning(1.0, 100.0, low=0.0, high=100.0)
    rows = [loop("warm", sp=20.0, pv=0, tuning=tuning, legs=straight(0), **more)]
    rig = make_rig(site=site(["pv"], {"heat": (0.0, 100.0, 0.0)}, rows))
    rig.values[0] = pv
    rig.step()
    rig.mode("V.warm", "auto")
    return rig


def working(rig):
    return float(rig.scan.loops.sp[0])


def test_p8_a_ramp_has_the_exact_slope_whatever_the_scans(make_rig):
    rig = rig_with(make_rig, sp_rate=0.5)
    start = working(rig)
    rig.setpoint("V.warm", 30.0)
    after = 1.0
    for dt in (0.3, 2.7, 1.0, 0.05):
        rig.step(dt=dt)
        after += dt
        assert working(rig) == pytest.approx(start + 0.5 * after, abs=1e-12)
    rig.run(60)
    assert working(rig) == 30.0


def test_p8_a_filter_is_exact_for_any_period(make_rig):
    rig = rig_with(make_rig, sp_filter=40.0)
    rig.setpoint(
        "V.warm",
        30.0,
    )
    rig.run(9)
    assert working(rig) == pytest.approx(30.0 - 10.0 * math.exp(-10.0 / 40.0), rel=1e-12)
    rig.step(dt=7.0)
    assert working(rig) == pytest.approx(30.0 - 10.0 * math.exp(-17.0 / 40.0), rel=1e-12)


@pytest.mark.parametrize(("from_pv", "start"), [(True, 23.0), (False, 20.0)])
def test_p8_a_ramp_starts_at_the_pv_or_at_the_last_setpoint(make_rig, from_pv, start):
    rig = rig_with(make_rig, pv=23.0, sp_rate=0.1, ramp_from_pv=from_pv)
    assert working(rig) == pytest.approx(start, abs=0.11)
    rig.mode("V.warm", "manual")
    rig.set(**{"V.pv": 25.0})
    rig.mode("V.warm", "auto")
    assert working(rig) == pytest.approx(25.0 if from_pv else 20.0, abs=0.11)


def test_p8_setpoints_outside_the_limits_are_refused_not_clamped(make_rig):
    rig = rig_with(make_rig)
    outcome = rig.setpoint("V.warm", 1001.0)
    assert not outcome.applied
    assert "within -1000 .. 1000" in outcome.reason
    assert rig.scan.loops.sp_target[0] == 20.0


def test_a_filtered_setpoint_of_a_loop_that_rests_jumps(make_rig):
    rig = rig_with(make_rig, sp_filter=40.0)
    rig.mode("V.warm", "manual")
    rig.setpoint("V.warm", 30.0)
    assert working(rig) == 30.0
    assert np.isfinite(rig.op("V.warm"))


@pytest.mark.parametrize("how", [{"sp_rate": 0.01}, {"sp_filter": 2000.0}])
def test_p8_a_setpoint_on_its_way_stands_still_while_the_value_is_bad(make_rig, how):
    rig = rig_with(make_rig, **how)
    rig.setpoint("V.warm", 60.0)
    rig.run(50)
    before = working(rig)
    assert 20.4 < before < 22.0
    rig.bad[0] = Reason.STALE
    rig.run(20)
    assert working(rig) == before
    rig.bad.clear()
    rig.step()
    assert before < working(rig) < before + 0.05


@pytest.mark.parametrize("seconds", [50, 5000])
def test_p8_a_ramp_goes_on_where_it_was_after_a_restart(make_rig, seconds):
    rig = rig_with(make_rig, sp_rate=0.01)
    rig.setpoint("V.warm", 60.0)
    rig.run(seconds)
    state = json.loads(json.dumps(rig.scan.state(), allow_nan=False))
    again = make_rig(site=rig.site)
    again.values, again.devices = rig.values, rig.devices
    again.scan.restore(state, again.now, 10.0)
    again.lost = {"plc"}
    again.run(3)
    again.lost = set()
    again.step()
    rig.step()
    assert working(again) == pytest.approx(working(rig), abs=1e-12)


def test_p19_a_ratio_that_has_no_value_yet_leaves_its_slave_where_it_is(make_rig):
    rows = [
        loop("flow", "direct", sp=40.0, output=0),
        loop("share", "ratio", sp=0.5, low=0.0, high=1.0, of=0, slave=0),
    ]
    rig = make_rig(site=site(["wild"], {"pump": (0.0, 100.0, 0.0)}, rows))
    rig.bad[0], rig.devices[1] = Reason.DEVICE, 12.0
    rig.step()
    assert rig.mode("V.share", "auto").applied
    rig.run(3)
    assert (working(rig), rig.devices[1]) == (12.0, 12.0)
    rig.bad.clear()
    rig.values[0] = 60.0
    rig.run(2)
    assert (working(rig), rig.devices[1]) == (30.0, 30.0)
