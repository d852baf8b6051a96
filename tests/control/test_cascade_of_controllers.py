"""A controller over a controller: culture temperature over jacket temperature over the heater."""

import json
from dataclasses import replace

import pytest

from controller.model.guards import Interlock
from controller.model.loops import Leg, Loop, LoopTable, Output, OutputTable
from controller.model.site import Site, Vessel
from controller.model.tags import Tag, TagTable
from controller.model.tuning import Tuning
from drivers.contract import Point, Reason
from tests.control.tables import loop, site, straight


def tag(name, kind, access):
    point = Point(f"V.{name}", name, access)
    return Tag("V", name, name, "Cel", 1, kind, -50.0, 200.0, "plc", point)


@pytest.fixture
def jacket(make_rig):
    tags = TagTable(
        (tag("culture", "measurement", "r"), tag("jacket", "measurement", "r"), tag("heater", "output", "rw"))
    )
    outputs = OutputTable((Output(2, "V.heater", 0.0, 100.0, 0.0, unit="%"),))
    outer = Tuning(5.0, 2000.0, low=20.0, high=60.0)
    inner = Tuning(4.0, 200.0, low=0.0, high=100.0)
    rows = (
        Loop("V", "culture", "Culture", "pid", "Cel", 1, 37.0, 4.0, 40.0, pv=0, tuning=outer, op_low=20.0, op_high=60.0,
             legs=(Leg(1, 20.0, 60.0, 20.0, 60.0, cascade=True),)),
        Loop("V", "jacket", "Jacket", "pid", "Cel", 1, 30.0, 10.0, 80.0, pv=1, tuning=inner,
             legs=(Leg(0, 0.0, 100.0, 0.0, 100.0),)),
    )  # fmt: skip
    site = Site("s", "S", 1.0, (Vessel("V", "V", "k"),), tags, outputs, LoopTable(rows), bindings=tags.bindings())
    rig = make_rig(site=site)
    rig.values.update({0: 36.0, 1: 36.0})
    rig.step()
    for name in ("V.jacket", "V.culture"):
        rig.mode(name, "auto")
    return rig


def run_plant(rig, seconds, dt=5.0):
    for _ in range(round(seconds / dt)):
        heat = rig.devices[2]
        rig.values[1] += (22.0 + 0.6 * heat - rig.values[1]) * dt / 300.0
        rig.values[0] += (rig.values[1] - rig.values[0]) * dt / 1500.0
        rig.step(dt=dt)


def test_the_cascade_brings_the_culture_to_its_setpoint(jacket):
    run_plant(jacket, 20_000)
    assert jacket.values[0] == pytest.approx(37.0, abs=0.1)
    assert jacket.scan.loops.sp[jacket.loop("V.jacket")] == pytest.approx(jacket.values[1], abs=0.3)


def test_a_slave_takes_setpoints_from_its_master_only(jacket):
    outcome = jacket.setpoint("V.jacket", 50.0)
    assert not outcome.applied
    assert "follows Culture" in outcome.reason
    assert jacket.mode("V.jacket", "auto").applied
    assert jacket.setpoint("V.jacket", 50.0).applied


def test_p6_p11_the_master_tracks_while_its_slave_is_on_its_own_and_takes_it_back_without_a_bump(jacket):
    run_plant(jacket, 2000)
    jacket.mode("V.jacket", "auto")
    jacket.setpoint("V.jacket", 41.5)
    jacket.run(50)
    assert jacket.scan.loops.op[0] == pytest.approx(41.5)
    heater = jacket.op("V.jacket")
    jacket.mode("V.jacket", "manual")
    assert jacket.op("V.jacket") == pytest.approx(heater, abs=1e-9)
    jacket.mode("V.jacket", "auto")
    before = float(jacket.scan.loops.sp[1])
    jacket.mode("V.jacket", "cascade")
    assert float(jacket.scan.loops.sp[1]) == pytest.approx(before, abs=1e-9)


