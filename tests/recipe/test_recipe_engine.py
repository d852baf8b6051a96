"""Batches: made, commanded in every state, held, stopped; prompts answered; what is refused, and why."""

import math

import pytest

from controller.commands import EventType, Outcome, Verb
from controller.recipe.engine import Engine
from controller.recipe.states import TABLE, Action, State, allowed

VESSEL = "BR-101"
TWO = """
  - operation: first
    title: First
    do:
      - set: {loop: temperature, to: warm}
      - set: {loop: feed, to: 5 mL/h}
    until:
      - {when: temperature > 36.5 Cel, for: 3 min, then: second, because: It is warm.}
      - {when: elapsed > 2 h, then: hold, because: It stays cold.}
  - operation: second
    title: Second
    until: [{when: elapsed > 1 h, then: end}]
"""


def into(bench, state):
    """Bring batch B1 into a state by commands and scans."""
    ways = {
        State.IDLE: [],
        State.RUNNING: [Verb.BATCH_START],
        State.PAUSING: [Verb.BATCH_START, None, Verb.BATCH_PAUSE],
        State.PAUSED: [Verb.BATCH_START, None, Verb.BATCH_PAUSE, None],
        State.HOLDING: [Verb.BATCH_START, None, Verb.BATCH_HOLD],
        State.HELD: [Verb.BATCH_START, None, Verb.BATCH_HOLD, None, None],
        State.RESTARTING: [Verb.BATCH_START, None, Verb.BATCH_HOLD, None, None, Verb.BATCH_RESTART],
        State.STOPPING: [Verb.BATCH_START, None, Verb.BATCH_STOP],
        State.STOPPED: [Verb.BATCH_START, None, Verb.BATCH_STOP, None, None],
        State.ABORTING: [Verb.BATCH_START, None, Verb.BATCH_ABORT],
        State.ABORTED: [Verb.BATCH_START, None, Verb.BATCH_ABORT, None, None],
    }
    assert bench.create().applied
    if state is State.COMPLETE:
        bench.order(Verb.BATCH_START)
        bench.until(lambda: bench.state == "Complete")
    for verb in ways.get(state, []):
        if verb is None:
            bench.scan()
        else:
            assert bench.order(verb).applied
    assert bench.state == state
    return bench


@pytest.mark.parametrize("state", list(State))
@pytest.mark.parametrize("action", list(Action))
def test_every_command_in_every_state(make_bench, state, action):
    bench = into(make_bench(TWO), state)
    before = len(bench.proposals)
    bench.events.clear()
    outcome = bench.order(Verb(f"batch.{action}"))
    to = TABLE[state].commands.get(action)
    if to is not None:
        assert outcome == Outcome(outcome.command, applied=True)
    elif outcome.applied:
        assert "already" in outcome.reason
    else:
        assert outcome.allowed == allowed(state)
        assert str(state) in outcome.reason
        assert bench.state == state
    if action is Action.RESET and outcome.applied:
        assert bench.engine.view() == []
    else:
        assert bench.state == (to or state)
    if to is None:
        assert len(bench.proposals) == before


def test_state_changes_are_on_record_with_who_and_why(make_bench):
    bench = make_bench(TWO).start().scan()
    bench.order(Verb.BATCH_HOLD, reason="foam", who="berta")
    bench.scan(3)
    started, entered, holding, held = [one for one in bench.events if one.subtype == "State Change"]
    assert (started.value, started.previous, started.who, started.command) == ("Running", "Idle", "anna", 2)
    assert (holding.value, holding.who, holding.reason, holding.batch) == ("Holding", "berta", "foam", "B1")
    assert holding.type is EventType.PROCEDURAL
    assert (entered.value, held.value, held.who) == ("first", "Held", "recipe B1")
    assert bench.view["held_reason"] == "foam"


def test_setpoints_go_out_once_with_their_place_in_the_recipe(make_bench):
    bench = make_bench(TWO).start().scan(5)
    commands = [(one.verb, one.target, dict(one.value), one.reason) for one in bench.proposals]
    assert commands == [
        (Verb.SETPOINT, "BR-101.temperature", {"value": 37.0}, "small/first/set temperature"),
        (Verb.MODE, "BR-101.temperature", {"mode": "auto"}, "small/first/set temperature"),
        (Verb.SETPOINT, "BR-101.feed", {"value": 5.0}, "small/first/set feed"),
        (Verb.MODE, "BR-101.feed", {"mode": "auto"}, "small/first/set feed"),
    ]
    assert {(one.source, one.who) for one in bench.proposals} == {("recipe", "recipe B1")}


