"""Phases: counting by sample number, feeding by count, feeding exponentially."""

import math

import pytest

from controller.commands import Verb
from controller.recipe.phase import Phase

EXPAND = """
  - operation: expand
    title: Expand
    do:
      - count_cells: {every: 2 h, first: %s, sample: 2 mL, text: Draw 2 mL and confirm., time_out: 20 min}
      - feed_by_count: {loop: feed, rate: rate, until: volume > 1.2 L}
    until: [{when: elapsed > 11 h, then: after}, {when: viable_density > 50 10*6/mL, then: after}]
  - operation: after
    title: After
    until: [{when: elapsed > 1 h, then: end}]
"""
COUNT = EXPAND % "0 s"


def feeds(bench):
    return [one.value["value"] for one in bench.proposals if one.verb is Verb.SETPOINT and one.target == "BR-101.feed"]


def test_counts_go_by_the_clock_and_by_number(make_bench):
    bench = make_bench(COUNT).start()
    bench.until(lambda: bench.operation == "after")
    assert bench.requests == [1, 2, 3, 4, 5, 6]
    counted = [one for one in bench.events if one.subtype == "Process Data"]
    assert [one.value["sample"] for one in counted] == [1, 2, 3, 4, 5, 6]
    assert bench.hands == [{"sample": {"volume": 2.0}}] * 6


def test_the_first_count_can_wait(make_bench):
    bench = make_bench(EXPAND % "90 min").start().scan(60)
    assert bench.view["prompts"] == []
    bench.scan(40)
    assert bench.view["prompts"][0]["text"] == "Draw 2 mL and confirm."


def test_a_late_answer_does_not_shift_the_next_count_and_skips_what_passed(make_bench):
    bench = make_bench(COUNT).start().scan(150)
    bench.answer()
    bench.scan(20)
    assert bench.view["prompts"] == []
    bench.until(lambda: bench.view["prompts"], answering=False)
    assert bench.view["operation_elapsed_s"] == pytest.approx(4 * 3600, abs=61)


def test_numbers_go_on_from_the_counter_and_wait_until_it_is_known(make_bench):
    bench = make_bench(COUNT)
    bench.values["sample_number"] = math.nan
    bench.start().scan()
    bench.answer()
    bench.scan(3)
    assert bench.requests == []
    bench.values["sample_number"] = 41.0
    bench.scan(3)
    assert bench.requests == [42]


def test_a_counter_that_never_answers_is_asked_about_again(make_bench):
    bench = make_bench(COUNT)
    bench.values["sample_number"] = math.nan
    bench.start().scan()
    bench.answer()
    bench.scan(25)
    assert "sample (unknown) has not finished" in bench.view["prompts"][0]["text"]


def test_a_count_that_does_not_finish_is_asked_for_again_without_holding(make_bench):
    bench = make_bench(COUNT)
    bench.counter_works = False
    bench.start().scan()
    bench.answer()
    bench.scan(25)
    assert bench.state == "Running"
    assert bench.view["prompts"][0]["text"].startswith("The count of sample 1 has not finished.")
    bench.counter_works = True
    bench.answer()
    bench.scan(5)
    assert bench.requests == [1, 2]
    assert bench.view["prompts"] == []


def test_a_count_that_finishes_late_withdraws_the_question(make_bench):
    bench = make_bench(COUNT)
    bench.count_s = 26 * 60
    bench.start().scan()
    bench.answer()
    bench.scan(24)
    assert bench.view["prompts"]
    bench.scan(6)
    assert bench.view["prompts"] == []
    assert bench.requests == [1]
    assert any("no longer needed" in one.text for one in bench.events)


def test_a_question_is_withdrawn_when_the_operation_ends(make_bench):
    bench = make_bench(COUNT).start()
    bench.until(lambda: bench.operation == "after", answering=False)
    assert bench.view["prompts"] == []
    assert any("no longer needed" in one.text for one in bench.events)


def test_a_pause_waits_for_the_count(make_bench):
    bench = make_bench(COUNT).start().scan()
    bench.answer()
    bench.scan()
    bench.order(Verb.BATCH_PAUSE)
    bench.scan()
    assert bench.state == "Pausing"
    bench.scan(4)
    assert bench.state == "Paused"
    assert bench.setpoints["feed"] > 0  # feeding goes on, by the count that came in


