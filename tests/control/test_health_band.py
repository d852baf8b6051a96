"""P17: what a loop's health is judged by, from the vessel class."""

import math
from dataclasses import replace
from pathlib import Path

import pytest

from controller.config.load import load_site
from controller.model.build import build
from controller.model.build_health import default_health
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
    health = built("health: {band: 5 %}", "health: {}").health["BR-101.do"]
    assert (health.band, health.source) == (pytest.approx(0.05 * 150.0), "setpoint range")
    assert math.isnan(health.delay_s)


def test_p17_the_innermost_alarms_count(site):
    loop = site.loops.rows[site.loops.index[LOOP]]
    alarm = next(alarm for alarm in site.alarms if alarm.name == "temperature_high")
    other = replace(alarm, tag=alarm.tag + 1, limit=36.0)
    alarms = [
        alarm,
        replace(alarm, limit=40.0),
        other,
        *(replace(alarm, side="below", limit=low) for low in (30, 36.8)),
    ]
    assert default_health(loop, alarms).band == pytest.approx(0.25)


def test_p17_alarms_that_overlap_make_no_band(site):
    loop = site.loops.rows[site.loops.index[LOOP]]
    alarm = next(alarm for alarm in site.alarms if alarm.name == "temperature_high")
    assert default_health(loop, [alarm, replace(alarm, side="below", limit=38.0)]).source == "setpoint range"
