"""Commands to programs: what is refused and why, who takes over from whom, and what stays when one ends."""

import math
from dataclasses import replace

import pytest

from controller.commands import Verb
from tests.control.feed_bench import feed_site, started

NARROW = feed_site(
    "    programs: {exponential: {growth_rate: 0.05 .. 0.2 1/h, start: 2 .. 10 mL/h}, table: {}}\n"
    "    bottle: {volume: 400 mL}\n"
)


@pytest.mark.parametrize(
    ("value", "reason", "allowed"),
    [
        ({"program": "quadratic"}, "no program 'quadratic'", "exponential"),
        ({"program": ["table"]}, "no program ['table']", "exponential"),
        ({"program": "exponential", "parameters": [1]}, "numbers by name", "growth_rate: 0.05 .. 0.2 h-1"),
        ({"program": "exponential", "parameters": {}}, "growth_rate is missing", "growth_rate: 0.05 .. 0.2 h-1"),
        (
            {"program": "exponential", "parameters": {"growth_rate": 0.3}},
            "within 0.05 .. 0.2 h-1, not 0.3",
            "growth_rate",
        ),
        ({"program": "exponential", "parameters": {"growth_rate": math.nan}}, "must be a number, not nan", ""),
        ({"program": "exponential", "parameters": {"growth_rate": math.inf}}, "must be a number, not inf", ""),
        ({"program": "exponential", "parameters": {"growth_rate": "0.1"}}, "must be a number, not '0.1'", ""),
        ({"program": "exponential", "parameters": {"growth_rate": True}}, "must be a number, not True", ""),
        (
            {"program": "exponential", "parameters": {"grow": 0.1}},
            "no parameter 'grow'",
            "growth_rate: 0.05 .. 0.2 h-1",
        ),
        ({"program": "exponential", "parameters": {"growth_rate": 0.1, "start": 20.0}}, "within 2 .. 10 mL/h", "start"),
        ({"program": "exponential", "parameters": {"growth_rate": 0.1, "most": 500.0}}, "within 0 .. 300 mL/h", "most"),
        ({"program": "exponential", "parameters": {"growth_rate": 0.1, "at_end": "go"}}, "no 'go'", "stop"),
        ({"program": "table", "parameters": {}}, "1 to 500 pairs", "points: 0 .. 300 mL/h at each hour"),
        ({"program": "table", "parameters": {"points": [[0.0]]}}, "pairs of an hour and a rate", "points"),
        ({"program": "table", "parameters": {"points": [[0.0, 400.0]]}}, "within 0 .. 300 mL/h, not 400", "points"),
        ({"program": "table", "parameters": {"points": [[1.0, 4.0], [1.0, 5.0]]}}, "order of their hours", "points"),
        ({"program": "table", "parameters": {"points": [[-1.0, 4.0]]}}, "order of their hours", "points"),
        ({"wait": True}, "no program that could wait", ""),
    ],
)
def test_what_cannot_be_is_refused_with_what_can(value, reason, allowed):
    rig = started(NARROW)
    outcome = rig.step(rig.command(Verb.PROGRAM, "feed", **value)).outcomes[0]
    assert not outcome.applied
    assert reason in outcome.reason
    assert not allowed or any(one.startswith(allowed) for one in outcome.allowed)
    assert (rig.waits, rig.device("feed_flow")) == (None, 0.0)
    assert rig.events[-1].subtype == "Command Refused"


def test_a_loop_without_programs_is_refused():
    rig = started(NARROW)
    outcome = rig.program("constant", loop="air", rate=5.0)
    assert outcome.reason == "BR-101.air has no programs and no bottle"
    assert outcome.allowed == ("BR-101.feed", "BR-102.feed")


def test_a_loop_that_is_worked_on_is_not_led():
    rig = started(NARROW)
    rig.step(replace(rig.command(Verb.MODE, "feed", mode="out_of_service"), reason="new tubing"))
    outcome = rig.program("exponential", growth_rate=0.1, start=4.0)
    assert outcome.reason == "BR-101.feed is out of service (new tubing): set it to off first"
    assert outcome.allowed == ("off",)


def test_an_outdated_view_is_refused():
    rig = started(NARROW)
    outcome = rig.step(rig.command(Verb.PROGRAM, "feed", program=None, expected_revision=7)).outcomes[0]
    assert "was changed meanwhile: it is at revision 0 now" in outcome.reason


def test_mode_remote_is_there_only_with_a_program():
    rig = started()
    assert not rig.mode("feed", "remote").applied
    rig.program("constant", rate=30.0)
    loop = next(one for one in rig.scan.view().vessels[0]["loops"] if one["name"] == "feed")
    assert loop["modes"] == ["off", "manual", "auto", "remote", "out_of_service"]
    assert loop["mode"] == "remote"
    assert loop["feed"]["program"] == "constant"
    assert loop["feed"]["parameters"]["rate"] == 30.0
    assert loop["feed"]["state"] == "runs"
    rig.mode("feed", "auto")
    assert rig.mode("feed", "remote").applied
    rig.order(Verb.PROGRAM, program=None)
    assert not rig.mode("feed", "remote").applied


