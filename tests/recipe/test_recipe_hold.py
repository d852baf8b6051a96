"""A held batch feeds nothing, however often it has to be said; and a refusal holds only the step that it is about."""

from dataclasses import replace

import pytest

from controller.commands import EventType, Outcome, Verb


@pytest.fixture
def feeding(bench):
    """A running batch that feeds, scanned every 10 s."""
    bench.density = 2.0
    bench.start(begin_at="expand").until(lambda: bench.setpoints["feed"] > 0 and not bench.pending, 40)
    bench.period_s = 10.0
    return bench


def stops(bench, since):
    return [one for one in bench.proposals[since:] if one.target == "BR-101.feed" and one.verb is Verb.SETPOINT]


def complaints(bench):
    return [one for one in bench.events if one.type is EventType.MESSAGE and "not seen at zero" in one.text]


def test_a_stop_that_is_lost_on_its_way_is_said_again(feeding):
    feeding.order(Verb.BATCH_HOLD)
    feeding.scan()
    assert feeding.pending
    feeding.pending = []
    feeding.scan(5)
    assert feeding.setpoints["feed"] == 0.0
    assert feeding.state == "Held"


def test_a_pump_that_does_not_stop_is_told_every_30_s_and_that_is_said_once(feeding):
    feeding.stuck["feed"] = 12.0
    before = len(feeding.proposals)
    feeding.order(Verb.BATCH_HOLD)
    feeding.scan(11)
    assert feeding.state == "Holding"
    assert len(stops(feeding, before)) == 4
    assert all(one.value == {"value": 0.0} for one in stops(feeding, before))
    feeding.scan(4)
    assert feeding.state == "Held", "the watchdog says that it is not confirmed"
    assert "not confirmed" in feeding.view["held_reason"]
    feeding.scan(12)
    assert len(stops(feeding, before)) == 10
    assert len(complaints(feeding)) == 1
    feeding.stuck.clear()
    feeding.scan(12)
    assert len(stops(feeding, before)) == 10


def test_an_output_that_is_zero_for_now_does_not_count_while_the_setpoint_is_not(feeding):
    """An interlock holds the pump at zero: it would feed again when it is released."""
    feeding.stuck["feed"] = 0.0
    feeding.order(Verb.BATCH_HOLD)
    feeding.scan()
    feeding.pending = []
    feeding.scan(2)
    assert feeding.state == "Holding"
    feeding.scan(4)
    assert feeding.state == "Held"
    assert feeding.setpoints["feed"] == 0.0


def test_after_a_restart_the_stop_is_said_until_it_is_seen(feeding):
    feeding.stuck["feed"] = 12.0
    feeding.kill()
    before = len(feeding.proposals)
    feeding.scan(8)
    assert feeding.state == "Held"
    assert len(stops(feeding, before)) == 3
    assert len(complaints(feeding)) == 1


def test_what_an_operator_feeds_by_hand_while_it_is_held_is_left_alone(feeding):
    feeding.order(Verb.BATCH_HOLD)
    feeding.scan(4)
    assert feeding.state == "Held"
    before = len(feeding.proposals)
    feeding.setpoints["feed"] = 5.0
    feeding.scan(20)
    assert feeding.proposals[before:] == []


def refuse(bench, proposal):
    bench.engine.settle([Outcome(proposal, applied=False, reason="the pump cannot be reached")])
    bench.scan()


def test_a_refusal_of_the_present_operation_holds_it(feeding):
    refuse(feeding, [one for one in feeding.proposals if one.target == "BR-101.feed"][-1])
    assert feeding.state == "Holding"
    assert "cannot be reached" in feeding.view["held_reason"]


def test_a_refusal_of_an_operation_that_is_over_or_of_another_batch_does_not(feeding):
    proposal = [one for one in feeding.proposals if one.target == "BR-101.feed"][-1]
    assert (proposal.batch, proposal.operation) == ("B1", "expand")
    refuse(feeding, replace(proposal, operation="equilibrate"))
    refuse(feeding, replace(proposal, batch="B0"))
    refuse(feeding, replace(proposal, source="api"))
    assert feeding.state == "Running"


def test_what_ends_an_operation_is_for_the_next_so_that_a_feed_that_goes_on_holds_it(make_bench):
    bench = make_bench("""\
  - operation: first
    title: First
    do: [{exponential_feed: {loop: feed, start: 5 mL/h, growth: 0.01 h-1}}]
    until: [{when: elapsed > 3 min, then: second}]
  - operation: second
    title: Second
    do: [{set: {loop: temperature, to: warm}}]
    until: [{when: elapsed > 10 h, then: end}]
""")
    bench.start().until(lambda: bench.operation == "second", 20)
    (stop,) = [one for one in bench.pending if one.value == {"value": 0.0}]
    assert stop.operation == "second"
    refuse(bench, stop)
    assert bench.state == "Holding"