def test_loops_that_are_driven_follow(bench):
    bench.start(begin_at="expand").scan()
    orders = [(one.target, one.value["mode"]) for one in bench.proposals if one.verb is Verb.MODE]
    assert orders.index(("BR-101.agitation", "auto")) < orders.index(("BR-101.agitation", "cascade"))
    assert ("BR-101.do", "auto") in orders


def test_dwell_counts_only_while_true(make_bench):
    bench = make_bench(TWO).start().scan()
    for temperature, operation in (
        [(36.6, "first"), (36.0, "first"), (math.nan, "first"), (36.6, "first")]
        + [(36.7, "first")] * 2
        + [(36.8, "second")]
    ):
        bench.move = lambda temperature=temperature: bench.values.update(temperature=temperature)
        bench.scan()
        assert bench.operation == operation
    assert bench.view["operations"] == [
        {"name": "first", "title": "First", "state": "done"},
        {"name": "second", "title": "Second", "state": "active"},
    ]


def test_what_it_waits_for(make_bench):
    bench = make_bench(TWO).start().scan(3)
    warm, cold = bench.view["waiting_for"]
    assert warm["when"] == "temperature > 36.5 Cel"
    assert warm["truth"] == "false"
    assert warm["live"].startswith("temperature 2")
    assert cold == {
        "when": "elapsed > 2 h",
        "truth": "false",
        "live": "elapsed 0.03 > 2.00 h",
        "then": "hold",
        "because": "It stays cold.",
    }
    bench.values["temperature"] = math.nan
    bench.modes["temperature"] = "off"
    assert bench.view["waiting_for"][0]["truth"] == "unknown"
    bench.values["temperature"] = 36.9
    bench.scan(2)
    assert bench.view["waiting_for"][0]["live"] == "temperature 36.90 > 36.50 Cel, for 60 of 180 s"


def test_a_time_out_holds_and_a_restart_goes_on(make_bench):
    bench = make_bench(TWO)
    bench.start().scan()
    bench.move = lambda: None
    bench.until(lambda: bench.state == "Held")
    assert bench.view["held_reason"] == "It stays cold."
    assert bench.setpoints["feed"] == 0.0
    held_at = bench.view["operation_elapsed_s"]
    bench.scan(10)
    assert bench.view["operation_elapsed_s"] == held_at
    assert bench.order(Verb.BATCH_RESTART).applied
    bench.scan(5)
    assert bench.state == "Running"
    assert bench.setpoints["feed"] == 5.0
    assert "it has held the batch" in bench.view["waiting_for"][1]["live"]
    bench.values["temperature"] = 37.0
    bench.until(lambda: bench.state == "Complete")


def test_restart_puts_a_feed_of_an_earlier_operation_in_force_again(make_bench):
    bench = make_bench(TWO).start()
    bench.until(lambda: bench.operation == "second")
    bench.order(Verb.BATCH_HOLD)
    bench.scan(3)
    assert bench.setpoints["feed"] == 0.0
    bench.order(Verb.BATCH_RESTART)
    bench.scan(3)
    assert bench.setpoints["feed"] == 5.0
    assert bench.state == "Running"


def test_hold_keeps_everything_but_feeds(bench):
    bench.start(begin_at="expand").scan(2)
    before = len(bench.proposals)
    bench.order(Verb.BATCH_HOLD)
    bench.scan(4)
    assert {one.target for one in bench.proposals[before:]} == {"BR-101.feed"}
    assert bench.state == "Held"
    assert {bench.modes[name] for name in ("temperature", "ph", "do", "air")} == {"auto"}


def test_a_hold_that_is_not_confirmed_is_told_and_tried_again(make_bench):
    bench = make_bench(TWO).start().scan(3)
    bench.obey = lambda _command: None
    bench.order(Verb.BATCH_HOLD)
    bench.until(lambda: bench.state == "Held", 10)
    assert "not confirmed" in bench.view["held_reason"]
    assert [one for one in bench.events if one.type is EventType.MESSAGE]
    before = len(bench.proposals)
    bench.scan(3)
    assert {one.target for one in bench.proposals[before:]} == {"BR-101.feed"}, "said until it is seen"


