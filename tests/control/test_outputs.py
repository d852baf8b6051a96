"""Outputs: rate limits, read-backs that differ, refused and unconfirmed writes, interlocks."""

import math

import pytest

from controller.commands import EventType
from controller.model.doses import Guard
from controller.model.guards import Interlock
from drivers.contract import Reason, WriteOutcome, WriteState
from tests.control.tables import Tuning, loop, site, straight


def test_p7_an_output_does_not_move_faster_than_its_rate(rig):
    rig.step()
    rig.mode("agitation", "manual")
    rig.step(rig.command("loop.output", "agitation", value=300.0))
    seen = [rig.device("agitation_speed")]
    for _ in range(5):
        rig.step()
        seen.append(rig.device("agitation_speed"))
    assert seen == [110.0, 160.0, 210.0, 260.0, 300.0, 300.0]


def slow(make_rig, held=80.0, interlocks=(), **more):
    """A heater that may move by 5 a second and comes from 80 by hand, warmed by a value that is lost at will."""
    loops = [loop("warm", sp=37.0, pv=0, tuning=Tuning(2.0, 600.0), legs=straight(0), op_high=100.0, on_bad_pv="safe")]
    limits = {"heater": (0.0, 100.0, 10.0, {"max_rate": 5.0, **more})}
    rig = make_rig(site=site(["warmth"], limits, loops, interlocks=interlocks))
    rig.values[0], rig.devices[1] = 36.0, held
    rig.step()
    rig.mode("V.warm", "manual")
    rig.step(rig.command("loop.output", "V.warm", value=held))
    assert rig.devices[1] == held
    return rig


def test_what_an_interlock_forces_is_there_at_once_and_comes_back_by_its_rate(make_rig):
    rig = slow(make_rig, interlocks=(Interlock("V", "hot", "Too warm", "warmth > 40", None, ((0, 0.0),)),))
    rig.values[0] = 41.0
    rig.step()
    assert rig.devices[1] == 0.0
    rig.values[0] = 36.0
    seen = [rig.step() and rig.devices[1] for _ in range(3)]
    assert seen == [5.0, 10.0, 15.0]


def test_an_interlock_that_turns_something_on_does_not_wait_for_the_rate(make_rig):
    rig = slow(make_rig, interlocks=(Interlock("V", "cold", "Too cold", "warmth < 30", None, ((0, 100.0),)),))
    rig.values[0] = 29.0
    rig.step()
    assert rig.devices[1] == 100.0


def test_what_a_dose_guard_holds_is_at_its_safe_value_at_once(make_rig):
    rig = slow(make_rig, guard=Guard(400.0, 3600.0, math.inf, "1", 1.0))
    seen = []
    while not rig.scan.outputs.guards.held.any():
        rig.step()
        seen.append(rig.devices[1])
    assert seen[-2:] == [80.0, 10.0]


@pytest.mark.parametrize("mode", ["off", "out_of_service"])
def test_a_loop_that_is_switched_off_is_safe_at_once_and_goes_on_by_its_rate(make_rig, mode):
    rig = slow(make_rig)
    rig.mode("V.warm", mode, reason="stop it")
    assert rig.devices[1] == 10.0
    rig.mode("V.warm", "off")
    rig.mode("V.warm", "manual")
    rig.step(rig.command("loop.output", "V.warm", value=80.0))
    assert rig.devices[1] == 15.0


def test_a_loop_that_lost_its_value_is_safe_at_once(make_rig):
    rig = slow(make_rig)
    rig.values[0] = -3.0
    rig.mode("V.warm", "auto")
    rig.run(5)
    assert rig.devices[1] > 50.0
    rig.bad[0] = Reason.DEVICE
    rig.step()
    assert rig.devices[1] == 10.0


def test_a_device_that_forgot_is_told_once_and_written_again(rig):
    """F10: rebooted with its default."""
    rig.step()
    rig.setpoint("air", 80.0)
    rig.run(10)
    rig.events.clear()
    rig.devices[rig.row("air_flow")] = 50.0
    rig.run(6)
    assert rig.device("air_flow") == 80.0
    about = [event for event in rig.events if event.object == "BR-101.air_flow"]
    assert [event.type for event in about] == [EventType.EQUIPMENT] * 2
    assert "reads back 50" in about[0].text
    assert "follows again" in about[1].text


def test_a_device_that_does_not_obey_is_told_once_and_tried_every_ten_seconds(rig):
    rig.step()
    rig.setpoint("air", 80.0)
    rig.run(10)
    row = rig.row("air_flow")
    rig.stuck = {row}
    rig.devices[row] = 50.0
    rig.events.clear()
    begin = len(rig.writes)
    rig.run(60)
    assert len([event for event in rig.events if event.object == "BR-101.air_flow"]) == 1
    assert 5 <= sum(row in writes for writes in rig.writes[begin:]) <= 8


