"""Programs that follow the time: what they ask for, where they end, and what lets their time stand still."""

import math

import pytest

from controller.commands import Verb
from tests.control.feed_bench import BIOMASS, FeedRig, feed_site, started

WITH_BIOMASS = feed_site("    programs: [exponential]\n", BIOMASS)


def at(rig, hours, period=60.0):
    """Run until the program's own time; gives what the pump is told."""
    while rig.programs.hours[rig.feed] < hours - 1e-9:
        rig.step(dt=period)
    return rig.device("feed_flow")


def test_a_constant_rate_leads_the_loop_from_the_next_scan_on():
    rig = started()
    assert rig.program("constant", rate=30.0).applied
    assert rig.device("feed_flow") == 30.0
    assert rig.scan.loops.states[rig.loop("feed")].mode.word == "remote"
    rig.run(60, dt=60.0)
    assert rig.total == pytest.approx(30.0, rel=1e-9)
    commands = len([event for event in rig.events if event.command])
    assert commands == 1, "one command for all of it"


def test_a_table_in_straight_lines_and_in_steps():
    rig = started()
    points = [[0.0, 10.0], [1.0, 20.0], [3.0, 20.0], [4.0, 0.0]]
    assert rig.program("table", points=points).applied
    for hours, expected in ((0.5, 15.0), (2.0, 20.0), (3.5, 10.0), (5.0, 0.0)):
        assert at(rig, hours) == pytest.approx(expected, abs=0.2)
    assert rig.program("table", points=points[:3], between="step").applied
    for hours, expected in ((0.5, 10.0), (0.95, 10.0), (1.5, 20.0), (9.0, 20.0)):
        assert at(rig, hours) == expected


def test_a_table_may_stop_at_its_end():
    rig = started()
    assert rig.program("table", points=[[0.0, 10.0], [1.0, 30.0]], at_end="stop").applied
    assert at(rig, 0.9) == pytest.approx(28.0, abs=0.5)
    rig.run(10, dt=60.0)
    assert rig.device("feed_flow") == 0.0
    assert rig.waits == "ended: its 1 h are over"


def test_an_exponential_from_a_first_rate_up_to_its_most():
    rig = started()
    assert rig.program("exponential", growth_rate=0.2, start=4.0, most=8.0).applied
    for hours in (1.0, 2.0, 3.0):
        assert at(rig, hours) == pytest.approx(4.0 * math.exp(0.2 * hours), rel=1e-6)
    assert at(rig, 5.0) == 8.0


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"biomass": 2.72437 * 2.0}, 4.3590),
        ({"biomass": 2.72437 * 2.0, "growth_rate": 0.222}, 8.0641),
        ({"biomass": 2.72437 * 2.0, "growth_rate": 0.30}, 10.8974),
        ({}, 4.3590),
        ({"biomass": 5.0, "maintenance": 0.03}, 1000.0 * (0.12 / 0.5 + 0.03) * 5.0 / 300.0),
    ],
)
def test_the_first_rate_from_the_substrate_balance(given, expected):
    rig = started(WITH_BIOMASS)
    rig.set(weight=1008.0 * 2.0, biomass=2.72437)
    rig.run(3)
    parameters = {"growth_rate": 0.12, "yield": 0.5, "substrate": 300.0, **given}
    assert rig.program("exponential", **parameters).applied
    assert rig.programs.rate[rig.feed] == pytest.approx(expected, rel=1e-4)


def test_without_anything_to_begin_from_it_does_not_begin():
    rig = started(WITH_BIOMASS)
    rig.bad[rig.row("biomass")] = 3
    rig.run(3)
    for given, missing in (({}, "yield is missing"), ({"yield": 0.5, "substrate": 300.0}, "biomass at the start")):
        outcome = rig.program("exponential", growth_rate=0.12, **given)
        assert not outcome.applied
        assert missing in outcome.reason
    assert rig.waits is None
    assert rig.device("feed_flow") == 0.0


@pytest.mark.parametrize(
    ("limit", "why"),
    [
        ({"end_after": 0.5}, "its 0.5 h are over"),
        ({"end_total": 15.0}, "it has delivered 15"),
        ({"end_volume": 1.2}, "the culture has reached 1.2"),
    ],
)
def test_a_program_ends_by_time_by_amount_or_by_volume(limit, why):
    rig = started()
    assert rig.program("constant", rate=30.0, **limit).applied
    if "end_volume" in limit:
        rig.run(30, dt=60.0)
        assert rig.device("feed_flow") == 30.0
        rig.set(weight=1.2001 * 1008.0)
    rig.run(40, dt=60.0)
    assert rig.device("feed_flow") == 0.0
    assert rig.waits.startswith(f"ended: {why}")
    assert len(rig.told("ended: ")) == 1
    assert rig.scan.loops.states[rig.loop("feed")].mode.word == "remote"


