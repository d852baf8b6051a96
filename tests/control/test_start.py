"""A start: what is declared safe is safe also without a record, and nothing is alarmed that is only not read yet."""

from dataclasses import replace

import pytest

from controller.commands import Verb
from controller.model.loops import LoopTable

EVERYTHING = {
    f"{name}-{vessel}" for vessel in (101, 102) for name in ("plc", "probes", "base-pump", "feed-pump")
} | {"counter"}  # fmt: skip


def loop_of(rig, name):
    return next(loop for loop in rig.scan.view().vessels[0]["loops"] if loop["name"] == name)


def test_without_a_record_a_running_feed_pump_is_stopped(rig):
    rig.devices[rig.row("feed_flow")] = 240.0
    assert rig.step().writes[rig.row("feed_flow")] == 0.0
    rig.run(3)
    assert rig.device("feed_flow") == 0.0
    assert rig.scan.loops.sp_target[rig.loop("feed")] == 0.0
    feed = loop_of(rig, "feed")
    assert (feed["mode"], feed["mode_reason"]) == ("off", "safe until somebody decides")


def test_it_is_not_written_before_it_was_read(rig):
    rig.devices[rig.row("feed_flow")] = 240.0
    rig.lost = {"feed-pump-101"}
    rig.run(5)
    assert not any(rig.row("feed_flow") in writes for writes in rig.writes)
    rig.lost = set()
    rig.step()
    assert rig.device("feed_flow") == 0.0


@pytest.mark.parametrize("policy", ["resume", "hold_output"])
def test_the_others_go_on_at_what_they_find(make_rig, site, policy):
    rows = [loop._replace(on_restart=policy) if loop.name == "feed" else loop for loop in site.loops.rows]
    rig = make_rig(site=replace(site, loops=LoopTable(tuple(rows))))
    rig.devices[rig.row("feed_flow")] = 24.0
    rig.run(3)
    assert rig.device("feed_flow") == 24.0
    assert loop_of(rig, "feed")["mode"] == "auto"


def test_a_recipe_starts_it_with_setpoint_and_mode(rig):
    rig.run(3)
    wishes = [rig.command(Verb.SETPOINT, "feed", value=12.0), rig.command(Verb.MODE, "feed", mode="auto")]
    assert all(outcome.applied for outcome in rig.step(*wishes).outcomes)
    rig.run(2)
    assert rig.device("feed_flow") == 12.0


@pytest.mark.parametrize("entry", [
    {"mode": "auto", "claimed": True, "adopt": True, "sp": 0.0},
    {"mode": "manual", "claimed": True, "adopt": True, "manual": 200.0},
    {"mode": "off", "claimed": False, "adopt": False},
])  # fmt: skip
def test_a_record_made_before_the_outputs_were_read_changes_nothing(rig, entry):
    rig.devices[rig.row("feed_flow")] = 240.0
    rig.scan.restore({"loops": {"BR-101.feed": entry}}, rig.now, 5.0)
    rig.run(3)
    assert rig.device("feed_flow") == 0.0
    assert loop_of(rig, "feed")["mode"] == "off"


def test_an_ordinary_start_is_silent(make_rig):
    rig = make_rig(minimum_stale_s=1.0)
    rig.lost = set(EVERYTHING)
    rig.run(6)
    rig.lost = {"probes-101"}
    rig.run(6)
    rig.lost = set()
    rig.run(60)
    assert rig.texts() == []
    assert rig.scan.view().alarms == []


def test_a_warm_start_is_silent_too(make_rig):
    rig = make_rig(minimum_stale_s=1.0)
    loops = {f"BR-101.{name}": {"mode": "auto", "claimed": True} for name in ("temperature", "ph", "do")}
    rig.scan.restore({"loops": loops}, rig.now, 5.0)
    rig.lost = set(EVERYTHING)
    rig.run(3)
    rig.lost = {"probes-101"}
    rig.run(3)
    assert loop_of(rig, "ph")["mode_reason"] == "waiting for its value to be read"
    rig.lost = set()
    rig.run(60)
    assert rig.texts() == []
    assert loop_of(rig, "ph")["mode_reason"] != "waiting for its value to be read"


def test_what_is_still_not_read_after_the_grace_is_alarmed(make_rig):
    rig = make_rig(minimum_stale_s=1.0)
    rig.lost = {"probes-101"}
    rig.run(15)
    assert rig.scan.view().alarms == []
    rig.run(1)
    alarms = {alarm["tag"]: alarm for alarm in rig.scan.view().alarms}
    assert set(alarms) == {"ph", "do"}
    assert all(alarm["state"] == "active" for alarm in alarms.values())


def test_what_was_read_once_is_alarmed_as_ever(make_rig):
    rig = make_rig(minimum_stale_s=0.5)
    rig.step()
    rig.lost = {"probes-101"}
    rig.run(12)
    assert {alarm["tag"] for alarm in rig.scan.view().alarms} == {"ph", "do"}


def test_the_grace_is_wall_time(make_rig):
    rig = make_rig(period=6.0, minimum_stale_s=60.0)
    rig.lost = {"probes-101"}
    rig.run(150)
    assert rig.scan.view().alarms == []
    rig.run(1)
    assert {alarm["tag"] for alarm in rig.scan.view().alarms} == {"ph", "do"}


@pytest.mark.parametrize("way", [[("do", "auto")], [("do", "manual"), ("agitation", "cascade")]])
def test_a_slave_that_is_led_before_it_was_read_keeps_what_it_is_found_at_as_its_own(make_rig, way):
    """Whether its master takes it along or somebody sends it."""
    rig = make_rig()
    rig.devices[rig.row("agitation_speed")] = 110.0
    rig.lost = {"plc-101"}
    rig.step()
    for loop, mode in way:
        assert rig.mode(loop, mode).applied
    rig.lost = set()
    rig.run(3)
    rig.mode("do", "off")
    rig.run(5)
    assert rig.device("agitation_speed") == 110.0