def test_a_stop_that_is_not_confirmed_becomes_an_abort(make_bench):
    bench = make_bench(TWO).start().scan(3)
    bench.obey = lambda _command: None
    bench.order(Verb.BATCH_STOP)
    bench.until(lambda: bench.state == "Aborted", 10)
    assert ("BR-101.temperature", {"mode": "off"}) in [(one.target, dict(one.value)) for one in bench.proposals]


@pytest.mark.parametrize(("verb", "end"), [(Verb.BATCH_STOP, "Stopped"), (Verb.BATCH_ABORT, "Aborted")])
def test_the_end_switches_every_loop_of_the_recipe_off(bench, verb, end):
    bench.start(begin_at="expand").scan(2)
    bench.order(verb)
    bench.scan(4)
    assert bench.state == end
    assert {bench.modes[name] for name in ("temperature", "ph", "do", "air", "feed", "agitation")} == {"off"}
    assert bench.view["prompts"] == bench.view["waiting_for"] == []


def test_pause_keeps_control_and_lets_no_transition_fire(make_bench):
    bench = make_bench(TWO).start().scan()
    bench.order(Verb.BATCH_PAUSE)
    bench.scan(100)
    assert (bench.state, bench.operation, bench.modes["temperature"]) == ("Paused", "first", "auto")
    assert bench.setpoints["feed"] == 5.0
    bench.order(Verb.BATCH_RESUME)
    bench.scan(5)
    assert bench.operation == "second"


def test_formula_is_judged_by_its_three_ranges(make_bench):
    bench = make_bench(TWO)
    for value, reason, word in [(40.0, "x", "hard range"), (36.2, " ", "a reason is needed")]:
        outcome = bench.create(formula={"warm": value}, reason=reason)
        assert not outcome.applied
        assert word in outcome.reason
    assert bench.create(formula={"warm": 36.2}, reason="gentle").applied
    bench.scan()
    [deviation] = bench.view["deviations"]
    assert (deviation["outside"], deviation["reason"], deviation["who"]) == ("normal", "gentle", "anna")
    bench.order(Verb.BATCH_RESET)
    assert bench.create("B2", formula={"warm": 30.5}, reason="donor study").applied
    assert bench.view["deviations"][0]["outside"] == "proven"
    bench.scan()
    told = [one for one in bench.events if one.subtype == "Modification"]
    assert told[-1].text == "Deviation: warm 30.5 Cel, outside the proven (36.0 Cel .. 38.0 Cel)".replace(".0", "")
    assert bench.view["formula"]["warm"] == {"title": "Warm", "value": 30.5, "unit": "Cel"}


def test_values_at_a_converted_limit_are_inside(make_bench):
    bench = make_bench(TWO)
    assert bench.create(formula={"warm": 36.5 - 1e-12}, reason="").applied
    assert bench.view["deviations"] == []


@pytest.mark.parametrize(
    ("value", "reason", "allowed_names"),
    [
        ({"batch": "B1", "recipe": "nothing"}, "no recipe 'nothing'", ("small",)),
        ({"batch": "B1", "recipe": None}, "no recipe None", ("small",)),
        ({"batch": "", "recipe": "small"}, "needs an id", ()),
        ({"batch": "B1", "recipe": "small", "formula": {"cold": 3.0}}, "no parameter 'cold'", ("warm", "rate")),
        ({"batch": "B1", "recipe": "small", "formula": {"warm": True}}, "must be a number", ()),
        ({"batch": "B1", "recipe": "small", "formula": {"warm": math.nan}}, "must be a number", ()),
        ({"batch": "B1", "recipe": "small", "formula": {"warm": "37"}}, "must be a number", ()),
        ({"batch": "B1", "recipe": "small", "formula": [1]}, "must hold numbers by name", ()),
        ({"batch": "B1", "recipe": "small", "begin_at": "third"}, "no operation 'third'", ("first", "second")),
        ({"batch": "B1", "recipe": "small", "begin_at": 3}, "no operation 3", ("first", "second")),
    ],
)
def test_batches_that_are_not_made(make_bench, value, reason, allowed_names):
    bench = make_bench(TWO)
    outcome = bench.order(Verb.BATCH_CREATE, VESSEL, value)
    assert not outcome.applied
    assert reason in outcome.reason
    assert outcome.allowed == allowed_names
    assert bench.engine.view() == []