def test_the_amount_at_which_it_ends_is_met_whatever_the_period():
    rig = started()
    assert rig.program("constant", rate=300.0, end_total=7.0).applied
    rig.run(20, dt=10.0)
    assert rig.total == pytest.approx(7.0, rel=1e-5)


def test_the_last_rate_may_be_held_after_the_time():
    rig = started()
    assert rig.program("constant", rate=30.0, end_after=0.1, at_end="hold").applied
    rig.run(20, dt=60.0)
    assert rig.device("feed_flow") == 30.0
    assert rig.waits.endswith("the rate is held")


@pytest.mark.parametrize(("clock", "reached"), [("fed", 1.0), ("culture", 3.0)])
def test_while_the_loop_is_not_led_only_the_cultures_clock_goes_on(clock, reached):
    rig = started()
    rig.program("exponential", growth_rate=0.3, start=4.0, clock=clock)
    at(rig, 1.0)
    assert rig.setpoint("feed", 0.0).applied
    assert (rig.device("feed_flow"), rig.waits) == (0.0, "the loop is in auto")
    rig.run(120, dt=60.0)
    assert rig.device("feed_flow") == 0.0
    assert rig.mode("feed", "remote").applied
    rig.run(2)
    assert rig.waits == ""
    assert rig.device("feed_flow") == pytest.approx(4.0 * math.exp(0.3 * reached), rel=1e-3)


def test_what_an_interlock_holds_at_nothing_has_not_been_fed():
    rig = started()
    rig.program("exponential", growth_rate=0.3, start=4.0)
    at(rig, 1.0)
    rig.set(weight=2.1 * 1008.0)
    rig.run(60, dt=60.0)
    assert rig.device("feed_flow") == 0.0
    assert rig.programs.hours[rig.feed] == pytest.approx(1.0, abs=0.02)
    rig.set(weight=1.5 * 1008.0)
    rig.run(3)
    assert rig.device("feed_flow") == pytest.approx(4.0 * math.exp(0.3), rel=0.01)


def test_it_waits_at_the_rate_it_has_when_told_to():
    rig = started()
    rig.program("exponential", growth_rate=0.3, start=4.0)
    held = at(rig, 1.0)
    assert rig.order(Verb.PROGRAM, wait=True).applied
    rig.run(60, dt=60.0)
    assert rig.device("feed_flow") == pytest.approx(held, rel=0.01)
    assert rig.waits == "told to wait"
    assert rig.order(Verb.PROGRAM, wait=False).applied
    rig.run(60, dt=60.0)
    assert rig.device("feed_flow") == pytest.approx(4.0 * math.exp(0.6), rel=0.02)


def test_a_ramped_setpoint_follows_no_faster_than_its_rate():
    slow = (
        "setpoint: {default: 0 mL/h, low: 0 mL/h, high: 300 mL/h",
        "setpoint: {default: 0 mL/h, low: 0 mL/h, high: 300 mL/h, max_rate: 1 mL/h/s",
    )
    rig = started(feed_site(change=(slow,)))
    rig.program("constant", rate=30.0)
    assert rig.device("feed_flow") == pytest.approx(1.0, abs=1e-6)
    rig.run(10)
    assert rig.device("feed_flow") == pytest.approx(11.0, abs=1e-6)
    rig.run(30)
    assert rig.device("feed_flow") == 30.0


def test_a_loop_that_is_no_flow_follows_a_table_and_stays_at_its_end():
    line = "    type: direct\n    pv: agitation_rate\n"
    rig = FeedRig(feed_site(change=((line, line + "    programs: [constant, table]\n"),)))
    rig.run(3)
    assert not rig.program("constant", loop="agitation", rate=60.0, end_total=3.0).applied
    assert rig.program("table", loop="agitation", points=[[0.0, 60.0], [0.1, 90.0]]).applied
    rig.run(400, dt=1.0)
    assert rig.device("agitation_speed") == pytest.approx(90.0)
    assert "BR-101.agitation.total" not in {
        f"{c['vessel']}.{c['name']}.{c['kind']}" for c in rig.scan.columns.described
    }
