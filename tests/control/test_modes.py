"""Modes, setpoints and outputs by command: what is applied, what is refused, and that no change bumps."""

import math

import pytest

from controller.commands import Command, EventType, Verb


@pytest.mark.parametrize("value", [math.nan, math.inf, -1.0, 370.0, 40.001, "37", True, None])
def test_a_setpoint_outside_its_limits_or_no_number_is_refused_and_changes_nothing(rig, value):
    rig.setpoint("temperature", 36.0)
    outcome = rig.setpoint("temperature", value)
    assert not outcome.applied
    assert "setpoint" in outcome.reason
    assert rig.scan.loops.sp_target[rig.loop("temperature")] == 36.0
    assert rig.scan.loops.states[rig.loop("temperature")].revision == 1


@pytest.mark.parametrize("value", [4, 40.0])
def test_the_limits_themselves_are_accepted(rig, value):
    assert rig.setpoint("temperature", value).applied


def test_an_outdated_revision_is_refused(rig):
    assert rig.setpoint("temperature", 36.0, expected_revision=0).applied
    outcome = rig.setpoint("temperature", 35.0, expected_revision=0)
    assert not outcome.applied
    assert "changed meanwhile" in outcome.reason
    assert rig.setpoint("temperature", 35.0, expected_revision=1).applied


def test_an_unknown_loop_or_mode_is_refused_with_what_exists(rig):
    outcome = rig.setpoint("warmth", 36.0)
    assert not outcome.applied
    assert "BR-101.temperature" in outcome.allowed
    outcome = rig.mode("temperature", "cascade")
    assert not outcome.applied
    assert outcome.allowed == ("off", "manual", "auto", "out_of_service")


def test_a_command_is_carried_out_once(rig):
    command = rig.command(Verb.SETPOINT, "air", value=80.0)
    assert rig.step(command).outcomes[0].applied
    rig.setpoint("air", 60.0)
    outcome = rig.step(command).outcomes[0]
    assert not outcome.applied
    assert rig.device("air_flow") == 60.0


def test_the_output_can_be_set_in_manual_only_and_within_its_span(rig):
    rig.step()
    assert not rig.step(rig.command(Verb.OUTPUT, "temperature", value=20.0)).outcomes[0].applied
    rig.mode("temperature", "manual")
    assert rig.step(rig.command(Verb.OUTPUT, "temperature", value=20.0)).outcomes[0].applied
    assert rig.device("heater") == 20.0
    assert not rig.step(rig.command(Verb.OUTPUT, "temperature", value=100.5)).outcomes[0].applied
    rig.run(3)
    assert rig.op("temperature") == 20.0


def test_events_say_who_changed_what(rig):
    rig.setpoint("temperature", 36.5, who="anna")
    event = rig.events[-1]
    assert (event.type, event.who, event.value, event.previous, event.unit) == (
        EventType.OPERATOR, "anna", 36.5, 37.0, "Cel",
    )  # fmt: skip
    assert event.command == 1
    assert event.vessel == "BR-101"


def test_a_refusal_is_on_record(rig):
    rig.setpoint("temperature", 370.0)
    assert rig.events[-1].subtype == "Command Refused"
    assert "370" in rig.events[-1].text


def test_who_holds_a_loop(rig):
    def holder():
        return next(loop for loop in rig.scan.view().vessels[0]["loops"] if loop["name"] == "temperature")["held_by"]

    assert holder() == "operator"
    rig.setpoint("temperature", 36.0, source="recipe")
    assert holder() == "recipe"
    rig.setpoint("temperature", 36.5)
    assert holder() == "operator"


def test_the_reason_is_of_who_holds_the_loop(rig):
    def reason():
        loops = rig.scan.view().vessels[0]["loops"]
        return next(loop["mode_reason"] for loop in loops if loop["name"] == "temperature")

    rig.mode("temperature", "auto", source="recipe")
    before = reason()
    rig.setpoint("temperature", 36.0, source="recipe")
    assert reason() == before
    rig.setpoint("temperature", 36.5, who="anna")
    assert reason() != before
    found = reason()
    rig.setpoint("temperature", 36.4, who="anna")
    assert reason() == found


@pytest.mark.parametrize("loop", ["temperature", "ph", "do"])
def test_p6_every_mode_change_is_without_a_bump(rig, loop):
    rig.devices[rig.row("heater")] = 30.0
    rig.devices[rig.row("co2_flow")] = 20.0
    rig.devices[rig.row("agitation_speed")] = 110.0
    rig.step()
    for mode in ("auto", "manual", "auto", "manual"):
        rig.run(7)
        before = rig.op(loop)
        rig.mode(loop, mode)
        assert rig.op(loop) == pytest.approx(before, abs=1e-9), mode


def test_off_is_the_safe_value(rig):
    rig.mode("temperature", "manual")
    rig.step(rig.command(Verb.OUTPUT, "temperature", value=60.0))
    rig.mode("temperature", "off")
    assert rig.device("heater") == 0.0
    assert rig.op("temperature") == 0.0


def test_off_is_the_safe_value_also_of_a_loop_that_was_never_on(rig):
    rig.devices[rig.row("heater")] = 33.0
    rig.run(3)
    assert rig.device("heater") == 33.0, "nobody has said anything yet"
    assert rig.mode("temperature", "off").applied
    assert rig.device("heater") == 0.0
    rig.devices[rig.row("heater")] = 33.0
    rig.run(12)
    assert rig.device("heater") == 0.0


def test_a_direct_loop_ramps_its_setpoint(rig):
    rig.step()
    rig.setpoint("agitation", 120.0)
    seen = [rig.device("agitation_speed")]
    for _ in range(4):
        rig.step()
        seen.append(rig.device("agitation_speed"))
    assert seen == [80.0, 100.0, 120.0, 120.0, 120.0]


def test_an_output_written_once_is_written_once(rig):
    row = rig.row("count_request")
    rig.run(2)
    assert rig.step(rig.command(Verb.WRITE_ONCE, "count_request", value=7)).writes[row] == 7.0
    rig.run(40)
    assert sum(row in writes for writes in rig.writes) == 1


@pytest.mark.parametrize(("target", "value"), [("heater", 7), ("count_request", -1), ("count_request", math.nan)])
def test_what_cannot_be_written_once_is_refused(rig, target, value):
    assert not rig.step(rig.command(Verb.WRITE_ONCE, target, value=value)).outcomes[0].applied


def test_nothing_is_written_once_into_the_void(rig):
    rig.lost = {"counter"}
    rig.step()
    outcome = rig.step(rig.command(Verb.WRITE_ONCE, "count_request", value=7)).outcomes[0]
    assert not outcome.applied
    assert "cannot be reached" in outcome.reason


def test_batch_commands_go_to_the_engine(rig):
    outcome = rig.step(Command(Verb.BATCH_HOLD, "B-1", journal=5)).outcomes[0]
    assert outcome.reason == "there is no such batch"
    assert rig.events[-1].command == 5