def test_a_pause_that_is_never_reached_becomes_a_hold(make_bench):
    bench = make_bench(COUNT)
    bench.counter_works = False
    bench.start().scan()
    bench.answer()
    bench.scan()
    bench.order(Verb.BATCH_PAUSE)
    bench.until(lambda: bench.state == "Held", 20)
    assert "pause was not reached" in bench.view["held_reason"]


def test_the_feed_follows_the_counts(make_bench):
    bench = make_bench(COUNT)
    bench.density = 2.0
    bench.start().scan(8)
    assert feeds(bench) == []
    bench.answer()
    bench.scan(6)
    expected = 4.0 * bench.values["viable_density"] * bench.values["volume"]
    assert feeds(bench) == [pytest.approx(expected, rel=1e-3)]
    bench.scan(60)
    assert len(feeds(bench)) == 1
    assert "viable density" in [one for one in bench.proposals if one.verb is Verb.SETPOINT][-1].reason
    bench.until(lambda: len(feeds(bench)) == 2)
    assert bench.requests == [1, 2]


def test_samples_of_an_earlier_batch_do_not_count(make_bench):
    bench = make_bench(COUNT)
    bench.values |= {"sample_number": 7.0, "viable_density": 60.0}
    bench.start().scan(5)
    assert bench.operation == "expand"
    assert feeds(bench) == []
    assert bench.view["waiting_for"][1]["truth"] == "unknown"
    bench.answer()
    bench.scan(5)
    assert bench.requests == [8]
    assert feeds(bench)


def test_the_feed_stops_at_the_limit_and_stays_stopped_until_the_next_count(make_bench):
    bench = make_bench(COUNT)
    bench.density = 2.0
    bench.start().scan()
    bench.answer()
    bench.scan(6)
    assert feeds(bench)[-1] > 0
    bench.values["volume"] = 1.21
    bench.scan(2)
    assert feeds(bench)[-1] == 0.0
    bench.values["volume"] = 1.19
    bench.scan(30)
    assert feeds(bench)[-1] == 0.0
    bench.until(lambda: len(bench.requests) == 2)
    bench.scan(5)
    assert feeds(bench)[-1] > 0


def test_a_count_at_the_limit_feeds_nothing(make_bench):
    bench = make_bench(COUNT)
    bench.values["volume"] = 1.5
    bench.start().scan()
    bench.answer()
    bench.scan(6)
    assert feeds(bench) == []


def test_the_feed_keeps_its_setpoint_while_anything_is_unknown(make_bench):
    bench = make_bench(COUNT)
    bench.density = 2.0
    bench.start().scan()
    bench.answer()
    bench.scan(6)
    before = feeds(bench)
    bench.values["volume"] = math.nan
    bench.until(lambda: len(bench.requests) == 2)
    bench.scan(5)
    assert feeds(bench) == before
    bench.values["volume"] = 1.1
    bench.scan(2)
    assert len(feeds(bench)) == len(before) + 1


def test_a_feed_without_a_limit_waits_for_the_volume_as_well(make_bench):
    bench = make_bench(COUNT.replace(", until: volume > 1.2 L", ""))
    bench.values["volume"] = math.nan
    bench.start().scan()
    bench.answer()
    bench.scan(6)
    assert feeds(bench) == []
    bench.values["volume"] = 1.5
    bench.scan(2)
    assert feeds(bench)[-1] > 0


def test_the_feed_never_asks_for_more_than_the_loop_takes(make_bench):
    bench = make_bench(COUNT)
    bench.density = 30.0
    bench.start(formula={"rate": 40.0}).scan()
    bench.answer()
    bench.scan(6)
    assert feeds(bench) == [300.0]
    [told] = [one for one in bench.events if "is the most" in one.text]
    assert told.value == 300.0


def test_the_feed_ends_with_its_operation(make_bench):
    bench = make_bench(COUNT)
    bench.density = 2.0
    bench.start()
    bench.until(lambda: bench.operation == "after")
    assert feeds(bench)[-1] == 0.0
    bench.scan(2)
    assert bench.setpoints["feed"] == 0.0