def test_a_vessel_holds_one_batch(make_bench):
    bench = make_bench(TWO)
    assert bench.order(Verb.BATCH_CREATE, "BR-999").allowed == (VESSEL,)
    assert bench.start().create("B2").reason == "BR-101 holds batch B1, which is Running"
    assert "B1 already" in bench.create("B1").reason
    assert bench.order(Verb.BATCH_HOLD, "B7").reason == "there is no batch 'B7'"
    bench.scan()
    bench.order(Verb.BATCH_ABORT)
    bench.scan(3)
    assert bench.create("B2").applied
    assert [one["id"] for one in bench.engine.view()] == ["B2"]
    bench.scan()
    assert [one.subtype for one in bench.events[-2:]] == ["Deallocation", "Allocation"]


def test_a_recipe_for_another_class_is_refused(make_bench, stirred_tank):
    bench = make_bench(TWO)
    other = stirred_tank.model_copy(update={"vessel_class": "other"})
    bench.engine = Engine(bench.recipes, {VESSEL: other})
    assert "does not fit other" in bench.create().reason


def test_begin_at_needs_a_reason_and_puts_in_force_what_came_before(bench):
    assert "a reason is needed" in bench.create(begin_at="expand", reason="").reason
    bench.start(begin_at="expand", reason="inoculated yesterday").scan(2)
    assert bench.operation == "expand"
    assert bench.setpoints["temperature"] == 37.0
    assert bench.view["deviations"][0]["what"] == "begin_at"
    assert bench.create("B2", begin_at="fill", reason="").applied is False


def test_beginning_at_the_first_operation_is_no_deviation(bench):
    assert bench.create(begin_at="fill", reason="").applied
    assert bench.view["deviations"] == []


def test_prompts_take_what_they_ask_for_only(bench):
    bench.start(begin_at="inoculate").scan()
    [prompt] = bench.view["prompts"]
    assert prompt["inputs"] == [
        {"name": "inoculum_volume", "title": "Volume added", "unit": "mL", "low": 1.0, "high": 200.0, "default": 50.0}
    ]
    for value, reason in [
        ({"prompt": "inoculate-9", "inputs": {}}, "no open prompt 'inoculate-9'"),
        ({"prompt": prompt["id"], "inputs": {}}, "inoculum_volume is missing"),
        ({"prompt": prompt["id"], "inputs": {"inoculum_volume": 500.0}}, "outside 1 .. 200"),
        ({"prompt": prompt["id"], "inputs": {"inoculum_volume": "50"}}, "must be a number"),
        ({"prompt": prompt["id"], "inputs": {"volume": 3.0, "inoculum_volume": 50.0}}, "no input 'volume'"),
        ({"prompt": prompt["id"], "inputs": [50.0]}, "must hold numbers by name"),
    ]:
        outcome = bench.order(Verb.PROMPT_ANSWER, value=value)
        assert not outcome.applied
        assert reason in outcome.reason
    assert bench.view["prompts"] == [prompt]
    assert bench.answer({"inoculum_volume": 60}) == prompt["id"]
    bench.scan()
    [response] = [one for one in bench.events if one.subtype == "Prompt Response"]
    assert (response.type, response.who, response.command) == (EventType.OPERATOR, "anna", bench.journal)
    assert response.value == {
        "prompt": prompt["id"],
        "inputs": {"inoculum_volume": 60.0},
        "simulate": {"inoculate": {"volume": 60.0, "density": 10.5}},
    }
    again = bench.order(Verb.PROMPT_ANSWER, value={"prompt": prompt["id"], "inputs": {"inoculum_volume": 60.0}})
    assert "no open prompt" in again.reason


def test_prompts_stay_open_while_held(bench):
    bench.start().scan()
    [prompt] = bench.view["prompts"]
    bench.order(Verb.BATCH_HOLD)
    bench.scan(3)
    assert bench.view["prompts"] == [prompt]
    bench.answer()
    bench.order(Verb.BATCH_RESTART)
    bench.scan(3)
    assert bench.operation == "equilibrate"


