"""From the bench's files to tables."""

import pytest

from controller.model.loops import Leg, Loop, LoopTable
from controller.model.tuning import Gap, Tuning
from controller.reading import interlock_conditions


def tag(site, name):
    return site.tags.tags[site.tags.index[name]]


def loop(site, name):
    return site.loops.rows[site.loops.index[name]]


def test_every_tag_has_its_own_row_and_point(site):
    calculated = [one for one in site.tags.tags if one.kind == "calculated"]
    assert len(site.tags) == len(site.tags.index) == 50 + len(calculated)
    assert tag(site, "BR-102.temperature").point.address == "Temp.PV"
    assert tag(site, "BR-102.temperature").connection == "plc-102"
    assert tag(site, "BR-102.viable_density").point.address == "BR-102.viable_density"
    keys = [point.key for pairs in site.bindings.values() for _, point in pairs]
    assert len(keys) == len(set(keys)) == 50


def test_calibrations_turn_revolutions_into_volumes_and_flows(site):
    assert tag(site, "BR-101.base_total").point.gain == pytest.approx(0.025)
    assert tag(site, "BR-101.base_flow").point.gain == pytest.approx(0.025 * 60)
    assert tag(site, "BR-101.feed_total").point.gain == pytest.approx(0.10)
    assert tag(site, "BR-101.feed_flow").point.gain == pytest.approx(6.0)


def test_access(site):
    assert tag(site, "BR-101.temperature").point.access == "r"
    assert tag(site, "BR-101.heater").point.access == "rw"
    assert tag(site, "BR-101.count_request").point.access == "w"


def test_volume_is_weight_over_density(site):
    volume = tag(site, "BR-102.volume").calculation
    assert volume.name == "volume_from_weight 1"
    assert [site.tags.tags[one.row].full_name for one in volume.inputs] == ["BR-102.weight"]
    assert volume.parameters == {"density": 1.008}
    assert (volume.inputs[0].gain, volume.inputs[0].offset, volume.gain) == (1.0, 0.0, 0.001)


def test_loops_are_in_their_own_units(site):
    temperature, ph = loop(site, "BR-101.temperature"), loop(site, "BR-101.ph")
    assert temperature.tuning == Tuning(70.0, 400.0, 45.0, 5.0, tracking_time=60.0)
    assert (ph.op_low, ph.op_high, ph.op_unit) == (-100.0, 100.0, "%")
    assert ph.tuning.gap == Gap(0.01, gain=0.2)
    assert loop(site, "BR-101.agitation").sp_rate == 20.0
    assert loop(site, "BR-101.feed").unit == "mL/h"


def test_masters_come_before_slaves(site):
    levels = site.loops.levels()
    assert levels[1] == [site.loops.index["BR-101.agitation"], site.loops.index["BR-102.agitation"]]
    assert site.loops.master[levels[1][0]] == site.loops.index["BR-101.do"]


def test_a_circle_of_cascades_is_refused():
    def one(name, target):
        legs = (Leg(target, 0.0, 100.0, 0.0, 1.0, cascade=True),)
        return Loop("V", name, name, "pid", "1", 1, 0.0, 0.0, 1.0, pv=0, tuning=Tuning(1.0), legs=legs)

    with pytest.raises(ValueError, match="drives itself"):
        LoopTable((one("a", 1), one("b", 0))).levels()


def test_alarms_know_the_operators_part_and_bad_values_have_one(site):
    alarms = {alarm.full_name: alarm for alarm in site.alarms}
    assert alarms["BR-101.temperature_high"].respond_within == "10 min"
    assert alarms["BR-101.temperature_high"].title == "Temperature high"
    assert alarms["BR-101.ph_low"].during == {"expand"}
    assert alarms["BR-101.ph_bad"].side == "bad"
    assert alarms["BR-101.ph_bad"].tag_name == alarms["BR-101.ph_low"].tag_name == "ph"
    assert alarms["BR-102.overfill_undecided"].interlock == 4
    assert "feed_total_bad" in {alarm.name for alarm in site.alarms}
    assert all(alarm.consequence and alarm.cause and alarm.action for alarm in site.alarms)


def test_heartbeats_and_interlocks(site):
    assert site.heartbeats["plc-101"].address == "Host.Heartbeat"
    assert len(interlock_conditions(site)) == len(site.interlocks) == 6
    assert [interlock.on_unknown for interlock in site.interlocks[:3]] == ["trip", "trip", "keep"]
    overfill = site.interlocks[1]
    assert dict(overfill.force) == {
        site.outputs.index["BR-101.feed_flow"]: 0.0,
        site.outputs.index["BR-101.base_flow"]: 0.0,
    }