def test_hold_and_restart_of_a_feed(make_bench):
    bench = make_bench(COUNT)
    bench.density = 2.0
    bench.start().scan()
    bench.answer()
    bench.scan(6)
    fed = bench.setpoints["feed"]
    bench.order(Verb.BATCH_HOLD)
    bench.scan(3)
    assert bench.setpoints["feed"] == 0.0
    bench.order(Verb.BATCH_RESTART)
    bench.scan(3)
    assert bench.setpoints["feed"] == fed


EXPONENTIAL = """
  - operation: feed
    title: Feed
    do:
      - exponential_feed:
          {loop: feed, start: 4 mL/h, growth: 0.2 1/h, highest: 20 mL/h, wait_when: do < 20 %%, until: volume > %s}
    until: [{when: elapsed > 12 h, then: end}]
"""


def test_an_exponential_feed_grows_as_it_should(make_bench):
    bench = make_bench(EXPONENTIAL % "1.9 L").start().scan()
    assert feeds(bench) == [4.0]
    for hours in (1, 2, 3, 5):
        while bench.view["operation_elapsed_s"] < hours * 3600:
            bench.scan()
        wanted = 4.0 * math.exp(0.2 * hours)
        assert 0.975 * wanted <= bench.setpoints["feed"] <= 1.005 * wanted
    assert len(feeds(bench)) < 60
    bench.scan(300)
    assert feeds(bench)[-1] == 20.0
    assert [one.target for one in bench.proposals].count("BR-101.feed") == len(feeds(bench)) + 1  # engaged once


def test_an_exponential_feed_waits_for_oxygen(make_bench):
    bench = make_bench(EXPONENTIAL % "1.9 L").start().scan(60)
    before = feeds(bench)[-1]
    for do in (15.0, math.nan):
        bench.values["do"] = do
        bench.scan(120)
        assert feeds(bench)[-1] == before
    bench.values["do"] = 50.0
    bench.scan(60)
    assert before * 1.1 < feeds(bench)[-1] < before * 1.3


def test_an_exponential_feed_goes_on_after_a_restart_of_the_supervisor(make_bench):
    bench = make_bench(EXPONENTIAL % "1.9 L").start().scan(120)
    before = bench.setpoints["feed"]
    bench.kill().scan(3)
    assert bench.setpoints["feed"] == 0.0
    bench.order(Verb.BATCH_RESTART)
    bench.scan(3)
    assert bench.setpoints["feed"] == before
    bench.scan(60)
    assert before * 1.15 < bench.setpoints["feed"] < before * 1.3


def test_most_phases_ask_nothing():
    phase = Phase("rest")
    assert phase.question is None
    assert phase.answer({}) == {}
    assert phase.done
    assert not phase.busy


def test_an_exponential_feed_ends_for_good(make_bench):
    bench = make_bench(EXPONENTIAL % "1.01 L").start()
    bench.until(lambda: feeds(bench)[-1:] == [0.0])
    bench.values["volume"] = 1.0
    bench.scan(100)
    assert feeds(bench)[-1] == 0.0
    assert "volume" in [one for one in bench.proposals if one.verb is Verb.SETPOINT][-1].reason


def test_an_exponential_feed_does_not_begin_before_its_limit_is_known(make_bench):
    bench = make_bench(EXPONENTIAL % "1.9 L")
    bench.values["volume"] = math.nan
    bench.start().scan(10)
    assert feeds(bench) == []
    bench.values["volume"] = 1.0
    bench.scan(2)
    assert feeds(bench)[0] == pytest.approx(4.0, rel=0.01)


def test_a_feed_phase_takes_over_from_a_feed_in_force(make_bench):
    procedure = (
        """
  - operation: before
    title: Before
    do: [{set: {loop: feed, to: 5 mL/h}}]
    then: feed
"""
        + EXPONENTIAL.removeprefix("\n") % "0.5 L"
    )
    bench = make_bench(procedure).start().scan(4)
    assert feeds(bench) == [5.0, 0.0]