def test_operations_can_be_repeated(make_bench):
    bench = make_bench("""
  - operation: mix
    title: Mix
    until: [{when: elapsed > 10 min, then: ask}]
  - operation: ask
    title: Ask
    do:
      - prompt: more
        text: Enter the volume.
        inputs: {added: {title: Added, unit: mL, low: 0 mL, high: 10 mL}}
    until: [{when: volume > 1.5 L, then: end}, {when: elapsed > 1 h, then: mix}]
""").start()
    bench.until(lambda: bench.operation == "ask")
    first = bench.view["prompts"][0]
    assert first["inputs"][0]["default"] is None
    bench.until(lambda: bench.operation == "mix", answering=False)
    bench.until(lambda: bench.operation == "ask", answering=False)
    assert bench.view["prompts"][0]["id"] != first["id"]
    bench.values["volume"] = 1.6
    bench.scan(2)
    assert bench.state == "Complete"
    assert [one["state"] for one in bench.view["operations"]] == ["done", "done"]


def test_a_class_without_sample_numbers_reads_densities_as_they_are(make_bench, stirred_tank):
    procedure = """
  - operation: grow
    title: Grow
    until: [{when: viable_density > 4 10*6/mL, then: end}, {when: elapsed > 1 h, then: end}]
"""
    bench = make_bench(procedure)
    kept = {name: tag for name, tag in stirred_tank.measurements.items() if name != "sample_number"}
    bench.engine = Engine(bench.recipes, {VESSEL: stirred_tank.model_copy(update={"measurements": kept})})
    bench.values["viable_density"] = 5.0
    bench.start().scan(3)
    assert bench.state == "Complete"


def test_a_refused_proposal_holds_the_batch(make_bench):
    bench = make_bench(TWO).start().scan()
    bench.engine.settle([Outcome(bench.proposals[0], applied=True)])
    assert bench.state == "Running"
    bench.engine.settle([Outcome(bench.proposals[0], applied=False, reason="not now")])
    assert bench.state == "Holding"
    assert "loop.setpoint BR-101.temperature was refused: not now" in bench.view["held_reason"]
    bench.engine.settle([Outcome(bench.proposals[0], applied=False, reason="not now")])
    bench.scan()
    assert bench.events[-1].type is EventType.MESSAGE
    assert bench.engine.operation(VESSEL) == "first"
    assert bench.engine.operation("BR-999") == ""


TUNABLE = """
  - operation: first
    title: First
    auto_tune: [temperature]
    do: [{set: {loop: temperature, to: warm}}]
    until: [{when: elapsed > 5 min, then: second}]
  - operation: second
    title: Second
    until: [{when: elapsed > 1 h, then: end}]
"""


def test_p16_only_an_operation_that_says_so_lets_a_loop_be_tuned(make_bench):
    bench = make_bench(TUNABLE)
    assert bench.engine.no_tuning(VESSEL, "temperature") == "", "without a batch anybody may"
    bench.create()
    assert bench.engine.no_tuning(VESSEL, "temperature") == "", "an idle batch has no operation yet"
    bench.order(Verb.BATCH_START)
    bench.scan(2)
    assert bench.engine.no_tuning(VESSEL, "temperature") == ""
    assert "is in 'First', which does not allow it" in bench.engine.no_tuning(VESSEL, "ph")
    bench.until(lambda: bench.operation == "second")
    assert "B1 is in 'Second'" in bench.engine.no_tuning(VESSEL, "temperature")
    bench.order(Verb.BATCH_STOP)
    bench.scan(3)
    assert bench.engine.no_tuning(VESSEL, "temperature") == ""


def test_no_batch_is_made_where_an_alarm_counts_during_a_misspelt_operation(bench):
    """It would never sound in that batch."""
    alarms = bench.vessel_class.alarms
    wrong = alarms["ph_low"].model_copy(update={"during": ["expand", "expnd"]})
    broken = bench.vessel_class.model_copy(update={"alarms": {**alarms, "ph_low": wrong}})
    bench.engine = Engine(bench.recipes, {VESSEL: broken})
    outcome = bench.create()
    assert not outcome.applied
    assert outcome.reason == (
        "stirred-tank-2l: the alarm ph_low counts during 'expnd', an operation that no recipe here has; "
        "did you mean expand?"
    )