@pytest.mark.parametrize("mode", ["auto", "manual", "off"])
def test_an_operator_takes_over_without_a_bump(mode):
    rig = started()
    rig.program("constant", rate=30.0)
    rig.mode("feed", mode)
    rig.run(3)
    assert rig.device("feed_flow") == (0.0 if mode == "off" else 30.0)
    assert rig.waits == f"the loop is in {mode}"
    before = rig.total
    rig.run(10)
    assert rig.programs.hours[rig.feed] * 3600.0 == pytest.approx(1.0)
    assert rig.mode("feed", "remote").applied
    rig.run(2)
    assert rig.device("feed_flow") == 30.0
    assert rig.total >= before


def test_a_setpoint_takes_over_at_once():
    rig = started()
    rig.program("constant", rate=30.0)
    assert rig.setpoint("feed", 12.0).applied
    assert rig.device("feed_flow") == 12.0
    assert rig.events[-1].text == "Feed setpoint 30 → 12 mL/h"
    assert rig.scan.loops.states[rig.loop("feed")].mode.word == "auto"


def test_the_end_leaves_the_setpoint_it_has_and_the_next_program_starts_anew():
    rig = started()
    rig.program("table", points=[[0.0, 10.0], [1.0, 20.0]])
    rig.run(30, dt=60.0)
    assert rig.order(Verb.PROGRAM, program=None).applied
    rig.run(5)
    assert rig.device("feed_flow") == pytest.approx(15.0, abs=0.2)
    assert rig.scan.loops.states[rig.loop("feed")].mode.word == "auto"
    assert rig.order(Verb.PROGRAM, program=None).applied, "ending what is not there changes nothing"
    rig.program("table", points=[[0.0, 10.0], [1.0, 20.0]])
    assert rig.device("feed_flow") == 10.0


def test_a_program_takes_over_from_another_with_time_and_amount_of_its_own():
    rig = started()
    rig.program("constant", rate=30.0, end_total=20.0)
    rig.run(30, dt=60.0)
    rig.program("constant", rate=60.0, end_total=20.0)
    rig.run(15, dt=60.0)
    assert rig.device("feed_flow") == 60.0
    rig.run(10, dt=60.0)
    assert rig.device("feed_flow") == 0.0
    assert rig.total == pytest.approx(35.0, rel=0.02)


def test_the_same_start_asked_for_again_goes_on():
    rig = started()
    rig.program("exponential", run="B1/fed/1", growth_rate=0.3, start=4.0)
    rig.run(60, dt=60.0)
    rig.setpoint("feed", 0.0)
    rig.run(10)
    assert rig.program("exponential", run="B1/fed/1", growth_rate=0.3, start=4.0).applied
    assert rig.device("feed_flow") == pytest.approx(4.0 * math.exp(0.3), rel=0.01)
    assert rig.program("exponential", run="B1/fed/2", growth_rate=0.3, start=4.0).applied
    assert rig.device("feed_flow") == pytest.approx(4.0)


def test_a_start_that_has_ended_stays_ended():
    rig = started()
    rig.program("constant", run="B1/fed/1", rate=60.0, end_total=1.0)
    rig.run(5, dt=60.0)
    assert rig.program("constant", run="B1/fed/1", rate=60.0, end_total=1.0).applied
    rig.run(5, dt=60.0)
    assert rig.total == pytest.approx(1.0, rel=1e-5)
    assert "ended" in rig.waits


@pytest.mark.parametrize("wait", [1, "yes", None])
def test_waiting_is_true_or_false(wait):
    rig = started()
    rig.program("constant", rate=60.0)
    assert rig.order(Verb.PROGRAM, wait=wait).allowed == ("true", "false")


@pytest.mark.parametrize(
    ("volume", "reason"),
    [(500.0, "within 0 .. 400 mL"), (0.0, "within 0 .. 400 mL"), (math.nan, "must be a number"), ("full", "a number")],
)
def test_a_bottle_that_cannot_be_is_refused(volume, reason):
    rig = started(NARROW)
    assert reason in rig.order(Verb.BOTTLE, volume=volume).reason
    assert rig.order(Verb.BOTTLE, volume=100.0).applied
    assert rig.programs.deliveries.bottles.left[rig.feed] == 100.0
    assert rig.order(Verb.BOTTLE).applied
    assert rig.programs.deliveries.bottles.left[rig.feed] == 400.0


def test_without_a_bottle_none_can_be_told():
    assert started().order(Verb.BOTTLE).reason == "Feed has no bottle"
