"""The phase that lets a program lead a feed: begun once, ended with its condition, gone on with after a hold."""

import json

import pytest

from controller.commands import Verb
from controller.config.problems import Problems
from controller.recipe.check import load_recipe

FEED = """
  - operation: fed
    title: Feed
    do:
      - feed:
          loop: feed
          program: exponential
          growth_rate: 0.12 1/h
          start: rate * 1 10*9
          most: 60 mL/h
          at_end: hold
          until: volume > 1.2 L or feed.total > 400 mL
          wait_when: do < 20 %
    until: [{when: elapsed > 40 h, then: after}]
  - operation: after
    title: After
    until: [{when: elapsed > 1 h, then: end}]
"""
TABLE = """
  - operation: fed
    title: Feed
    do:
      - feed: {loop: feed, program: table, points: {12 h: rate * 2 10*9, 0 h: 1 mL/h, 90 min: 2 mL/h}, between: step}
    until: [{when: elapsed > 4 h, then: end}]
"""


@pytest.fixture
def fed(make_bench):
    def begin(text=FEED):
        bench = make_bench(text)
        bench.values["feed.total"] = 0.0
        return bench.start().scan(3)

    return begin


def programs(bench):
    return [dict(one.value) for one in bench.proposals if one.verb is Verb.PROGRAM]


def test_it_is_begun_once_with_numbers_in_the_programs_units(fed):
    bench = fed().scan(60)
    assert programs(bench) == [
        {
            "program": "exponential",
            "parameters": {"growth_rate": 0.12, "start": 4.0, "most": 60.0, "at_end": "hold"},
            "run": "B1/fed/feed/0.000",
        }
    ]
    assert [one.verb for one in bench.proposals] == [Verb.PROGRAM], "no command for each scan"


def test_a_table_is_in_hours_and_in_order(fed):
    bench = fed(TABLE)
    assert programs(bench)[0]["parameters"] == {"points": [[0.0, 1.0], [1.5, 2.0], [12.0, 8.0]], "between": "step"}


@pytest.mark.parametrize(("tag", "value"), [("volume", 1.21), ("feed.total", 401.0)])
def test_it_ends_when_until_is_true_and_stays_ended(fed, tag, value):
    bench = fed()
    bench.values[tag] = value
    bench.scan(3)
    assert programs(bench)[1:] == [{"program": None}]
    assert bench.setpoints["feed"] == 0.0
    assert bench.modes["feed"] == "auto"
    assert tag in [one for one in bench.proposals if one.verb is Verb.PROGRAM][-1].reason
    bench.values |= {"volume": 1.0, "feed.total": 0.0}
    bench.order(Verb.BATCH_HOLD)
    bench.scan(3)
    bench.order(Verb.BATCH_RESTART)
    bench.scan(10)
    assert programs(bench)[1:] == [{"program": None}, {"program": None}]
    assert bench.setpoints["feed"] == 0.0


def test_it_does_not_begin_when_until_is_true_already(make_bench):
    bench = make_bench(FEED)
    bench.values |= {"feed.total": 500.0}
    bench.start().scan(5)
    assert [one["program"] for one in programs(bench)] == [None]
    assert bench.setpoints["feed"] == 0.0


def test_it_ends_with_its_operation(fed):
    bench = fed()
    bench.values["volume"] = -100.0
    bench.until(lambda: bench.operation == "after")
    bench.scan(2)
    assert programs(bench)[-1] == {"program": None}
    assert bench.setpoints["feed"] == 0.0


def test_it_waits_by_two_commands(fed):
    bench = fed()
    bench.values["do"] = 15.0
    bench.scan(20)
    bench.values["do"] = 30.0
    bench.scan(20)
    assert programs(bench)[1:] == [{"wait": True}, {"wait": False}]
    bench.values["do"] = float("nan")
    bench.scan(3)
    assert programs(bench)[-1] == {"wait": True}, "what is not known waits"


def test_a_hold_stops_the_feed_and_a_restart_goes_on_with_the_same_start(fed):
    bench = fed()
    begun = programs(bench)[0]
    bench.order(Verb.BATCH_HOLD)
    bench.scan(4)
    assert bench.state == "Held"
    assert (bench.setpoints["feed"], bench.modes["feed"]) == (0.0, "auto")
    bench.order(Verb.BATCH_RESTART)
    bench.scan(4)
    assert programs(bench) == [begun, begun]
    assert bench.modes["feed"] == "remote"


def test_after_a_restart_of_the_supervisor_the_same_start_is_asked_for(fed):
    bench = fed().scan(5)
    bench.values["do"] = 15.0
    bench.scan(2)
    begun = programs(bench)[0]
    bench.kill()
    bench.scan(3)
    assert bench.state == "Held"
    bench.values["do"] = 50.0
    bench.order(Verb.BATCH_RESTART)
    bench.scan(4)
    assert programs(bench)[-1] == begun
    json.dumps(bench.engine.state(), allow_nan=False)


