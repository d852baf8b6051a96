"""After a restart: Held where it was, nothing repeated, what was ending goes on ending."""

import json

import pytest

from controller.commands import Command, Verb
from controller.recipe.engine import Engine, RestoreError
from controller.recipe.states import State

VESSEL = "BR-101"


def test_the_state_is_json_and_comes_back_the_same(bench):
    bench.start(begin_at="expand").scan()
    bench.answer()
    bench.scan(5)
    stored = bench.engine.state()
    assert json.loads(json.dumps(stored, allow_nan=False)) == stored
    bench.kill()
    again = bench.engine.state()
    for entry, other in zip(stored["batches"], again["batches"], strict=True):
        assert other["progress"] == entry["progress"]
        changed = {key for key in entry["batch"] if entry["batch"][key] != other["batch"][key]}
        assert changed <= {"state", "state_s", "issued", "held_reason"}


def test_an_outage_is_on_record(bench):
    bench.start().scan(3).kill(outage_s=12.5)
    told = next(one for one in bench.events if one.subtype == "System")
    assert told.value == 12.5
    assert "12.5 s" in told.text
    assert bench.view["held_reason"] == "supervisor restarted after 12.5 s"


@pytest.mark.parametrize(
    ("verb", "scans", "after", "end"),
    [
        (Verb.BATCH_PAUSE, 1, "Held", "Held"),
        (Verb.BATCH_HOLD, 0, "Held", "Held"),
        (Verb.BATCH_HOLD, 3, "Held", "Held"),
        (Verb.BATCH_STOP, 0, "Stopping", "Stopped"),
        (Verb.BATCH_STOP, 1, "Stopping", "Stopped"),
        (Verb.BATCH_ABORT, 1, "Aborting", "Aborted"),
        (Verb.BATCH_ABORT, 3, "Aborted", "Aborted"),
    ],
)
def test_every_state_survives(bench, verb, scans, after, end):
    bench.start(begin_at="expand").scan(2)
    bench.order(verb)
    bench.scan(scans)
    bench.pending = []  # what was on its way died with the supervisor
    bench.kill()
    assert bench.state == after
    bench.scan(4)
    assert bench.state == end
    if end in {"Stopped", "Aborted"}:
        assert bench.modes["temperature"] == "off"


def test_an_idle_batch_stays_idle_and_a_started_one_begins_after_restart(bench):
    assert bench.create().applied
    bench.kill()
    assert bench.state == State.IDLE
    bench.order(Verb.BATCH_START)
    bench.kill()
    assert bench.state == State.HELD
    bench.order(Verb.BATCH_RESTART)
    bench.scan(3)
    assert bench.operation == "fill"


def test_a_feed_that_was_on_its_way_is_stopped(bench):
    bench.density = 2.0
    bench.start(begin_at="expand").scan()
    bench.answer()
    bench.until(lambda: any(one.target == "BR-101.feed" for one in bench.pending), 10)
    bench.kill()
    bench.scan(3)
    assert bench.setpoints["feed"] == 0.0
    assert bench.state == "Held"


@pytest.mark.parametrize("lost", [False, True])
def test_a_count_is_asked_for_under_the_same_number(bench, lost):
    """Killed between the answer and the counter: the request is in the journal, or it never got there."""
    bench.start(begin_at="expand").scan()
    bench.answer()
    bench.scan()
    assert bench.pending[-1].verb is Verb.WRITE_ONCE
    if lost:
        bench.pending = []
    bench.kill()
    bench.scan()
    bench.order(Verb.BATCH_RESTART)
    bench.scan(9)
    assert set(bench.requests) == {1}
    assert bench.values["sample_number"] == 1
    assert bench.view["prompts"] == []


def test_an_answer_that_is_replayed_asks_for_the_same_sample(bench):
    """The stored state is older than the answer: the answer and the request come again from the journal."""
    bench.start(begin_at="expand").scan()
    stored = json.loads(json.dumps(bench.engine.state()))
    prompt = bench.view["prompts"][0]["id"]
    bench.answer()
    bench.scan(5)
    assert bench.values["sample_number"] == 1
    bench.engine = Engine(bench.recipes, bench.classes)
    bench.engine.restore(stored, bench.now_s, 5.0)
    answer = Command(Verb.PROMPT_ANSWER, "B1", {"prompt": prompt, "inputs": {}}, "anna", "api", "done", journal=3)
    assert bench.engine.apply(answer, bench.now_s).applied
    bench.scan()
    bench.order(Verb.BATCH_RESTART)
    bench.scan(5)
    assert bench.requests == [1]
    assert bench.view["prompts"] == []


def test_nothing_stored_is_nothing_restored(bench):
    assert bench.engine.restore({}, 0.0, 0.0) == []
    assert bench.engine.view() == []


def test_a_batch_is_never_lost_in_silence(bench, ecoli):
    bench.start().scan()
    stored = bench.engine.state()
    with pytest.raises(RestoreError, match="without recipe car-t-expansion"):
        Engine({"other": ecoli}, bench.classes).restore(stored, 0.0, 0.0)
    with pytest.raises(RestoreError, match="without vessel BR-101"):
        Engine(bench.recipes, {}).restore(stored, 0.0, 0.0)
    with pytest.raises(RestoreError, match="not readable"):
        Engine(bench.recipes, bench.classes).restore({"batches": [{"batch": None, "progress": None}]}, 0.0, 0.0)
    with pytest.raises(RestoreError, match="not readable"):
        Engine(bench.recipes, bench.classes).restore({"batches": [3]}, 0.0, 0.0)


def test_a_recipe_is_found_by_its_content(bench):
    bench.start().scan()
    stored = bench.engine.state()
    engine = Engine({bench.recipe.sha256: bench.recipe}, bench.classes)
    engine.restore(stored, 0.0, 0.0)
    assert engine.view()[0]["operation"] == "fill"


def test_the_view_before_the_first_scan_knows_nothing(bench):
    bench.start(begin_at="equilibrate").scan().kill()
    assert bench.view["waiting_for"][0]["truth"] == "unknown"