def test_p11_a_saturated_slave_stops_the_masters_integral_in_that_direction(jacket):
    jacket.values.update({0: 30.0, 1: 25.0})
    jacket.run(200)
    level = jacket.scan.loops.levels[0]
    assert jacket.devices[2] == 100.0
    stopped = float(level.bank.integral[0])
    jacket.run(300)
    assert float(level.bank.integral[0]) <= stopped + 1e-9
    jacket.values[0] = 39.5
    jacket.run(5)
    assert float(level.bank.integral[0]) < stopped, "the other direction is free"


@pytest.mark.parametrize("why", ["interlock", "value"])
def test_p11_a_slave_that_is_held_stops_the_masters_integral(jacket, make_rig, why):
    hot = Interlock("V", "hot", "Hot", "culture > 38 Cel", "culture < 30 Cel", ((0, 0.0),))
    rig = make_rig(site=replace(jacket.site, interlocks=(hot,)))
    rig.values, rig.devices = dict(jacket.values), dict(jacket.devices)
    rig.step()
    for name in ("V.jacket", "V.culture"):
        rig.mode(name, "auto")
    run_plant(rig, 5000)
    if why == "interlock":
        rig.values[0] = 38.5
        rig.step()
    else:
        rig.bad[1] = Reason.DEVICE
    rig.values[0] = 36.0
    rig.run(20)
    held = float(rig.scan.loops.levels[0].bank.integral[0])
    rig.run(600)
    assert rig.scan.loops.levels[0].bank.integral[0] == pytest.approx(held, abs=0.02)
    rig.bad.clear()
    rig.values[0] = 29.0
    rig.step()
    rig.values[0] = 36.8
    rig.run(60)
    assert rig.scan.loops.levels[0].bank.integral[0] > held + 0.02, "it goes on"


def test_p11_the_other_leg_of_a_master_takes_over_from_a_slave_at_its_limit(make_rig):
    """Cooling at its end must not keep a master from going over to heating."""
    rows = [
        loop("culture", pv=0, sp=37.0, tuning=Tuning(5.0, 500.0, low=-50.0, high=50.0), legs=(
            Leg(1, -50.0, 0.0, 5.0, 30.0, cascade=True), Leg(2, 0.0, 50.0, 30.0, 80.0, cascade=True))),
        loop("cooler", pv=1, sp=30.0, tuning=Tuning(-4.0, 200.0, low=0.0, high=100.0), legs=straight(0)),
        loop("heater", pv=1, sp=30.0, tuning=Tuning(4.0, 200.0, low=0.0, high=100.0), legs=straight(1)),
    ]  # fmt: skip
    rig = make_rig(site=site(["culture", "jacket"], {"cold": (0.0, 100.0, 0.0), "hot": (0.0, 100.0, 0.0)}, rows))
    rig.values.update({0: 37.5, 1: 20.0})
    rig.step()
    for name in ("V.cooler", "V.heater", "V.culture"):
        rig.mode(name, "auto")
    rig.run(1000)
    assert rig.op("V.culture") < 0.0
    assert rig.op("V.cooler") == 0.0
    rig.values[0] = 36.9
    rig.run(6000)
    assert rig.op("V.culture") > 0.0


def test_a_controller_keeps_its_setpoint_when_its_master_is_switched_off(jacket):
    run_plant(jacket, 3000)
    asked, heat = float(jacket.scan.loops.sp[1]), jacket.op("V.jacket")
    jacket.mode("V.culture", "off")
    assert jacket.scan.loops.states[1].mode.word == "auto"
    assert jacket.scan.loops.sp[1] == asked
    assert jacket.op("V.jacket") == pytest.approx(heat, abs=0.05)


def test_a_restart_does_not_move_what_the_master_asked_for(jacket, make_rig):
    run_plant(jacket, 3000)
    table = LoopTable(tuple(loop._replace(on_restart="resume") for loop in jacket.site.loops.rows))
    state = json.loads(json.dumps(jacket.scan.state(), allow_nan=False))
    again = make_rig(site=replace(jacket.site, loops=table))
    again.values, again.devices = dict(jacket.values), dict(jacket.devices)
    again.scan.restore(state, again.now, 10.0)
    for _ in range(90):
        again.step()
        jacket.step()
        assert again.devices[2] == pytest.approx(jacket.devices[2], abs=0.5)
        assert again.scan.loops.sp[1] == pytest.approx(jacket.scan.loops.sp[1], abs=0.2)