def test_a_second_visit_is_a_start_of_its_own(make_bench):
    bench = make_bench(
        """
  - operation: fed
    title: Feed
    do:
      - feed: {loop: feed, program: constant, rate: 5 mL/h}
    until: [{when: do > 90 %, then: rest}, {when: elapsed > 9 h, then: end}]
  - operation: rest
    title: Rest
    until: [{when: do < 90 %, then: fed}, {when: elapsed > 9 h, then: end}]
"""
    ).start()
    for do in (50.0, 95.0, 50.0):
        bench.values["do"] = do
        bench.scan(4)
    keys = [one["run"] for one in programs(bench) if one.get("program")]
    assert len(keys) == len(set(keys)) == 2


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("growth_rate: 0.12 1/h", "growth_rat: 0.12 1/h", "growth_rate is missing"),
        ("growth_rate: 0.12 1/h", "growth_rate: 0.12", "a unit is missing"),
        ("growth_rate: 0.12 1/h", "growth_rate: 0.12 mL/h", "growth_rate"),
        ("growth_rate: 0.12 1/h", "growth_rate: 0.4 1/h", "0.4 h-1 is outside what the program takes 0.01 .. 0.3 h-1"),
        ("growth_rate: 0.12 1/h", "growth_rate: {0 h: 0.1 1/h}", "a number is expected, this is a table"),
        ("growth_rate: 0.12 1/h", "growth_rate: [1]", "growth_rate"),
        ("start: rate * 1 10*9", "start: warm", "start: a flow"),
        ("most: 60 mL/h", "most: 600 mL/h", "600 mL/h is outside what the program takes 0 .. 300 mL/h"),
        ("most: 60 mL/h", "points: {0 h: 1 mL/h}", "'points' is not known here"),
        ("at_end: hold", "at_end: halt", "'halt' is not known here stop or hold"),
        ("program: exponential", "program: exponentail", "no program 'exponentail' did you mean exponential?"),
        ("program: exponential", "program: perfusion", "no program 'perfusion'"),
        ("loop: feed\n          program", "loop: agitation\n          program", "loop 'agitation' has no program"),
        ("loop: feed\n          program", "loop: fed\n          program", "there is no loop 'fed'"),
        ("until: volume > 1.2 L", "until: volum > 1.2 L", "no 'volum' here"),
        ("wait_when: do < 20 %", "wait_when: do < 20 mL", "do not fit together"),
    ],
)
def test_a_mistake_is_found_when_the_recipe_is_checked(stirred_tank, header, old, new, message):
    text = header + FEED
    assert old in text
    with pytest.raises(Problems) as caught:
        load_recipe(text.replace(old, new, 1), stirred_tank)
    found = [f"{one.message} {one.hint}" for one in caught.value.problems]
    assert any(message in one for one in found), found
    line = caught.value.problems[0].line
    assert text.splitlines()[line - 1].strip()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("points: {12 h", "points: {-1 h", "a time from 0 h on is expected"),
        ("0 h: 1 mL/h", "0 h: 1", "a unit is missing"),
        ("0 h: 1 mL/h", "0 mL: 1 mL/h", "a time (h) is expected here"),
        ("0 h: 1 mL/h", "0 h: 1000 mL/h", "1000 mL/h is outside what the program takes"),
        ("points: {12 h: rate * 2 10*9, 0 h: 1 mL/h, 90 min: 2 mL/h}", "points: 5 mL/h", "a table from times to rates"),
        ("points: {12 h: rate * 2 10*9, 0 h: 1 mL/h, 90 min: 2 mL/h}, ", "", "points is missing"),
    ],
)
def test_a_mistake_in_a_table(stirred_tank, header, old, new, message):
    text = header + TABLE
    assert old in text
    with pytest.raises(Problems) as caught:
        load_recipe(text.replace(old, new, 1), stirred_tank)
    assert any(message in f"{one.message} {one.hint}" for one in caught.value.problems)


def test_what_the_formula_may_be_must_be_what_the_program_takes(stirred_tank, header):
    text = header.replace("  rate:\n", "  mu: {title: Growth, value: 0.1 1/h, hard: 0 .. 1 1/h, proven: 0 .. 1 1/h, "
                          "normal: 0 .. 1 1/h}\n  rate:\n") + FEED.replace("0.12 1/h", "mu")  # fmt: skip
    with pytest.raises(Problems) as caught:
        load_recipe(text, stirred_tank)
    [problem] = caught.value.problems
    assert "hard: 0 1/h .. 1 1/h reaches beyond what growth_rate of the program can be" in problem.message
    assert problem.path == ("formula", "mu", "hard")
