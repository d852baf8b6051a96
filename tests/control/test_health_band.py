"""P17: what a loop's health is judged by, from the vessel class."""

import math
from dataclasses import replace
from pathlib import Path

import pytest

from controller.config.load import load_site
from controller.model.build import build
from controller.model.build_health import default_health
from controller.model.loops import LoopTable
from controller.model.tags import TagTable
from tests.control.conftest import ROOT
from tests.control.health_bench import LOOP, Bench


@pytest.fixture
def built(tmp_path):
    """The shipped site with a change of its class."""

    def make(old, new):
        for part in ("sites/bench.yaml", "classes/stirred-tank-2l.yaml"):
            target = tmp_path / part
            target.parent.mkdir(exist_ok=True)
            text = Path(ROOT / "configs" / part).read_text()
            assert "sites" in part or old in text
            target.write_text(text.replace(old, new) if "classes" in part else text)
        return build(load_site(tmp_path / "sites/bench.yaml"))

    return make


def test_p17_a_band_and_a_dead_time_of_the_class_are_converted_once(built):
    site = built("health: {band: 0.2 Cel}", "health: {band: 0.36 [degF], delay: 2 min}".replace("[degF]", "K"))
    health = site.health[LOOP]
    assert (health.band, health.source, health.delay_s) == (pytest.approx(0.36), "class", 120.0)
    recent = Bench(site).view()["recent"]
    assert (recent["delay_s"], recent["delay_from"]) == (120.0, "class")


def test_p17_without_a_band_it_is_a_quarter_of_the_way_between_the_alarms(built):
    health = built("health: {band: 0.2 Cel}", "health: {delay: 1 min}").health[LOOP]
    assert (health.band, health.source) == (pytest.approx((37.8 - 35.5) / 4), "alarms")
    assert health.delay_s == 60.0


def test_p17_without_a_pair_of_alarms_it_is_a_share_of_the_setpoints(built):
    health = built("    health: {band: 5 %}\n", "").health["BR-101.agitation"]
    assert (health.band, health.source) == (pytest.approx(0.05 * 200.0), "setpoint range")
    assert math.isnan(health.delay_s)


def test_p17_the_innermost_alarms_count(site):
    loop = site.loops.rows[site.loops.index[LOOP]]
    alarm = next(alarm for alarm in site.alarms if alarm.name == "temperature_high")
    other = alarm._replace(tag=alarm.tag + 1, limit=36.0)
    alarms = [
        alarm,
        alarm._replace(limit=40.0),
        other,
        *(alarm._replace(side="below", limit=low) for low in (30, 36.8)),
    ]
    assert default_health(loop, site.tags, site.loops, alarms).band == pytest.approx(0.25)


def test_p17_alarms_that_overlap_make_no_band(site):
    loop = site.loops.rows[site.loops.index[LOOP]]
    alarm = next(alarm for alarm in site.alarms if alarm.name == "temperature_high")
    alarms = [alarm, alarm._replace(side="below", limit=38.0)]
    assert default_health(loop, site.tags, site.loops, alarms).source == "setpoint range"


def with_unit(site, tag, unit):
    """The site with another unit of one tag."""
    row = site.tags.index[tag]
    tags = [one._replace(unit=unit) if at == row else one for at, one in enumerate(site.tags.tags)]
    return replace(site, tags=TagTable(tuple(tags)), health={})


def test_p17_a_pv_in_another_unit_is_converted(site):
    loop = Bench(with_unit(site, "BR-101.air_flow_measured", "L/h"), "BR-101.air")
    loop.loops.sp[loop.row] = 100.0
    loop.frame.value[loop.pv] = 6.6
    loop.loops.signals.take(loop.frame, loop.loops.sp, loop.loops.op)
    loop.health.step(tuple(loop.places), 1.0, 1.0)
    assert loop.figures()["offset"] == pytest.approx(100.0 - 110.0)


def test_p17_a_band_by_alarms_is_in_the_unit_of_the_setpoint(site):
    other = with_unit(site, "BR-101.air_flow_measured", "L/h")
    loop, alarm = site.loops.rows[site.loops.index["BR-101.air"]], site.alarms[0]
    high = alarm._replace(tag=loop.pv, side="above", limit=7.2)
    health = default_health(loop, other.tags, site.loops, [high, high._replace(side="below", limit=4.8)])
    assert (health.band, health.source) == (pytest.approx(0.25 * 40.0), "alarms")


def test_p17_a_pv_that_cannot_be_compared_with_the_setpoint_is_not_judged(site):
    loop = Bench(with_unit(site, "BR-101.air_flow_measured", "Cel"), "BR-101.air")
    loop.scan(1.0)
    assert loop.view()["judged"] is False
    assert loop.figures()["controlled_s"] == 0.0


def test_p17_the_pv_of_a_loop_may_be_a_signal_of_another_loop(site):
    """The setpoint of one loop as PV of another: what it was in the scan before is what counts."""
    other, tags = site.loops.index["BR-101.agitation"], len(site.tags)
    for part, unit in ((0, "{rev}/min"), (len(site.loops), "{rev}/min")):
        rows = [
            loop._replace(pv=tags + part + other, unit=unit) if loop.full_name == LOOP else loop
            for loop in site.loops.rows
        ]
        loop = Bench(replace(site, loops=LoopTable(tuple(rows)), health={}))
        loop.loops.sp[other] = loop.loops.op[other] = 60.0
        loop.loops.sp[loop.row] = 63.0
        loop.loops.signals.take(loop.frame, loop.loops.sp, loop.loops.op)
        loop.health.step(tuple(loop.places), 1.0, 1.0)
        assert loop.figures()["offset"] == pytest.approx(3.0)


@pytest.mark.parametrize(("above", "inside", "outside"), [(True, 30.0, -30.0), (False, -30.0, 30.0)])
def test_p17_a_dose_loop_is_out_of_its_band_on_one_side_only(above, inside, outside):
    loaded = load_site(ROOT / "configs/sites/jacketed.yaml")
    site = build(loaded)
    rows = [
        loop._replace(dose=loop.dose._replace(above=above)) if loop.dose is not None else loop
        for loop in site.loops.rows
    ]
    (loop,) = [loop for loop in rows if loop.dose is not None]
    health = {**site.health, loop.full_name: default_health(loop, site.tags, LoopTable(tuple(rows)), [])}
    bench = Bench(replace(site, loops=LoopTable(tuple(rows)), health=health), loop.full_name)
    bench.setpoint(50.0)
    bench.scans([inside] * 10)
    assert bench.figures()["in_band"] == 100.0, "there is nothing to hold on the other side"
    bench.scans([outside] * 10)
    assert bench.figures()["in_band"] == 50.0