def test_p7_a_controller_tracks_a_device_that_does_not_obey(rig):
    rig.set(temperature=36.5)
    rig.step()
    rig.mode("temperature", "auto")
    rig.run(300)
    row = rig.row("heater")
    rig.stuck = {row}
    rig.devices[row] = 2.0
    rig.run(1500)
    assert rig.op("temperature") == pytest.approx(2.0, abs=0.01)
    place = rig.scan.loops.levels[0].place[rig.loop("temperature")]
    tuning = rig.tuning("temperature")
    most = tuning.gain * 0.5 * tuning.tracking_time / tuning.integral_time
    assert rig.scan.loops.levels[0].bank.wanted[place] < 2.0 + 1.1 * most, "no wind-up"


def test_a_moving_output_is_no_mismatch(rig):
    rig.set(temperature=30.0)
    rig.step()
    rig.mode("temperature", "auto")
    row, lag = rig.row("heater"), []
    for _ in range(100):
        lag.append(rig.scan.outputs.actual[0])
        rig.step()
        rig.devices[row] = lag[max(0, len(lag) - 2)]
    assert not any("reads back" in text for text in rig.texts())


def outcome(rig, name, state, detail=""):
    point = rig.site.tags.tags[rig.row(name)].point
    return WriteOutcome(point, 5.0, state, detail)


def test_a_refusal_is_told_when_it_begins_and_when_it_ends(rig):
    rig.run(2)
    refused, applied = (
        outcome(rig, "heater", state, "BadTypeMismatch") for state in (WriteState.REFUSED, WriteState.APPLIED)
    )
    for said in (applied, refused, refused, refused, applied, applied):
        rig.step(outcomes=[said])
    assert [event.value for event in rig.events if event.object == "BR-101.heater"] == [5.0, 5.0]
    assert any("was refused: BadTypeMismatch" in text for text in rig.texts())


def test_an_unconfirmed_single_write_is_told_and_not_repeated(rig):
    """F12: a dose is never sent twice."""
    row = rig.row("count_request")
    rig.run(2)
    rig.step(rig.command("tag.write", "count_request", value=5))
    rig.step(outcomes=[outcome(rig, "count_request", WriteState.UNKNOWN, "no answer")])
    rig.run(50)
    assert sum(row in writes for writes in rig.writes) == 1
    assert any("not sent again" in text for text in rig.texts())


def test_an_outcome_of_something_else_is_no_matter(rig):
    from drivers.contract import Point

    rig.step(outcomes=[WriteOutcome(Point("plc-101.heartbeat", "Host.Heartbeat", "w"), 1.0, WriteState.REFUSED)])
    assert rig.texts() == []


def test_an_interlock_forces_and_latches_until_its_release(rig):
    rig.set(temperature=38.4)
    rig.step()
    rig.mode("temperature", "manual")
    rig.step(rig.command("loop.output", "temperature", value=50.0))
    rig.set(temperature=38.6)
    rig.run(10)
    assert rig.device("heater") == 0.0
    vessel = rig.scan.view().vessels[0]
    assert next(lock for lock in vessel["interlocks"] if lock["name"] == "over_temperature")["tripped"]
    assert next(loop for loop in vessel["loops"] if loop["name"] == "temperature")["held_by"] == "interlock"
    rig.set(temperature=38.2)
    rig.run(20)
    assert rig.device("heater") == 0.0, "between release and trip it stays tripped"
    rig.set(temperature=37.9)
    rig.run(20)
    assert rig.device("heater") == 50.0
    told = [event.value for event in rig.events if event.object == "BR-101.over_temperature"]
    assert told == ["tripped", "released"]


def test_a_tripped_interlock_that_cannot_be_decided_stays_tripped_and_says_so(rig):
    rig.set(temperature=39.0)
    rig.run(12)
    rig.bad[rig.row("temperature")] = Reason.LINK
    rig.run(10)
    assert rig.scan.interlocks.state() == ["BR-101.over_temperature"]
    rig.set(temperature=37.0)
    rig.bad.clear()
    rig.run(10)
    told = [event.value for event in rig.events if event.object == "BR-101.over_temperature"]
    assert told == ["tripped", "cannot be decided", "can be decided again", "released"]


def test_safe_writes_are_all_outputs_that_have_a_safe_value(rig):
    safe = {rig.site.tags.tags[row].full_name: value for row, value in rig.scan.safe_writes().items()}
    assert safe["BR-101.agitation_speed"] == 60.0
    assert safe["BR-102.air_flow"] == 50.0
    assert "BR-101.count_request" not in safe
    assert len(safe) == 16


def test_on_a_scaled_clock_wires_get_the_time_that_they_need(make_rig):
    """At 60 times the speed a scan of 6 s is 0.1 s: a read-back may lag by a second of the wall, a refresh by ten."""
    rig = make_rig(period=6.0, minimum_stale_s=60.0)
    rig.run(201)
    row = rig.row("air_flow")
    assert [n for n, writes in enumerate(rig.writes) if row in writes] == [0, 100, 200]
    rig.events.clear()
    rig.devices[row] = 80.0
    rig.run(9)
    assert rig.events == []
    rig.run(4)
    assert "reads back 80" in rig.texts()[0]
